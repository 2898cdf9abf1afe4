//! Arguments as they arrive: literals of the document with the request's variables put in. A
//! variable that was not sent is JavaScript's `undefined`, which is neither null nor an error.

use serde_json::{Map, Number, Value};

use super::document::{Argument, Literal};

/// A value of an argument.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Input {
    /// A variable that was not sent.
    Undefined,
    Null,
    Bool(bool),
    Number(Number),
    /// Text and enum members alike: the service takes either for either.
    Text(String),
    List(Vec<Input>),
    /// In the order of arrival.
    Object(Vec<(String, Input)>),
}

impl Input {
    /// A literal with its variables put in.
    pub(super) fn resolve(literal: &Literal, variables: &Map<String, Value>) -> Self {
        match literal {
            Literal::Variable(name) => variables.get(name).map_or(Self::Undefined, Self::from),
            Literal::Null => Self::Null,
            Literal::Bool(b) => Self::Bool(*b),
            Literal::Number(n) => Self::Number(n.clone()),
            Literal::String(text) | Literal::Enum(text) => Self::Text(text.clone()),
            Literal::List(items) => Self::List(
                items
                    .iter()
                    .map(|item| Self::resolve(item, variables))
                    .collect(),
            ),
            Literal::Object(fields) => Self::object(fields, variables),
        }
    }

    /// All arguments of a field.
    pub(super) fn object(fields: &[Argument], variables: &Map<String, Value>) -> Self {
        Self::Object(
            fields
                .iter()
                .map(|f| (f.name.clone(), Self::resolve(&f.value, variables)))
                .collect(),
        )
    }

    /// As JavaScript prints it inside a message.
    pub(super) fn inspect(&self) -> String {
        match self {
            Self::Undefined => "undefined".to_owned(),
            Self::Null => "null".to_owned(),
            Self::Bool(b) => b.to_string(),
            Self::Number(n) => n.to_string(),
            Self::Text(text) => format!("'{text}'"),
            Self::List(items) if items.is_empty() => "[]".to_owned(),
            Self::List(items) => format!(
                "[ {} ]",
                items
                    .iter()
                    .map(Self::inspect)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            Self::Object(_) => "[object Object]".to_owned(),
        }
    }

    /// The text, if this is text.
    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }
}

impl From<&Value> for Input {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            Value::Number(n) => Self::Number(n.clone()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(fields) => Self::Object(
                fields
                    .iter()
                    .map(|(k, v)| (k.clone(), Self::from(v)))
                    .collect(),
            ),
        }
    }
}
