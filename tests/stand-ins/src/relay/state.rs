//! The stored state as tests look at it, beside the service's own API.
//!
//! A message of either kind is one row with its context and recipients. `tez` are those that were
//! shared with a team, and all replies; `message` are those that were sent in a conversation. No
//! row is both.

use serde_json::Value;

use super::store::{RelayStore, Tez};
use crate::rest;
use crate::server::Count;

/// Counts the records of each object. M's status `deleted` counts as deleted.
pub(super) fn counts(store: &RelayStore) -> Vec<(String, Count)> {
    let tez = |in_conversation: bool| {
        let rows = store
            .tez
            .iter()
            .filter(|tez| is_message(tez) == in_conversation);
        let (deleted, live): (Vec<&Tez>, Vec<&Tez>) =
            rows.partition(|tez| tez.row.status == "deleted");
        Count {
            live: live.len(),
            deleted: deleted.len(),
        }
    };
    let all = |live: usize| Count { live, deleted: 0 };
    let context = store.tez.iter().map(|tez| tez.context.len()).sum();
    [
        ("tez", tez(false)),
        ("message", tez(true)),
        ("context", all(context)),
        ("conversation", all(store.conversations.len())),
        ("team", all(store.teams.len())),
        ("contact", all(store.contacts.len())),
    ]
    .into_iter()
    .map(|(name, count)| (name.to_owned(), count))
    .collect()
}

/// All records of an object, in the order they were stored.
pub(super) fn records(store: &RelayStore, object: &str) -> Option<Vec<Value>> {
    let tez = |in_conversation: bool| {
        let rows = store
            .tez
            .iter()
            .filter(|tez| is_message(tez) == in_conversation);
        rest::as_json(rows)
    };
    let records = match object {
        "tez" => tez(false),
        "message" => tez(true),
        "context" => rest::as_json(store.tez.iter().flat_map(|tez| &tez.context)),
        "conversation" => rest::as_json(&store.conversations),
        "team" => rest::as_json(&store.teams),
        "contact" => rest::as_json(&store.contacts),
        _ => return None,
    };
    Some(records)
}

pub(super) fn record(store: &RelayStore, object: &str, id: &str) -> Option<Value> {
    rest::with_id(records(store, object)?, id)
}

fn is_message(tez: &Tez) -> bool {
    tez.row.conversation_id.is_some()
}
