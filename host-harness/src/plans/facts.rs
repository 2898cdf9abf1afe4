//! Facts about the steps of a plan, as the host established and stores them.

use serde::{Deserialize, Serialize};

use crate::access::Audience;
use crate::observed::{Attributes, RecordKey};

/// Facts that the host established about a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// The origin of the service when the step was proposed.
    pub origin: String,
    /// The rule that permits it.
    pub rule: String,
    /// The trusted document in its body.
    pub document: Option<String>,
    /// The records that it writes, starting with the one that it is about. If there are none and it
    /// sends nothing either, the manifest does not say what it does, and no policy permits it.
    pub touched: Vec<Touched>,
    /// The message that it sends to people, if it carries no document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sends: Option<Sends>,
}

/// A write of a step to a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Touched {
    /// The verb, such as `create` or `change`.
    pub verb: String,
    /// The record's kind.
    pub kind: String,
    /// The record's id.
    pub id: String,
    /// True if the plan itself creates the record.
    pub new: bool,
    /// True if the step only compensates an earlier one.
    pub undo: bool,
    /// The names of the fields that it sets.
    pub fields: Vec<String>,
    /// Attributes of the record as observed in the service's answers.
    #[serde(flatten)]
    pub known: Attributes,
}

impl Touched {
    /// Returns the record's key.
    #[must_use]
    pub fn key(&self) -> RecordKey {
        RecordKey {
            kind: self.kind.clone(),
            id: self.id.clone(),
        }
    }
}

/// A message that a step sends to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sends {
    /// The action, as access policies name it.
    pub act: String,
    /// A name for the message, for people.
    pub kind: String,
    /// The service.
    pub service: String,
    /// The name of its disclosures in the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The recipients.
    pub recipients: Vec<Person>,
    /// The group that can read it as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// True if a recipient is not known to belong to the group.
    pub outside: bool,
    /// True if the operator lists all recipients.
    pub listed: bool,
    /// True if a person has to confirm it, whatever policy decides.
    pub person: bool,
    /// The record fields that it discloses.
    pub gives: Vec<Disclosure>,
    /// The kinds of data that were redacted from its texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<String>,
    /// Record fields that its texts repeat although it does not disclose them, whoever wrote the
    /// texts; one field per entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeats: Vec<Disclosure>,
    /// True if some answers of the last minutes were too many to be kept, so that its texts could
    /// not be compared with them; a person has to approve it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partly_compared: bool,
}

/// A recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// Their id at the service, or their address.
    pub id: String,
    /// Their name, as the service gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Fields of a record that are disclosed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Disclosure {
    /// The kind under which the manifest's disclosure schema lists them.
    pub kind: String,
    /// The record's kind, as the skill names it.
    pub record: String,
    /// The record's id.
    pub id: String,
    /// The fields.
    pub fields: Vec<String>,
    /// Those of them that are not disclosed by default.
    pub expanded: Vec<String>,
    /// True if the plan itself creates the record.
    pub new: bool,
    /// Attributes of the record as observed in the service's answers.
    #[serde(flatten)]
    pub known: Attributes,
}

impl Disclosure {
    /// Returns the record's key.
    #[must_use]
    pub fn key(&self) -> RecordKey {
        RecordKey {
            kind: self.record.clone(),
            id: self.id.clone(),
        }
    }
}

impl Sends {
    /// Returns the ids or addresses of the recipients.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.recipients
            .iter()
            .map(|person| person.id.clone())
            .collect()
    }

    /// Returns the audience for access policies.
    pub(super) fn audience<'a>(&self, ids: &'a [String]) -> Audience<'a> {
        Audience {
            recipients: ids,
            group: self.group.is_some(),
            outside: self.outside,
            listed: self.listed,
        }
    }
}
