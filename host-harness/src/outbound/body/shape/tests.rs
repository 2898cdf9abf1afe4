//! Tests of the check of bodies, of the texts found in them, and of redaction.

use serde_json::json;

use super::*;
use crate::outbound::body::{RecordProvenance, Why};
use crate::outbound::dlp::disclosure::{DisclosureSchema, KindSection};

mod redacting;

const ID: &str = "0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001";

fn section(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(at, ty)| ((*at).to_owned(), (*ty).to_owned()))
        .collect()
}

fn contents() -> Arc<Contents> {
    let note: KindSection = toml::from_str(
        "record = 'note'\ndefault = ['title', 'tags', 'due']\non-request = ['mail', 'size']\nexact = ['mail', 'due']",
    )
    .unwrap();
    let kinds = BTreeMap::from([("demo.note".to_owned(), note)]);
    let shapes = BTreeMap::from([
        (
            "request".to_owned(),
            section(&[
                ("/kind", "demo.request"),
                ("/refs/*/id", "uuid"),
                ("/refs/*/fields/*", "mail|size"),
            ]),
        ),
        (
            "issue".to_owned(),
            section(&[
                ("/type", "issue"),
                ("/about/title", "text 40"),
                ("/level", "high|low"),
                ("/room", "setting chat.room"),
            ]),
        ),
    ]);
    let kinds = DisclosureSchema::parse(&kinds, &|_| None).unwrap();
    Arc::new(
        Contents::parse(
            &shapes,
            kinds,
            ["notes".to_owned()],
            "demo/0.1.0".to_owned(),
        )
        .unwrap(),
    )
}

fn shape() -> BodyShape {
    let body = section(&[
        ("/to/*", "id"),
        ("/text", "text 60"),
        ("/parts/*/content", "content 2000"),
        ("/parts/*/sure", "int 0..100"),
        ("/type", "note"),
        ("/room", "setting chat.room"),
    ]);
    BodyShape::parse(&body, &contents()).unwrap()
}

fn setting(key: &str) -> Option<String> {
    (key == "chat.room").then(|| "r1".to_owned())
}

fn record() -> Value {
    json!({
        "kind": "demo.note", "id": ID, "fields": {"title": "Renewal", "tags": ["a", {"deep": "b"}], "size": 50000},
        "omitted": ["mail"],
        "provenance": {
            "source": "notes", "object": "note", "recordId": ID, "recordUpdatedAt": "2026-03-31T17:00:00Z",
            "fetchedAt": "2026-03-31T18:00:00.5Z", "skill": "demo/0.1.0",
        },
    })
}

/// Returns a record with one place changed; null removes it.
fn record_with(at: &str, value: Value) -> Value {
    let mut record = record();
    let (parent, name) = at.rsplit_once('/').unwrap();
    let parent = record.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Value::Null => parent.remove(name),
        value => parent.insert(name.to_owned(), value),
    };
    record
}

fn with(content: &str) -> Value {
    json!({"parts": [{"content": "plain"}, {"content": content}]})
}

fn refusal(body: &Value) -> String {
    shape().check(body, &setting).unwrap_err().to_string()
}

#[test]
fn only_listed_members_match() {
    for (body, expected) in [
        (json!({}), None),
        (
            json!({"to": ["u_1", "u-2"], "text": "hi", "type": "note", "room": "r1"}),
            None,
        ),
        (json!({"parts": []}), None),
        (json!({"parts": [{"content": "a", "sure": 5}, {}]}), None),
        (json!([]), Some("`/` is to be an object")),
        (json!("x"), Some("`/` is to be an object")),
        (
            json!({"other": 1}),
            Some("`/` has a member that is not listed there"),
        ),
        (
            json!({"parts": [{}, {"secret-name": 1}]}),
            Some("`/parts/1` has a member that is not listed there"),
        ),
        (json!({"parts": {}}), Some("`/parts` is to be a list")),
        (
            json!({"parts": [[]]}),
            Some("`/parts/0` is to be an object"),
        ),
        (json!({"to": "u_1"}), Some("`/to` is to be a list")),
        (json!({"to": ["u 1"]}), Some("`/to/0` is not of type `id`")),
        (json!({"to": [null]}), Some("`/to/0` is not of type `id`")),
        (
            json!({"to": vec!["a"; 201]}),
            Some("`/to` is too long, holds too much, or is too deep"),
        ),
        (
            json!({"text": "x".repeat(61)}),
            Some("`/text` is too long, holds too much, or is too deep"),
        ),
        (
            json!({"text": {"a": 1}}),
            Some("`/text` is not of type `text 60`"),
        ),
        (
            json!({"type": "other"}),
            Some("`/type` is not of type `note`"),
        ),
        (
            json!({"room": "r2"}),
            Some("`/room` is not what `chat.room` says"),
        ),
        (
            json!({"parts": [{"sure": 101}]}),
            Some("`/parts/0/sure` is not of type `int 0..100`"),
        ),
    ] {
        let found = shape()
            .check(&body, &setting)
            .err()
            .map(|unfit| unfit.to_string());
        assert_eq!(found.as_deref(), expected, "{body}");
    }
    let unset = shape()
        .check(&json!({"room": "r1"}), &|_| None)
        .unwrap_err();
    assert_eq!(
        unset.to_string(),
        "`/room` is to be what `chat.room` says, which is not set"
    );
}

#[test]
fn texts_of_a_body_are_found_with_their_place() {
    let record = record().to_string();
    let issue = r#"{"type":"issue","about":{"title":"Late"},"level":"high","room":"r1"}"#;
    let body = json!({
        "to": ["u_1"], "text": "hi", "type": "note", "room": "r1",
        "parts": [{"content": "plain", "sure": 5}, {"content": record}, {"content": issue}],
    });
    let held = shape().check(&body, &setting).unwrap();
    let mut texts = held
        .texts
        .iter()
        .map(|text| (text.pointer.as_str(), text.text.as_str(), text.free))
        .collect::<Vec<_>>();
    texts.sort_unstable();
    assert_eq!(
        texts,
        [
            ("/parts/0/content", "plain", true),
            ("/parts/0/sure", "5", false),
            ("/parts/1/content/fields/size", "50000", false),
            ("/parts/1/content/fields/tags/0", "a", true),
            ("/parts/1/content/fields/tags/1", "deep", false),
            ("/parts/1/content/fields/tags/1/*", "b", true),
            ("/parts/1/content/fields/title", "Renewal", true),
            ("/parts/1/content/id", ID, false),
            ("/parts/2/content/about/title", "Late", true),
            ("/text", "hi", true),
            ("/to/0", "u_1", false),
        ]
    );
    let [envelope] = held.envelopes.as_slice() else {
        panic!("not one record")
    };
    assert_eq!(
        (
            envelope.pointer.as_str(),
            envelope.kind.as_str(),
            envelope.id.as_str()
        ),
        ("/parts/1/content", "demo.note", ID)
    );
    assert_eq!(envelope.fields, ["title", "tags", "size"]);
    assert_eq!(envelope.omitted, ["mail"]);
    assert_eq!(envelope.value.to_string(), record);
    let provenance = RecordProvenance {
        source: "notes".into(),
        updated_at: Some("2026-03-31T17:00:00Z".into()),
        fetched_at: "2026-03-31T18:00:00.5Z".into(),
    };
    assert_eq!(envelope.provenance, provenance);
}

#[test]
fn created_record_has_no_update_time() {
    let mut record = record_with("/provenance/recordUpdatedAt", Value::Null);
    record["provenance"]["created"] = true.into();
    let held = shape().check(&with(&record.to_string()), &setting).unwrap();
    assert_eq!(held.envelopes[0].provenance.updated_at, None);
}

#[test]
fn envelope_with_a_wrong_member_is_refused() {
    let at = "`/parts/1/content";
    for (record, expected) in [
        (
            record_with("/kind", json!("demo.other")),
            "` is JSON of no kind",
        ),
        (record_with("/kind", Value::Null), "` is JSON of no kind"),
        (record_with("/kind", json!(5)), "` is JSON of no kind"),
        (record_with("/id", Value::Null), "` lacks `id`"),
        (record_with("/id", json!("a b")), "/id` is not of type `id`"),
        (
            record_with("/other", json!(1)),
            "` has a member that is not listed",
        ),
        (record_with("/fields", Value::Null), "` lacks `fields`"),
        (
            record_with("/fields", json!([])),
            "/fields` is to be an object",
        ),
        (
            record_with("/fields/secret", json!(1)),
            "` names a field that the manifest does not list for `demo.note`",
        ),
        (
            record_with("/fields/tags", json!([[["a"]]])),
            "/fields/tags/0/0` is too long, holds too much, or is too deep",
        ),
        (
            record_with("/fields/tags", json!({"a": {"b": {}}})),
            "/fields/tags/*/*` is too long",
        ),
        (
            record_with("/fields/tags", json!({"a b": 1})),
            "/fields/tags` has a member that is not listed",
        ),
        (
            record_with("/fields/tags", json!(vec![1; 101])),
            "/fields/tags` is too long",
        ),
        (
            record_with("/omitted", json!(["secret"])),
            "` names a field that the manifest does not list",
        ),
        (
            record_with("/omitted", json!([5])),
            "` names a field that the manifest does not list",
        ),
        (
            record_with("/omitted", json!(["mail", "mail"])),
            "/omitted` is too long",
        ),
        (
            record_with("/omitted", json!("mail")),
            "/omitted` is to be a list",
        ),
        (
            record_with("/provenance", Value::Null),
            "` lacks `provenance`",
        ),
        (
            record_with("/provenance/note", json!("x")),
            "/provenance` has a member that is not listed",
        ),
        (
            record_with("/provenance/source", json!("elsewhere")),
            "/provenance` is not what the rest of it says: `source`",
        ),
        (
            record_with("/provenance/object", json!("person")),
            "`object`",
        ),
        (
            record_with("/provenance/recordId", json!("7")),
            "`recordId`",
        ),
        (
            record_with("/provenance/skill", json!("demo/0.1.1")),
            "`skill`",
        ),
        (
            record_with("/provenance/skill", Value::Null),
            "/provenance` lacks `skill`",
        ),
        (
            record_with("/provenance/fetchedAt", json!("yesterday")),
            "`fetchedAt`",
        ),
        (
            record_with("/provenance/fetchedAt", json!(5)),
            "/provenance/fetchedAt` is to be a text",
        ),
        (
            record_with("/provenance/recordUpdatedAt", json!("2026-03-31")),
            "`recordUpdatedAt`",
        ),
        (
            record_with("/provenance/recordUpdatedAt", Value::Null),
            "/provenance` lacks `recordUpdatedAt`",
        ),
        (record_with("/provenance/created", json!(true)), "`created`"),
    ] {
        let refusal = refusal(&with(&record.to_string()));
        assert!(
            refusal.starts_with(at) && refusal.contains(expected),
            "{record}: {refusal}"
        );
        assert!(!refusal.contains("secret"), "{refusal}");
    }
}

#[test]
fn json_text_must_match_a_kind_or_a_shape() {
    for (content, expected) in [
        ("plain {not json}", None),
        ("[a list of things] stays", None),
        (r#"{"kind":"demo.request","refs":[]}"#, None),
        (r#" {"kind":"demo.request"}"#, None),
        ("{", Some("begins as JSON")),
        ("{}", Some("of no kind")),
        (
            "\u{200b}{\"kind\":\"demo.request\"}",
            Some("begins as JSON"),
        ),
        (
            r#"{"kind":"demo.request"} and more"#,
            Some("begins as JSON"),
        ),
        (
            r#"{"kind":"demo.request","kind":"demo.note"}"#,
            Some("begins as JSON"),
        ),
        (
            r#"{"kind":"demo.request","refs":[{"id":"a","i\u0064":"b"}]}"#,
            Some("begins as JSON"),
        ),
        (
            r#"{"kind":"demo.request","refs":[{"id":"a"}]}"#,
            Some("`/parts/1/content/refs/0/id` is not of type `uuid`"),
        ),
        (
            r#"{"kind":"demo.request","note":"hi"}"#,
            Some("`/parts/1/content` has a member"),
        ),
        (r#"{"kind":"other"}"#, Some("of no kind")),
        (
            r#"{"type":"issue","room":"r2"}"#,
            Some("`/parts/1/content/room` is not what `chat.room` says"),
        ),
        (
            r#"{"type":"issue","about":{"title":5}}"#,
            Some("`/parts/1/content/about/title` is not of type `text 40`"),
        ),
    ] {
        let found = shape()
            .check(&with(content), &setting)
            .err()
            .map(|unfit| unfit.to_string());
        match expected {
            None => assert_eq!(found, None, "{content}"),
            Some(expected) => assert!(
                found.as_ref().is_some_and(|found| found.contains(expected)),
                "{content}: {found:?}"
            ),
        }
    }
}

#[test]
fn invalid_shapes_are_refused() {
    for (pairs, expected) in [
        (&[("text", "text 5")][..], "`text` is no place"),
        (&[("/a", "string")], ""),
        (&[("/a", "text")], "`/a`: `text` is no type"),
        (&[("/a", "id"), ("/a/b", "id")], "`/a/b` is both"),
        (&[("/a/*", "id"), ("/a/b", "id")], "`/a/b` is both"),
        (&[("/*", "id")], "`/*` is both"),
    ] {
        let found =
            BodyShape::parse(&section(pairs), &contents()).map_err(|error| error.to_string());
        match expected {
            "" => assert!(found.is_ok(), "a word alone is a constant"),
            expected => assert!(
                found.as_ref().is_err_and(|found| found.contains(expected)),
                "{pairs:?}: {found:?}"
            ),
        }
    }
    for (pairs, expected) in [
        (&[("/kind", "a|b")][..], "shape `s` needs a constant"),
        (&[("/kind/*", "a")], "shape `s` needs a constant"),
        (&[("/kind", "a"), ("/b", "content 5")], "shape `s`, `/b`"),
    ] {
        let shapes = BTreeMap::from([("s".to_owned(), section(pairs))]);
        let error = Contents::parse(
            &shapes,
            DisclosureSchema::default(),
            [],
            "demo/0.1.0".to_owned(),
        )
        .unwrap_err();
        assert!(error.to_string().contains(expected), "{pairs:?}: {error}");
    }
}
