//! Tests of combining manifest, operator file and environment.

use std::collections::{BTreeSet, HashMap};
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
fn environment_sets_only_without_operator_file() {
    let file = Some("[settings]\nmode = \"file\"");
    let other = Some("[settings]\nmood-field = \"mood\"");
    let env = Some(("SERVICE_MODE", "env"));
    for (operator, env, expected) in [
        (None, None, "plain"),
        (None, env, "env"),
        (file, None, "file"),
        (file, env, "file"),
        (other, env, "plain"),
    ] {
        let env: Vec<_> = env.into_iter().collect();
        assert_eq!(
            resolve(operator, false, &env).unwrap().settings["mode"],
            expected
        );
    }
}

/// Every variable that the shipped skill.toml names, with a value that can be used, and the key of
/// the operator file that counts instead.
fn variables(manifest: &Manifest) -> Vec<(String, &'static str, String)> {
    let mut variables = Vec::new();
    for (name, asked) in &manifest.destinations {
        let base = format!("destinations.{name}");
        variables.push((
            asked.origin_env.clone(),
            "https://planted.example",
            format!("{base}.origin"),
        ));
        let secret = match asked.secret_per_caller {
            true => format!("callers.NAME.secrets.{name}"),
            false => format!("{base}.secret"),
        };
        let secrets = asked.secret_env.clone().into_iter();
        variables.extend(secrets.map(|variable| (variable, "planted-secret", secret.clone())));
        let recipients = asked.recipients_env.clone().into_iter();
        variables.extend(
            recipients.map(|variable| (variable, "@planted.example", format!("{base}.recipients"))),
        );
    }
    for (key, asked) in &manifest.settings {
        let value = match (asked.field, asked.custom_fields) {
            (true, _) => "planted",
            (_, true) => "task.planted",
            _ => "PLANTED",
        };
        let variable = asked.env.clone().unwrap();
        variables.push((variable, value, format!("settings.{key}")));
    }
    for (key, asked) in &manifest.caller_settings {
        let variable = asked.env.clone().unwrap();
        variables.push((variable, "planted", format!("callers.NAME.settings.{key}")));
    }
    variables
}

#[test]
fn operator_file_overrules_every_variable() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../manifests/skill.toml");
    let manifest = Manifest::read(Path::new(path)).unwrap();
    let resolve = |operator: &str, env: Environment<'_>| {
        let operator = Operator::parse(operator, Path::new("operator.toml")).unwrap();
        Setup::resolve(manifest.clone(), Some(&operator), Flags::default(), env).unwrap()
    };
    let variables = variables(&manifest);
    let (mut count, mut of_settings) = (0, 0);
    for (variable, value, key) in &variables {
        let env = |name: &str| (name == variable).then(|| (*value).to_owned());
        let alone = Setup::resolve(manifest.clone(), None, Flags::default(), &env).unwrap();
        assert_eq!(alone.ignored, [], "{variable}");
        let (with, without) = (resolve("", &env), resolve("", &|_| None));
        let told = |setup: &Setup| {
            let caller = setup.settings_for(&Caller::default()).unwrap();
            format!(
                "{caller:?} {:?} {:?}",
                setup.policy.destinations, setup.kinds
            )
        };
        if !key.ends_with("secret") && !key.contains(".secrets.") {
            assert_ne!(told(&alone), told(&without), "{variable} does something");
        }
        assert_eq!(told(&with), told(&without), "{variable}");
        let [ignored] = &with.ignored[..] else {
            panic!("{variable}: {:?}", with.ignored)
        };
        assert_eq!((&ignored.variable, &ignored.key), (variable, key));
        let said = format!("{ignored} {}", ignored.mend());
        assert!(said.contains(variable) && said.contains(key), "{said}");
        assert!(!said.to_lowercase().contains("planted"), "{said}");
        if let Some(name) = key.strip_prefix("settings.") {
            let own = match value.strip_suffix("planted") {
                Some(before) => format!("{before}own"),
                None => "OWN".to_owned(),
            };
            let file = format!("[settings]\n{name:?} = {own:?}");
            let setup = resolve(&file, &env);
            assert_eq!(setup.settings[name], own, "{variable}");
            assert_eq!(alone.settings[name], *value, "{variable}");
            of_settings += 1;
        }
        count += 1;
    }
    println!("{count} variables, {of_settings} of them of settings");
    assert_eq!(of_settings, manifest.settings.len());
}

#[test]
fn variable_that_a_secret_names_is_not_ignored() {
    let env = |name: &str| (name == "SERVICE_KEY").then(|| "k".to_owned());
    let manifest = Manifest::parse(MANIFEST, Path::new("skill.toml")).unwrap();
    let text = "[destinations.service]\norigin = \"https://a.example\"\n";
    for (more, expected) in [("", 1), ("secret = \"env:SERVICE_KEY\"", 0)] {
        let text = format!("{text}{more}");
        let operator = Operator::parse(&text, Path::new("operator.toml")).unwrap();
        let setup = Setup::resolve(manifest.clone(), Some(&operator), Flags::default(), &env);
        assert_eq!(setup.unwrap().ignored.len(), expected, "{more}");
    }
}

#[test]
fn custom_field_of_no_kind_names_each_once() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../manifests/skill.toml");
    let manifest = Manifest::read(Path::new(path)).unwrap();
    for (value, said) in [
        ("q.mood", "Known are `"),
        ("mood", "`mood` is no custom field"),
    ] {
        let env = |name: &str| (name == "CRM_CUSTOM_FIELDS").then(|| value.to_owned());
        let error = Setup::resolve(manifest.clone(), None, Flags::default(), &env).unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with("CRM_CUSTOM_FIELDS: settings.custom-fields: "),
            "{error}"
        );
        assert!(error.contains(said), "{error}");
        let known = error.split_once("Known are ").map_or("", |(_, rest)| rest);
        let kinds: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        let each: BTreeSet<&str> = kinds.iter().copied().collect();
        assert_eq!(kinds.len(), each.len(), "{error}");
        assert!(value != "q.mood" || kinds.len() > 2, "{error}");
    }
}

#[test]
fn rate_out_of_bounds_names_key_and_bounds() {
    let mut count = 0;
    for (requests, seconds, expected) in [
        ("1", "1", None),
        ("100000", "86400", None),
        ("0", "60", Some("rate.requests: write 1 to 100000")),
        ("100001", "60", Some("rate.requests: write 1 to 100000")),
        ("-1", "60", Some("rate.requests: write 1 to 100000")),
        ("5000000000", "60", Some("rate.requests: write 1 to 100000")),
        ("10", "0", Some("rate.seconds: write 1 to 86400")),
        ("10", "86401", Some("rate.seconds: write 1 to 86400")),
    ] {
        let rate = format!("rate = {{ requests = {requests}, seconds = {seconds} }}");
        let asked = MANIFEST.replace("[[dest", &format!("{rate}\n[[dest"));
        let asked = Manifest::parse(&asked, Path::new("skill.toml"));
        let granted = format!("[destinations.service]\norigin = \"https://a.example\"\n{rate}");
        let granted = Operator::parse(&granted, Path::new("operator.toml"));
        for (error, place) in [
            (asked.err(), "skill.toml: TOML parse error at line 11"),
            (granted.err(), "operator.toml: TOML parse error at line 3"),
        ] {
            let error = error.map(|error| error.to_string());
            match (error, expected) {
                (None, None) => {}
                (Some(error), Some(expected)) => {
                    assert!(
                        error.contains(expected) && error.starts_with(place),
                        "{error}"
                    );
                }
                other => panic!("{rate}: {other:?}"),
            }
            count += 1;
        }
    }
    println!("{count} rates");
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
}

#[test]
fn time_zone_is_checked_when_the_file_is_read() {
    let error = resolve(Some("[callers.me]\ntime-zone = \"Nowhere\""), false, &[]).unwrap_err();
    assert!(
        error.contains("operator.toml:2: callers.me.time-zone"),
        "{error}"
    );
}
