//! Tests of the lints.

use std::path::Path;

use super::*;
use crate::config::{Flags, Setup};

const MANIFEST: &str = r#"
[skill]
name = "demo"
package = "demo:skill@0.1.0"
[destinations.service]
title = "Service"
origin-env = "SERVICE_URL"
secret-env = "SERVICE_KEY"
[[destinations.service.routes]]
method = "GET"
path = "/items/*"
[settings]
mode = { default = "plain" }
"#;
const OPERATOR: &str = "[destinations.service]\norigin = \"https://a.example\"\nsecret = \"file:key\"\n[callers.me]\nemail = \"me@a.example\"\n";

fn codes(manifest: &str, operator: &str) -> Vec<String> {
    let manifest = Manifest::parse(manifest, Path::new("skill.toml")).unwrap();
    let operator = Operator::parse(operator, Path::new("operator.toml")).unwrap();
    let findings = lint(&manifest, Some(&operator));
    findings
        .iter()
        .map(|finding| {
            format!(
                "{} {} {}",
                finding.level.as_str(),
                finding.code,
                finding.key
            )
        })
        .collect()
}

#[test]
fn a_good_pair_of_files_is_clean() {
    assert_eq!(codes(MANIFEST, OPERATOR), Vec::<String>::new());
}

#[test]
fn what_the_skill_asks_for_in_vain_is_found() {
    let route = |text: &str| format!("{MANIFEST}\n[[destinations.service.routes]]\n{text}\n");
    for (more, expected) in [
        (
            "method = \"GET\"\npath = \"/items/mine\"",
            "error never-matches destinations.service.routes[1]",
        ),
        (
            "method = \"GET\"\npath = \"/items/*\"",
            "error never-matches destinations.service.routes[1]",
        ),
        (
            "method = \"POST\"\npath = \"/query\"\ndocuments = true",
            "error never-matches destinations.service.routes[1]",
        ),
        (
            "method = \"POST\"\npath = \"/items/*\"",
            "note any-body destinations.service.routes[1]",
        ),
    ] {
        assert_eq!(codes(&route(more), OPERATOR), [expected], "{more}");
    }
    for other in [
        "method = \"GET\"\npath = \"/items/*?q\"",
        "method = \"GET\"\npath = \"/items/a.b\"",
        "method = \"GET\"\npath = \"/items/*/x\"",
    ] {
        assert_eq!(
            codes(&route(other), OPERATOR),
            Vec::<String>::new(),
            "{other}"
        );
    }
}

#[test]
fn needless_and_missing_grants_are_found() {
    for (from, to, expected) in [
        (
            "secret = \"file:key\"\n",
            "",
            vec!["error secret-missing destinations.service"],
        ),
        (
            "file:key",
            "env:KEY",
            vec!["note secret-in-environment destinations.service.secret"],
        ),
        (
            "https://a.example",
            "https://8.8.8.8",
            vec!["warning address-as-origin destinations.service.origin"],
        ),
        (
            "\"https://a.example\"",
            "\"http://127.0.0.1:1\"\nallow-loopback = true\nallow-private = true",
            vec![
                "warning grant-unused destinations.service.allow-private",
                "warning two-networks destinations.service.allow-private",
                "note plain-http destinations.service.origin",
            ],
        ),
        (
            "email = \"me@a.example\"",
            "name = \"\"",
            vec![
                "error caller-without-email callers.me",
                "warning empty callers.me.name",
            ],
        ),
        (
            "me@a.example",
            "me",
            vec!["error no-email callers.me.email"],
        ),
        (
            "[callers.me]",
            "[callers.it]\nemail = \"me@a.example\"\n[callers.me]",
            vec!["error caller-twice callers.me.email"],
        ),
        (
            "[callers.me]",
            "[settings]\nmode = \"plain\"\n[callers.me]",
            vec!["note same-as-default settings.mode"],
        ),
    ] {
        assert!(OPERATOR.contains(from), "{from}");
        assert_eq!(
            codes(MANIFEST, &OPERATOR.replace(from, to)),
            expected,
            "{to}"
        );
    }
}

#[test]
fn a_finding_names_file_and_line_and_a_mend() {
    let manifest = Manifest::parse(MANIFEST, Path::new("skill.toml")).unwrap();
    let operator = Operator::parse(
        &OPERATOR.replace("me@a.example", "me"),
        Path::new("operator.toml"),
    )
    .unwrap();
    let found = lint(&manifest, Some(&operator)).remove(0);
    assert_eq!(found.place, "operator.toml:5");
    assert!(!found.mend.is_empty() && !found.message.is_empty());
}

#[test]
fn refusal_names_place_key_and_fix() {
    let operator = |from: &str, to: &str| {
        assert!(OPERATOR.contains(from), "{from}");
        let manifest = Manifest::parse(MANIFEST, Path::new("skill.toml")).unwrap();
        let operator = Operator::parse(&OPERATOR.replace(from, to), Path::new("operator.toml"));
        let resolved = operator.and_then(|operator| {
            Setup::resolve(manifest, Some(&operator), Flags::default(), &|_| None)
        });
        Finding::refused(&resolved.unwrap_err())
    };
    for (from, to, code, key) in [
        (
            "file:key",
            "planted-secret",
            "config-credential",
            "destinations.service.secret",
        ),
        (
            "https://a",
            "https://A",
            "config-origin",
            "destinations.service.origin",
        ),
        (
            "https://a",
            "http://a",
            "config-origin",
            "destinations.service.origin",
        ),
        (
            "[callers.me]",
            "[limits]\nrequests = 99\n[callers.me]",
            "config-value",
            "limits.requests",
        ),
        ("origin", "orign", "config-syntax", ""),
        ("\"me@a.example\"", "7", "config-syntax", ""),
    ] {
        let found = operator(from, to);
        assert_eq!(
            (found.level, found.code, found.key.as_str()),
            (LintLevel::Error, code, key)
        );
        assert!(found.place.starts_with("operator.toml"), "{found:?}");
        let said = format!("{} {}", found.message, found.mend);
        assert!(
            !said.trim().is_empty() && !said.contains("planted-secret"),
            "{said}"
        );
    }
}
