//! Who was sent which fields of which record, read from the record of everything.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::event::SHARED;
use super::reader::Reader;
use super::store::AuditError;

/// Something that was given away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Disclosed {
    /// The number of its row in the record.
    pub seq: u64,
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    /// The call, as the record names it.
    pub call: String,
    /// What the row says.
    #[serde(flatten)]
    pub what: What,
}

/// A step as a row names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Step {
    /// Its number in the plan, from 1.
    Number(usize),
    /// Its id, a text of the component's.
    Id(String),
}

/// What a row says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct What {
    /// `share`, `edit`, `export`, `expand` or `redact`.
    pub event: String,
    /// The plan's digest.
    pub plan: String,
    /// The number of the step in its plan, from 1. Rows of older versions hold the step's id instead.
    pub step: Step,
    /// The service that it went to.
    pub service: String,
    /// The id there of what was made, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The record's kind, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The record's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The names of the fields, or of what was taken out.
    pub fields: Vec<String>,
    /// Who got it.
    pub recipients: Vec<String>,
    /// The group that can read it beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The access policies that permitted it.
    pub policies: Vec<String>,
    /// SHA-256 of the policy in force, in hexadecimal.
    pub policy: String,
    /// Whether it surely happened; otherwise nobody could say.
    pub certain: bool,
}

impl Reader {
    /// What was given away, oldest first. What was in doubt and turned out to have happened, or was looked at again and still is in
    /// doubt, is told once.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn disclosures(&self) -> Result<Vec<Disclosed>, AuditError> {
        let mut all: Vec<Disclosed> = Vec::new();
        let mut places: HashMap<([String; 4], Step), usize> = HashMap::new();
        self.rows(0, &mut |row| {
            if row.kind != SHARED {
                return Ok(());
            }
            // A row that this version cannot read is in `audit export` all the same.
            let Ok(what) = serde_json::from_str::<What>(&row.body) else {
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
