//! Comparison of answers up to ids and times that the services made. Those differ, but
//! consistently: what stood for one thing in the recordings stands for one thing here.

use std::collections::BTreeMap;

use serde_json::Value;

/// The mapping from ids and times of the recordings to those here. Values that a request brings
/// along map to themselves.
#[derive(Default)]
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// Has a recorded id or time stand for one that is known here.
    pub(crate) fn learn(&mut self, recorded: &str, here: &str) {
        self.0.insert(recorded.to_owned(), here.to_owned());
    }

    /// Text of a recorded request with the names of here.
    pub(crate) fn translated(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (recorded, here) in &self.0 {
            text = text.replace(recorded, here);
        }
        text
    }

    /// The differences between a recorded body and the one that came, one line each.
    pub(crate) fn differences(&mut self, recorded: &Value, came: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.compare("", recorded, came, &mut found);
        found
    }

    fn compare(&mut self, at: &str, recorded: &Value, came: &Value, found: &mut Vec<String>) {
        match (recorded, came) {
            (Value::Object(wanted), Value::Object(got)) => {
                for (key, wanted) in wanted {
                    match got.get(key) {
                        Some(got) => self.compare(&format!("{at}/{key}"), wanted, got, found),
                        None => found.push(format!("{at}/{key}: missing")),
                    }
                }
                let more = got.keys().filter(|key| !wanted.contains_key(*key));
                found.extend(more.map(|key| format!("{at}/{key}: not recorded")));
            }
            (Value::Array(wanted), Value::Array(got)) => {
                if wanted.len() != got.len() {
                    found.push(format!(
                        "{at}: recorded {} entries, came {}",
                        wanted.len(),
                        got.len()
                    ));
                }
                for (nth, (wanted, got)) in wanted.iter().zip(got).enumerate() {
                    self.compare(&format!("{at}/{nth}"), wanted, got, found);
                }
            }
            (Value::String(wanted), Value::String(got)) => {
                if !self.same(wanted, got) {
                    found.push(format!("{at}: recorded {wanted:?}, came {got:?}"));
                }
            }
            (wanted, got) if wanted == got => {}
            (wanted, got) => found.push(format!("{at}: recorded {wanted}, came {got}")),
        }
    }

    /// Compares two texts up to ids and times, which must pair as before.
    fn same(&mut self, wanted: &str, got: &str) -> bool {
        if self.translated(wanted) == got {
            return true;
        }
        let known = self.0.contains_key(wanted) || self.0.values().any(|here| here == got);
        // Several things happen in one millisecond here or there, so times may come to stand for
        // several.
        let made = is_id(wanted) && is_id(got) && !known
            || is_time(wanted) && is_time(got) && !self.0.contains_key(wanted);
        if made {
            self.learn(wanted, got);
        }
        made
    }
}

fn is_id(text: &str) -> bool {
    matches!(text.len(), 32 | 36) && uuid::Uuid::try_parse(text).is_ok()
}

fn is_time(text: &str) -> bool {
    text.len() == 24 && text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok()
}
