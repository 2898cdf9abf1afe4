//! Paths to records and people in services' responses, as the manifest declares them.

use serde_json::Value;

/// Paths to records in a response, and to the owner, stage and label of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordAt {
    /// The records' kind, as the skill names it.
    pub kind: String,
    /// Path below `data`; `*` is every item of a list.
    pub at: Vec<String>,
    /// Paths below the record to its owner: an e-mail address, or the id of a record with one. The
    /// first path whose parent is present counts.
    pub owner: Vec<Vec<String>>,
    /// Path below the record to the e-mail address of the member that it represents.
    pub email: Option<Vec<String>>,
    /// Path below the record to its stage.
    pub stage: Option<Vec<String>>,
    /// Path below the record to its label: a text, or an object of texts.
    pub label: Option<Vec<String>>,
}

/// Paths in a response to the labels of fields' options; `*` is every item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionsAt {
    /// Path below `data` to the kinds of records.
    pub at: Vec<String>,
    /// Path from a kind to its name.
    pub kind: Vec<String>,
    /// Path from a kind to its fields.
    pub fields: Vec<String>,
    /// Path from a field to its name.
    pub name: Vec<String>,
    /// Path from a field to its options.
    pub options: Vec<String>,
    /// Path from an option to its value.
    pub value: Vec<String>,
    /// Path from an option to its label.
    pub label: Vec<String>,
}

/// Paths to people in a response; `*` is every item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleAt {
    /// Path to the people.
    pub at: Vec<String>,
    /// Path from a person to their id.
    pub id: Vec<String>,
    /// Path from a person to their name.
    pub name: Option<Vec<String>>,
    /// True if they are all members of a group: anybody else is outside of it.
    pub group: bool,
}

/// Paths in a response to an object, such as a room, and to the group that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupAt {
    /// Path to the object's id.
    pub id: Vec<String>,
    /// Path to the group's id.
    pub group: Vec<String>,
}

/// Returns true if a response reports errors, as GraphQL does with status 200. An empty list
/// reports none.
#[must_use]
pub fn has_errors(answer: &Value) -> bool {
    match answer.get("errors") {
        None | Some(Value::Null) => false,
        Some(Value::Array(errors)) => !errors.is_empty(),
        Some(_) => true,
    }
}
