//! Tests of combining manifest, operator file and environment.

use std::collections::HashMap;
use std::path::Path;

use super::*;

const MANIFEST: &str = r#"
[skill]
name = "demo"
package = "demo:skill@0.1.0"
[destinations.service]
title = "Service"
origin-env = "SERVICE_URL"
secret-env = "SERVICE_KEY"
secret-prefix = "Bearer "
base-url-setting = "service.base-url"
[[destinations.service.routes]]
method = "GET"
path = "/items/*"
[settings]
mode = { default = "plain", env = "SERVICE_MODE", about = "How." }
mood-field = { field = true, env = "SERVICE_MOOD", about = "Which field." }
"#;

fn resolve(operator: Option<&str>, loopback: bool, env: &[(&str, &str)]) -> Result<Setup, String> {
    let manifest = Manifest::parse(MANIFEST, Path::new("skill.toml")).unwrap();
    let operator = operator.map(|text| Operator::parse(text, Path::new("operator.toml")).unwrap());
    let env: HashMap<String, String> = env
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    Setup::resolve(
        manifest,
        operator.as_ref(),
        Flags {
            allow_loopback: loopback,
        },
        &|name| env.get(name).cloned(),
    )
    .map_err(|error| error.to_string())
}

#[test]
fn environment_alone_grants_an_https_service() {
    let setup = resolve(
        None,
        false,
        &[("SERVICE_URL", "https://a.example"), ("SERVICE_KEY", "k")],
    )
    .unwrap();
    assert_eq!(setup.settings["service.base-url"], "https://a.example");
    assert_eq!(setup.settings["mode"], "plain");
    assert_eq!(
        setup
            .credentials
            .ready("service", None)
            .unwrap()
            .unwrap()
            .value
            .to_str()
            .unwrap(),
        "Bearer k"
    );
}

#[test]
fn plain_http_to_loopback_needs_the_opt_in() {
    let env = [("SERVICE_URL", "http://127.0.0.1:3000")];
    let error = resolve(None, false, &env).unwrap_err();
    assert!(
        error.contains("--allow-loopback") && error.contains("[destinations.service]"),
        "{error}"
    );
    assert!(error.contains("SERVICE_URL"), "{error}");
    assert!(resolve(None, true, &env).is_ok());
}

#[test]
fn environment_grants_nothing_beside_a_file() {
    let env = [
        ("SERVICE_URL", "https://a.example"),
        ("SERVICE_KEY", "k"),
        ("OTHER", "o"),
    ];
    let setup = resolve(Some("[callers.me]\nemail = \"me@a.example\""), false, &env).unwrap();
    assert!(setup.policy.destinations[0].origin.is_none());
    assert!(
        setup
            .credentials
            .ready("service", None)
            .unwrap_err()
            .to_string()
            .contains("operator.toml")
    );
    let granted = "[destinations.service]\norigin = \"https://b.example\"\nsecret = \"env:OTHER\"";
    let setup = resolve(Some(granted), false, &env).unwrap();
    assert_eq!(setup.settings["service.base-url"], "https://b.example");
    assert_eq!(
        setup
            .credentials
            .ready("service", None)
            .unwrap()
            .unwrap()
            .value
            .to_str()
            .unwrap(),
        "Bearer o"
    );
    let error = resolve(Some(granted), false, &[]).unwrap_err();
    assert!(
        error.contains("OTHER") && error.contains("operator.toml"),
        "{error}"
    );
}

#[test]
fn operator_narrows_limits_and_never_widens() {
    let setup = resolve(Some("[limits]\nrequests = 3"), false, &[]).unwrap();
    assert_eq!((setup.limits.requests, setup.limits.time_ms), (3, 20_000));
    let error = resolve(Some("[limits]\nrequests = 1000"), false, &[]).unwrap_err();
    assert!(
        error.contains("limits.requests") && error.contains("at most 16"),
        "{error}"
    );
}

#[test]
fn unknown_name_gets_the_nearest_known_one() {
    let error = resolve(Some("[settings]\nmoed = \"x\""), false, &[]).unwrap_err();
    assert!(
        error.contains("settings.moed") && error.contains("`mode`"),
        "{error}"
    );
    let error = resolve(
        Some("[destinations.servce]\norigin = \"https://a.example\""),
        false,
        &[],
    )
    .unwrap_err();
    assert!(error.contains("`service`"), "{error}");
}

#[test]
fn setting_prefers_environment_then_file() {
    let file = Some("[settings]\nmode = \"file\"");
    for (operator, env, expected) in [
        (None, None, "plain"),
        (file, None, "file"),
        (file, Some(("SERVICE_MODE", "env")), "env"),
    ] {
        let env: Vec<_> = env.into_iter().collect();
        assert_eq!(
            resolve(operator, false, &env).unwrap().settings["mode"],
            expected
        );
    }
}

#[test]
fn refused_field_setting_names_its_source() {
    for wrong in ["next step", "a { b }", "Mood", "mood ", "__typename"] {
        let file = format!("[settings]\nmood-field = {wrong:?}");
        let error = resolve(Some(&file), false, &[]).unwrap_err();
        assert!(
            error.contains("operator.toml:2: settings.mood-field: write the name"),
            "{error}"
        );
        let error = resolve(None, false, &[("SERVICE_MOOD", wrong)]).unwrap_err();
        assert!(
            error.contains("SERVICE_MOOD: settings.mood-field"),
            "{error}"
        );
    }
    let setup = resolve(Some("[settings]\nmood-field = \"mood\""), false, &[]).unwrap();
    assert_eq!(setup.settings["mood-field"], "mood");
    // An empty variable cancels what the file says.
    let file = Some("[settings]\nmood-field = \"mood\"");
    let setup = resolve(file, false, &[("SERVICE_MOOD", "")]).unwrap();
    assert_eq!(setup.settings.get("mood-field"), None);
}

#[test]
fn time_zone_is_checked_when_the_file_is_read() {
    let error = resolve(Some("[callers.me]\ntime-zone = \"Nowhere\""), false, &[]).unwrap_err();
    assert!(
        error.contains("operator.toml:2: callers.me.time-zone"),
        "{error}"
    );
}
