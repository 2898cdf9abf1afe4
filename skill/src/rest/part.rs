//! Reading an answer piece by piece. Whatever is not as it should be is named by its place.
//!
//! Readers derived from types would do the same with several times the code.

use jiff::Timestamp;
use serde_json::Value;

use super::Service;
use crate::failure::Failure;
use crate::rest::errors;
use crate::text::{self, Text};
use crate::transport::is_id;

/// What is not as it should be; small, since it is handed on wherever something is read.
#[derive(Debug)]
pub struct Wrong(Box<Failure>);

impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        *wrong.0
    }
}

/// A place in an answer, and what stands there.
#[derive(Debug, Clone)]
pub struct Part<'v> {
    service: &'static Service,
    value: &'v Value,
    path: String,
}

impl<'v> Part<'v> {
    pub(super) fn new(service: &'static Service, value: &'v Value) -> Self {
        Self {
            service,
            value,
            path: String::new(),
        }
    }

    /// A member; null where there is none.
    #[must_use]
    pub fn at(&self, name: &str) -> Self {
        let gap = if self.path.is_empty() { "" } else { "." };
        Self {
            service: self.service,
            value: self.value.get(name).unwrap_or(&Value::Null),
            path: format!("{}{gap}{name}", self.path),
        }
    }

    /// Itself, unless it is null or missing.
    pub fn some(self) -> Option<Self> {
        (!self.value.is_null()).then_some(self)
    }

    /// The items of a list.
    ///
    /// # Errors
    /// `schema-mismatch` where it is none.
    pub fn items(&self) -> Result<Vec<Self>, Wrong> {
        let items = self.value.as_array().ok_or_else(|| self.wrong("a list"))?;
        let items = items.iter().enumerate().map(|(at, value)| Self {
            service: self.service,
            value,
            path: format!("{}[{at}]", self.path),
        });
        Ok(items.collect())
    }

    /// A text, cleaned.
    ///
    /// # Errors
    /// `schema-mismatch` where it is none.
    pub fn text(&self) -> Result<Text, Wrong> {
        let text = self.value.as_str().ok_or_else(|| self.wrong("a text"))?;
        Ok(Text::from(text))
    }

    /// A short text that is shown or compared, cleaned, on one line.
    ///
    /// # Errors
    /// `schema-mismatch` where it is none.
    pub fn word(&self) -> Result<String, Wrong> {
        Ok(text::line(self.text()?.as_str(), text::LABEL).0)
    }

    /// An id that can be asked for again.
    ///
    /// # Errors
    /// `schema-mismatch` where it is none.
    pub fn id(&self) -> Result<String, Wrong> {
        self.value
            .as_str()
            .filter(|id| is_id(id))
            .map(str::to_owned)
            .ok_or_else(|| self.wrong("an id"))
    }

    /// A moment.
    ///
    /// # Errors
    /// `schema-mismatch` where it is none.
    pub fn time(&self) -> Result<Timestamp, Wrong> {
        self.value
            .as_str()
            .and_then(|time| time.parse().ok())
            .ok_or_else(|| self.wrong("a date and time"))
    }

    /// How many.
    ///
    /// # Errors
    /// `schema-mismatch` where it is no number.
    pub fn number(&self) -> Result<u32, Wrong> {
        self.value
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .ok_or_else(|| self.wrong("a number"))
    }

    fn wrong(&self, expected: &str) -> Wrong {
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
        Wrong(Box::new(errors::mismatch(self.service, path, &what)))
    }
}
