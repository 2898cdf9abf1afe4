//! Labels and field values of records, learned from the services' responses.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::places::OptionsAt;
use super::record::RecordKey;
use crate::json_path::{at, each};

/// Most labels, most options, and most bytes of field values that are kept; anything beyond is
/// ignored.
const LABELS_MAX: usize = 2_000;
const OPTIONS_MAX: usize = 5_000;
const BYTES_MAX: usize = 4 << 20;
/// Longest label and longest value in characters, and most values of one record.
const LABEL_MAX: usize = 200;
const VALUE_MAX: usize = 1_000;
const VALUES_MAX: usize = 64;
/// Deepest nesting of a value that is kept.
const DEPTH_MAX: usize = 3;

/// Label of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The record's kind, as the skill names it.
    pub kind: String,
    /// The label.
    pub text: String,
}

/// A field's value: `None` if it is empty, otherwise its text, number or truth value as text.
pub type FieldValue = Option<String>;

/// Facts about records from responses.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// Labels by record id; `None` if records of different kinds have the same id.
    labels: HashMap<String, Option<Label>>,
    values: HashMap<RecordKey, BTreeMap<String, FieldValue>>,
    bytes: usize,
    /// Labels of options, by kind of record, field and value.
    options: HashMap<(String, String, String), String>,
}

impl Learned {
    /// Stores the label and the field values of a record. `label` is the path to a text, or to an
    /// object whose texts are joined by spaces.
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
            // A value that does not fit is not kept, and the one before it is dropped as outdated.
            if self.bytes + size > BYTES_MAX || known.len() >= VALUES_MAX {
                known.remove(&path);
                continue;
            }
            self.bytes += size;
            // An empty value has nothing below it, and a value with members is not empty.
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

    /// Stores the labels of fields' options.
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

    /// Returns a field's value; `None` if no response had it. Everything below an empty value is
    /// empty.
    pub(super) fn held(&self, key: &RecordKey, path: &str) -> Option<FieldValue> {
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

/// Returns the text of a value: itself, or the texts of an object joined by spaces.
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

fn scalars(value: &Value, path: &str, depth: usize, found: &mut Vec<(String, FieldValue)>) {
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
        // With two kinds under one id, neither label is used.
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
