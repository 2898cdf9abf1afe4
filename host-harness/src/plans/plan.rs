//! A plan as it is stored.

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::known::Known;
use crate::digest::Digest;
use crate::proposal::Proposal;

/// The proposer of a plan, as far as needed to perform it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposer {
    /// Their name in the operator file.
    pub id: Option<String>,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Their name.
    pub name: Option<String>,
    /// Their role, if no operator file gives one.
    pub role: Option<String>,
    /// Their time zone.
    pub time_zone: Option<String>,
}

impl Proposer {
    /// Returns the key of their plans and idempotency keys; empty if they have neither name nor
    /// e-mail address.
    pub(super) fn key(&self) -> &str {
        let name = self.id.as_deref().or(self.email.as_deref());
        name.unwrap_or_default()
    }
}

/// A plan as it is stored; its digest covers these bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The tool that proposed it.
    pub tool: String,
    /// The caller on whose behalf it was proposed.
    pub proposer: Proposer,
    /// The proposal.
    pub proposal: Proposal,
    /// Facts that the host established about each step: its writes to records, and the attributes
    /// of these records.
    pub facts: Vec<Facts>,
    /// Observations of the records that it names, from the services' answers.
    #[serde(default, skip_serializing_if = "Known::is_empty")]
    pub known: Known,
}

impl Plan {
    /// Returns its digest: that of the bytes that are stored.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub(super) fn digest(&self) -> Result<Digest, serde_json::Error> {
        serde_json::to_vec(self).map(|bytes| Digest::of(&bytes))
    }
}
