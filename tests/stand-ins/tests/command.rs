//! The command: what it says when it starts, and that it ends with whoever started it.

#[allow(dead_code, reason = "each test uses its part")]
mod client;

use std::net::SocketAddr;
use std::process::Stdio;

use client::send;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Starts the command; what it says first, and the running command.
async fn start(arguments: &[&str]) -> (Value, Child) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_crm-stand-in"))
        .args(arguments)
        .args(["--json", "--until-stdin-closes"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).await.unwrap();
    (serde_json::from_str(&line).unwrap(), child)
}

fn address(said: &Value) -> SocketAddr {
    let url = said["url"].as_str().unwrap();
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

async fn status(said: &Value, path: &str, token: &Value) -> u16 {
    let sent = send(address(said), "GET", path, token.as_str(), String::new());
    sent.await.unwrap().status
}

async fn ends(mut child: Child) {
    drop(child.stdin.take());
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn relay_prints_its_address_and_tokens() {
    for variant in ["p", "m"] {
        let arguments = [
            "relay",
            "--variant",
            variant,
            "--secret-token",
            "of my own",
            "--no-rate-limit",
        ];
        let (said, child) = start(&arguments).await;
        assert_eq!(said["service"], "relay");
        let tokens = said["tokens"].as_object().unwrap();
        assert_eq!(tokens.len(), 6);
        for (name, token) in tokens {
            assert_eq!(status(&said, "/teams", token).await, 200, "{name}");
        }
        let known = if variant == "p" { 200 } else { 404 };
        assert_eq!(
            status(&said, "/.well-known/tezit.json", &Value::Null).await,
            known
        );
        ends(child).await;
    }
}

#[tokio::test]
async fn the_workspace_tells_its_service_token_as_well() {
    let (said, child) = start(&["workspace", "--service-token", "mine"]).await;
    assert_eq!(
        (&said["service"], &said["serviceToken"]),
        (&"workspace".into(), &"mine".into())
    );
    let inbox = "/api/email/inbox?paEmail=robin-pa@example.com";
    for token in [&said["serviceToken"], &said["tokens"]["robin"]] {
        assert_eq!(status(&said, inbox, token).await, 200);
    }
    ends(child).await;
}

#[tokio::test]
async fn all_three_share_clock_and_tokens() {
    let (said, child) = start(&["all", "--now", "2026-03-04T15:00:00Z", "--people", "3"]).await;
    let services: Vec<&String> = said.as_object().unwrap().keys().collect();
    assert_eq!(services.len(), 3, "{services:?}");
    assert_eq!(status(&said["twenty"], "/healthz", &Value::Null).await, 200);
    assert_eq!(said["relay"]["tokens"], said["workspace"]["tokens"]);
    let robin = &said["relay"]["tokens"]["robin"];
    let events = "/api/calendar/shared-events?paEmail=robin-pa@example.com";
    let sent = send(
        address(&said["workspace"]),
        "GET",
        events,
        robin.as_str(),
        String::new(),
    );
    let events = sent.await.unwrap().json();
    assert!(
        events["data"][0]["start"]
            .as_str()
            .unwrap()
            .starts_with("2026-03-04T")
    );
    let sent = send(
        address(&said["relay"]),
        "GET",
        "/conversations",
        robin.as_str(),
        String::new(),
    );
    let latest = sent.await.unwrap().json();
    assert!(
        latest["data"][0]["updatedAt"]
            .as_str()
            .unwrap()
            .starts_with("2026-03-04T13:30:00")
    );
    ends(child).await;
}

#[tokio::test]
async fn twenty_alone_says_what_it_always_said() {
    let (said, child) = start(&["twenty", "--now", "2026-03-04T15:00:00Z"]).await;
    assert_eq!(said.as_object().unwrap().len(), 2);
    assert_eq!(said["service"], "twenty");
    assert_eq!(status(&said, "/healthz", &Value::Null).await, 200);
    ends(child).await;
}
