//! The end of a call on record, whatever the end is, and the records that an answer names as its sources.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::shape::Shape;
use crate::events::{Ended, RecordError, Recorder, Source};
use crate::outbound::call_context::Ledger;
use crate::outbound::known_ids::Told;

/// Failures that this host answers with in the component's stead.
const OF_THE_HOST: [&str; 2] = ["denied", "invalid-input"];
/// Sources of one answer that go on record.
const SOURCES_MAX: usize = 256;

/// A call whose beginning is on record and whose end will be.
pub(crate) struct Recorded<'a> {
    recorder: &'a dyn Recorder,
    ledger: Arc<Ledger>,
    started: Instant,
    over: bool,
}

impl<'a> Recorded<'a> {
    pub(crate) fn new(recorder: &'a dyn Recorder, ledger: Arc<Ledger>, started: Instant) -> Self {
        Self {
            recorder,
            ledger,
            started,
            over: false,
        }
    }

    /// It has a result; `declared` is the type of its failures, `objects` are those whose records may be named.
    pub(crate) fn ended(
        mut self,
        result: &Result<Value, Value>,
        declared: Option<&Shape>,
        objects: &[String],
    ) -> Result<(), RecordError> {
        match result {
            Ok(answer) => {
                let sources = sources(answer, objects, self.ledger.told());
                self.record("done", &sources)
            }
            Err(failure) => self.record(code(failure, declared), &[]),
        }
    }

    /// It has no result, for this reason.
    pub(crate) fn broke(mut self, code: &str) -> Result<(), RecordError> {
        self.record(code, &[])
    }

    fn record(&mut self, outcome: &str, sources: &[Source]) -> Result<(), RecordError> {
        self.over = true;
        self.recorder.ended(&Ended {
            call: self.ledger.call(),
            outcome,
            sources,
            requests: self.ledger.requests(),
            refused: self.ledger.refused(),
            elapsed: self.started.elapsed(),
        })
    }
}

impl Drop for Recorded<'_> {
    fn drop(&mut self) {
        if !self.over
            && let Err(error) = self.record("abandoned", &[])
        {
            tracing::error!(call = %self.ledger.call(), "the end of an abandoned call is missing: {error}");
        }
    }
}

/// What a failure is called. Only what the component's type or this host names, never a text that the component made up.
pub(crate) fn code<'a>(failure: &'a Value, declared: Option<&Shape>) -> &'a str {
    let said = failure.get("case").and_then(Value::as_str);
    let known = |said: &&str| match declared {
        Some(Shape::Variant(cases)) => cases.iter().any(|case| case.name == *said),
        _ => false,
    };
    said.filter(|said| known(said) || OF_THE_HOST.contains(said))
        .unwrap_or("failed")
}

/// The records that an answer names in its `provenance` fields (`claw:skill/types`). Only ids and times that a service told during
/// the call pass, and only objects that the manifest names: nothing of the component's own can reach the record this way.
fn sources(answer: &Value, objects: &[String], told: &Told) -> Vec<Source> {
    let mut found = BTreeSet::new();
    collect(answer, objects, told, &mut found);
    found.into_iter().take(SOURCES_MAX).collect()
}

fn collect(value: &Value, objects: &[String], told: &Told, found: &mut BTreeSet<Source>) {
    match value {
        Value::Array(items) => {
            for item in items {
                collect(item, objects, told, found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                match name.as_str() {
                    "provenance" => found.extend(source(member, objects, told)),
                    _ => collect(member, objects, told, found),
                }
            }
        }
        _ => {}
    }
}

fn source(provenance: &Value, objects: &[String], told: &Told) -> Option<Source> {
    let text = |name: &str| provenance.get(name).and_then(Value::as_str);
    let time = |text: &str| text.parse().ok().map(Timestamp::as_millisecond);
    let object = text("object")?;
    Some(Source {
        object: objects.iter().find(|known| *known == object)?.clone(),
        id: Uuid::try_parse(text("id")?)
            .ok()
            .filter(|id| told.knows(*id))?,
        updated_at: text("updatedAt")
            .and_then(time)
            .filter(|time| told.knows_time(*time)),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::runtime::shape::Case;

    #[test]
    fn a_failure_is_recorded_by_a_name_that_its_type_declares_and_no_other() {
        let declared = Shape::Variant(vec![Case {
            name: "not-found".into(),
            docs: None,
            payload: None,
        }]);
        for (said, recorded) in [
            ("not-found", "not-found"),
            ("denied", "denied"),
            ("a text that somebody would like to keep", "failed"),
        ] {
            let failure = json!({ "case": said });
            assert_eq!(code(&failure, Some(&declared)), recorded);
        }
        let free = json!({ "case": "anything" });
        assert_eq!(code(&free, Some(&Shape::String)), "failed");
        assert_eq!(code(&json!("text"), None), "failed");
    }

    #[test]
    fn sources_are_ids_that_services_told_and_nothing_else() {
        let id = "0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001";
        let told = Told::default();
        told.take_in(
            json!({"id": id, "updatedAt": "2026-03-01T00:00:00Z"})
                .to_string()
                .as_bytes(),
        );
        let good = json!({
            "source": "service", "object": "item", "id": id,
            "updatedAt": "2026-03-01T00:00:00Z", "fetchedAt": "2026-03-02T00:00:00.5Z",
        });
        let with = |name: &str, value: &str| {
            let mut other = good.clone();
            other[name] = value.into();
            json!({ "provenance": other })
        };
        let answer = json!({
            "hits": [{ "provenance": good }, { "deep": [{ "provenance": good }] }],
            "hostile": [
                with("id", "a text that somebody would like to keep"),
                // The form of an id can hold sixteen bytes of anything.
                with("id", "34353030-3030-4020-8455-522066756e64"),
                with("object", "anything"),
                with("updatedAt", "2031-04-05T06:07:08.900Z"),
                with("updatedAt", "never mind"),
                { "provenance": "text" },
            ],
        });
        let found = sources(&answer, &["item".to_owned()], &told);
        let source = |updated_at| Source {
            object: "item".into(),
            id: id.parse().unwrap(),
            updated_at,
        };
        // A time that no service told is left out, the rest is still good.
        assert_eq!(found, [source(None), source(Some(1_772_323_200_000))]);
    }
}
