//! The kinds of record that may be shared, as the skill and as the manifest have them.

mod common;

use std::collections::BTreeSet;

use crm_skill::tezit::envelope::{DisclosureLog, ShareableKind};
use crm_skill::twenty::documents;

fn manifest() -> toml::Table {
    include_str!("../../manifests/skill.toml").parse().unwrap()
}

fn fields(kind: &toml::Value, name: &str) -> Vec<String> {
    let list = kind.get(name).and_then(toml::Value::as_array);
    list.into_iter()
        .flatten()
        .map(|field| field.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn shared_fields_match_the_manifest() {
    let manifest = manifest();
    let kinds = manifest["kinds"].as_table().unwrap();
    let known: BTreeSet<&str> = kinds.keys().map(String::as_str).collect();
    assert_eq!(known, ShareableKind::ALL.map(ShareableKind::name).into());
    for shared in ShareableKind::ALL {
        let kind = &kinds[shared.name()];
        assert_eq!(kind["record"].as_str(), Some(shared.object()));
        assert_eq!(fields(kind, "default"), shared.default_fields());
        assert_eq!(fields(kind, "on-request"), shared.on_request());
        let from: BTreeSet<&String> = kind["from"].as_table().unwrap().keys().collect();
        for field in from {
            let all = [shared.default_fields(), shared.on_request()].concat();
            assert!(all.contains(&field.as_str()), "{field}");
        }
    }
}

#[test]
fn askable_fields_are_those_on_request() {
    let manifest = manifest();
    let request = &manifest["shapes"]["request"];
    let words = |pointer: &str| -> BTreeSet<String> {
        let list = request[pointer].as_str().unwrap();
        list.split('|').map(str::to_owned).collect()
    };
    let kinds = ShareableKind::ALL.map(|kind| kind.name().to_owned());
    assert_eq!(words("/refs/*/kind"), kinds.into());
    let fields = ShareableKind::ALL.iter().flat_map(|kind| kind.on_request());
    let fields: BTreeSet<String> = fields.map(|&field| field.to_owned()).collect();
    assert_eq!(words("/refs/*/fields/*"), fields);
}

#[test]
fn every_kind_is_in_the_sharing_document() {
    let records = common::directives(&documents::CONTEXT, "record");
    let kinds: BTreeSet<_> = records.iter().map(|one| one.text("kind")).collect();
    for shared in ShareableKind::ALL {
        let kind = shared.object();
        assert!(kinds.contains(&Some(kind)), "{kind}");
    }
}

#[test]
fn kind_is_known_by_both_of_its_names() {
    for (name, expected) in [
        ("person", Some(ShareableKind::Contact)),
        ("crm.contact", Some(ShareableKind::Contact)),
        ("opportunity", Some(ShareableKind::Deal)),
        ("activity", Some(ShareableKind::Activity)),
        ("timelineActivity", Some(ShareableKind::Activity)),
        ("company", None),
        ("crm.note", None),
        ("", None),
    ] {
        assert_eq!(ShareableKind::named(name), expected, "{name}");
    }
}

#[test]
fn split_address_is_redacted_on_one_line() {
    let mut log = DisclosureLog::default();
    let long = format!("{} ada@example.com", "word ".repeat(38));
    for text in [
        "call +49 30\n 1234567 now",
        "ada@\u{200b}example.com",
        &long,
    ] {
        let line = log.redact_line(text);
        assert!(
            !line.contains("1234567") && !line.contains("example.com"),
            "{line}"
        );
        assert!(!line.contains('\n'));
    }
    assert_eq!(
        log.redacted().collect::<Vec<_>>(),
        ["e-mail address", "phone number"]
    );
}
