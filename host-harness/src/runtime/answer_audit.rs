//! Extracts what the audit log keeps of an answer: the name of a failure, and the records that the
//! answer names as its sources.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::events::AnswerSource;
use crate::failure::Failure;
use crate::outbound::known_ids::KnownIds;
use component_json::shape::Shape;

/// Failure cases that the host returns in place of the component.
const OF_THE_HOST: [&str; 2] = ["denied", "invalid-input"];
/// Most sources of one answer that are written to the audit log.
const SOURCES_MAX: usize = 256;

/// Returns a failure's case name for the audit log: one that the component's type declares or the
/// host defines, otherwise `failed`. A text that the component made up never gets into the log.
pub(crate) fn code<'f>(failure: &'f Failure, declared: Option<&Shape>) -> &'f str {
    let known = |said: &&str| match declared {
        Some(Shape::Variant(cases)) => cases.iter().any(|case| case.name == *said),
        _ => false,
    };
    failure
        .case()
        .filter(|said| known(said) || OF_THE_HOST.contains(said))
        .unwrap_or("failed")
}

/// Returns the records that an answer names in its `provenance` fields (`claw:skill/types`). Only
/// ids and times that a service returned during the call are accepted, and only objects that the
/// manifest lists, so that the component cannot write data of its own to the audit log.
pub(crate) fn sources(answer: &Value, objects: &[String], told: &KnownIds) -> Vec<AnswerSource> {
    let mut found = BTreeSet::new();
    collect(answer, objects, told, &mut found);
    found.into_iter().take(SOURCES_MAX).collect()
}

fn collect(value: &Value, objects: &[String], told: &KnownIds, found: &mut BTreeSet<AnswerSource>) {
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

fn source(provenance: &Value, objects: &[String], told: &KnownIds) -> Option<AnswerSource> {
    let text = |name: &str| provenance.get(name).and_then(Value::as_str);
    let time = |text: &str| text.parse().ok().map(Timestamp::as_millisecond);
    let object = text("object")?;
    Some(AnswerSource {
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
    use component_json::shape::CaseShape;

    #[test]
    fn failure_is_logged_by_a_declared_name_only() {
        let declared = Shape::Variant(vec![CaseShape {
            name: "not-found".into(),
            docs: None,
            payload: None,
        }]);
        for (said, recorded) in [
            ("not-found", "not-found"),
            ("denied", "denied"),
            ("a text that somebody would like to keep", "failed"),
        ] {
            let failure = Failure::of(json!({ "case": said }));
            assert_eq!(code(&failure, Some(&declared)), recorded);
        }
        let free = Failure::of(json!({ "case": "anything" }));
        assert_eq!(code(&free, Some(&Shape::String)), "failed");
        assert_eq!(code(&Failure::of(json!("text")), None), "failed");
    }

    #[test]
    fn sources_are_only_ids_returned_by_services() {
        let id = "0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001";
        let told = KnownIds::default();
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
                // A well-formed UUID can carry sixteen arbitrary bytes.
                with("id", "34353030-3030-4020-8455-522066756e64"),
                with("object", "anything"),
                with("updatedAt", "2031-04-05T06:07:08.900Z"),
                with("updatedAt", "never mind"),
                { "provenance": "text" },
            ],
        });
        let found = sources(&answer, &["item".to_owned()], &told);
        let source = |updated_at| AnswerSource {
            object: "item".into(),
            id: id.parse().unwrap(),
            updated_at,
        };
        // A time that no service returned is dropped; the id is kept.
        assert_eq!(found, [source(None), source(Some(1_772_323_200_000))]);
    }
}
