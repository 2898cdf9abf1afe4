//! Reads an answer piece by piece, and names the place of anything unexpected.
//!
//! Readers derived from types would do the same with several times the code.

use jiff::Timestamp;
use serde_json::Value;

use super::errors;
use super::service::Service;
use crate::failure::Failure;
use crate::text::{self, Text};
use crate::transport::is_id;

/// A value of an unexpected shape; boxed, since every read may return it.
#[derive(Debug)]
pub struct ShapeError(Box<Failure>);

impl From<ShapeError> for Failure {
    fn from(wrong: ShapeError) -> Self {
        *wrong.0
    }
}

/// A place in an answer, with its value.
#[derive(Debug, Clone)]
pub struct JsonCursor<'v> {
    service: &'static Service,
    value: &'v Value,
    path: String,
}

impl<'v> JsonCursor<'v> {
    pub(super) fn new(service: &'static Service, value: &'v Value) -> Self {
        Self {
            service,
            value,
            path: String::new(),
        }
    }

    /// Returns a member; null where there is none.
    #[must_use]
    pub fn at(&self, name: &str) -> Self {
        let gap = if self.path.is_empty() { "" } else { "." };
        Self {
            service: self.service,
            value: self.value.get(name).unwrap_or(&Value::Null),
            path: format!("{}{gap}{name}", self.path),
        }
    }

    /// Returns the place itself, unless its value is null or missing.
    pub fn some(self) -> Option<Self> {
        (!self.value.is_null()).then_some(self)
    }

    /// Returns the items of a list.
    ///
    /// # Errors
    /// `schema-mismatch` where it is none.
    pub fn items(&self) -> Result<Vec<Self>, ShapeError> {
        let items = self.value.as_array().ok_or_else(|| self.wrong("a list"))?;
        let items = items.iter().enumerate().map(|(at, value)| Self {
            service: self.service,
            value,
            path: format!("{}[{at}]", self.path),
        });
        Ok(items.collect())
    }

    /// Reads a text, cleaned.
    ///
    /// # Errors
    /// `schema-mismatch` where it is none.
    pub fn text(&self) -> Result<Text, ShapeError> {
        let text = self.value.as_str().ok_or_else(|| self.wrong("a text"))?;
        Ok(Text::from(text))
    }

    /// Reads a short text to show or compare, cleaned, on one line.
    ///
    /// # Errors
    /// `schema-mismatch` where it is none.
    pub fn word(&self) -> Result<String, ShapeError> {
        Ok(text::line(self.text()?.as_str(), text::LABEL).0)
    }

    /// Reads an id that can be used in a path.
    ///
    /// # Errors
    /// `schema-mismatch` where it is none.
    pub fn id(&self) -> Result<String, ShapeError> {
        self.value
            .as_str()
            .filter(|id| is_id(id))
            .map(str::to_owned)
            .ok_or_else(|| self.wrong("an id"))
    }

    /// Reads a moment.
    ///
    /// # Errors
    /// `schema-mismatch` where it is none.
    pub fn time(&self) -> Result<Timestamp, ShapeError> {
        self.value
            .as_str()
            .and_then(|time| time.parse().ok())
            .ok_or_else(|| self.wrong("a date and time"))
    }

    /// Reads a count.
    ///
    /// # Errors
    /// `schema-mismatch` where it is no number.
    pub fn number(&self) -> Result<u32, ShapeError> {
        self.value
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .ok_or_else(|| self.wrong("a number"))
    }

    fn wrong(&self, expected: &str) -> ShapeError {
        let found = match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "another text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        let path = if self.path.is_empty() {
            "data"
        } else {
            &self.path
        };
        let what = format!("has another shape than it should: {found} where {expected} should be");
        ShapeError(Box::new(errors::mismatch(self.service, path, &what)))
    }
}
