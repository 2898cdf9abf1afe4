//! The command line as a user meets it: output, exit codes, and what it says when something is
//! missing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]

mod common;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A folder with a component and its manifest.
    fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::write(
            place.path("guest.wasm"),
            common::component(common::WIT, common::WAT, true),
        )
        .unwrap();
        place.manifest("package = \"test:guest@0.1.0\"");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn manifest(&self, package: &str) {
        let text = format!(
            "[skill]\nname = \"guest\"\n{package}\n[destinations.service]\ntitle = \"Service\"\norigin-env = \"SERVICE_URL\"\nsecret-env = \"SERVICE_KEY\"\n"
        );
        std::fs::write(self.path("skill.toml"), text).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crm-harness"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear();
        command
            .arg("--component")
            .arg(self.path("guest.wasm"))
            .arg("--cache-dir")
            .arg(self.path("code"))
            .arg("--data-dir")
            .arg(self.path("data"));
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).stdin(Stdio::null()).output().unwrap()
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn parsed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn actions_are_listed_as_columns_or_json() {
    let place = Place::new();
    let listed = place.run(&["actions"]);
    assert!(listed.status.success(), "{}", stderr(&listed));
    let text = stdout(&listed);
    assert!(
        text.starts_with("guest_echo           read  Answers with what it was given.\n"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "colour outside a terminal");
    let json = parsed(&place.run(&["actions", "--json"]));
    assert_eq!(json[0]["inputSchema"]["additionalProperties"], false);
}

#[test]
fn arguments_come_from_line_file_or_stdin() {
    let place = Place::new();
    let arguments = json!({"someText": "a", "count": 7, "ratio": 1.5, "pick": {"case": "nothing"}});
    std::fs::write(place.path("arguments.json"), arguments.to_string()).unwrap();
    let line = place.run(&["call", "echo", &arguments.to_string(), "--json"]);
    let file = place.run(&["call", "guest_echo", "@arguments.json", "--json"]);
    let stdin = std::fs::File::open(place.path("arguments.json")).unwrap();
    let piped = place
        .command(&["call", "echo", "-", "--json"])
        .stdin(stdin)
        .output()
        .unwrap();
    for output in [line, file, piped] {
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(parsed(&output), arguments);
    }
}

#[test]
fn failed_action_and_misuse_exit_differently() {
    let place = Place::new();
    for (args, code, said) in [
        (
            &["call", "nothing-found"][..],
            1,
            "not found: nothing is here. look elsewhere",
        ),
        (
            &["call", "echo", "{}"],
            1,
            "invalid input: someText is missing. Give text.",
        ),
        (&["call", "broken"], 1, "broke off"),
        (&["call", "ehco"], 2, "Did you mean `guest_echo`?"),
        (&["call", "echo", "{"], 2, "the arguments are not JSON"),
        (&["call", "echo", "@missing.json"], 2, "missing.json"),
        (&["call", "count_up", "--time-zone", "Mars"], 2, "time-zone"),
        (
            &["actions", "--operator", "missing.toml"],
            2,
            "missing.toml",
        ),
        (&["actions", "--frobnicate"], 2, "--frobnicate"),
    ] {
        let output = place.run(args);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{args:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(said),
            "{args:?}: {}",
            stderr(&output)
        );
        assert!(stdout(&output).is_empty(), "{args:?}");
    }
}

#[test]
fn json_failures_are_objects_with_failure() {
    let place = Place::new();
    for (args, case) in [
        (&["call", "nothing-found", "--json"][..], "not-found"),
        (&["call", "echo", "{}", "--json"], "invalid-input"),
        (&["call", "broken", "--json"], "trapped"),
        (&["call", "nope", "--json"], "unknown-action"),
    ] {
        assert_eq!(
            parsed(&place.run(args))["failure"]["case"],
            case,
            "{args:?}"
        );
    }
}

#[test]
fn plain_http_needs_the_opt_in() {
    let place = Place::new();
    let with = |args: &[&str]| {
        place
            .command(args)
            .env("SERVICE_URL", "http://127.0.0.1:3000")
            .output()
            .unwrap()
    };
    let refused = with(&["actions"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = stderr(&refused);
    assert!(
        said.contains("--allow-loopback") && said.contains("SERVICE_URL"),
        "{said}"
    );
    assert!(with(&["actions", "--allow-loopback"]).status.success());
    let by_env = place
        .command(&["actions"])
        .env("SERVICE_URL", "http://127.0.0.1:3000")
        .env("CRM_HARNESS_ALLOW_LOOPBACK", "1")
        .output()
        .unwrap();
    assert!(by_env.status.success(), "{}", stderr(&by_env));
}

#[test]
fn status_names_missing_settings_and_no_secret() {
    let place = Place::new();
    let bare = place.run(&["status"]);
    assert_eq!(bare.status.code(), Some(1));
    assert!(stderr(&bare).contains("SERVICE_URL"), "{}", stderr(&bare));
    let set = place
        .command(&["status", "--json", "--verbose"])
        .env("SERVICE_URL", "https://service.example")
        .env("SERVICE_KEY", "tell-nobody")
        .output()
        .unwrap();
    assert_eq!(set.status.code(), Some(0), "{}", stderr(&set));
    assert_eq!(parsed(&set)["destinations"][0]["credential"], "set");
    assert!(!stdout(&set).contains("tell-nobody") && !stderr(&set).contains("tell-nobody"));
}

#[test]
fn inspect_shows_digest_imports_and_documents() {
    let report = parsed(&Place::new().run(&["inspect", "--json"]));
    assert_eq!(report["component"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(report["imports"], json!(["test:guest/types@0.1.0"]));
    assert_eq!(report["exports"][0]["offered"], true);
}

#[test]
fn manifest_of_another_version_is_refused() {
    let place = Place::new();
    place.manifest("package = \"test:guest@0.3.0\"");
    let output = place.run(&["actions"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("test:guest@0.1.0") && stderr(&output).contains("0.3.0"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn code_cache_writable_by_others_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    std::fs::create_dir(place.path("code")).unwrap();
    std::fs::set_permissions(place.path("code"), std::fs::Permissions::from_mode(0o777)).unwrap();
    let output = place.run(&["actions"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("chmod 700"), "{}", stderr(&output));
}

#[test]
fn the_cases_of_a_corpus_are_counted() {
    let place = Place::new();
    let cases = r#"[{"kind": "address", "given": {"ip": "8.8.8.8"}, "expected": "allow"}]"#;
    std::fs::write(place.path("good.json"), cases).unwrap();
    std::fs::write(place.path("bad.json"), cases.replace("allow", "deny")).unwrap();
    let good = place.run(&["policy", "check", "--cases", "good.json"]);
    assert_eq!(
        (good.status.code(), stdout(&good).as_str()),
        (Some(0), "1 passed, 0 failed\n")
    );
    let bad = place.run(&["policy", "check", "--cases", "bad.json"]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(stdout(&bad).ends_with("0 passed, 1 failed\n"));
}
