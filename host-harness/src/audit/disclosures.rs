//! Disclosures in the audit log: record fields, and their recipients.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::event::SHARED;
use super::reader::Reader;
use super::store::AuditError;

/// A disclosure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Disclosed {
    /// The number of its row.
    pub seq: u64,
    /// The time, in milliseconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    /// The call, as the audit log names it.
    pub call: String,
    /// The contents of the row.
    #[serde(flatten)]
    pub what: DisclosureContents,
}

/// A step, as a row names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum StepName {
    /// Its number in the plan, from 1.
    Number(usize),
    /// Its id, a text of the component's.
    Id(String),
}

/// The contents of a row about a disclosure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisclosureContents {
    /// `share`, `edit`, `export`, `expand` or `redact`.
    pub event: String,
    /// The plan's digest.
    pub plan: String,
    /// The number of the step in its plan, from 1. Rows of older versions hold the step's id
    /// instead.
    pub step: StepName,
    /// The service that it went to.
    pub service: String,
    /// The id of what was created there, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The record's kind, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The record's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The names of the fields, or the kinds of data that were redacted.
    pub fields: Vec<String>,
    /// The recipients.
    pub recipients: Vec<String>,
    /// The group that can read it as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The access policies that permitted it.
    pub policies: Vec<String>,
    /// SHA-256 of the policy in force, in hexadecimal.
    pub policy: String,
    /// True if it certainly happened; false if that cannot be known.
    pub certain: bool,
}

impl Reader {
    /// Returns the disclosures, oldest first. One that was in doubt is returned once, whether it
    /// turned out to have happened or is still in doubt.
    ///
    /// # Errors
    /// When the audit log cannot be read.
    pub fn disclosures(&self) -> Result<Vec<Disclosed>, AuditError> {
        let mut all: Vec<Disclosed> = Vec::new();
        let mut places: HashMap<([String; 4], StepName), usize> = HashMap::new();
        self.rows(0, &mut |row| {
            if row.kind != SHARED {
                return Ok(());
            }
            // A row that this version cannot parse is still in `audit export`.
            let Ok(what) = serde_json::from_str::<DisclosureContents>(&row.body) else {
                tracing::warn!(
                    "row {} of the record cannot be read as what was given away",
                    row.seq
                );
                return Ok(());
            };
            let names = [
                what.event.clone(),
                what.plan.clone(),
                what.object.clone().unwrap_or_default(),
                what.id.clone().unwrap_or_default(),
            ];
            let key = (names, what.step.clone());
            let place = *places.entry(key).or_insert(all.len());
            match all.get_mut(place) {
                Some(known) => {
                    known.what.certain |= what.certain;
                    known.what.message = known.what.message.take().or(what.message);
                }
                None => all.push(Disclosed {
                    seq: row.seq,
                    at: row.at,
                    call: row.call,
                    what,
                }),
            }
            Ok(())
        })?;
        Ok(all)
    }
}
