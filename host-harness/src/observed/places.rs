//! Places in the answers of services that tell of records and people, as the manifest names them.

use serde_json::Value;

/// Where an answer tells of records, and where each tells its owner and its stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordAt {
    /// The records' kind, in the skill's words.
    pub kind: String,
    /// Steps below `data`; `*` is every item of a list.
    pub at: Vec<String>,
    /// Steps below the record to its owner: an e-mail address, or the id of a record with one. Of several places the first counts
    /// whose parent is there.
    pub owner: Vec<Vec<String>>,
    /// Steps below the record to the e-mail address of the member that it stands for.
    pub email: Option<Vec<String>>,
    /// Steps below the record to its stage.
    pub stage: Option<Vec<String>>,
    /// Steps below the record to its label: a text, or an object of texts.
    pub label: Option<Vec<String>>,
}

/// Where an answer tells what people call the options of fields: steps, in which `*` is every item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionsAt {
    /// To the kinds of records below `data`.
    pub at: Vec<String>,
    /// From a kind to its name.
    pub kind: Vec<String>,
    /// From a kind to its fields.
    pub fields: Vec<String>,
    /// From a field to its name.
    pub name: Vec<String>,
    /// From a field to its options.
    pub options: Vec<String>,
    /// From an option to the word that is sent.
    pub value: Vec<String>,
    /// From an option to what people call it.
    pub label: Vec<String>,
}

/// Where an answer tells of people: steps, in which `*` is every item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleAt {
    /// To the people.
    pub at: Vec<String>,
    /// Below each, to the id.
    pub id: Vec<String>,
    /// Below each, to the name.
    pub name: Option<Vec<String>>,
    /// Whether they are all of a group: whoever is not among them is outside of it.
    pub group: bool,
}

/// Where an answer tells to which group the thing in it belongs: steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupAt {
    /// To the thing's id.
    pub id: Vec<String>,
    /// To the group's id.
    pub group: Vec<String>,
}

/// Whether an answer reports errors, as GraphQL does beside status 200. An empty list reports none.
#[must_use]
pub fn has_errors(answer: &Value) -> bool {
    match answer.get("errors") {
        None | Some(Value::Null) => false,
        Some(Value::Array(errors)) => !errors.is_empty(),
        Some(_) => true,
    }
}
