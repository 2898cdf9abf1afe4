//! What keeps values of one service from another: whatever a service has answered during a call may go back to it, and to another only
//! as what a plan gives away. Reads are also held to where their values come from (see [`super::provenance`]).

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use url::Url;

use super::denial::{Denial, DenialCode};
use super::documents::{Declared, Document};
use super::policy::{Allowed, NO_FIX};
use super::provenance::{self, Place, Provenance};
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
    /// Where what a read carries has to come from.
    provenance: Provenance,
}

impl Guard {
    /// A guard that has seen nothing yet. `names` is what the manifest says of members of answers.
    #[must_use]
    pub fn new(exempt: Exempt, names: Names) -> Self {
        Self {
            values: Values::new(names),
            exempt,
            nowhere: Arc::default(),
            provenance: Provenance::default(),
        }
    }

    /// Takes in what a service has answered. Documents that may be kept tell of the service itself, unless they tell of records.
    pub(super) fn take_in(&self, allowed: &Allowed<'_>, body: &Bytes) {
        let of_itself = allowed
            .document
            .is_some_and(|document| document.cacheable_seconds > 0);
        self.provenance
            .take_in(&allowed.destination.name, body.clone(), !of_itself);
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

    /// Lets reads carry what comes from these sources alone, once another service has answered.
    #[must_use]
    pub(crate) fn founded_on(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// Lets the component judge a step of a plan: it may read the service that the step goes to, and tell it what stands in the step.
    pub(crate) fn judge(&self, service: &str, path: &str, body: &str, answer: Option<&[u8]>) {
        self.provenance.judge(service, path, body, answer);
    }

    /// Checks that a request which a component makes carries nothing of another service, and nothing of unknown origin.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn let_read(
        &self,
        allowed: &Allowed<'_>,
        outgoing: &Outgoing,
    ) -> Result<(), Denial> {
        let to = &allowed.destination.name;
        let near = |denial: Denial| denial.near(&*allowed.route.id);
        if let Some(judged) = self.provenance.other_than_judged(to) {
            return Err(near(
                Denial::new(
                    DenialCode::Judge,
                    format!(
                        "The skill was asked about a step to `{judged}` and tried to read from {}.",
                        allowed.destination.title
                    ),
                    NO_FIX,
                )
                .at(to),
            ));
        }
        let mut carried = Vec::new();
        let mut chosen = Vec::new();
        if let Ok(url) = Url::parse(&outgoing.url) {
            // Only what the component chose itself: the route has the rest.
            for (index, segment) in allowed.route.pattern.wildcards(url.path()).enumerate() {
                carried.push(segment.to_owned());
                let name = format!("segment `*` number {} of its path", index + 1);
                chosen.push((name, Place::Url, segment.to_owned()));
            }
            for (name, value) in url.query_pairs() {
                carried.push(value.clone().into_owned());
                let name = format!("query key `{name}`");
                chosen.push((name, Place::Url, value.into_owned()));
            }
            self.spelling(allowed, &url).map_err(near)?;
        }
        let body = outgoing.body.as_deref().unwrap_or_default();
        if let Ok(mut body) = serde_json::from_slice::<Value>(body) {
            // A document's own text was looked at when it was accepted.
            let body = match (allowed.document, body.get_mut("variables")) {
                (Some(document), Some(variables)) => {
                    free_texts(document, variables, &mut chosen);
                    variables.take()
                }
                _ => body,
            };
            texts(&body, &mut carried);
        }
        self.check(to, &carried, &|_, _| false).map_err(near)?;
        match self.provenance.unfounded(to, &chosen) {
            None => Ok(()),
            Some(place) => Err(near(unfounded(allowed, place))),
        }
    }

    /// Checks that query values are spelled in their one form, where it matters what they tell.
    fn spelling(&self, allowed: &Allowed<'_>, url: &Url) -> Result<(), Denial> {
        let to = &allowed.destination.name;
        let pairs = url.query().into_iter().flat_map(|query| query.split('&'));
        for (name, value) in pairs.filter_map(|pair| pair.split_once('=')) {
            if !provenance::is_spelled_plainly(value) && self.provenance.applies(to) {
                return Err(unfounded(
                    allowed,
                    &format!("query key `{name}`, by its spelling,"),
                ));
            }
        }
        Ok(())
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

/// The texts of a document's variables that the component chose freely.
fn free_texts(document: &Document, variables: &Value, chosen: &mut Vec<(String, Place, String)>) {
    for (name, declared) in &document.variables {
        let free = match declared {
            Declared::Scalar(scalar) => scalar.is_free_text(),
            // Of what writes alone, and that is no read.
            Declared::Input(_) => true,
        };
        let Some(value) = variables.get(name).filter(|_| free) else {
            continue;
        };
        let place = format!("variable `{name}` of the document `{}`", document.name);
        let items = value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice);
        let texts = items.iter().filter_map(Value::as_str);
        chosen.extend(texts.map(|text| (place.clone(), Place::Variable, text.to_owned())));
    }
}

fn unfounded(allowed: &Allowed<'_>, place: &str) -> Denial {
    Denial::new(
        DenialCode::Provenance,
        format!(
            "A read of {} carried something in the {place} that is in no argument, no setting and no answer of that service.",
            allowed.destination.title
        ),
        "What one service has answered may not reach another in a read, however it is spelled. If the skill has to ask for a text of its own there, its makers must list it under `[values] constants` in skill.toml; if not, the skill is at fault.",
    )
    .at(&allowed.destination.name)
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
