//! Limits of the size and depth of arguments, checked before anything else reads them.

use serde_json::Value;

use super::error::BadArgument;

/// Longest text among arguments, in bytes.
pub const TEXT_MAX: usize = 64 * 1024;
/// Most bytes of all arguments together.
pub const ARGUMENTS_MAX: usize = 256 * 1024;
/// Deepest nesting of arguments.
pub const DEPTH_MAX: usize = 32;

/// Checks the size and depth of arguments.
///
/// # Errors
/// Returns the path of the value that is too large or nested too deep.
pub fn measure(arguments: &Value) -> Result<(), BadArgument> {
    fn walk(value: &Value, depth: usize) -> Result<usize, BadArgument> {
        if depth > DEPTH_MAX {
            return Err(BadArgument::new(
                format!("is nested more than {DEPTH_MAX} deep"),
                "Give it in a flatter form.",
            ));
        }
        Ok(match value {
            Value::String(text) if text.len() > TEXT_MAX => {
                return Err(BadArgument::new(
                    format!("is longer than {TEXT_MAX} bytes"),
                    "Shorten it.",
                ));
            }
            Value::String(text) => text.len() + 2,
            Value::Array(items) => {
                let mut size = 2;
                for (index, item) in items.iter().enumerate() {
                    size += 1 + walk(item, depth + 1).map_err(|error| error.in_item(index))?;
                }
                size
            }
            Value::Object(members) => {
                let mut size = 2;
                for (name, member) in members {
                    if name.len() > TEXT_MAX {
                        return Err(BadArgument::new(
                            "has a name that is too long",
                            "Leave it out.",
                        ));
                    }
                    size += 4
                        + name.len()
                        + walk(member, depth + 1).map_err(|error| error.in_field(name))?;
                }
                size
            }
            _ => 8,
        })
    }
    if walk(arguments, 0)? > ARGUMENTS_MAX {
        return Err(BadArgument::new(
            format!("the arguments together are larger than {ARGUMENTS_MAX} bytes"),
            "Shorten them.",
        ));
    }
    Ok(())
}
