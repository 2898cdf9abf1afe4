//! What keeps values of one service from another: whatever a service has answered during a call may go back to it, and to another only
//! as what a plan gives away.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use url::Url;

use super::denial::{Denial, DenialCode};
use super::policy::Allowed;
use super::sender::Outgoing;
pub use super::values::Exempt;
use super::values::{Crossing, Disclosed, Names, RecordPlace, Repeat, Values};

/// The guard of one call.
#[derive(Debug)]
pub struct Guard {
    values: Values,
    exempt: Exempt,
    /// For answers that tell of no record.
    nowhere: Arc<[RecordPlace]>,
}

impl Guard {
    /// A guard that has seen nothing yet. `names` is what the manifest says of members of answers.
    #[must_use]
    pub fn new(exempt: Exempt, names: Names) -> Self {
        Self {
            values: Values::new(names),
            exempt,
            nowhere: Arc::default(),
        }
    }

    /// Takes in what a service has answered. Documents that may be kept tell of the service itself, unless they tell of records.
    pub(super) fn take_in(&self, allowed: &Allowed<'_>, body: &Bytes) {
        let places = match allowed.document {
            Some(document) if document.cacheable_seconds > 0 && document.places.is_empty() => {
                return;
            }
            Some(document) => &document.places,
            None => &self.nowhere,
        };
        self.values
            .take_in(&allowed.destination.name, places, body.clone());
    }

    /// Takes in an answer that tells of no record.
    #[cfg(test)]
    pub(crate) fn note(&self, destination: &str, body: Bytes) {
        self.values.take_in(destination, &self.nowhere, body);
    }

    /// Whether a request that a component makes carries nothing of another service.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn let_read(
        &self,
        allowed: &Allowed<'_>,
        outgoing: &Outgoing,
    ) -> Result<(), Denial> {
        let to = &allowed.destination.name;
        let mut carried = Vec::new();
        if let Ok(url) = Url::parse(&outgoing.url) {
            // Only what the component chose itself: the route has the rest.
            let chosen = allowed.route.pattern.wildcards(url.path());
            carried.extend(chosen.map(str::to_owned));
            carried.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
        }
        let body = outgoing.body.as_deref().unwrap_or_default();
        if let Ok(mut body) = serde_json::from_slice::<Value>(body) {
            // A document's own text was looked at when it was accepted.
            let body = match (allowed.document, body.get_mut("variables")) {
                (Some(_), Some(variables)) => variables.take(),
                _ => body,
            };
            texts(&body, &mut carried);
        }
        self.check(to, &carried, &|_, _| false)
            .map_err(|denial| denial.near(&*allowed.route.id))
    }

    /// Whether a step carries nothing of another service but what is given away: `disclosed` says whether what stands at a place below
    /// a record is.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) fn let_write(
        &self,
        to: &str,
        carried: &[String],
        disclosed: Disclosed<'_>,
    ) -> Result<(), Denial> {
        self.check(to, carried, disclosed)
    }

    /// Returns the values of records that a text repeats and that are not disclosed, whoever said them: what the caller has written
    /// counts as what the component has.
    pub(crate) fn repeated(
        &self,
        to: &str,
        texts: &[&str],
        disclosed: Disclosed<'_>,
        settings: &Exempt,
    ) -> Vec<Repeat> {
        self.values.repeated(to, texts, disclosed, settings)
    }

    /// Returns how many bytes of answers it keeps.
    pub(crate) fn bytes(&self) -> usize {
        self.values.bytes()
    }

    fn check(&self, to: &str, carried: &[String], disclosed: Disclosed<'_>) -> Result<(), Denial> {
        let carried: Vec<&str> = carried.iter().map(String::as_str).collect();
        self.values
            .check(to, &carried, disclosed, &self.exempt)
            .map_err(|crossing| refused(&crossing).at(to))
    }
}

fn refused(crossing: &Crossing) -> Denial {
    Denial::new(
        DenialCode::Crossing,
        format!("A request would have carried what another service answered: {crossing}."),
        "What may go to other services are the fields under [kinds] in skill.toml, of records that the plan names. If this should go, its makers must list it there; if not, the skill is at fault.",
    )
}

/// Every text, number and name of a member in a value, that of JSON within texts included. A text that is JSON counts as it stands
/// too: what a reader makes of it, such as of equal names, is not known here.
pub(crate) fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, below) in members {
                found.push(name.clone());
                texts(below, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::String(text) => {
            if text.starts_with(['{', '['])
                && let Ok(inner) = serde_json::from_str::<Value>(text)
            {
                texts(&inner, found);
            }
            found.push(text.clone());
        }
        Value::Number(number) => found.push(number.to_string()),
        Value::Bool(_) | Value::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_a_text_counts_as_it_stands_too() {
        // A reader keeps the last of two equal names, the text goes out with both.
        let variable = serde_json::json!({"title": r#"{"a":"Northern Depot","a":"x"}"#});
        let mut found = Vec::new();
        texts(&variable, &mut found);
        assert!(found.iter().any(|text| text.contains("Northern Depot")));
        assert!(found.contains(&"x".to_owned()));
    }
}
