//! Collects owners, stages and other facts about records from the services' own responses. Nothing
//! that the component claims is used.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::learned::{FieldValue, Label, Learned};
use super::places::{GroupAt, OptionsAt, PeopleAt, RecordAt, has_errors};
use super::reads::{ObservedRead, Reads};
use super::record::{Attributes, Owner, RecordKey};
use crate::json_path::{at, each};

/// Most records, and most people, that are kept for one call; further ones are ignored.
const RECORDS_MAX: usize = 2_000;

/// Owner and stage of a record in a response.
#[derive(Debug, Default)]
struct RecordState {
    owner: OwnerName,
    stage: Option<String>,
}

/// An owner, as a response gives it.
#[derive(Debug, Default)]
enum OwnerName {
    /// Not given.
    #[default]
    Unknown,
    /// Given as null.
    None,
    /// Given as an e-mail address, or as the id of a member's record.
    Text(String),
}

/// Records, and the e-mail addresses of members by their records' ids.
#[derive(Debug, Default)]
struct Records {
    shown: HashMap<RecordKey, RecordState>,
    emails: HashMap<String, String>,
}

/// People of a service, from its responses.
#[derive(Debug, Default)]
struct People {
    names: HashMap<String, String>,
    /// Members of the group; `None` if no response had one.
    group: Option<HashSet<String>>,
    /// Groups by the id of the object that belongs to them.
    things: HashMap<String, String>,
}

/// Records and people in the responses of a call.
#[derive(Debug, Default)]
pub struct ObservedRecords {
    records: Mutex<Records>,
    learned: Mutex<Learned>,
    /// People by the service's name.
    people: Mutex<HashMap<String, People>>,
    reads: Reads,
}

impl ObservedRecords {
    /// Keeps a read whose response had records or people.
    pub(crate) fn keep_read(&self, read: ObservedRead) {
        self.reads.push(read);
    }

    /// Returns the kept reads, in their order.
    #[must_use]
    pub fn reads(&self) -> Vec<ObservedRead> {
        self.reads.all()
    }

    /// Returns the known attributes of a record; `None` if no response had it.
    #[must_use]
    pub fn get(&self, key: &RecordKey) -> Option<Attributes> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = records.shown.get(key)?;
        let owner = match &shown.owner {
            OwnerName::Unknown => Owner::Unknown,
            OwnerName::None => Owner::None,
            OwnerName::Text(text) if text.contains('@') => Owner::Member(text.clone()),
            OwnerName::Text(id) => match records.emails.get(id) {
                Some(email) => Owner::Member(email.clone()),
                None => Owner::Unknown,
            },
        };
        Some(Attributes {
            owner,
            stage: shown.stage.clone(),
        })
    }

    /// Returns the records that name this member's record as their owner; `None` if the id is no
    /// member's.
    #[must_use]
    pub fn owned_by(&self, member: &str) -> Option<Vec<RecordKey>> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let id = member.to_ascii_lowercase();
        records.emails.get(&id)?;
        let owned = records
            .shown
            .iter()
            .filter(|(_, shown)| matches!(&shown.owner, OwnerName::Text(owner) if *owner == id));
        Some(owned.map(|(key, _)| key.clone()).collect())
    }

    /// Returns the label of a record by its id, if known.
    #[must_use]
    pub fn label(&self, id: &str) -> Option<Label> {
        let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.label(&id.to_ascii_lowercase())
    }

    /// Returns the value of a record's field, if known; `path` has the names on the way to it,
    /// joined by `.`.
    #[must_use]
    pub fn held(&self, key: &RecordKey, path: &str) -> Option<FieldValue> {
        let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.held(key, path)
    }

    /// Collects the labels of fields' options from a response.
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

    /// Returns the label of a field's option, if known.
    #[must_use]
    pub fn option(&self, kind: &str, field: &str, value: &str) -> Option<String> {
        let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.option(kind, field, value)
    }

    /// Returns the name of a person at a service, if known.
    #[must_use]
    pub fn name(&self, service: &str, id: &str) -> Option<String> {
        let people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.get(service)?.names.get(id).cloned()
    }

    /// Returns true if a person is known to belong to the group in the service's responses.
    #[must_use]
    pub fn belongs(&self, service: &str, id: &str) -> bool {
        let people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let group = people.get(service).and_then(|people| people.group.as_ref());
        group.is_some_and(|group| group.contains(id))
    }

    /// Returns the group that an object at a service belongs to, if known.
    #[must_use]
    pub fn group(&self, service: &str, thing: &str) -> Option<String> {
        let people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.get(service)?.things.get(thing).cloned()
    }

    /// Collects an object and its group from a response.
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

    /// Collects people from a response.
    pub fn meet(&self, service: &str, place: &PeopleAt, body: &[u8]) {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return;
        };
        let mut all = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let people = all.entry(service.to_owned()).or_default();
        // With two groups, or two responses about one, only people in both are members.
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

    /// Collects records from a response, at the paths that the document declares.
    pub fn observe(&self, places: &[RecordAt], body: &[u8]) {
        if places.is_empty() {
            return;
        }
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return;
        };
        // Beside errors a null may stand for a value that could not be read: such a response says
        // nothing about owners.
        let Some(data) = body.get("data").filter(|_| !has_errors(&body)) else {
            return;
        };
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let Records { shown, emails } = &mut *records;
        for place in places {
            each(data, &place.at, &mut |record| {
                let Some(id) = record.get("id").and_then(Value::as_str) else {
                    return;
                };
                let key = RecordKey {
                    kind: place.kind.clone(),
                    id: id.to_ascii_lowercase(),
                };
                if shown.len() < RECORDS_MAX || shown.contains_key(&key) {
                    learned.take(&key, place.label.as_deref(), record);
                }
                if let Some(steps) = &place.email {
                    let email = text_at(record, steps).filter(|email| email.contains('@'));
                    if let Some(email) = email.filter(|_| emails.len() < RECORDS_MAX) {
                        emails.insert(key.id, email.to_lowercase());
                    }
                    return;
                }
                if shown.len() < RECORDS_MAX || shown.contains_key(&key) {
                    shown.entry(key).or_default().learn(read(place, record));
                }
            });
        }
    }
}

impl RecordState {
    /// Merges a later response. Values that it lacks are kept: one response has the owner, another
    /// the stage.
    fn learn(&mut self, later: Self) {
        if !matches!(later.owner, OwnerName::Unknown) {
            self.owner = later.owner;
        }
        if later.stage.is_some() {
            self.stage = later.stage;
        }
    }
}

fn read(place: &RecordAt, record: &Value) -> RecordState {
    let stage = place
        .stage
        .as_deref()
        .and_then(|steps| text_at(record, steps));
    RecordState {
        owner: named(&place.owner, record),
        stage: stage.map(str::to_owned),
    }
}

/// Returns the owner at the first path whose parent is present. A null means no owner only at the
/// end of the path: a relation that reads null may point to a deleted record, and says nothing
/// about what is below it.
fn named(places: &[Vec<String>], record: &Value) -> OwnerName {
    for steps in places {
        let Some((last, way)) = steps.split_last() else {
            continue;
        };
        let Some(parent) = at(record, way).and_then(Value::as_object) else {
            continue;
        };
        return match parent.get(last) {
            Some(Value::Null) => OwnerName::None,
            Some(Value::String(text)) if !text.is_empty() => OwnerName::Text(text.to_lowercase()),
            _ => OwnerName::Unknown,
        };
    }
    OwnerName::Unknown
}

fn text_at<'v>(record: &'v Value, steps: &[String]) -> Option<&'v str> {
    at(record, steps).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn steps(path: &str) -> Vec<String> {
        path.split('/').map(str::to_owned).collect()
    }

    fn seen(body: &Value) -> ObservedRecords {
        let seen = ObservedRecords::default();
        let place = RecordAt {
            kind: "item".into(),
            at: steps("items/edges/*/node"),
            owner: vec![steps("company/owner/email")],
            stage: Some(steps("stage")),
            email: None,
            label: None,
        };
        seen.observe(&[place], body.to_string().as_bytes());
        seen
    }

    fn owner(node: Value) -> Owner {
        let mut node = node;
        node["id"] = "A1".into();
        let seen = seen(&json!({"data": {"items": {"edges": [{ "node": node }]}}}));
        seen.get(&key()).unwrap().owner
    }

    fn key() -> RecordKey {
        RecordKey {
            kind: "item".into(),
            id: "a1".into(),
        }
    }

    #[test]
    fn owner_is_known_none_or_unknown() {
        let email = json!({"company": {"owner": {"email": "Robin@example.com"}}});
        assert_eq!(owner(email), Owner::Member("robin@example.com".into()));
        let none = json!({"company": {"owner": {"email": null}}});
        assert_eq!(owner(none), Owner::None);
        for unknown in [
            json!({}),
            json!({"company": {}}),
            // A relation to a deleted record reads null as well.
            json!({"company": null}),
            json!({"company": {"owner": null}}),
            json!({"company": {"owner": {}}}),
            json!({"company": {"owner": {"email": 3}}}),
            json!({"company": {"owner": {"email": ""}}}),
            json!({"company": {"owner": {"email": "5a000001-0000-4000-8000-000000000006"}}}),
            json!({"company": ["owner"]}),
        ] {
            assert_eq!(owner(unknown.clone()), Owner::Unknown, "{unknown}");
        }
    }

    #[test]
    fn attributes_are_stored_flat() {
        for (owner, known, email) in [
            (Owner::Unknown, false, json!(null)),
            (Owner::None, true, json!(null)),
            (Owner::Member("a@b.c".into()), true, json!("a@b.c")),
        ] {
            let attributes = Attributes {
                owner,
                stage: Some("NEW".into()),
            };
            let stored = serde_json::to_value(&attributes).unwrap();
            let expected = json!({"ownerKnown": known, "owner": email, "stage": "NEW"});
            assert_eq!(stored, expected);
            assert_eq!(
                serde_json::from_value::<Attributes>(stored).unwrap(),
                attributes
            );
        }
    }

    fn place(kind: &str, owner: &[&str], email: Option<&str>) -> RecordAt {
        RecordAt {
            kind: kind.into(),
            at: steps("items/*"),
            owner: owner.iter().map(|at| steps(at)).collect(),
            stage: None,
            email: email.map(steps),
            label: None,
        }
    }

    fn answer(items: &Value) -> Vec<u8> {
        json!({"data": {"items": items}}).to_string().into_bytes()
    }

    #[test]
    fn owner_by_id_is_who_the_members_say() {
        let seen = ObservedRecords::default();
        let owner = || seen.get(&key()).map(|attributes| attributes.owner);
        seen.observe(
            &[place("item", &["ownerId"], None)],
            &answer(&json!([{"id": "a1", "ownerId": "M1"}])),
        );
        assert_eq!(owner(), Some(Owner::Unknown), "nobody has said who that is");
        let members = [place("member", &[], Some("email"))];
        seen.observe(
            &members,
            &answer(&json!([{"id": "m2", "email": "max@example.com"}])),
        );
        assert_eq!(
            owner(),
            Some(Owner::Unknown),
            "an id that is not among them"
        );
        assert_eq!(seen.owned_by("m1"), None);
        for unusable in [json!(null), json!(""), json!("no address"), json!(3)] {
            seen.observe(&members, &answer(&json!([{"id": "m1", "email": unusable}])));
            assert_eq!(owner(), Some(Owner::Unknown), "{unusable}");
        }
        let mut failed: Value =
            serde_json::from_slice(&answer(&json!([{"id": "m1", "email": "mia@example.com"}])))
                .unwrap();
        failed["errors"] = json!([{"message": "m"}]);
        seen.observe(&members, failed.to_string().as_bytes());
        assert_eq!(owner(), Some(Owner::Unknown), "an error beside the data");
        seen.observe(
            &members,
            &answer(&json!([{"id": "m1", "email": "Mia@example.com"}])),
        );
        assert_eq!(owner(), Some(Owner::Member("mia@example.com".into())));
        assert_eq!(seen.owned_by("M1"), Some(vec![key()]));
        assert_eq!(seen.owned_by("m2"), Some(Vec::new()));
    }

    #[test]
    fn first_place_that_is_there_names_the_owner() {
        let places = [place("item", &["deal/ownerId", "firm/ownerId"], None)];
        for (item, expected) in [
            (
                json!({"deal": {"ownerId": "a@b.c"}, "firm": null}),
                Owner::Member("a@b.c".into()),
            ),
            (
                json!({"deal": null, "firm": {"ownerId": "d@e.f"}}),
                Owner::Member("d@e.f".into()),
            ),
            (
                json!({"deal": {"ownerId": null}, "firm": {"ownerId": "d@e.f"}}),
                Owner::None,
            ),
            (json!({"deal": null, "firm": null}), Owner::Unknown),
        ] {
            let mut item = item;
            item["id"] = "a1".into();
            let seen = ObservedRecords::default();
            seen.observe(&places, &answer(&json!([item])));
            assert_eq!(seen.get(&key()).unwrap().owner, expected, "{item}");
        }
    }

    #[test]
    fn answer_that_tells_no_owner_takes_none_away() {
        let seen = ObservedRecords::default();
        let places = [place("item", &["firm/ownerId"], None)];
        let alone = [place("item", &["firmId"], None)];
        let owner = || seen.get(&key()).unwrap().owner;
        seen.observe(&places, &answer(&json!([{"id": "a1", "firm": null}])));
        assert_eq!(owner(), Owner::Unknown);
        seen.observe(&alone, &answer(&json!([{"id": "a1", "firmId": null}])));
        assert_eq!(owner(), Owner::None);
        seen.observe(&places, &answer(&json!([{"id": "a1", "firm": null}])));
        assert_eq!(owner(), Owner::None);
        seen.observe(&alone, &answer(&json!([{"id": "a1", "firmId": "f1"}])));
        assert_eq!(
            owner(),
            Owner::Unknown,
            "it has a firm, and nobody says whose"
        );
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
