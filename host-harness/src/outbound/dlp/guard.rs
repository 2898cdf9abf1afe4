//! What keeps values of one service from another: whatever a service has answered during a call may go back to it, and to another only
//! as what a plan gives away. Reads are also held to where their values come from (see [`super::provenance`]).

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::provenance::Provenance;
pub use super::values::Exempt;
use super::values::{Crossing, Disclosed, Names, RecordPlace, Repeat, Values};
use crate::denial::{Denial, DenialCode};

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

    /// Takes in what a service has answered. `of_itself` says that the answer tells of the service alone, such as a list of its fields;
    /// `places` where it tells of records, none for nowhere.
    pub(in crate::outbound) fn take_in(
        &self,
        destination: &str,
        of_itself: bool,
        places: Option<&Arc<[RecordPlace]>>,
        body: &Bytes,
    ) {
        self.provenance
            .take_in(destination, body.clone(), !of_itself);
        let places = match places {
            Some(places) if of_itself && places.is_empty() => return,
            Some(places) => places,
            None => &self.nowhere,
        };
        self.values.take_in(destination, places, body.clone());
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

    /// Where what a read carries has to come from.
    pub(in crate::outbound) fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Checks that the texts of a read hold nothing of another service.
    ///
    /// # Errors
    /// The refusal.
    pub(in crate::outbound) fn check_read(
        &self,
        to: &str,
        carried: &[String],
    ) -> Result<(), Denial> {
        self.check(to, carried, &|_, _| false)
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
