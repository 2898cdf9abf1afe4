//! The channel of a program that starts this one: it hands over settings and secrets, is shown
//! plans, and says what its person decides.

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use command_fds::{CommandFdExt as _, FdMapping};
use serde_json::{Value, json};

use common::client::Client;
use common::env::{TestEnv, scheme};
use common::server::Server;

const KEY: &str = "a-key-that-nobody-else-may-see";

/// The parent's end.
struct Parent {
    client: Client,
    input: BufReader<UnixStream>,
    id: u64,
}

impl Parent {
    /// Starts the program on behalf of robin, with nothing in its environment, and hands over what
    /// it needs.
    fn begun(env: &TestEnv) -> Self {
        Self::begun_in(env, "Europe/Berlin")
    }

    /// The same, with this time zone where the operator says none.
    fn begun_in(env: &TestEnv, time_zone: &str) -> Self {
        let handed = json!({
            "settings": {
                "component": env.path("guest.wasm"), "operator": env.path("operator.toml"),
                "cacheDir": env.path("code"), "dataDir": env.path("data"), "caller": "robin",
                "timeZone": time_zone,
            },
            "variables": {"SERVICE_KEY": KEY},
        });
        let mut parent = Self::started(env, &format!("{handed}\n"));
        let ready = parent.line();
        assert_eq!(
            ready["ready"]["services"], "Configured: Service.",
            "{ready}"
        );
        parent.client.begin_session(json!({}));
        parent
    }

    fn started(env: &TestEnv, first: &str) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_crm-harness"));
        command
            .args(["mcp", "--channel", "3"])
            .current_dir(env.path(""))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .fd_mappings(vec![FdMapping {
                parent_fd: OwnedFd::from(theirs),
                child_fd: 3,
            }])
            .unwrap();
        let client = Client::new(command.spawn().unwrap());
        (&ours).write_all(first.as_bytes()).unwrap();
        Self {
            client,
            input: BufReader::new(ours),
            id: 0,
        }
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.input.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"))
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        let message = json!({"id": self.id, "method": method, "params": params});
        let mut output = self.input.get_ref();
        output.write_all(format!("{message}\n").as_bytes()).unwrap();
        let answer = self.line();
        assert_eq!(answer["id"], self.id, "{answer}");
        answer
    }

    fn propose(&mut self, title: &str) -> String {
        let mut arguments = scheme(title);
        // The id of a step has its own bounds.
        arguments["what"]["steps"][0]["id"] = json!("make");
        let told = self.client.call("proposer_scheme", arguments);
        assert_eq!(told["structuredContent"]["state"], "waiting", "{told}");
        told["structuredContent"]["plan"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// Lists the `authorization` value of each request that arrived at the service.
fn arrived(service: &Server) -> Vec<String> {
    service
        .seen()
        .iter()
        .map(|request| {
            let key = request.headers.get("authorization");
            key.map_or("", |key| key.to_str().unwrap()).to_owned()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn approved_plan_runs_with_the_inherited_key() {
    let (service, env) = TestEnv::beside_a_service_with_key("env:SERVICE_KEY").await;
    let mut parent = Parent::begun(&env);
    let plan = parent.propose("one thing");
    assert_eq!(arrived(&service), Vec::<String>::new());

    let shown = parent.ask("show", json!({"plan": plan, "title": 80, "text": 512}));
    let shown = &shown["result"];
    assert_eq!(shown["state"], "waiting");
    assert_eq!(shown["whole"], true, "{shown}");
    assert!(
        shown["text"]
            .as_str()
            .unwrap()
            .contains("title: \"one thing\""),
        "{shown}"
    );

    let done = parent.ask("approve", json!({"plan": plan}));
    assert_eq!(
        done["result"]["structuredContent"]["state"], "done",
        "{done}"
    );
    assert_eq!(arrived(&service), [format!("Bearer {KEY}")]);

    // Approving it again sends nothing again.
    let again = parent.ask("approve", json!({"plan": plan}));
    assert_eq!(
        again["result"]["structuredContent"]["state"], "done",
        "{again}"
    );
    assert_eq!(arrived(&service).len(), 1);
    let record = env.record();
    assert!(!serde_json::to_string(&record).unwrap().contains(KEY));
    let (status, said) = parent.client.finish();
    assert!(status.success() && !said.contains(KEY), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_file_overrides_inherited_caller() {
    let (_service, env) = TestEnv::beside_a_service_with_key("env:SERVICE_KEY").await;
    let operator = env.read("operator.toml");
    let of_robin = "email = \"robin@example.com\"\n";
    let zoned = format!("{of_robin}time-zone = \"America/New_York\"\n");
    env.write("operator.toml", &operator.replace(of_robin, &zoned));
    // A time zone that there is not would be refused, if it were looked at.
    Parent::begun_in(&env, "Nowhere/At_All").client.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn denied_plan_cannot_be_approved() {
    let (service, env) = TestEnv::beside_a_service_with_key("env:SERVICE_KEY").await;
    let mut parent = Parent::begun(&env);
    let plan = parent.propose("one thing");
    let denied = parent.ask("deny", json!({"plan": plan, "reason": "not before Friday"}));
    let told = &denied["result"]["structuredContent"];
    assert_eq!(told["state"], "denied", "{denied}");
    assert_eq!(told["outcome"]["reason"], "not before Friday");
    let late = parent.ask("approve", json!({"plan": plan}));
    assert_eq!(
        late["result"]["structuredContent"]["state"], "denied",
        "{late}"
    );
    assert_eq!(arrived(&service), Vec::<String>::new());
    parent.client.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_preview_names_the_command_for_the_whole() {
    let (_service, env) = TestEnv::beside_a_service_with_key("env:SERVICE_KEY").await;
    let mut parent = Parent::begun(&env);
    let plan = parent.propose(&"long ".repeat(200));
    let shown = parent.ask("show", json!({"plan": plan, "title": 80, "text": 512}));
    let shown = &shown["result"];
    assert_eq!(shown["whole"], false, "{shown}");
    let text = shown["text"].as_str().unwrap();
    assert!(text.len() <= 512, "{text}");
    // Of 1,000 characters those that are left out are counted, and the beginning of the digest
    // names the plan.
    assert!(text.contains("Left out: "), "{text}");
    let command = format!("crm-harness plan show {}", &plan[..8]);
    assert!(text.ends_with(&command), "{text}");
    let room = json!({"plan": plan, "title": 80, "text": 512, "columns": 38, "lines": 9, "reading": "show me"});
    let shown = parent.ask("show", room);
    let text = shown["result"]["text"].as_str().unwrap();
    assert!(
        text.ends_with(&format!("\nshow me {}", &plan[..8])),
        "{text}"
    );
    let lines = text.lines().map(|line| line.chars().count().div_ceil(38));
    assert!(lines.sum::<usize>() <= 9, "{text}");
    parent.client.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_digest_is_refused_with_a_reason() {
    let (service, env) = TestEnv::beside_a_service_with_key("env:SERVICE_KEY").await;
    let mut parent = Parent::begun(&env);
    let plan = parent.propose("one thing");
    for (method, params) in [
        ("approve", json!({"plan": &plan[..12]})),
        ("approve", json!({"plan": "0".repeat(64)})),
        ("approve", json!({})),
        ("show", json!({"plan": plan})),
        ("perform", json!({"plan": plan})),
    ] {
        let answer = parent.ask_raw(method, params.clone());
        assert!(answer["error"].is_string(), "{method} {params}: {answer}");
    }
    assert_eq!(arrived(&service), Vec::<String>::new());
    // No tool call reaches what the channel can do.
    let tool = parent.client.ask("approve", json!({"plan": plan}));
    assert_eq!(tool["error"]["code"], -32601, "{tool}");
    parent.client.finish();
}

impl Parent {
    /// As [`Self::ask`], for messages whose id may be unreadable.
    fn ask_raw(&mut self, method: &str, params: Value) -> Value {
        let message = json!({"id": 0, "method": method, "params": params});
        let mut output = self.input.get_ref();
        output.write_all(format!("{message}\n").as_bytes()).unwrap();
        self.line()
    }
}

#[test]
fn unreadable_config_is_refused_without_echo() {
    let env = TestEnv::new("http://127.0.0.1:9");
    for first in [
        format!("{{\"settings\": {{\"secret\": \"{KEY}\"}}}}\n"),
        format!("{{\"variables\": {{\"A\": [\"{KEY}\"]}}}}\n"),
        format!("{KEY}\n"),
    ] {
        let parent = Parent::started(&env, &first);
        let (status, said) = parent.client.ended();
        assert_eq!(status.code(), Some(2), "{said}");
        assert!(
            said.contains("descriptor 3") && !said.contains(KEY),
            "{said}"
        );
    }
}

#[test]
fn number_that_is_no_socket_is_refused() {
    let env = TestEnv::new("http://127.0.0.1:9");
    for number in ["0", "1", "77"] {
        let output = env.run(&["mcp", "--channel", number]);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("no inherited socket"), "{said}");
    }
}
