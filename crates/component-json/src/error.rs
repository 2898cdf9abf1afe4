//! Errors of arguments and answers that do not match their type, with the field's path and a fix.

use thiserror::Error;

/// An invalid argument.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {reason}. {next}")]
pub struct BadArgument {
    /// Path of the field, such as `filters.kinds[2]`; empty for the arguments as a whole.
    pub field: String,
    /// The reason.
    pub reason: String,
    /// The fix.
    pub next: String,
}

impl BadArgument {
    pub(super) fn new(reason: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            field: String::new(),
            reason: reason.into(),
            next: next.into(),
        }
    }

    pub(super) fn in_field(mut self, name: &str) -> Self {
        let dot = if self.field.is_empty() || self.field.starts_with('[') {
            ""
        } else {
            "."
        };
        self.field = format!("{name}{dot}{}", self.field);
        self
    }

    pub(super) fn in_item(mut self, index: usize) -> Self {
        let dot = if self.field.is_empty() || self.field.starts_with('[') {
            ""
        } else {
            "."
        };
        self.field = format!("[{index}]{dot}{}", self.field);
        self
    }
}

/// A component's answer that does not match its type, or that JSON cannot represent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the answer does not fit its own type: {0}")]
pub struct BadAnswer(pub(super) &'static str);

impl BadAnswer {
    /// The value of a function that returns no `result`.
    pub const NOT_A_RESULT: Self = Self("it is no result");
    /// A value that another type than the contract's has.
    pub const NOT_OF_THE_CONTRACT: Self = Self("it is not what the contract says");
}
