//! Types of a trusted document's variables, and the check of a JSON value against them.

use std::fmt;

use crate::outbound::formats::{is_date, is_date_time, is_uuid};
use serde_json::Value;
use thiserror::Error;

/// Most items of a list variable.
pub const LIST_MAX: usize = 200;
/// Most bytes of a text variable.
pub const TEXT_MAX: usize = 64 * 1024;

/// The declared type of a variable: a scalar or a list of scalars, as GraphQL writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableType {
    scalar: Scalar,
    /// True if a value (or an item) may be null.
    nullable: bool,
    /// For a list: true if the list itself may be null.
    list: Option<bool>,
    /// The only allowed values (or items); `None` for any of the type.
    closed: Option<Vec<String>>,
    /// Minimum and maximum: of a list in items; of a text in letters and digits, and in characters.
    length: Option<(usize, usize)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Scalar {
    Text,
    Int,
    Float,
    Boolean,
    Uuid,
    DateTime,
    Date,
    /// Any other name is an enum, whose values are words.
    Enum(String),
}

/// A text that is not a variable type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a variable type: write `Name`, `Name!` or a list of them as in `[Name!]!`")]
pub struct VariableTypeError(String);

/// A mismatch between a value and its declared type. Names the type, never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableMisfit {
    /// Null where it may not be.
    Null,
    /// Of another type or form.
    Type,
    /// Too many items or bytes.
    Size,
    /// An object with a member that is not listed.
    Member,
    /// A value that is not listed, or an empty list where values are listed.
    Value,
    /// A text or a list outside its declared length.
    Length,
}

/// An error in the limits of a variable.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LimitsError {
    /// Listed values for a type that cannot have them.
    #[error(
        "values are listed for a `String` or an enum and lists of them, each a text of its own"
    )]
    Values,
    /// A length that is not a range, or of a type without a length.
    #[error("write a length as `2..200`: items of a list, letters and digits of a `String`")]
    Length,
}

impl VariableType {
    /// Parses a type.
    ///
    /// # Errors
    /// Fails if it is not a scalar or a list of scalars.
    pub fn parse(text: &str) -> Result<Self, VariableTypeError> {
        let (outer, nullable) = strip_bang(text);
        let parsed = match outer
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            Some(inner) => {
                let (name, item_nullable) = strip_bang(inner);
                Scalar::named(name).map(|scalar| Self {
                    scalar,
                    nullable: item_nullable,
                    list: Some(nullable),
                    closed: None,
                    length: None,
                })
            }
            None => Scalar::named(outer).map(|scalar| Self {
                scalar,
                nullable,
                list: None,
                closed: None,
                length: None,
            }),
        };
        parsed.ok_or_else(|| VariableTypeError(text.to_owned()))
    }

    /// Restricts the type to these values. A list must then hold at least one, since many services
    /// read an empty list as no restriction at all.
    ///
    /// # Errors
    /// Fails if there are no values, or the type is not made of texts.
    pub fn closed_to(mut self, values: Vec<String>) -> Result<Self, LimitsError> {
        let known = values.iter().enumerate().all(|(index, value)| {
            !value.is_empty() && !values.iter().take(index).any(|other| other == value)
        });
        if values.is_empty() || !known || !matches!(self.scalar, Scalar::Text | Scalar::Enum(_)) {
            return Err(LimitsError::Values);
        }
        self.closed = Some(values);
        Ok(self)
    }

    /// Restricts the length, written `2..200`: of a list, that many items; of a text, at least that
    /// many letters and digits and at most that many characters. A text of signs alone is an empty
    /// query to a full-text search.
    ///
    /// # Errors
    /// Fails if the text is not a range, or the type has no length.
    pub fn of_length(mut self, range: &str) -> Result<Self, LimitsError> {
        let counted = self.list.is_some() || self.scalar == Scalar::Text;
        let ends = range.split_once("..").and_then(|(least, most)| {
            Some((least.parse::<usize>().ok()?, most.parse::<usize>().ok()?))
        });
        match ends {
            Some((least, most)) if counted && least <= most && most > 0 => {
                self.length = Some((least, most));
                Ok(self)
            }
            _ => Err(LimitsError::Length),
        }
    }

    /// Returns true if its values are texts that the sender chooses freely: no number, date or id,
    /// and no word of a closed list.
    #[must_use]
    pub fn is_free_text(&self) -> bool {
        matches!(self.scalar, Scalar::Text | Scalar::Enum(_)) && self.closed.is_none()
    }

    /// Checks that a value is of this type.
    ///
    /// # Errors
    /// Returns the mismatch.
    pub fn check(&self, value: &Value) -> Result<(), VariableMisfit> {
        let Some(list_nullable) = self.list else {
            self.check_one(value)?;
            return match (value, self.length) {
                (Value::String(text), Some((least, most))) => {
                    let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
                    let fits = letters >= least && text.chars().count() <= most;
                    if fits {
                        Ok(())
                    } else {
                        Err(VariableMisfit::Length)
                    }
                }
                _ => Ok(()),
            };
        };
        match value {
            Value::Null if list_nullable => Ok(()),
            Value::Null => Err(VariableMisfit::Null),
            Value::Array(items) if items.len() > LIST_MAX => Err(VariableMisfit::Size),
            Value::Array(items) => {
                let (least, most) = self.length.unwrap_or((0, LIST_MAX));
                if !(least..=most).contains(&items.len()) {
                    return Err(VariableMisfit::Length);
                }
                if self.closed.is_some() && items.is_empty() {
                    return Err(VariableMisfit::Value);
                }
                items.iter().try_for_each(|item| self.check_one(item))
            }
            _ => Err(VariableMisfit::Type),
        }
    }

    fn check_one(&self, value: &Value) -> Result<(), VariableMisfit> {
        match value {
            Value::Null if self.nullable => Ok(()),
            Value::Null => Err(VariableMisfit::Null),
            Value::String(text) if text.len() > TEXT_MAX => Err(VariableMisfit::Size),
            value if self.scalar.fits(value) => match &self.closed {
                Some(values) if !values.iter().any(|known| value == known) => {
                    Err(VariableMisfit::Value)
                }
                _ => Ok(()),
            },
            _ => Err(VariableMisfit::Type),
        }
    }
}

impl fmt::Display for VariableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bang = |nullable| if nullable { "" } else { "!" };
        let name = self.scalar.name();
        match self.list {
            Some(list) => write!(f, "[{name}{}]{}", bang(self.nullable), bang(list)),
            None => write!(f, "{name}{}", bang(self.nullable)),
        }
    }
}

impl Scalar {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "String" | "ID" => Self::Text,
            "Int" => Self::Int,
            "Float" => Self::Float,
            "Boolean" => Self::Boolean,
            "UUID" => Self::Uuid,
            "DateTime" => Self::DateTime,
            "Date" => Self::Date,
            other if is_word(other) && !other.starts_with(|c: char| c.is_ascii_digit()) => {
                Self::Enum(other.to_owned())
            }
            _ => return None,
        })
    }

    fn name(&self) -> &str {
        match self {
            Self::Text => "String",
            Self::Int => "Int",
            Self::Float => "Float",
            Self::Boolean => "Boolean",
            Self::Uuid => "UUID",
            Self::DateTime => "DateTime",
            Self::Date => "Date",
            Self::Enum(name) => name,
        }
    }

    fn fits(&self, value: &Value) -> bool {
        let text = |form: fn(&str) -> bool| value.as_str().is_some_and(form);
        match self {
            Self::Text => value.is_string(),
            // GraphQL's Int has 32 bits.
            Self::Int => value
                .as_i64()
                .is_some_and(|number| i32::try_from(number).is_ok()),
            Self::Float => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Uuid => text(is_uuid),
            Self::DateTime => text(is_date_time),
            Self::Date => text(is_date),
            Self::Enum(_) => text(is_word),
        }
    }
}

fn strip_bang(text: &str) -> (&str, bool) {
    text.strip_suffix('!')
        .map_or((text, true), |rest| (rest, false))
}

fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn value_matches_its_type_and_no_other() {
        let long = "x".repeat(TEXT_MAX + 1);
        let many: Vec<u8> = vec![1; LIST_MAX + 1];
        for (declared, value, expected) in [
            ("String!", json!("a"), Ok(())),
            ("String!", json!(null), Err(VariableMisfit::Null)),
            ("String", json!(null), Ok(())),
            ("String!", json!(1), Err(VariableMisfit::Type)),
            ("String!", json!({"a": 1}), Err(VariableMisfit::Type)),
            ("String!", json!(["a"]), Err(VariableMisfit::Type)),
            ("String!", json!(long), Err(VariableMisfit::Size)),
            ("Int!", json!(5), Ok(())),
            ("Int!", json!(5.0), Err(VariableMisfit::Type)),
            ("Int!", json!(3_000_000_000_u64), Err(VariableMisfit::Type)),
            ("Float!", json!(5.5), Ok(())),
            ("Boolean!", json!(true), Ok(())),
            ("Boolean!", json!("true"), Err(VariableMisfit::Type)),
            (
                "UUID!",
                json!("00000000-0000-4000-8000-00000000000a"),
                Ok(()),
            ),
            (
                "UUID!",
                json!("00000000-0000-4000-8000-00000000000g"),
                Err(VariableMisfit::Type),
            ),
            (
                "[UUID!]!",
                json!(["00000000-0000-4000-8000-000000000000"]),
                Ok(()),
            ),
            (
                "[UUID!]!",
                json!("00000000-0000-4000-8000-000000000000"),
                Err(VariableMisfit::Type),
            ),
            ("[String!]!", json!([]), Ok(())),
            ("[String!]!", json!([null]), Err(VariableMisfit::Null)),
            ("[String]!", json!([null]), Ok(())),
            ("[String!]!", json!(null), Err(VariableMisfit::Null)),
            ("[String!]", json!(null), Ok(())),
            ("[Int!]!", json!(many), Err(VariableMisfit::Size)),
            ("[String!]!", json!([["a"]]), Err(VariableMisfit::Type)),
            ("DateTime!", json!("2026-07-01T10:00:00Z"), Ok(())),
            ("DateTime!", json!("2026-07-01T10:00:00.123+02:00"), Ok(())),
            ("DateTime!", json!("2026-07-01T10:00:00-23:59"), Ok(())),
            (
                "DateTime!",
                json!("2026-07-01T10:00:00+99:99"),
                Err(VariableMisfit::Type),
            ),
            (
                "DateTime!",
                json!("2026-07-01T25:00:00Z"),
                Err(VariableMisfit::Type),
            ),
            (
                "DateTime!",
                json!("2026-07-01T10:00:00"),
                Err(VariableMisfit::Type),
            ),
            ("DateTime!", json!("2026-07-01"), Err(VariableMisfit::Type)),
            ("Date!", json!("2026-07-01"), Ok(())),
            ("Date!", json!("2026-13-01"), Err(VariableMisfit::Type)),
            ("Stage!", json!("NEW"), Ok(())),
            ("Stage!", json!("NEW LINE"), Err(VariableMisfit::Type)),
        ] {
            assert_eq!(
                VariableType::parse(declared).unwrap().check(&value),
                expected,
                "{declared} {value}"
            );
        }
    }

    #[test]
    fn closed_list_takes_its_values_alone() {
        let kinds = |declared: &str| {
            let values = ["person", "task"].map(str::to_owned).to_vec();
            VariableType::parse(declared).unwrap().closed_to(values)
        };
        let list = kinds("[String!]!").unwrap();
        for (value, expected) in [
            (json!(["person"]), Ok(())),
            (json!(["task", "person"]), Ok(())),
            (json!([]), Err(VariableMisfit::Value)),
            (json!(["staff"]), Err(VariableMisfit::Value)),
            (json!(["person", "message"]), Err(VariableMisfit::Value)),
            (json!(["Person"]), Err(VariableMisfit::Value)),
            (json!(["person "]), Err(VariableMisfit::Value)),
            (json!([""]), Err(VariableMisfit::Value)),
            (json!([null]), Err(VariableMisfit::Null)),
            (json!("person"), Err(VariableMisfit::Type)),
        ] {
            assert_eq!(list.check(&value), expected, "{value}");
        }
        let one = kinds("Kind").unwrap();
        assert_eq!(one.check(&json!("task")), Ok(()));
        assert_eq!(one.check(&json!(null)), Ok(()));
        assert_eq!(one.check(&json!("tasks")), Err(VariableMisfit::Value));
        assert_eq!(kinds("Int!"), Err(LimitsError::Values));
        let text = VariableType::parse("String!").unwrap();
        assert!(text.clone().closed_to(Vec::new()).is_err());
        assert!(text.closed_to(vec!["a".into(), "a".into()]).is_err());
    }

    #[test]
    fn length_counts_letters_or_items() {
        let sized =
            |declared: &str, range: &str| VariableType::parse(declared).unwrap().of_length(range);
        let query = sized("String!", "2..5").unwrap();
        for (value, expected) in [
            ("ab", Ok(())),
            ("a b", Ok(())),
            ("\u{674e}\u{674e}", Ok(())),
            ("abcde", Ok(())),
            ("", Err(VariableMisfit::Length)),
            ("  ", Err(VariableMisfit::Length)),
            ("a", Err(VariableMisfit::Length)),
            ("a%*", Err(VariableMisfit::Length)),
            ("%%", Err(VariableMisfit::Length)),
            ("abcdef", Err(VariableMisfit::Length)),
        ] {
            assert_eq!(query.check(&json!(value)), expected, "{value:?}");
        }
        let list = sized("[Stage!]!", "0..2").unwrap();
        assert_eq!(list.check(&json!([])), Ok(()));
        assert_eq!(list.check(&json!(["A", "B"])), Ok(()));
        assert_eq!(
            list.check(&json!(["A", "B", "C"])),
            Err(VariableMisfit::Length)
        );
        for (declared, range) in [
            ("Int!", "1..2"),
            ("String!", "2"),
            ("String!", "3..2"),
            ("String!", "0..0"),
            ("String!", "a..b"),
        ] {
            assert_eq!(sized(declared, range), Err(LimitsError::Length), "{range}");
        }
    }

    #[test]
    fn type_round_trips_and_nonsense_is_refused() {
        for text in ["String!", "String", "[Int!]!", "[Int]", "OrderDirection!"] {
            assert_eq!(VariableType::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "!", "[[Int]]", "[Int", "Int!!", "A B", "1a", "{}"] {
            assert!(VariableType::parse(text).is_err(), "{text}");
        }
    }
}
