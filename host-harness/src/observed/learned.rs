//! What the services' answers told of records beside their owners: the label of each, and what its fields hold.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::places::OptionsAt;
use super::record::RecordKey;
use crate::json_path::{at, each};

/// Most records whose labels are kept, most options, and most bytes of what their fields hold; of more nothing is known.
const LABELS_MAX: usize = 2_000;
const OPTIONS_MAX: usize = 5_000;
const BYTES_MAX: usize = 4 << 20;
/// Longest label and longest value that is kept, in characters, and most values of a record.
const LABEL_MAX: usize = 200;
const VALUE_MAX: usize = 1_000;
const VALUES_MAX: usize = 64;
/// Deepest value of a record that is kept.
const DEPTH_MAX: usize = 3;

/// A record's label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The record's kind, in the skill's words.
    pub kind: String,
    /// The label.
    pub text: String,
}

/// What a field of a record holds: nothing, or a text or number as text.
pub type Held = Option<String>;

/// What answers told.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// By the record's id; none where answers told different ones for records of different kinds.
    labels: HashMap<String, Option<Label>>,
    values: HashMap<RecordKey, BTreeMap<String, Held>>,
    bytes: usize,
    /// What people call options, by kind of record, field and the word that is sent.
    options: HashMap<(String, String, String), String>,
}

impl Learned {
    /// Takes in a record. `label` leads to a text, or to an object whose texts are joined by spaces.
    pub(super) fn take(&mut self, key: &RecordKey, label: Option<&[String]>, record: &Value) {
        if let Some(text) = label.and_then(|steps| text_at(at(record, steps)?)) {
            let label = Label {
                kind: key.kind.clone(),
                text: text.chars().take(LABEL_MAX).collect(),
            };
            let room = self.labels.len() < LABELS_MAX;
            match self.labels.get_mut(&key.id) {
                Some(Some(known)) if known.kind == label.kind => *known = label,
                Some(known) => *known = None,
                None if room => drop(self.labels.insert(key.id.clone(), Some(label))),
                None => {}
            }
        }
        let mut found = Vec::new();
        scalars(record, "", DEPTH_MAX, &mut found);
        let known = self.values.entry(key.clone()).or_default();
        for (path, held) in found {
            let size = path.len() + held.as_ref().map_or(0, String::len);
            // What does not fit is not known; what was known of it is no longer true.
            if self.bytes + size > BYTES_MAX || known.len() >= VALUES_MAX {
                known.remove(&path);
                continue;
            }
            self.bytes += size;
            // What is empty has nothing below it any more, and what has something below it is not empty.
            if held.is_none() {
                let below = format!("{path}.");
                known.retain(|known, _| !known.starts_with(&below));
            }
            let mut above = path.as_str();
            while let Some((outer, _)) = above.rsplit_once('.') {
                known.remove(outer);
                above = outer;
            }
            known.insert(path, held);
        }
    }

    /// Takes in what people call the options of fields.
    pub(super) fn take_options(&mut self, place: &OptionsAt, data: &Value) {
        let text = |value: &Value, steps: &[String]| {
            let text = at(value, steps)?.as_str()?;
            (!text.is_empty() && text.len() <= LABEL_MAX).then(|| text.to_owned())
        };
        each(data, &place.at, &mut |kind| {
            let Some(name) = text(kind, &place.kind) else {
                return;
            };
            each(kind, &place.fields, &mut |field| {
                let Some(field_name) = text(field, &place.name) else {
                    return;
                };
                each(field, &place.options, &mut |option| {
                    let said = text(option, &place.value).zip(text(option, &place.label));
                    if let Some((value, label)) = said
                        && self.options.len() < OPTIONS_MAX
                    {
                        let key = (name.clone(), field_name.clone(), value);
                        self.options.insert(key, label);
                    }
                });
            });
        });
    }

    pub(super) fn option(&self, kind: &str, field: &str, value: &str) -> Option<String> {
        let key = (kind.to_owned(), field.to_owned(), value.to_owned());
        self.options.get(&key).cloned()
    }

    pub(super) fn label(&self, id: &str) -> Option<Label> {
        self.labels.get(id)?.clone()
    }

    /// Returns what a field holds; none where no answer told it. Below what is empty, everything is.
    pub(super) fn held(&self, key: &RecordKey, path: &str) -> Option<Held> {
        let values = self.values.get(key)?;
        if let Some(held) = values.get(path) {
            return Some(held.clone());
        }
        let mut above = path;
        while let Some((outer, _)) = above.rsplit_once('.') {
            if values.get(outer) == Some(&None) {
                return Some(None);
            }
            above = outer;
        }
        None
    }
}

/// The text at a place: itself, or the texts of an object joined by spaces.
fn text_at(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Object(members) => {
            let texts = members.values().filter_map(Value::as_str).map(str::trim);
            let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
            texts.join(" ")
        }
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn scalars(value: &Value, path: &str, depth: usize, found: &mut Vec<(String, Held)>) {
    let held = match value {
        Value::Object(members) if depth > 0 => {
            for (name, below) in members {
                let dot = if path.is_empty() { "" } else { "." };
                scalars(below, &format!("{path}{dot}{name}"), depth - 1, found);
            }
            return;
        }
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) if text.chars().count() > VALUE_MAX => {
            let start: String = text.chars().take(VALUE_MAX).collect();
            Some(format!("{start}\u{2026}"))
        }
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Array(_) | Value::Object(_) => return,
    };
    found.push((path.to_owned(), held));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(kind: &str) -> RecordKey {
        RecordKey {
            kind: kind.into(),
            id: "a1".into(),
        }
    }

    #[test]
    fn label_is_a_text_or_the_texts_of_an_object() {
        let mut learned = Learned::default();
        let steps = ["name".to_owned()];
        for (name, expected) in [
            (json!("Depot"), Some("Depot")),
            (
                json!({"first": "Tim", "last": " Apple "}),
                Some("Tim Apple"),
            ),
        ] {
            learned.take(
                &key("item"),
                Some(&steps),
                &json!({"id": "a1", "name": name}),
            );
            assert_eq!(
                learned.label("a1").map(|label| label.text).as_deref(),
                expected
            );
        }
        for nothing in [json!(null), json!(""), json!({"first": ""}), json!([1])] {
            let mut learned = Learned::default();
            learned.take(&key("item"), Some(&steps), &json!({"name": nothing}));
            assert_eq!(learned.label("a1"), None);
        }
        // Two kinds under one id: neither names it.
        learned.take(&key("other"), Some(&steps), &json!({"name": "X"}));
        assert_eq!(learned.label("a1"), None);
    }

    #[test]
    fn held_is_what_the_last_answer_told() {
        let mut learned = Learned::default();
        let record =
            json!({"id": "a1", "price": {"micros": 5, "unit": "EUR"}, "owner": null, "name": ""});
        learned.take(&key("item"), None, &record);
        for (path, expected) in [
            ("price.micros", Some(Some("5".to_owned()))),
            ("owner.id", Some(None)),
            ("name", Some(None)),
            ("other", None),
            ("price.other", None),
        ] {
            assert_eq!(learned.held(&key("item"), path), expected, "{path}");
        }
        learned.take(
            &key("item"),
            None,
            &json!({"id": "a1", "name": "new", "owner": {"id": "u"}}),
        );
        assert_eq!(
            learned.held(&key("item"), "name"),
            Some(Some("new".to_owned()))
        );
        assert_eq!(
            learned.held(&key("item"), "price.micros"),
            Some(Some("5".to_owned()))
        );
        assert_eq!(
            learned.held(&key("item"), "owner.id"),
            Some(Some("u".to_owned()))
        );
        learned.take(&key("item"), None, &json!({"id": "a1", "owner": null}));
        assert_eq!(learned.held(&key("item"), "owner.id"), Some(None));
        assert_eq!(learned.held(&key("other"), "name"), None);
    }
}
