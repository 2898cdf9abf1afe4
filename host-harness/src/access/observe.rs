//! What the services' own answers say about records: who owns each, and its stage. The component's word counts for nothing here.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::learned::{Held, Label, Learned};
use crate::outbound::documents::{OptionsAt, RecordAt, has_errors};
use crate::outbound::policy::{GroupAt, PeopleAt};
use crate::steps::{at, each};

/// Records, and people, that one call may see at most; of more, the first ones count.
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

/// The people of a service, as its answers told of them.
#[derive(Debug, Default)]
struct People {
    names: HashMap<String, String>,
    /// Those of the group; none where no answer told of one.
    group: Option<HashSet<String>>,
    /// The group that a thing belongs to, by the thing's id.
    things: HashMap<String, String>,
}

/// What a call's answers told of records and people.
#[derive(Debug, Default)]
pub struct Seen {
    records: Mutex<HashMap<RecordKey, Attributes>>,
    learned: Mutex<Learned>,
    /// By the service's name.
    people: Mutex<HashMap<String, People>>,
}

impl Seen {
    /// What is known of a record; none if no answer told of it.
    #[must_use]
    pub fn get(&self, key: &RecordKey) -> Option<Attributes> {
        self.records
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()
    }

    /// Returns the label of a record by its id, if an answer told it.
    #[must_use]
    pub fn label(&self, id: &str) -> Option<Label> {
        let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.label(&id.to_ascii_lowercase())
    }

    /// Returns what a field of a record holds, if an answer told it; `path` is the names on the way to it, joined by `.`.
    #[must_use]
    pub fn held(&self, key: &RecordKey, path: &str) -> Option<Held> {
        let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.held(key, path)
    }

    /// Takes in an answer that tells what people call the options of fields.
    pub fn learn_options(&self, place: &OptionsAt, body: &[u8]) {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return;
        };
        let Some(data) = body.get("data").filter(|_| !has_errors(&body)) else {
            return;
        };
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.take_options(place, data);
    }

    /// Returns what people call an option of a field, if an answer told it.
    #[must_use]
    pub fn option(&self, kind: &str, field: &str, value: &str) -> Option<String> {
        let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.option(kind, field, value)
    }

    /// The name of somebody at a service, if an answer told it.
    #[must_use]
    pub fn name(&self, service: &str, id: &str) -> Option<String> {
        let people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.get(service)?.names.get(id).cloned()
    }

    /// Whether somebody surely belongs to the group that an answer of the service told of.
    #[must_use]
    pub fn belongs(&self, service: &str, id: &str) -> bool {
        let people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let group = people.get(service).and_then(|people| people.group.as_ref());
        group.is_some_and(|group| group.contains(id))
    }

    /// The group that a thing at a service belongs to, if an answer told it.
    #[must_use]
    pub fn group(&self, service: &str, thing: &str) -> Option<String> {
        let people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.get(service)?.things.get(thing).cloned()
    }

    /// Takes in an answer that tells of a thing and its group.
    pub fn place(&self, service: &str, place: &GroupAt, body: &[u8]) {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return;
        };
        let text = |steps: &[String]| at(&body, steps).and_then(Value::as_str);
        let (Some(id), Some(group)) = (text(&place.id), text(&place.group)) else {
            return;
        };
        let mut all = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let things = &mut all.entry(service.to_owned()).or_default().things;
        if things.len() < RECORDS_MAX {
            things.insert(id.to_owned(), group.to_owned());
        }
    }

    /// Takes in an answer that tells of people.
    pub fn meet(&self, service: &str, place: &PeopleAt, body: &[u8]) {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return;
        };
        let mut all = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let people = all.entry(service.to_owned()).or_default();
        // Of two groups, or two answers about one, only who is in both belongs.
        let mut found = HashSet::new();
        each(&body, &place.at, &mut |person| {
            let text = |steps: &[String]| at(person, steps).and_then(Value::as_str);
            let Some(id) = text(&place.id) else {
                return;
            };
            if found.len() < RECORDS_MAX {
                found.insert(id.to_owned());
            }
            if let Some(name) = place.name.as_deref().and_then(text)
                && people.names.len() < RECORDS_MAX
            {
                people.names.insert(id.to_owned(), name.to_owned());
            }
        });
        if place.group {
            people.group = Some(match people.group.take() {
                None => found,
                Some(before) => before.intersection(&found).cloned().collect(),
            });
        }
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
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = self.records.lock().unwrap_or_else(PoisonError::into_inner);
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
                    learned.take(&key, place.label.as_deref(), record);
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
            label: None,
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
