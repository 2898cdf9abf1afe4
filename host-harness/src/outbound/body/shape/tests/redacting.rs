//! Tests of redaction, and of bodies of any form.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn free_texts_are_redacted_and_nothing_else() {
    let mut record = record();
    record["fields"] = json!({
        "title": "Ask a@b.cc", "tags": ["x", {"c@d.ee": "no name"}], "mail": "a@b.cc", "due": "2026-03-31", "size": 4111,
    });
    record["fields"]["tags"] = json!([{"note": "call +49 30 1234567"}, "y"]);
    let issue = r#"{"type":"issue","about":{"title":"password: x"},"level":"high","room":"r1"}"#;
    let request = r#"{"kind":"demo.request",  "refs":[]}"#;
    let mut body = json!({
        "to": ["anna"], "text": "to a@b.cc", "type": "note",
        "parts": [{"content": "a@b.cc"}, {"content": record.to_string()}, {"content": issue}, {"content": request}],
    });
    let redactions = shape().redact(&mut body).unwrap();
    assert_eq!(
        redactions.found,
        [
            redaction::Kind::Email,
            redaction::Kind::Phone,
            redaction::Kind::Key
        ]
    );
    assert!(redactions.changed);
    assert_eq!(body["text"], "to [e-mail address]");
    assert_eq!(body["parts"][0]["content"], "[e-mail address]");
    record["fields"]["title"] = "Ask [e-mail address]".into();
    record["fields"]["tags"][0]["note"] = "call [phone number]".into();
    assert_eq!(body["parts"][1]["content"], record.to_string());
    assert_eq!(
        body["parts"][2]["content"],
        issue.replace("password: x", "password: [key]")
    );
    assert_eq!(body["parts"][3]["content"], request);
    let again = shape().redact(&mut body).unwrap();
    assert_eq!(again, Redactions::default());
    assert!(shape().check(&body, &setting).is_ok());
}

#[test]
fn text_too_long_after_redaction_is_refused() {
    let mut body = json!({"text": "a@b.cc a@b.cc a@b.cc a@b.cc"});
    assert!(shape().check(&body, &setting).is_ok());
    let unfit = shape().redact(&mut body).unwrap_err();
    assert_eq!(unfit, Why::Size.at("/text"));
}

/// Generates JSON of any form, with names that mean something here.
fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        "(to|text|parts|content|sure|type|room|kind|id|fields|provenance|title|tags)",
        "[a-z]{1,4}"
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "(note|r1|demo\\.note|demo\\.request|a@b\\.cc|\\{|\\{\\}|.{0,8})".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map(name.clone(), inner.clone(), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            // JSON in a text.
            inner.prop_map(|value| Value::from(value.to_string())),
        ]
    })
}

proptest! {
    #[test]
    fn redaction_of_any_body_is_idempotent(body in any_json()) {
        if shape().check(&body, &setting).is_ok() {
            let mut once = body.clone();
            if let Ok(redactions) = shape().redact(&mut once) {
                prop_assert_eq!(redactions.changed, once != body);
                prop_assert_eq!(redactions.changed, !redactions.found.is_empty());
                let mut twice = once.clone();
                prop_assert_eq!(shape().redact(&mut twice).unwrap(), Redactions::default());
                prop_assert_eq!(&twice, &once);
                prop_assert!(shape().check(&once, &setting).is_ok());
            }
        }
    }

    #[test]
    fn body_of_listed_members_matches(
        to in proptest::collection::vec("[A-Za-z0-9_-]{1,64}", 0..5), text in ".{0,60}", sure in 0..=100, title in "[^{].{0,40}",
    ) {
        let record = record_with("/fields/title", title.clone().into()).to_string();
        let body = json!({"to": to, "text": text, "parts": [{"content": record, "sure": sure}]});
        let held = shape().check(&body, &setting).unwrap();
        prop_assert_eq!(held.envelopes.len(), 1);
        prop_assert!(held.texts.iter().any(|held| held.text == text && held.free));
        prop_assert!(held.texts.iter().any(|held| held.text == title));
    }
}
