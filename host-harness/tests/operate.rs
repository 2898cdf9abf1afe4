//! Operator commands: init, trust, audit.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]

mod common;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let component = common::component(common::WIT, common::WAT, true);
        std::fs::write(place.path("guest.wasm"), component).unwrap();
        place.manifest("requests = 16");
        std::fs::write(place.path("key"), "planted-service-key\n").unwrap();
        place.mode("key", 0o600);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn mode(&self, name: &str, mode: u32) {
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn manifest(&self, limits: &str) {
        let text = format!(
            "[skill]\nname = \"guest\"\npackage = \"test:guest@0.1.0\"\n[limits]\n{limits}\n[destinations.service]\ntitle = \"Service\"\n\
             origin-env = \"SERVICE_URL\"\nsecret-env = \"SERVICE_KEY\"\n[[destinations.service.routes]]\nmethod = \"GET\"\npath = \"/items/*\"\n"
        );
        std::fs::write(self.path("skill.toml"), text).unwrap();
    }

    fn run_with(&self, args: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_crm-harness"))
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .arg("--component")
            .arg(self.path("guest.wasm"))
            .arg("--cache-dir")
            .arg(self.path("code"))
            .arg("--data-dir")
            .arg(self.path("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that asks nothing closes its end.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, "")
    }

    /// The operator file that most tests start with.
    fn operator(&self) {
        let made = self.run(&[
            "init",
            "--url",
            "https://service.example",
            "--secret",
            "file:key",
            "--time-zone",
            "Europe/Berlin",
            "--member",
            "robin@example.com,Robin Hale,lead,north,south",
        ]);
        assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const CALL: [&str; 5] = ["call", "echo", "{}", "--operator", "operator.toml"];

#[test]
fn init_asks_again_after_an_unusable_answer() {
    let place = Place::new();
    let answers = "http://user@bad\nhttps://service.example\nplanted-service-key\nfile:key\nMars/Olympus\nEurope/Berlin\n\
                   nobody\nrobin@example.com, Robin Hale, king\nrobin@example.com, Robin Hale, lead, north\n\n";
    let made = place.run_with(&["init"], answers);
    let asked = stderr(&made);
    assert_eq!(made.status.code(), Some(0), "{asked}");
    for said in [
        "user",
        "env:NAME",
        "`Mars/Olympus` is not a known time zone",
        "`nobody` is no e-mail",
        "`king` is no role",
    ] {
        assert!(asked.contains(said), "{said}: {asked}");
    }
    let written = place.read("operator.toml");
    assert!(
        written.contains("origin = \"https://service.example\"")
            && written.contains("secret = \"file:key\"")
    );
    assert!(written.contains("[callers.robin]") && written.contains("teams = [\"north\"]"));
    for text in [&written, &asked, &stdout(&made)] {
        assert!(!text.contains("planted-service-key"), "{text}");
    }
    let mode = place
        .path("operator.toml")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(stdout(&made).contains("SKILL.md"));
    // What it has written can be used as it is.
    assert_ne!(
        place.run(&CALL).status.code(),
        Some(2),
        "{}",
        stderr(&place.run(&CALL))
    );
}

#[test]
fn init_never_replaces_a_file() {
    let place = Place::new();
    let ended = place.run_with(&["init"], "https://service.example\n");
    assert_eq!(ended.status.code(), Some(2));
    assert!(
        stderr(&ended).contains("nothing was changed"),
        "{}",
        stderr(&ended)
    );
    assert!(!place.path("operator.toml").exists());
    std::fs::write(place.path("operator.toml"), "# mine\n").unwrap();
    let refused = place.run(&["init"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("--force"));
    assert_eq!(place.read("operator.toml"), "# mine\n");
}

#[test]
fn loopback_service_needs_a_yes() {
    let place = Place::new();
    let args = [
        "init",
        "--url",
        "http://127.0.0.1:9",
        "--secret",
        "file:key",
        "--time-zone",
        "UTC",
        "--member",
        "r@example.com",
    ];
    let refused = place.run_with(&args, "n\n");
    assert_eq!(refused.status.code(), Some(2));
    assert!(!place.path("operator.toml").exists());
    let granted = place.run_with(&args, "y\n");
    assert_eq!(granted.status.code(), Some(0), "{}", stderr(&granted));
    assert!(
        place
            .read("operator.toml")
            .contains("allow-loopback = true")
    );
}

#[test]
fn operator_file_without_pins_runs_nothing() {
    let place = Place::new();
    std::fs::write(
        place.path("operator.toml"),
        "# mine\n[destinations.service]\norigin = \"https://service.example\" # there\nsecret = \"file:key\"\n",
    )
    .unwrap();
    place.mode("operator.toml", 0o640);
    let refused = place.run(&CALL);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("crm-harness trust"),
        "{}",
        stderr(&refused)
    );
    // Without anybody to ask, looking changes nothing.
    let looked = place.run(&["trust", "--operator", "operator.toml"]);
    assert_eq!(looked.status.code(), Some(1));
    assert!(
        stdout(&looked).contains("route service: GET /items/*"),
        "{}",
        stdout(&looked)
    );
    assert!(!place.read("operator.toml").contains("[trust]"));
    let accepted = place.run(&["trust", "--accept", "--operator", "operator.toml"]);
    assert_eq!(accepted.status.code(), Some(0), "{}", stderr(&accepted));
    let written = place.read("operator.toml");
    assert!(
        written.starts_with("# mine\n")
            && written.contains("# there")
            && written.contains("[trust]")
    );
    let mode = place
        .path("operator.toml")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_ne!(place.run(&CALL).status.code(), Some(2));
}

#[test]
fn update_runs_only_after_its_diff_is_accepted() {
    let place = Place::new();
    place.operator();
    place.manifest("requests = 20");
    let refused = place.run(&CALL);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("this skill.toml is not the one"),
        "{}",
        stderr(&refused)
    );
    let looked = place.run(&["trust", "--json", "--operator", "operator.toml"]);
    assert_eq!(looked.status.code(), Some(1));
    let report: Value = serde_json::from_str(&stdout(&looked)).unwrap();
    assert_eq!(
        report["changes"],
        serde_json::json!([{"case": "changed", "name": "limit requests", "before": "16", "after": "20"}])
    );
    assert_eq!(
        place.run(&CALL).status.code(),
        Some(2),
        "looking is not accepting"
    );
    let accepted = place.run(&["trust", "--accept", "--operator", "operator.toml"]);
    assert_eq!(accepted.status.code(), Some(0));
    assert_ne!(place.run(&CALL).status.code(), Some(2));
    // The component too, to the byte: an empty custom section is another component.
    let mut bytes = std::fs::read(place.path("guest.wasm")).unwrap();
    bytes.extend([0, 2, 1, b'x']);
    std::fs::write(place.path("guest.wasm"), bytes).unwrap();
    let refused = place.run(&CALL);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("this component is not the one"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn audit_verify_detects_a_change() {
    let place = Place::new();
    let none = place.run(&["audit", "tail"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(
        stderr(&none).contains("begins with the first call"),
        "{}",
        stderr(&none)
    );
    place.operator();
    place.run(&CALL);
    let tail = stdout(&place.run(&["audit", "tail", "--time-zone", "America/New_York"]));
    assert!(
        tail.contains("test_echo for robin") || tail.contains("for robin"),
        "{tail}"
    );
    assert!(tail.contains("EST") || tail.contains("EDT"), "{tail}");
    let verified = place.run(&["audit", "verify", "--json"]);
    assert_eq!(verified.status.code(), Some(0));
    let report: Value = serde_json::from_str(&stdout(&verified)).unwrap();
    let exported = stdout(&place.run(&["audit", "export"]));
    let rows: Vec<Value> = exported
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(report["rows"], rows.len());
    let last = rows.last().unwrap();
    assert_eq!(
        report["head"],
        format!("{}:{}", last["seq"], last["hash"].as_str().unwrap())
    );
    let database = rusqlite::Connection::open(place.path("data/harness.sqlite3")).unwrap();
    database
        .execute(
            "UPDATE audit SET body = replace(body, 'robin', 'kim') WHERE seq = 1",
            [],
        )
        .unwrap();
    let changed = place.run(&[
        "audit",
        "verify",
        "--head",
        report["head"].as_str().unwrap(),
    ]);
    assert_eq!(changed.status.code(), Some(1));
    assert!(
        stderr(&changed).contains("row 1 was changed"),
        "{}",
        stderr(&changed)
    );
}

#[test]
fn unusable_credential_is_refused_at_load() {
    let place = Place::new();
    place.operator();
    let written = place.read("operator.toml");
    let line = 1 + written
        .lines()
        .position(|line| line.starts_with("secret = "))
        .unwrap();
    for (text, mode, mend) in [
        ("planted-service-key", 0o644, "chmod 600"),
        ("", 0o600, "is empty"),
        (
            "planted-service-key\nplanted-second-line",
            0o600,
            "more than one line",
        ),
    ] {
        std::fs::write(place.path("key"), text).unwrap();
        place.mode("key", mode);
        let refused = place.run(&CALL);
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(
            said.contains(mend)
                && said.contains(&format!(
                    "operator.toml:{line}: destinations.service.secret"
                )),
            "{said}"
        );
        assert!(!said.contains("planted"), "{said}");
    }
    std::fs::remove_file(place.path("key")).unwrap();
    assert!(stderr(&place.run(&CALL)).contains("cannot be read from key"));
}

#[test]
fn explain_names_decision_and_fix() {
    let place = Place::new();
    place.operator();
    let explain = |method: &str, url: &str| {
        let told = place.run(&[
            "policy",
            "explain",
            method,
            url,
            "--json",
            "--operator",
            "operator.toml",
        ]);
        let value: Value = serde_json::from_str(&stdout(&told)).unwrap();
        (told.status.code(), value)
    };
    let (code, allowed) = explain("GET", "https://service.example/items/1");
    assert_eq!(
        (code, &allowed["rule"]),
        (Some(0), &"service: GET /items/*".into())
    );
    for (method, url, expected, fix) in [
        (
            "POST",
            "https://service.example/items/1",
            "method",
            "skill.toml",
        ),
        ("GET", "https://service.example/other", "path", "skill.toml"),
        (
            "GET",
            "https://service.example:8443/items/1",
            "port",
            "[destinations.service]",
        ),
        (
            "GET",
            "https://elsewhere.example/items/1",
            "host",
            "[destinations.service]",
        ),
        (
            "GET",
            "https://service.example/items/../x",
            "url",
            "cannot be granted",
        ),
    ] {
        let (code, denied) = explain(method, url);
        assert_eq!(
            (code, &denied["code"]),
            (Some(1), &expected.into()),
            "{url}"
        );
        let said = denied["fix"].as_str().unwrap();
        assert!(said.contains(fix), "{url}: {said}");
    }
}

#[test]
fn lint_accepts_init_and_names_each_fix() {
    let place = Place::new();
    place.operator();
    let lint = ["policy", "lint", "--operator", "operator.toml"];
    let clean = place.run(&lint);
    assert_eq!(stdout(&clean), "Nothing was found.\n");
    assert_eq!(clean.status.code(), Some(0));
    let written = place.read("operator.toml");
    std::fs::write(
        place.path("operator.toml"),
        written.replace("robin@example.com", "robin"),
    )
    .unwrap();
    let found = place.run(&lint);
    assert_eq!(found.status.code(), Some(1));
    let told = stdout(&found);
    for said in [
        "error",
        "no-email",
        "operator.toml:",
        "callers.robin.email",
        "Write the member's address.",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
}

#[test]
fn missing_credential_shows_at_start_and_status() {
    let place = Place::new();
    let run = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_crm-harness"))
            .args(args)
            .current_dir(place.folder.path())
            .env_clear()
            .env("SERVICE_URL", "https://service.example")
            .arg("--component")
            .arg(place.path("guest.wasm"))
            .arg("--cache-dir")
            .arg(place.path("code"))
            .arg("--data-dir")
            .arg(place.path("data"))
            .output()
            .unwrap()
    };
    let called = run(&["call", "echo", "{}"]);
    assert!(
        stderr(&called)
            .contains("Service: no credential is set: set the environment variable SERVICE_KEY"),
        "{}",
        stderr(&called)
    );
    let status = run(&["status"]);
    assert_eq!(status.status.code(), Some(1));
    assert!(
        stdout(&status).contains("credential missing"),
        "{}",
        stdout(&status)
    );
}

#[test]
fn an_error_of_meaning_names_file_line_and_key() {
    let place = Place::new();
    place.operator();
    let written = place.read("operator.toml");
    for (from, to, key, mend) in [
        (
            "https://service.example",
            "http://127.0.0.1:1",
            "destinations.service.origin",
            "allow-loopback = true",
        ),
        (
            "[destinations.service]",
            "[destinations.servce]",
            "destinations.servce",
            "Did you mean `service`?",
        ),
        (
            "[trust]",
            "[limits]\nrequests = 99\n[trust]",
            "limits.requests",
            "write at most 16",
        ),
        (
            "time-zone = \"Europe/Berlin\"",
            "time-zone = \"Mars\"",
            "callers.robin.time-zone",
            "IANA name",
        ),
    ] {
        assert!(written.contains(from), "{from}");
        std::fs::write(place.path("operator.toml"), written.replace(from, to)).unwrap();
        let refused = place.run(&CALL);
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        let named = said.split("operator.toml:").nth(1).unwrap_or_default();
        let line: usize = named
            .split(':')
            .next()
            .unwrap()
            .parse()
            .unwrap_or_else(|_| panic!("no line in {said}"));
        let shown = place.read("operator.toml");
        let at = shown.lines().nth(line - 1).unwrap();
        let word = key.rsplit('.').next().unwrap();
        assert!(at.contains(word), "line {line} is {at}: {said}");
        assert!(said.contains(key) && said.contains(mend), "{said}");
    }
}
