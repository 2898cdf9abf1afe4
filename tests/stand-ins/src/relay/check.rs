//! Checks of request bodies that complain as the service does: with a list of issues as JSON text.

use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::text::units;
use crate::rest::RestRefusal;

/// A step on the way to a value.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum PathStep {
    Field(&'static str),
    Entry(usize),
}

/// One thing that is wrong; fields in the order the service writes them in.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Issue {
    Type {
        code: &'static str,
        expected: &'static str,
        received: &'static str,
        path: Vec<PathStep>,
        message: String,
    },
    /// A value that should be one of a few and is not even text.
    ChoiceType {
        expected: String,
        received: &'static str,
        code: &'static str,
        path: Vec<PathStep>,
        message: String,
    },
    Choice {
        received: String,
        code: &'static str,
        options: &'static [&'static str],
        path: Vec<PathStep>,
        message: String,
    },
    TooSmall {
        code: &'static str,
        minimum: usize,
        #[serde(rename = "type")]
        of: &'static str,
        inclusive: bool,
        exact: bool,
        message: String,
        path: Vec<PathStep>,
    },
    TooBig {
        code: &'static str,
        maximum: usize,
        #[serde(rename = "type")]
        of: &'static str,
        inclusive: bool,
        exact: bool,
        message: String,
        path: Vec<PathStep>,
    },
    Format {
        validation: &'static str,
        code: &'static str,
        message: String,
        path: Vec<PathStep>,
    },
}

/// A format that a text must have.
#[derive(Clone, Copy)]
pub(super) enum Format {
    Uuid,
    Email,
    Url,
}

/// A body under examination: what is wrong with it so far, and where in it one is.
#[derive(Default)]
pub(super) struct Check {
    issues: Vec<Issue>,
    path: Vec<PathStep>,
}

impl Check {
    /// Returns `read`, or the refusal with all issues found.
    pub(super) fn done<T>(self, read: T) -> Result<T, RestRefusal> {
        if self.issues.is_empty() {
            return Ok(read);
        }
        // Issues are plain data; writing them does not fail.
        let message = serde_json::to_string_pretty(&self.issues).unwrap_or_default();
        Err(RestRefusal::invalid(message))
    }

    /// The fields of an object; none where it is something else.
    pub(super) fn object<'v>(&mut self, value: &'v Value) -> Option<&'v Map<String, Value>> {
        if !value.is_object() {
            self.wrong_type("object", Some(value));
        }
        value.as_object()
    }

    /// Required text of at least `least` units.
    pub(super) fn text<'v>(
        &mut self,
        fields: &'v Map<String, Value>,
        name: &'static str,
        least: usize,
        most: usize,
    ) -> &'v str {
        self.at(PathStep::Field(name), |check| {
            check.bounded_text(fields.get(name), least, most)
        })
        .unwrap_or_default()
    }

    /// Text that may be left out.
    pub(super) fn optional_text<'v>(
        &mut self,
        fields: &'v Map<String, Value>,
        name: &'static str,
        least: usize,
        most: usize,
    ) -> Option<&'v str> {
        let value = fields.get(name)?;
        self.at(PathStep::Field(name), |check| {
            check.bounded_text(Some(value), least, most)
        })
    }

    /// The same, which has to look like something.
    pub(super) fn formatted<'v>(
        &mut self,
        fields: &'v Map<String, Value>,
        name: &'static str,
        format: Format,
        required: bool,
    ) -> Option<&'v str> {
        let value = fields.get(name);
        if value.is_none() && !required {
            return None;
        }
        self.at(PathStep::Field(name), |check| {
            let text = check.bounded_text(value, 0, usize::MAX)?;
            check.looks_like(text, format);
            Some(text)
        })
    }

    /// One of a few words; `default` where it is left out.
    pub(super) fn choice<'v>(
        &mut self,
        fields: &'v Map<String, Value>,
        name: &'static str,
        options: &'static [&'static str],
        default: Option<&'static str>,
    ) -> &'v str {
        match (fields.get(name), default) {
            (None, Some(default)) => default,
            (value, _) => self
                .at(PathStep::Field(name), |check| check.one_of(value, options))
                .unwrap_or_default(),
        }
    }

    /// The same without a default.
    pub(super) fn optional_choice<'v>(
        &mut self,
        fields: &'v Map<String, Value>,
        name: &'static str,
        options: &'static [&'static str],
    ) -> Option<&'v str> {
        let value = fields.get(name)?;
        self.at(PathStep::Field(name), |check| {
            check.one_of(Some(value), options)
        })
    }

    /// A number that may be left out, from 0 to `most`.
    pub(super) fn optional_number<'v>(
        &mut self,
        fields: &'v Map<String, Value>,
        name: &'static str,
        most: usize,
    ) -> Option<&'v Number> {
        let value = fields.get(name)?;
        self.at(PathStep::Field(name), |check| {
            let Value::Number(number) = value else {
                check.wrong_type("number", Some(value));
                return None;
            };
            let size = number.as_f64().unwrap_or_default();
            if size < 0.0 {
                let message = "Number must be greater than or equal to 0".to_owned();
                check.too_small("number", 0, message);
            } else if size > f64::from(u32::try_from(most).unwrap_or(u32::MAX)) {
                let message = format!("Number must be less than or equal to {most}");
                check.too_big("number", most, message);
            }
            Some(number)
        })
    }

    /// A list of so many entries, each read by `read`; empty where it is left out and that is
    /// allowed.
    pub(super) fn list<'v, T>(
        &mut self,
        fields: &'v Map<String, Value>,
        name: &'static str,
        required: bool,
        (least, most): (usize, usize),
        mut read: impl FnMut(&mut Self, &'v Value) -> Option<T>,
    ) -> Vec<T> {
        let value = fields.get(name);
        if value.is_none() && !required {
            return Vec::new();
        }
        self.at(PathStep::Field(name), |check| {
            let Some(Value::Array(entries)) = value else {
                check.wrong_type("array", value);
                return Vec::new();
            };
            if entries.len() < least {
                let message = format!("Array must contain at least {least} element(s)");
                check.too_small("array", least, message);
            } else if entries.len() > most {
                let message = format!("Array must contain at most {most} element(s)");
                check.too_big("array", most, message);
            }
            let entries = entries.iter().enumerate();
            let read = entries.filter_map(|(n, e)| check.at(PathStep::Entry(n), |c| read(c, e)));
            read.collect()
        })
    }

    /// An entry that has to be text.
    pub(super) fn entry_text<'v>(&mut self, value: &'v Value, most: usize) -> Option<&'v str> {
        self.bounded_text(Some(value), 0, most)
    }

    fn at<T>(&mut self, step: PathStep, look: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let found = look(self);
        self.path.pop();
        found
    }

    fn bounded_text<'v>(
        &mut self,
        value: Option<&'v Value>,
        least: usize,
        most: usize,
    ) -> Option<&'v str> {
        let Some(Value::String(text)) = value else {
            self.wrong_type("string", value);
            return None;
        };
        let length = units(text);
        if length < least {
            let message = format!("String must contain at least {least} character(s)");
            self.too_small("string", least, message);
        } else if length > most {
            let message = format!("String must contain at most {most} character(s)");
            self.too_big("string", most, message);
        }
        Some(text)
    }

    fn looks_like(&mut self, text: &str, format: Format) {
        let (validation, fits) = match format {
            Format::Uuid => (
                "uuid",
                text.len() == 36 && uuid::Uuid::try_parse(text).is_ok(),
            ),
            Format::Email => ("email", is_email(text)),
            Format::Url => ("url", text.split_once(':').is_some_and(is_url)),
        };
        if !fits {
            self.issues.push(Issue::Format {
                validation,
                code: "invalid_string",
                message: format!("Invalid {validation}"),
                path: self.path.clone(),
            });
        }
    }

    fn one_of<'v>(
        &mut self,
        value: Option<&'v Value>,
        options: &'static [&'static str],
    ) -> Option<&'v str> {
        let quoted: Vec<String> = options.iter().map(|option| format!("'{option}'")).collect();
        let expected = quoted.join(" | ");
        let path = self.path.clone();
        let Some(Value::String(given)) = value else {
            let received = kind_of(value);
            self.issues.push(Issue::ChoiceType {
                message: wrong_type_message(&expected, received),
                expected,
                received,
                code: "invalid_type",
                path,
            });
            return None;
        };
        if !options.contains(&given.as_str()) {
            self.issues.push(Issue::Choice {
                message: format!("Invalid enum value. Expected {expected}, received '{given}'"),
                received: given.clone(),
                code: "invalid_enum_value",
                options,
                path,
            });
        }
        Some(given)
    }

    fn wrong_type(&mut self, expected: &'static str, value: Option<&Value>) {
        let received = kind_of(value);
        self.issues.push(Issue::Type {
            code: "invalid_type",
            expected,
            received,
            path: self.path.clone(),
            message: wrong_type_message(expected, received),
        });
    }

    fn too_small(&mut self, of: &'static str, minimum: usize, message: String) {
        self.issues.push(Issue::TooSmall {
            code: "too_small",
            minimum,
            of,
            inclusive: true,
            exact: false,
            message,
            path: self.path.clone(),
        });
    }

    fn too_big(&mut self, of: &'static str, maximum: usize, message: String) {
        self.issues.push(Issue::TooBig {
            code: "too_big",
            maximum,
            of,
            inclusive: true,
            exact: false,
            message,
            path: self.path.clone(),
        });
    }
}

fn wrong_type_message(expected: &str, received: &str) -> String {
    if received == "undefined" {
        "Required".to_owned()
    } else {
        format!("Expected {expected}, received {received}")
    }
}

fn kind_of(value: Option<&Value>) -> &'static str {
    match value {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    }
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(mailbox, host)| {
        let plain = |s: &str| !s.is_empty() && !s.contains([' ', '@']);
        plain(mailbox) && plain(host) && host.contains('.')
    })
}

fn is_url((scheme, rest): (&str, &str)) -> bool {
    !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric()) && !rest.is_empty()
}
