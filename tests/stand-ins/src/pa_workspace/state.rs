//! The stored state as tests look at it, beside the service's own API: `email` (received and sent),
//! `calendarAction`, `event`.

use serde_json::Value;

use super::world::World;
use crate::rest;
use crate::server::Count;

/// Counts the records of each object.
pub(super) fn counts(world: &World) -> Vec<(String, Count)> {
    let all = |name: &str, live: usize| (name.to_owned(), Count { live, deleted: 0 });
    vec![
        all("email", world.emails.len()),
        all("calendarAction", world.actions.len()),
        all("event", world.events.len()),
    ]
}

/// All records of an object, in the order they were stored.
pub(super) fn records(world: &World, object: &str) -> Option<Vec<Value>> {
    Some(match object {
        "email" => rest::as_json(&world.emails),
        "calendarAction" => rest::as_json(&world.actions),
        "event" => rest::as_json(&world.events),
        _ => return None,
    })
}

/// One record.
pub(super) fn record(world: &World, object: &str, id: &str) -> Option<Value> {
    rest::with_id(records(world, object)?, id)
}
