//! Operator commands: init, trust, audit.

mod common;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

struct OperatorEnv {
    folder: tempfile::TempDir,
}

impl OperatorEnv {
    fn new() -> Self {
        let env = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let component = common::component(common::WIT, common::WAT, true);
        std::fs::write(env.path("guest.wasm"), component).unwrap();
        env.manifest("requests = 16");
        std::fs::write(env.path("key"), "planted-service-key\n").unwrap();
        env.mode("key", 0o600);
        env
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
        self.run_in(&[], args, input)
    }

    fn run_in(&self, variables: &[(&str, &str)], args: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_crm-harness"))
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(variables.iter().copied())
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
    let env = OperatorEnv::new();
    let answers = "http://user@bad\nhttps://service.example\nplanted-service-key\nfile:key\nMars/Olympus\nEurope/Berlin\n\
                   nobody\nrobin@example.com, Robin Hale, king\nrobin@example.com, Robin Hale, lead, north\n\n";
    let made = env.run_with(&["init"], answers);
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
    let written = env.read("operator.toml");
    assert!(
        written.contains("origin = \"https://service.example\"")
            && written.contains("secret = \"file:key\"")
    );
    assert!(written.contains("[callers.robin]") && written.contains("teams = [\"north\"]"));
    for text in [&written, &asked, &stdout(&made)] {
        assert!(!text.contains("planted-service-key"), "{text}");
    }
    let mode = env
        .path("operator.toml")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(stdout(&made).contains("SKILL.md"));
    // What it has written can be used as it is.
    assert_ne!(
        env.run(&CALL).status.code(),
        Some(2),
        "{}",
        stderr(&env.run(&CALL))
    );
}

#[test]
fn init_asks_where_no_members_are_told() {
    for (action, why) in [
        (
            "guest_elsewhere",
            "the component has no action `guest_elsewhere`",
        ),
        ("guest_nothing_found", "No members are told"),
        ("guest_count_up", "No members are told"),
    ] {
        let env = OperatorEnv::new();
        let text = env.read("skill.toml");
        let members = format!(
            "[skill.members]\naction = \"{action}\"\nat = \"/who/*\"\nname = \"/name\"\nemail = \"/email\"\n[limits]"
        );
        let text = text.replacen("[limits]", &members, 1);
        std::fs::write(env.path("skill.toml"), text).unwrap();
        let answers = "https://service.example\nfile:key\nUTC\n1\nrobin@example.com\n\n";
        let made = env.run_with(&["init"], answers);
        let asked = stderr(&made);
        assert_eq!(made.status.code(), Some(0), "{asked}");
        assert!(asked.contains(why), "{why}: {asked}");
        assert!(asked.contains("`1` is no e-mail address"), "{asked}");
        let written = env.read("operator.toml");
        assert!(
            written.contains("email = \"robin@example.com\""),
            "{written}"
        );
    }
}

#[test]
fn init_never_replaces_a_file() {
    let env = OperatorEnv::new();
    let ended = env.run_with(&["init"], "https://service.example\n");
    assert_eq!(ended.status.code(), Some(2));
    assert!(
        stderr(&ended).contains("nothing was changed"),
        "{}",
        stderr(&ended)
    );
    assert!(!env.path("operator.toml").exists());
    std::fs::write(env.path("operator.toml"), "# mine\n").unwrap();
    let refused = env.run(&["init"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("--force"));
    assert_eq!(env.read("operator.toml"), "# mine\n");
}

#[test]
fn loopback_service_needs_a_yes() {
    let env = OperatorEnv::new();
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
    let refused = env.run_with(&args, "n\n");
    assert_eq!(refused.status.code(), Some(2));
    assert!(!env.path("operator.toml").exists());
    let granted = env.run_with(&args, "y\n");
    assert_eq!(granted.status.code(), Some(0), "{}", stderr(&granted));
    assert!(env.read("operator.toml").contains("allow-loopback = true"));
}

#[test]
fn operator_file_without_pins_runs_nothing() {
    let env = OperatorEnv::new();
    std::fs::write(
        env.path("operator.toml"),
        "# mine\n[destinations.service]\norigin = \"https://service.example\" # there\nsecret = \"file:key\"\n",
    )
    .unwrap();
    env.mode("operator.toml", 0o640);
    let refused = env.run(&CALL);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("crm-harness trust"),
        "{}",
        stderr(&refused)
    );
    // Without anybody to ask, looking changes nothing.
    let looked = env.run(&["trust", "--operator", "operator.toml"]);
    assert_eq!(looked.status.code(), Some(1));
    assert!(
        stdout(&looked).contains("method = \"GET\", path = \"/items/*\""),
        "{}",
        stdout(&looked)
    );
    assert!(!env.read("operator.toml").contains("[trust]"));
    let accepted = env.run(&["trust", "--accept", "--operator", "operator.toml"]);
    assert_eq!(accepted.status.code(), Some(0), "{}", stderr(&accepted));
    let written = env.read("operator.toml");
    assert!(
        written.starts_with("# mine\n")
            && written.contains("# there")
            && written.contains("[trust]")
    );
    let mode = env
        .path("operator.toml")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_ne!(env.run(&CALL).status.code(), Some(2));
}

#[test]
fn update_runs_only_after_its_diff_is_accepted() {
    let env = OperatorEnv::new();
    env.operator();
    env.manifest("requests = 20");
    let refused = env.run(&CALL);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("this skill.toml is not the one"),
        "{}",
        stderr(&refused)
    );
    let looked = env.run(&["trust", "--json", "--operator", "operator.toml"]);
    assert_eq!(looked.status.code(), Some(1));
    let report: Value = serde_json::from_str(&stdout(&looked)).unwrap();
    assert_eq!(
        report["changes"],
        serde_json::json!([{
            "case": "changed",
            "direction": "wider",
            "key": "limits.requests",
            "before": 16,
            "after": 20,
        }])
    );
    assert_eq!(
        env.run(&CALL).status.code(),
        Some(2),
        "looking is not accepting"
    );
    let accepted = env.run(&["trust", "--accept", "--operator", "operator.toml"]);
    assert_eq!(accepted.status.code(), Some(0));
    assert_ne!(env.run(&CALL).status.code(), Some(2));
    // The component too, to the byte: an empty custom section is another component.
    let mut bytes = std::fs::read(env.path("guest.wasm")).unwrap();
    bytes.extend([0, 2, 1, b'x']);
    std::fs::write(env.path("guest.wasm"), bytes).unwrap();
    let refused = env.run(&CALL);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("this component is not the one"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn audit_verify_detects_a_change() {
    let env = OperatorEnv::new();
    let none = env.run(&["audit", "tail"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(
        stderr(&none).contains("begins with the first call"),
        "{}",
        stderr(&none)
    );
    env.operator();
    env.run(&CALL);
    let tail = stdout(&env.run(&["audit", "tail", "--time-zone", "America/New_York"]));
    assert!(
        tail.contains("test_echo for robin") || tail.contains("for robin"),
        "{tail}"
    );
    assert!(tail.contains("EST") || tail.contains("EDT"), "{tail}");
    let verified = env.run(&["audit", "verify", "--json"]);
    assert_eq!(verified.status.code(), Some(0));
    let report: Value = serde_json::from_str(&stdout(&verified)).unwrap();
    let exported = stdout(&env.run(&["audit", "export"]));
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
    let database = rusqlite::Connection::open(env.path("data/harness.sqlite3")).unwrap();
    database
        .execute(
            "UPDATE audit SET body = replace(body, 'robin', 'kim') WHERE seq = 1",
            [],
        )
        .unwrap();
    let changed = env.run(&[
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
    let env = OperatorEnv::new();
    env.operator();
    let written = env.read("operator.toml");
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
        std::fs::write(env.path("key"), text).unwrap();
        env.mode("key", mode);
        let refused = env.run(&CALL);
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
    std::fs::remove_file(env.path("key")).unwrap();
    assert!(stderr(&env.run(&CALL)).contains("cannot be read from key"));
}

#[test]
fn explain_names_decision_and_fix() {
    let env = OperatorEnv::new();
    env.operator();
    let explain = |method: &str, url: &str| {
        let told = env.run(&[
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
    let env = OperatorEnv::new();
    env.operator();
    let lint = ["policy", "lint", "--operator", "operator.toml"];
    let clean = env.run(&lint);
    assert_eq!(stdout(&clean), "Nothing was found.\n");
    assert_eq!(clean.status.code(), Some(0));
    let written = env.read("operator.toml");
    std::fs::write(
        env.path("operator.toml"),
        written.replace("robin@example.com", "robin"),
    )
    .unwrap();
    let found = env.run(&lint);
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
    let env = OperatorEnv::new();
    let run = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_crm-harness"))
            .args(args)
            .current_dir(env.folder.path())
            .env_clear()
            .env("SERVICE_URL", "https://service.example")
            .arg("--component")
            .arg(env.path("guest.wasm"))
            .arg("--cache-dir")
            .arg(env.path("code"))
            .arg("--data-dir")
            .arg(env.path("data"))
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
    let env = OperatorEnv::new();
    env.operator();
    let written = env.read("operator.toml");
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
        std::fs::write(env.path("operator.toml"), written.replace(from, to)).unwrap();
        let refused = env.run(&CALL);
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        let named = said.split("operator.toml:").nth(1).unwrap_or_default();
        let line: usize = named
            .split(':')
            .next()
            .unwrap()
            .parse()
            .unwrap_or_else(|_| panic!("no line in {said}"));
        let shown = env.read("operator.toml");
        let at = shown.lines().nth(line - 1).unwrap();
        let word = key.rsplit('.').next().unwrap();
        assert!(at.contains(word), "line {line} is {at}: {said}");
        assert!(said.contains(key) && said.contains(mend), "{said}");
    }
}

/// A manifest that says more than most; each of its lines marked by `#` can be left out.
const WRITING: &str = r#"
[skill]
name = "guest"
package = "test:guest@0.1.0"
objects = ["item"] #
[limits]
requests = 16 #
[destinations.service]
title = "Service"
origin-env = "SERVICE_URL"
secret-env = "SERVICE_KEY"
rate = { requests = 10, seconds = 60 } #
[[destinations.service.routes]]
method = "GET"
path = "/people"
people = { at = "/data/*", id = "/id" } #
group = { id = "/id", of = "/team" } #
[[destinations.service.routes]]
method = "POST"
path = "/mails"
[destinations.service.routes.write]
act = "mail"
kind = "e-mail"
event = "export" #
id = "/id"
recipients = "/to"
group = "team" #
listed = true #
approval = "required" #
repeat = "always" #
body = { "/to" = "email" }
[[destinations.service.routes]]
method = "POST"
path = "/mails/*/answers"
[destinations.service.routes.write]
act = "mail"
kind = "e-mail"
id = "/id"
recipients-of-segment = true #
body = { "/text" = "text 100" }
[[destinations.service.routes]]
method = "POST"
path = "/query"
documents = true
[[destinations.service.documents]]
name = "find"
path = "/query"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
effect = "query"
variables = { q = "String!" }
values = { q = ["a", "b"] } #
records = [{ kind = "item", at = "/items/*", owner = "/owner" }] #
cost = 2 #
[[destinations.service.documents]]
name = "change"
path = "/query"
sha256 = "1111111111111111111111111111111111111111111111111111111111111111"
effect = "mutation"
variables = { id = "UUID!", other = "UUID!" }
acts = [{ verb = "change", kind = "item", id = "id" }]
refers = [{ kind = "item", id = "other" }] #
[kinds.item]
record = "item"
default = ["name", "price"]
exact = ["price"] #
[kinds.item.from]
price = ["/price"] #
[values]
micros = ["price"] #
[words.records]
item = { called = "item", label = "name" } #
[settings]
team = { about = "The team." }
"#;

#[test]
fn trust_shows_each_line_that_is_left_out() {
    let env = OperatorEnv::new();
    std::fs::write(env.path("skill.toml"), WRITING).unwrap();
    env.operator();
    let lines: Vec<_> = WRITING
        .lines()
        .filter(|line| line.ends_with(" #"))
        .collect();
    for line in &lines {
        let without = WRITING.replacen(&format!("{line}\n"), "", 1);
        std::fs::write(env.path("skill.toml"), without).unwrap();
        let looked = env.run(&["trust", "--operator", "operator.toml"]);
        assert_eq!(looked.status.code(), Some(1), "{}", stderr(&looked));
        let told = stdout(&looked);
        let key = line.split(' ').next().unwrap();
        assert!(told.contains("differs in this"), "{line}: {told}");
        assert!(
            (told.lines()).any(|told| told.starts_with('-') && told.contains(key)),
            "{line}: {told}"
        );
        let wider = [
            "listed",
            "approval",
            "recipients-of-segment",
            "refers",
            "records",
            "rate",
        ];
        if wider.contains(&key) {
            assert!(told.contains("It may do more (1):"), "{line}: {told}");
        }
    }
    println!("{} lines", lines.len());
    // A comment is no difference, and is not taken for one in the code.
    std::fs::write(env.path("skill.toml"), WRITING.replace(" #", "")).unwrap();
    let told = stdout(&env.run(&["trust", "--operator", "operator.toml"]));
    assert!(
        told.contains("only the layout or the comments of skill.toml differ"),
        "{told}"
    );
}

#[test]
fn trust_knows_nothing_of_an_older_version() {
    let env = OperatorEnv::new();
    env.operator();
    let folder = env.path("data/accepted");
    for file in std::fs::read_dir(folder).unwrap() {
        // As versions before this one kept it.
        std::fs::write(file.unwrap().path(), "{\"limit requests\": \"16\"}").unwrap();
    }
    env.manifest("requests = 20");
    let told = stdout(&env.run(&["trust", "--operator", "operator.toml"]));
    assert!(
        told.contains("on this machine nothing is known of it"),
        "{told}"
    );
    assert!(told.contains("+  limits = { requests = 20 }"), "{told}");
}

#[test]
fn init_counts_documents_and_routes_apart() {
    let env = OperatorEnv::new();
    std::fs::write(env.path("skill.toml"), WRITING).unwrap();
    let made = env.run(&[
        "init",
        "--url",
        "https://service.example",
        "--secret",
        "file:key",
        "--time-zone",
        "UTC",
        "--member",
        "r@example.com",
    ]);
    let told = stdout(&made);
    assert!(
        told.contains("trusted documents: 2, of which 1 write; other routes that write: 2"),
        "{told} {}",
        stderr(&made)
    );
}

#[test]
fn lint_refuses_what_no_command_would_load() {
    let env = OperatorEnv::new();
    env.operator();
    let written = env.read("operator.toml");
    let lint = ["policy", "lint", "--json", "--operator", "operator.toml"];
    let manifest = written.split("manifest = \"").nth(1).unwrap();
    let origin = "origin = \"https://service.example\"";
    for (from, to, code, said) in [
        ("file:key", "planted-text", "config-credential", "file:PATH"),
        ("file:key", "file:none", "config-credential", "none"),
        ("file:key", "env:NONE", "config-credential", "NONE"),
        (
            "https://service",
            "https://Service",
            "config-origin",
            "service.example",
        ),
        (
            "https://service.example",
            "http://10.0.0.1",
            "config-origin",
            "allow-private",
        ),
        (
            origin,
            &format!("{origin}\nrate = {{ requests = 0, seconds = 1 }}"),
            "config-syntax",
            "write 1 to 100000",
        ),
        (
            "[trust]",
            "[plans]\nkeep-days = 9999\n[trust]",
            "config-value",
            "write 0 to 3650",
        ),
        (
            "[trust]",
            "[access]\npolicies = \"p\"\n[trust]",
            "config-value",
            "remove the line",
        ),
        ("Europe/Berlin", "Mars", "config-value", "IANA name"),
        ("secret =", "secrt = ", "config-syntax", "secrt"),
        (
            &manifest[..64],
            &"0".repeat(64),
            "not-accepted",
            "this skill.toml is not the one",
        ),
        (
            &written[written.find("[trust]").unwrap()..],
            "",
            "not-accepted",
            "accepts no component yet",
        ),
    ] {
        assert!(written.contains(from), "{from}");
        std::fs::write(env.path("operator.toml"), written.replace(from, to)).unwrap();
        let found = env.run(&lint);
        let told = stdout(&found);
        assert_eq!(
            found.status.code(),
            Some(1),
            "{to}: {told}{}",
            stderr(&found)
        );
        let findings: Vec<Value> = serde_json::from_str(&told).unwrap();
        let finding = findings.iter().find(|finding| finding["code"] == code);
        let finding = finding.unwrap_or_else(|| panic!("{to}: {told}"));
        assert_eq!(finding["level"], "error", "{told}");
        assert!(finding.to_string().contains("operator.toml"), "{told}");
        assert!(finding.to_string().contains(said), "{said}: {told}");
        assert!(!told.contains("planted"), "{told}");
        // Another command refuses it too: lint says no more than that.
        let called = env.run(&CALL);
        assert_eq!(called.status.code(), Some(2), "{to}: {}", stderr(&called));
    }
    std::fs::remove_file(env.path("operator.toml")).unwrap();
    assert_eq!(
        env.run(&lint).status.code(),
        Some(2),
        "a file that is not there"
    );
}

#[test]
fn ignored_variable_is_named_without_its_value() {
    let env = OperatorEnv::new();
    env.operator();
    let planted = [("SERVICE_URL", "https://planted.example")];
    let run = |args: &[&str]| env.run_in(&planted, &[args, &CALL[3..]].concat(), "");
    let status = run(&["status"]);
    assert_eq!(status.status.code(), Some(0), "{}", stderr(&status));
    let said = stderr(&status);
    assert!(
        said.contains("SERVICE_URL is ignored") && said.contains("destinations.service.origin"),
        "{said}"
    );
    let json = run(&["status", "--json"]);
    let json: Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(json["ignoredVariables"], serde_json::json!(["SERVICE_URL"]));
    let lint = run(&["policy", "lint"]);
    assert_eq!(lint.status.code(), Some(0), "{}", stdout(&lint));
    assert!(
        stdout(&lint).contains("variable-ignored"),
        "{}",
        stdout(&lint)
    );
    for told in [said, json.to_string(), stdout(&lint)] {
        assert!(!told.contains("planted"), "{told}");
    }
}
