//! What the services' own answers say about records: who owns each, and its stage. The component's word counts for nothing here.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::outbound::documents::{RecordAt, has_errors};

/// Records that one call may see at most; of more, the first ones count.
const RECORDS_MAX: usize = 2_000;

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecordKey {
    /// Its kind, in the skill's words.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// What is known of a record. What was not found in the answer is not known, which is not the same as empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// The owner's e-mail in small letters; the inner none means that it has none.
    pub owner: Option<Option<String>>,
    /// Its stage.
    pub stage: Option<String>,
}

/// The records that a call's answers told of.
#[derive(Debug, Default)]
pub struct Seen(Mutex<HashMap<RecordKey, Attributes>>);

impl Seen {
    /// What is known of a record; none if no answer told of it.
    #[must_use]
    pub fn get(&self, key: &RecordKey) -> Option<Attributes> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()
    }

    /// Takes in an answer, read as the document says.
    pub fn observe(&self, places: &[RecordAt], body: &[u8]) {
        if places.is_empty() {
            return;
        }
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return;
        };
        // Beside errors a null may stand for what could not be read: such an answer tells nothing of owners.
        let Some(data) = body.get("data").filter(|_| !has_errors(&body)) else {
            return;
        };
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for place in places {
            each(data, &place.at, &mut |record| {
                let Some(id) = record.get("id").and_then(Value::as_str) else {
                    return;
                };
                if seen.len() < RECORDS_MAX {
                    let key = RecordKey {
                        kind: place.kind.clone(),
                        id: id.to_ascii_lowercase(),
                    };
                    seen.insert(key, attributes(place, record));
                }
            });
        }
    }
}

fn attributes(place: &RecordAt, record: &Value) -> Attributes {
    let owner = place.owner.as_deref().and_then(|steps| at(record, steps));
    let stage = place.stage.as_deref().and_then(|steps| at(record, steps));
    Attributes {
        owner: owner.and_then(|owner| match owner {
            Value::Null => Some(None),
            Value::String(owner) if owner.is_empty() => Some(None),
            Value::String(owner) => Some(Some(owner.to_lowercase())),
            _ => None,
        }),
        stage: stage.and_then(Value::as_str).map(str::to_owned),
    }
}

/// What stands below a value. A null on the way is what is found: a record without a company has no company's owner.
fn at<'v>(value: &'v Value, steps: &[String]) -> Option<&'v Value> {
    steps.iter().try_fold(value, |value, step| match value {
        Value::Null => Some(value),
        value => value.get(step.as_str()),
    })
}

/// Everything below a value that the steps lead to.
fn each<'v>(value: &'v Value, steps: &[String], take: &mut dyn FnMut(&'v Value)) {
    let Some((step, rest)) = steps.split_first() else {
        return take(value);
    };
    match (step.as_str(), value) {
        ("*", Value::Array(items)) => items.iter().for_each(|item| each(item, rest, take)),
        ("*", _) => {}
        (step, value) => {
            if let Some(below) = value.get(step) {
                each(below, rest, take);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn steps(path: &str) -> Vec<String> {
        path.split('/').map(str::to_owned).collect()
    }

    fn seen(body: &Value) -> Seen {
        let seen = Seen::default();
        let place = RecordAt {
            kind: "item".into(),
            at: steps("items/edges/*/node"),
            owner: Some(steps("company/owner/email")),
            stage: Some(steps("stage")),
        };
        seen.observe(&[place], body.to_string().as_bytes());
        seen
    }

    fn owner(node: Value) -> Option<Option<Option<String>>> {
        let mut node = node;
        node["id"] = "A1".into();
        let seen = seen(&json!({"data": {"items": {"edges": [{ "node": node }]}}}));
        let key = RecordKey {
            kind: "item".into(),
            id: "a1".into(),
        };
        seen.get(&key).map(|attributes| attributes.owner)
    }

    #[test]
    fn an_owner_is_known_known_to_be_none_or_not_known() {
        let email = json!({"company": {"owner": {"email": "Robin@example.com"}}});
        assert_eq!(owner(email), Some(Some(Some("robin@example.com".into()))));
        for none in [
            json!({"company": null}),
            json!({"company": {"owner": null}}),
            json!({"company": {"owner": {"email": ""}}}),
        ] {
            assert_eq!(owner(none.clone()), Some(Some(None)), "{none}");
        }
        for unknown in [
            json!({}),
            json!({"company": {}}),
            json!({"company": {"owner": {"email": 3}}}),
            json!({"company": ["owner"]}),
        ] {
            assert_eq!(owner(unknown.clone()), Some(None), "{unknown}");
        }
    }

    #[test]
    fn what_is_no_answer_tells_of_nothing() {
        let key = RecordKey {
            kind: "item".into(),
            id: "a1".into(),
        };
        for body in [
            json!(null),
            json!({"data": null, "errors": []}),
            json!({"data": {"items": {"edges": {}}}}),
            json!({"data": {"items": {"edges": [{"node": {"id": "a1", "company": null}}]}}, "errors": [{"message": "m"}]}),
            json!({"data": {"items": {"edges": [{"node": {"id": 5}}]}}}),
        ] {
            assert_eq!(seen(&body).get(&key), None, "{body}");
        }
    }
}
