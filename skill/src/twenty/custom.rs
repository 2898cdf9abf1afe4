//! Custom fields of a workspace that the operator names in a setting: they extend the documents
//! that have a place for them, and are read from the answers by their own names (Twenty 2.21
//! ignores an alias below the root).

use std::borrow::Cow;
use std::collections::BTreeMap;

use graphql_fields::{extend, settings};
use serde::Deserialize;
use serde_json::Value;

use super::documents::{self, Document};
use super::values::Connection;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::text;

/// The setting that names the field of deals with their next step.
pub const NEXT_STEP: &str = "next-step-field";

/// Every setting that names a field, and the object that has it.
pub const SETTINGS: &[(&str, &str)] = &[(NEXT_STEP, "opportunity")];

/// Returns the documents with a place for the field that a setting names.
pub fn extended_by(setting: &str) -> impl Iterator<Item = &'static Document> {
    documents::ALL.iter().copied().filter(move |document| {
        settings(document.text).is_ok_and(|mut places| places.any(|place| place == setting))
    })
}

/// Returns a document with the operator's fields.
///
/// # Errors
/// `unavailable` where a setting does not name a field. The harness has refused to start with such
/// a one.
pub(super) fn extended(
    ctx: &Context<'_>,
    document: &'static Document,
) -> Result<Cow<'static, str>, Failure> {
    extend(document.text, |setting| ctx.setting(setting)).map_err(|error| {
        failure::unavailable(
            false,
            format!("\"{}\" cannot be sent: {error}.", document.name),
            "Ask the operator to correct this setting in the operator file, or to remove it.",
        )
    })
}

/// The content of the field with a deal's next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// The operator has named no field.
    Unmapped,
    /// The field is empty.
    Empty {
        /// Its name.
        field: String,
    },
    /// The field is null: empty, or unknown to this CRM.
    Null {
        /// Its name.
        field: String,
    },
    /// The field has a text.
    Says {
        /// Its name.
        field: String,
        /// The text, without invisible characters.
        text: String,
    },
    /// The field is missing, or holds nothing that can be shown on a line.
    Unreadable {
        /// The reason, in one sentence.
        why: String,
    },
}

impl NextStep {
    /// Returns the text, if there is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Says { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Returns the field's name, where it is set and empty.
    pub fn empty_field(&self) -> Option<&str> {
        match self {
            Self::Empty { field } | Self::Null { field } => Some(field),
            _ => None,
        }
    }
}

/// Explains that the field named by the operator does not exist.
pub fn no_such_field(field: &str) -> String {
    format!(
        "The setting \"{NEXT_STEP}\" names the field \"{field}\", which this CRM's deals do not have."
    )
}

/// Reads the mapped field from the root `opportunity` of an answer.
pub(super) fn next_step(ctx: &Context<'_>, body: &[u8]) -> NextStep {
    #[derive(Deserialize)]
    struct Answer {
        data: Option<Roots>,
    }
    #[derive(Deserialize)]
    struct Roots {
        opportunity: Option<BTreeMap<String, Value>>,
    }
    let Some(field) = ctx.setting(NEXT_STEP) else {
        return NextStep::Unmapped;
    };
    let value = serde_json::from_slice::<Answer>(body)
        .ok()
        .and_then(|answer| answer.data?.opportunity?.remove(&field));
    match value {
        None => NextStep::Unreadable {
            why: format!(
                "The CRM answered without the field \"{field}\" that the setting \"{NEXT_STEP}\" names."
            ),
        },
        Some(Value::Null) => NextStep::Null { field },
        Some(value) => match words(&value) {
            None => NextStep::Unreadable {
                why: format!(
                    "The field \"{field}\" that the setting \"{NEXT_STEP}\" names is no plain field."
                ),
            },
            Some(said) => {
                let text = text::clean(&said);
                if text.trim().is_empty() {
                    NextStep::Empty { field }
                } else {
                    NextStep::Says { field, text }
                }
            }
        },
    }
}

/// The mapped field of the deals of an answer, by their ids.
#[derive(Debug, Default)]
pub struct Mapped {
    field: String,
    values: BTreeMap<String, Value>,
}

impl Mapped {
    /// Returns the field's name and its value for a deal, where that was read.
    pub fn value(&self, id: &str) -> Option<(&str, &Value)> {
        let value = self.values.get(id)?;
        Some((&self.field, value))
    }

    /// Returns a deal's text in the field, if there is one, without invisible characters.
    pub fn text(&self, id: &str) -> Option<String> {
        let said = text::clean(&words(self.values.get(id)?)?);
        (!said.trim().is_empty()).then_some(said)
    }
}

/// Reads the mapped field of each deal from an answer: one deal at the root `opportunity`, or a
/// list at `opportunities`.
pub(super) fn mapped(ctx: &Context<'_>, body: &[u8]) -> Mapped {
    #[derive(Deserialize)]
    struct Answer {
        data: Option<Roots>,
    }
    #[derive(Deserialize)]
    struct Roots {
        opportunity: Option<BTreeMap<String, Value>>,
        opportunities: Option<Connection<BTreeMap<String, Value>>>,
    }
    let Some(field) = ctx.setting(NEXT_STEP) else {
        return Mapped::default();
    };
    let roots = serde_json::from_slice::<Answer>(body)
        .ok()
        .and_then(|answer| answer.data);
    let (one, many) = roots.map_or((None, None), |roots| {
        (roots.opportunity, roots.opportunities)
    });
    let many = many.into_iter().flat_map(Connection::rows);
    let values = one
        .into_iter()
        .chain(many)
        .filter_map(|mut deal| {
            let id = deal.get("id")?.as_str()?.to_owned();
            Some((id, deal.remove(&field)?))
        })
        .collect();
    Mapped { field, values }
}

/// Formats a plain value: a text, a number, one choice or several. A box that is not ticked counts
/// as empty.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(ticked) => Some(if *ticked { "yes" } else { "" }.to_owned()),
        Value::Null => Some(String::new()),
        Value::Array(values) => {
            let plain: Option<Vec<String>> = values
                .iter()
                .map(|value| match value {
                    Value::Array(_) => None,
                    value => words(value),
                })
                .collect();
            let said: Vec<String> = plain?.into_iter().filter(|word| !word.is_empty()).collect();
            Some(said.join(", "))
        }
        Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::context::Settings;
    use crate::transport::{Request, Response, Transport, TransportError};

    struct Nowhere;

    impl Transport for Nowhere {
        fn send_all(&self, _: &[Request]) -> Vec<Result<Response, TransportError>> {
            Vec::new()
        }

        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }

        fn wait(&self, _: Duration) {}
    }

    struct OneSetting(&'static str);

    impl Settings for OneSetting {
        fn get(&self, key: &str) -> Option<String> {
            (key == NEXT_STEP).then(|| self.0.to_owned())
        }
    }

    fn read(field: &'static str, deal: Value) -> NextStep {
        let settings = OneSetting(field);
        let ctx = Context::new(&Nowhere, &settings, jiff::Timestamp::UNIX_EPOCH);
        let body =
            json!({ "data": { "opportunity": deal, "other": [{ "nextStep": "not this" }] } });
        next_step(&ctx, body.to_string().as_bytes())
    }

    #[test]
    fn blank_next_step_counts_as_empty() {
        let field = || "nextStep".to_owned();
        for (value, expected) in [
            (json!("Call legal"), Some("Call legal")),
            (json!(" \u{200b}\u{202e} "), None),
            (json!(""), None),
            (json!(7), Some("7")),
            (json!(true), Some("yes")),
            (json!(false), None),
            (json!(["LEGAL", "PRICE"]), Some("LEGAL, PRICE")),
            (json!([]), None),
        ] {
            let expected = match expected {
                Some(text) => NextStep::Says {
                    field: field(),
                    text: text.to_owned(),
                },
                None => NextStep::Empty { field: field() },
            };
            assert_eq!(read("nextStep", json!({ "nextStep": value })), expected);
        }
        assert_eq!(
            read("nextStep", json!({ "nextStep": null })),
            NextStep::Null { field: field() }
        );
    }

    #[test]
    fn missing_or_composite_field_is_unreadable() {
        for deal in [
            json!({}),
            json!({ "nextstep": "x" }),
            json!({ "nextStep": { "markdown": "x" } }),
            json!({ "nextStep": [["x"]] }),
            json!(null),
        ] {
            let NextStep::Unreadable { why } = read("nextStep", deal.clone()) else {
                panic!("{deal} was read")
            };
            assert!(why.contains(NEXT_STEP) && why.contains("nextStep"), "{why}");
        }
        assert_eq!(read(" ", json!({ "nextStep": "x" })), NextStep::Unmapped);
    }

    #[test]
    fn invalid_field_setting_blocks_the_document() {
        let settings = OneSetting("id } people { id");
        let ctx = Context::new(&Nowhere, &settings, jiff::Timestamp::UNIX_EPOCH);
        let failure = extended(&ctx, &documents::BLOCKERS).unwrap_err();
        assert!(
            failure::sentence(&failure).contains(NEXT_STEP),
            "{failure:?}"
        );
        assert_eq!(
            extended(&ctx, &documents::SEARCH).unwrap(),
            documents::SEARCH.text
        );
    }

    #[test]
    fn every_custom_field_place_has_a_setting() {
        for document in documents::ALL {
            for setting in settings(document.text).unwrap() {
                assert!(
                    SETTINGS.iter().any(|(known, _)| *known == setting),
                    "{}: {setting}",
                    document.name
                );
            }
        }
        for (setting, _) in SETTINGS {
            assert!(extended_by(setting).next().is_some(), "{setting}");
        }
    }
}
