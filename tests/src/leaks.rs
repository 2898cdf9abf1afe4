//! A second pair of eyes: whatever a test did, no value of the CRM that was not given away may be in anything that left for another
//! service. Every world is looked at when its test ends; nothing here is shared with the harness's own check.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::World;

/// Fields that are given away on request alone, and where a record holds them.
const ON_REQUEST: [(&str, &str, &str); 4] = [
    ("person", "/emails/primaryEmail", "email"),
    ("person", "/phones/primaryPhoneNumber", "phone"),
    ("task", "/bodyV2/markdown", "body"),
    ("opportunity", "/amount/amountMicros", "amount"),
];
/// Fields that are never given away.
const NEVER: [(&str, &str); 4] = [
    ("note", "/bodyV2/markdown"),
    ("person", "/city"),
    ("company", "/domainName/primaryLinkUrl"),
    ("company", "/address/addressCity"),
];
/// The shortest value that counts, in characters, and the piece of a longer one that does.
const SHORTEST: usize = 6;
const PIECE: usize = 24;

/// What callers have said in a world: that may leave.
#[derive(Debug, Default)]
pub struct Said(Mutex<String>);

impl Said {
    /// Takes in arguments.
    pub fn note(&self, arguments: &Value) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.push_str(&arguments.to_string().to_lowercase());
    }
}

/// The values that left for another service and were not given away.
#[must_use]
pub fn found(world: &World) -> Vec<String> {
    let mut left = String::new();
    let services = [world.relay.as_deref(), world.workspace.as_ref()];
    for service in services.into_iter().flatten() {
        for request in service.requests().all() {
            left.push_str(&request.path.replace("%20", " ").to_lowercase());
            left.push('\n');
            // What stands in JSON within JSON is escaped twice.
            left.push_str(&request.body.replace('\\', "").to_lowercase());
            left.push('\n');
        }
    }
    if left.trim().is_empty() {
        return Vec::new();
    }
    let said = world.said.0.lock().unwrap_or_else(PoisonError::into_inner);
    let given: Vec<(String, String)> = world
        .harness
        .plans()
        .unwrap_or_default()
        .into_iter()
        .flat_map(|plan| plan.steps)
        .flat_map(|step| step.disclosures)
        .flat_map(|given| {
            let id = given.id.clone();
            given
                .fields
                .into_iter()
                .map(move |field| (id.clone(), field))
        })
        .collect();
    let mut leaks = Vec::new();
    // What is given away may hold a value of something else: an address has its company's domain in it.
    let mut all_permitted = String::new();
    let mut look = |object: &str, pointer: &str, field: Option<&str>| {
        let records = world.twenty.records(object).unwrap_or_default();
        let is_given = |record: &&Value| {
            let id = record["id"].as_str().unwrap_or_default();
            field.is_some_and(|field| given.iter().any(|(of, known)| of == id && known == field))
        };
        // The same value of another record may leave for the one's sake.
        let permitted: HashSet<String> = records
            .iter()
            .filter(is_given)
            .flat_map(|record| forms(record, pointer))
            .collect();
        for record in records.iter().filter(is_given) {
            let whole = record.pointer(pointer).and_then(Value::as_str);
            all_permitted.push_str(&whole.unwrap_or_default().to_lowercase());
            all_permitted.push('\n');
        }
        for record in &records {
            for value in forms(record, pointer) {
                let may = permitted.contains(&value)
                    || said.contains(&value)
                    || all_permitted.contains(&value);
                if !may && stands_in(&left, &value) {
                    leaks.push(format!("{object} {} {pointer}: {value}", record["id"]));
                }
            }
        }
    };
    for (object, pointer, field) in ON_REQUEST {
        look(object, pointer, Some(field));
    }
    for (object, pointer) in NEVER {
        look(object, pointer, None);
    }
    leaks
}

/// How a value may look where it stands.
fn forms(record: &Value, pointer: &str) -> Vec<String> {
    let value = match record.pointer(pointer) {
        Some(Value::String(text)) => text.to_lowercase(),
        Some(Value::Number(number)) => number.to_string(),
        _ => return Vec::new(),
    };
    if pointer.ends_with("amountMicros") {
        let units = value.parse::<i64>().unwrap_or(0) / 1_000_000;
        let long = |number: &i64| *number >= 10_000;
        let units = Some(units).filter(long).map(|units| units.to_string());
        return [Some(value).filter(|value| value.len() >= SHORTEST), units]
            .into_iter()
            .flatten()
            .collect();
    }
    let count = value.chars().count();
    if count < SHORTEST {
        return Vec::new();
    }
    if count <= PIECE {
        return vec![value];
    }
    let piece: String = value.chars().take(PIECE).collect();
    vec![piece]
}

/// Whether a value stands in a text, and, unless it is long, not only as a part of another word or number.
fn stands_in(text: &str, value: &str) -> bool {
    if value.chars().count() >= PIECE {
        return text.contains(value);
    }
    let part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(value).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text
            .get(at + value.len()..)
            .and_then(|after| after.chars().next());
        !part(before) && !part(after)
    })
}
