//! Reads Twenty's answer to a write. It gives HTTP 200 for most errors, so codes and words are what
//! counts.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::bindings::exports::claw::skill::judge::ServiceAnswer;
use crate::failure::{self, Failure};
use crate::transport::Response;
use crate::twenty::errors::{self, GraphQlError};
use crate::twenty::mutations::Write;

/// The outcome of a write, as its answer tells it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WriteOutcome {
    /// The write was done.
    Done,
    /// It was not done, and may be sent again.
    Again(String),
    /// It was not done, and will not be.
    Failed(String),
    /// There is no such record.
    Gone,
    /// Something unique is there already.
    Duplicate {
        /// The record that has it, where the CRM names it.
        conflicting: Option<String>,
    },
    /// It does not tell whether anything was stored.
    Unclear,
}

#[derive(Deserialize)]
struct MutationResponse {
    #[serde(default)]
    data: Option<Map<String, Value>>,
    #[serde(default)]
    errors: Vec<GraphQlError>,
}

pub(super) fn outcome_of(write: &Write, answer: &ServiceAnswer) -> WriteOutcome {
    let response = Response {
        status: answer.status,
        retry_after: None,
        body: answer.body.as_bytes().to_vec(),
    };
    match answer.status {
        200 => {}
        // The request was turned away before anything was done with it.
        401 | 403 | 429 | 300..=399 => {
            return WriteOutcome::Again(failure::explain(&errors::status(&response)));
        }
        // Something between gave up waiting.
        408 => return WriteOutcome::Unclear,
        400..=499 => return WriteOutcome::Failed(failure::explain(&errors::status(&response))),
        // Whatever stands between may have lost the answer to a write that was done.
        _ => return WriteOutcome::Unclear,
    }
    let Ok(envelope) = serde_json::from_slice::<MutationResponse>(&response.body) else {
        return WriteOutcome::Unclear;
    };
    let root = envelope
        .data
        .as_ref()
        .and_then(|data| data.get(write.root()))
        .filter(|root| !root.is_null());
    match (root, envelope.errors.first()) {
        (Some(root), None) if names_record(root, write.id()) => WriteOutcome::Done,
        (None, Some(error)) => refused(error),
        _ => WriteOutcome::Unclear,
    }
}

/// Checks that an answer names the record: links are answered as a list.
fn names_record(root: &Value, id: &str) -> bool {
    let record = match root {
        Value::Array(records) => records.first(),
        record => Some(record),
    };
    record
        .and_then(|record| record.get("id")?.as_str())
        .is_some_and(|named| named.eq_ignore_ascii_case(id))
}

fn refused(error: &GraphQlError) -> WriteOutcome {
    if error.is_duplicate() {
        return WriteOutcome::Duplicate {
            conflicting: error.conflicting_record().map(str::to_owned),
        };
    }
    if error.is_missing_reference() {
        return WriteOutcome::Failed(
            "A record or member that this refers to is not there any more. Propose again with one that is.".to_owned(),
        );
    }
    let failure = errors::failure(error);
    match &failure {
        Failure::NotFound(_) => WriteOutcome::Gone,
        // The operator can mend the key; nothing was stored.
        Failure::RateLimited(_) | Failure::Unauthenticated(_) => {
            WriteOutcome::Again(failure::explain(&failure))
        }
        Failure::Denied(_) => WriteOutcome::Failed(format!(
            "{} Ask the operator to let the key's role write people, companies, opportunities, tasks, notes and their links.",
            failure::sentence(&failure)
        )),
        // Every refusal of Twenty's own has a code.
        Failure::SchemaMismatch(_) if error.has_code() => WriteOutcome::Failed(format!(
            "{} Propose again with other values; crm_status names fields that this CRM does not have.",
            failure::sentence(&failure)
        )),
        // An error of the server's own can come after the write.
        _ => WriteOutcome::Unclear,
    }
}
