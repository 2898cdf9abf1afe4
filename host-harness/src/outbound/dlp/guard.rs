//! Data loss prevention of one call: a value that a service has returned may go back to it, and to
//! another service only as part of a disclosure in a plan. Reads are also checked for the
//! provenance of their values (see `provenance`).

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::provenance::Provenance;
pub use super::values::Exempt;
use super::values::{Crossing, IsDisclosed, MemberNames, RecordPlace, RepeatedValue, Values};
use crate::denial::{Denial, DenialCode};

/// The data loss prevention of one call.
#[derive(Debug)]
pub struct Guard {
    values: Values,
    exempt: Exempt,
    /// Places for answers without records.
    nowhere: Arc<[RecordPlace]>,
    /// Sources that the values in a read must come from.
    provenance: Provenance,
}

impl Guard {
    /// Creates the data loss prevention of a call without any answers. `names` are the manifest's
    /// rules for members of answers.
    #[must_use]
    pub fn new(exempt: Exempt, names: MemberNames) -> Self {
        Self {
            values: Values::new(names),
            exempt,
            nowhere: Arc::default(),
            provenance: Provenance::default(),
        }
    }

    /// Takes in an answer of a service. `of_itself` is true if the answer describes the service
    /// alone, such as a list of its fields; `places` are the places of records in it.
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

    /// Takes in an answer without records.
    #[cfg(test)]
    pub(crate) fn note(&self, destination: &str, body: Bytes) {
        self.values.take_in(destination, &self.nowhere, body);
    }

    /// Restricts reads to values from these sources, once another service has answered.
    #[must_use]
    pub(crate) fn founded_on(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// Restricts reads to the step of a plan that the component judges: to the step's service, and
    /// to values in the step.
    pub(crate) fn judge(&self, service: &str, path: &str, body: &str, answer: Option<&[u8]>) {
        self.provenance.judge(service, path, body, answer);
    }

    /// Returns the sources that the values in a read must come from.
    pub(in crate::outbound) fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Checks that the texts of a read contain no value of another service.
    ///
    /// # Errors
    /// Returns the refusal.
    pub(in crate::outbound) fn check_read(
        &self,
        to: &str,
        carried: &[String],
    ) -> Result<(), Denial> {
        self.check(to, carried, &|_, _| false)
    }

    /// Checks that a step carries no value of another service but disclosed ones. `disclosed`
    /// returns true if the value at a place of a record is.
    ///
    /// # Errors
    /// Returns the refusal.
    pub(crate) fn let_write(
        &self,
        to: &str,
        carried: &[String],
        disclosed: IsDisclosed<'_>,
    ) -> Result<(), Denial> {
        self.check(to, carried, disclosed)
    }

    /// Returns the undisclosed values of records that a text repeats, whether the caller wrote them
    /// or the component did.
    pub(crate) fn repeated(
        &self,
        to: &str,
        texts: &[&str],
        disclosed: IsDisclosed<'_>,
        settings: &Exempt,
    ) -> Vec<RepeatedValue> {
        self.values.repeated(to, texts, disclosed, settings)
    }

    /// Returns the number of bytes of answers kept.
    pub(crate) fn bytes(&self) -> usize {
        self.values.bytes()
    }

    fn check(
        &self,
        to: &str,
        carried: &[String],
        disclosed: IsDisclosed<'_>,
    ) -> Result<(), Denial> {
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

/// Collects every text, number and member name of a value, those of JSON within texts included. A
/// text that is JSON is also collected as it is: nobody knows here how its reader treats, for
/// example, two members of one name.
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
    fn json_in_a_text_also_counts_as_text() {
        // A reader keeps the last of two equal names; the text is sent with both.
        let variable = serde_json::json!({"title": r#"{"a":"Northern Depot","a":"x"}"#});
        let mut found = Vec::new();
        texts(&variable, &mut found);
        assert!(found.iter().any(|text| text.contains("Northern Depot")));
        assert!(found.contains(&"x".to_owned()));
    }
}
