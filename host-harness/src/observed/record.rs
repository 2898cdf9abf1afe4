//! Records, and their known attributes.

use serde::{Deserialize, Serialize};

/// Key of a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecordKey {
    /// Its kind, as the skill names it.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// The owner of a record, as far as the service's responses show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Owner {
    /// Unknown: the field is absent, the response has errors, or the id is of no known member.
    /// Nothing that needs an owner is permitted then.
    #[default]
    Unknown,
    /// No owner, as the service says.
    None,
    /// A member, by e-mail address in lower case.
    Member(String),
}

impl Owner {
    /// Returns the owner's e-mail address, if there is a known owner.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        match self {
            Self::Member(email) => Some(email),
            Self::Unknown | Self::None => None,
        }
    }
}

/// Known attributes of a record. A value that is missing from the response is unknown, which is not
/// the same as empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Stored", from = "Stored")]
pub struct Attributes {
    /// Its owner.
    pub owner: Owner,
    /// Its stage.
    pub stage: Option<String>,
}

/// Attributes as they are stored with a plan.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    owner_known: bool,
    owner: Option<String>,
    stage: Option<String>,
}

impl From<Attributes> for Stored {
    fn from(attributes: Attributes) -> Self {
        let (owner_known, owner) = match attributes.owner {
            Owner::Unknown => (false, None),
            Owner::None => (true, None),
            Owner::Member(email) => (true, Some(email)),
        };
        Self {
            owner_known,
            owner,
            stage: attributes.stage,
        }
    }
}

impl From<Stored> for Attributes {
    fn from(stored: Stored) -> Self {
        let owner = match stored.owner {
            _ if !stored.owner_known => Owner::Unknown,
            None => Owner::None,
            Some(email) => Owner::Member(email),
        };
        Self {
            owner,
            stage: stored.stage,
        }
    }
}
