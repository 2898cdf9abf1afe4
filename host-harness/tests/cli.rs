//! The command line as a user meets it: output, exit codes, and what it says when something is
//! missing.

mod common;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

struct CliEnv {
    folder: tempfile::TempDir,
}

impl CliEnv {
    /// A folder with a component and its manifest.
    fn new() -> Self {
        let env = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::write(
            env.path("guest.wasm"),
            common::component(common::WIT, common::WAT, true),
        )
        .unwrap();
        env.manifest("package = \"test:guest@0.1.0\"");
        env
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
    let env = CliEnv::new();
    let listed = env.run(&["actions"]);
    assert!(listed.status.success(), "{}", stderr(&listed));
    let text = stdout(&listed);
    assert!(
        text.starts_with("guest_echo           read  Answers with what it was given.\n"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "colour outside a terminal");
    let json = parsed(&env.run(&["actions", "--json"]));
    assert_eq!(json[0]["inputSchema"]["additionalProperties"], false);
}

#[test]
fn arguments_come_from_line_file_or_stdin() {
    let env = CliEnv::new();
    let arguments = json!({"someText": "a", "count": 7, "ratio": 1.5, "pick": {"case": "nothing"}});
    std::fs::write(env.path("arguments.json"), arguments.to_string()).unwrap();
    let line = env.run(&["call", "echo", &arguments.to_string(), "--json"]);
    let file = env.run(&["call", "guest_echo", "@arguments.json", "--json"]);
    let stdin = std::fs::File::open(env.path("arguments.json")).unwrap();
    let piped = env
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
    let env = CliEnv::new();
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
        let output = env.run(args);
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
    let env = CliEnv::new();
    for (args, case) in [
        (&["call", "nothing-found", "--json"][..], "not-found"),
        (&["call", "echo", "{}", "--json"], "invalid-input"),
        (&["call", "broken", "--json"], "trapped"),
        (&["call", "nope", "--json"], "unknown-action"),
    ] {
        assert_eq!(parsed(&env.run(args))["failure"]["case"], case, "{args:?}");
    }
}

#[test]
fn plain_http_needs_the_opt_in() {
    let env = CliEnv::new();
    let with = |args: &[&str]| {
        env.command(args)
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
    let by_env = env
        .command(&["actions"])
        .env("SERVICE_URL", "http://127.0.0.1:3000")
        .env("CRM_HARNESS_ALLOW_LOOPBACK", "1")
        .output()
        .unwrap();
    assert!(by_env.status.success(), "{}", stderr(&by_env));
}

#[test]
fn status_names_missing_settings_and_no_secret() {
    let env = CliEnv::new();
    let bare = env.run(&["status"]);
    assert_eq!(bare.status.code(), Some(1));
    assert!(stderr(&bare).contains("SERVICE_URL"), "{}", stderr(&bare));
    let set = env
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
    let report = parsed(&CliEnv::new().run(&["inspect", "--json"]));
    assert_eq!(report["component"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(report["imports"], json!(["test:guest/types@0.1.0"]));
    assert_eq!(report["exports"][0]["offered"], true);
}

#[test]
fn manifest_of_another_version_is_refused() {
    let env = CliEnv::new();
    env.manifest("package = \"test:guest@0.3.0\"");
    let output = env.run(&["actions"]);
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
    let env = CliEnv::new();
    std::fs::create_dir(env.path("code")).unwrap();
    std::fs::set_permissions(env.path("code"), std::fs::Permissions::from_mode(0o777)).unwrap();
    let output = env.run(&["actions"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("chmod 700"), "{}", stderr(&output));
}

#[test]
fn the_cases_of_a_corpus_are_counted() {
    let env = CliEnv::new();
    let cases = r#"[{"kind": "address", "given": {"ip": "8.8.8.8"}, "expected": "allow"}]"#;
    std::fs::write(env.path("good.json"), cases).unwrap();
    std::fs::write(env.path("bad.json"), cases.replace("allow", "deny")).unwrap();
    let good = env.run(&["policy", "check", "--cases", "good.json"]);
    assert_eq!(
        (good.status.code(), stdout(&good).as_str()),
        (Some(0), "1 passed, 0 failed\n")
    );
    let bad = env.run(&["policy", "check", "--cases", "bad.json"]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(stdout(&bad).ends_with("0 passed, 1 failed\n"));
}
