//! JSON to component values and back, by shape.
//!
//! Into the component everything is checked: unknown fields, types, ranges, sizes. What goes wrong is said with the path of the
//! field and the nearest known name.

use serde_json::{Value, json};
use thiserror::Error;

mod answers;
mod arguments;

pub use answers::from_component;
pub use arguments::to_component;
pub(super) use arguments::{nothing_to_component, record_to_component};

/// Longest text among arguments, in bytes.
pub const TEXT_MAX: usize = 64 * 1024;
/// Most bytes of all arguments together.
pub const ARGUMENTS_MAX: usize = 256 * 1024;
/// Deepest nesting of arguments.
pub const DEPTH_MAX: usize = 32;

/// An argument that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {reason}. {next}")]
pub struct BadArgument {
    /// Where, such as `filters.kinds[2]`; empty for the arguments as a whole.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
    /// What to do instead.
    pub next: String,
}

impl BadArgument {
    fn new(reason: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            field: String::new(),
            reason: reason.into(),
            next: next.into(),
        }
    }

    fn in_field(mut self, name: &str) -> Self {
        let dot = if self.field.is_empty() || self.field.starts_with('[') {
            ""
        } else {
            "."
        };
        self.field = format!("{name}{dot}{}", self.field);
        self
    }

    fn in_item(mut self, index: usize) -> Self {
        let dot = if self.field.is_empty() || self.field.starts_with('[') {
            ""
        } else {
            "."
        };
        self.field = format!("[{index}]{dot}{}", self.field);
        self
    }

    /// The failure that a component would answer with: case `invalid-input`.
    #[must_use]
    pub fn to_failure(&self) -> Value {
        json!({"case": "invalid-input", "field": self.field, "reason": self.reason, "next": self.next})
    }
}

/// A component's answer that JSON cannot carry.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the answer does not fit its own type: {0}")]
pub struct BadAnswer(&'static str);

impl BadAnswer {
    pub(super) const NOT_A_RESULT: Self = Self("it is no result");
    pub(super) const NOT_OF_THE_CONTRACT: Self = Self("it is not what the contract says");
}

/// Checks size and depth of arguments before anything else looks at them.
///
/// # Errors
/// Which of them is too large.
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
