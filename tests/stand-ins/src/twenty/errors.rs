//! The service's errors in the words and codes it uses, and what this stand-in says when it was
//! asked something whose answer is not known.

use serde_json::{Map, Value, json};

/// An entry of `errors`.
#[derive(Clone, Debug, PartialEq)]
pub struct GqlError {
    pub message: String,
    pub extensions: Option<Value>,
    /// Line and column, both from 1.
    pub location: Option<(usize, usize)>,
}

impl GqlError {
    /// As JSON.
    pub fn to_json(&self) -> Value {
        let mut entry = Map::new();
        entry.insert("message".to_owned(), json!(self.message));
        if let Some((line, column)) = self.location {
            entry.insert(
                "locations".to_owned(),
                json!([{"line": line, "column": column}]),
            );
        }
        if let Some(extensions) = &self.extensions {
            entry.insert("extensions".to_owned(), extensions.clone());
        }
        Value::Object(entry)
    }

    /// An error of the query language itself.
    pub fn at(message: impl Into<String>, location: (usize, usize)) -> Self {
        Self {
            message: message.into(),
            extensions: None,
            location: Some(location),
        }
    }

    /// With a code and nothing else.
    pub fn code(message: impl Into<String>, code: &str) -> Self {
        Self {
            message: message.into(),
            extensions: Some(json!({"code": code})),
            location: None,
        }
    }

    /// A mistake of the caller.
    pub fn input(message: impl Into<String>, sub_code: &str, friendly: &str) -> Self {
        Self::full(message, "BAD_USER_INPUT", Some(sub_code), friendly)
    }

    /// With everything.
    pub fn full(
        message: impl Into<String>,
        code: &str,
        sub_code: Option<&str>,
        friendly: &str,
    ) -> Self {
        let mut extensions = json!({"userFriendlyMessage": friendly, "code": code});
        if let (Some(sub_code), Value::Object(fields)) = (sub_code, &mut extensions) {
            fields.insert("subCode".to_owned(), json!(sub_code));
        }
        Self {
            message: message.into(),
            extensions: Some(extensions),
            location: None,
        }
    }

    /// No record fits, or it is deleted.
    pub fn not_found() -> Self {
        Self::full(
            "Record not found",
            "NOT_FOUND",
            Some("RECORD_NOT_FOUND"),
            "This record does not exist or has been deleted.",
        )
    }

    /// A record of this id or unique value is there already.
    pub fn duplicate() -> Self {
        Self::full(
            DUPLICATE,
            "BAD_USER_INPUT",
            None,
            "This record already exists. Please check your data and try again.",
        )
    }

    /// A live record holds this value of a unique field.
    pub fn in_use(label: &str, holder: uuid::Uuid, object: &str) -> Self {
        let friendly =
            format!("This {label} value is already in use. Please check your data and try again.");
        let mut error = Self::full(DUPLICATE, "BAD_USER_INPUT", None, &friendly);
        if let Some(Value::Object(fields)) = &mut error.extensions {
            fields.insert("conflictingRecordId".to_owned(), json!(holder.to_string()));
            fields.insert("conflictingObjectNameSingular".to_owned(), json!(object));
        }
        error
    }

    /// A foreign key points to no record.
    pub fn no_such_target(table: &str, constraint: &str) -> Self {
        let message = format!(
            "insert or update on table \"{table}\" violates foreign key constraint \"{constraint}\""
        );
        let friendly = "This operation references a record that does not exist or cannot be modified due to existing relationships.";
        Self::full(message, "BAD_USER_INPUT", None, friendly)
    }

    /// The key's role forbids it.
    pub fn denied() -> Self {
        let message = "Entity performing the request does not have permission";
        Self::full(
            message,
            "FORBIDDEN",
            Some("PERMISSION_DENIED"),
            "User does not have permission.",
        )
    }

    /// The key's role hides a field.
    pub fn field_denied(object: &str, field: &str) -> Self {
        let message = format!(
            "Entity performing the request does not have permission: no permission to read field \"{field}\" on \"{object}\""
        );
        Self::full(
            message,
            "FORBIDDEN",
            Some("PERMISSION_DENIED"),
            "User does not have permission.",
        )
    }

    /// The token bucket is empty.
    pub fn limit_reached() -> Self {
        Self::input(
            "Limit reached (100 tokens per 60000 ms)",
            "LIMIT_REACHED",
            GENERIC,
        )
    }

    /// One to-many relation inside another.
    pub fn too_complex() -> Self {
        let message = "A to-many relation cannot stand inside another to-many relation.";
        Self::input(message, "TOO_COMPLEX_QUERY", GENERIC)
    }

    /// A root field that the schema does not have, or that an anonymous caller does not see.
    pub fn unknown_root(name: &str, location: (usize, usize)) -> Self {
        Self::at(
            format!("Cannot query field \"{name}\" on type \"Query\"."),
            location,
        )
    }
}

/// The message for what is there already; only the message tells.
const DUPLICATE: &str = "A duplicate entry was detected";

/// The service's message to people where it has no better one.
pub(super) const GENERIC: &str = "An error occurred.";

/// A reason that a root field has no value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refusal {
    /// The service's own error.
    Service(GqlError),
    /// The stand-in does not know what the service would answer. The whole request is then answered
    /// with 501, so that nobody builds on a guess.
    NotKnown(String),
}

impl From<GqlError> for Refusal {
    fn from(error: GqlError) -> Self {
        Self::Service(error)
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::NotKnown(format!("what the database says: {error}"))
    }
}

impl Refusal {
    /// The stand-in does not know.
    pub(super) fn not_known(what: impl Into<String>) -> Self {
        Self::NotKnown(what.into())
    }
}
