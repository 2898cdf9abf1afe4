//! A value that a write assigns to a field.

use serde_json::Value;

use crate::text;
use crate::twenty::mutations::Leaf;

/// A value to be set.
#[derive(Debug)]
pub(super) struct Assignment {
    /// The field's name for people.
    pub(super) name: String,
    /// Its path in the data of the write.
    pub(super) path: String,
    /// The value.
    pub(super) value: Value,
    /// The value as a person reads it.
    pub(super) display: String,
}

impl Assignment {
    /// Sets a text as it is.
    pub(super) fn text(name: &str, path: &str, value: &str) -> Self {
        Self::with_display(name, path, Value::from(value), value)
    }

    /// Sets a value that people read otherwise than it is stored.
    pub(super) fn with_display(name: &str, path: &str, value: Value, display: &str) -> Self {
        Self {
            name: name.to_owned(),
            path: path.to_owned(),
            value,
            display: text::line(display, 80).0,
        }
    }

    /// Returns path and value.
    pub(super) fn leaf(&self) -> Leaf {
        (self.path.clone(), self.value.clone())
    }
}
