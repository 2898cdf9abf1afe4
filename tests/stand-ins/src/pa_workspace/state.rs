//! The stored state as tests look at it, beside the service's own API: `email` (received and sent),
//! `calendarAction`, `event`.

use serde_json::Value;

use super::store::PaStore;
use crate::rest;
use crate::server::Count;

/// Counts the records of each object.
pub(super) fn counts(store: &PaStore) -> Vec<(String, Count)> {
    let all = |name: &str, live: usize| (name.to_owned(), Count { live, deleted: 0 });
    vec![
        all("email", store.emails.len()),
        all("calendarAction", store.actions.len()),
        all("event", store.events.len()),
    ]
}

/// All records of an object, in the order they were stored.
pub(super) fn records(store: &PaStore, object: &str) -> Option<Vec<Value>> {
    Some(match object {
        "email" => rest::as_json(&store.emails),
        "calendarAction" => rest::as_json(&store.actions),
        "event" => rest::as_json(&store.events),
        _ => return None,
    })
}

pub(super) fn record(store: &PaStore, object: &str, id: &str) -> Option<Value> {
    rest::with_id(records(store, object)?, id)
}
