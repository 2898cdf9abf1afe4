//! Faults bound to the routes of REST services: which requests they strike, before or after
//! something is stored, and each kind of them on a message.

#[allow(dead_code, reason = "each test uses its part")]
mod client;

use std::time::{Duration, Instant};

use client::{Answer, send};
use crm_stand_in::Running;
use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::pa_workspace::{self, WorkspaceStandIn};
use crm_stand_in::relay::sample::{HANDOFF_CONVERSATION, HANDOFF_MESSAGE, ROBIN, TEAM_ID};
use crm_stand_in::relay::{Options, RelayStandIn, token};
use serde_json::{Value, json};

const ROUTE: &str = "/conversations/*/messages";

async fn start() -> Running {
    let options = Options {
        rate_limit: false,
        ..Options::default()
    };
    RelayStandIn::start(options).await.unwrap()
}

fn messages() -> String {
    format!("/conversations/{HANDOFF_CONVERSATION}/messages")
}

/// Sends a message with one entry of context.
async fn message(running: &Running) -> Result<Answer, hyper::Error> {
    let body = json!({"surfaceText": "On it", "context": [{"layer": "fact", "content": "x"}]});
    let token = token(ROBIN);
    send(
        running.addr(),
        "POST",
        &messages(),
        Some(&token),
        body.to_string(),
    )
    .await
}

async fn get(running: &Running, path: &str) -> Result<Answer, hyper::Error> {
    let token = token(ROBIN);
    send(running.addr(), "GET", path, Some(&token), String::new()).await
}

/// Sends a message while a fault strikes; returns the answer and true if the message was stored.
async fn struck(fault: Fault) -> (Result<Answer, hyper::Error>, bool) {
    let running = start().await;
    let before = running.count("message").live;
    running.faults().add(fault.on_route("POST", ROUTE));
    let came = message(&running).await;
    let stored = running.count("message").live > before;
    assert!(running.faults().all().is_empty(), "it has struck");
    let after = message(&running).await.unwrap();
    assert_eq!(after.status, 201, "it strikes once");
    (came, stored)
}

#[tokio::test]
async fn lost_answer_strikes_before_or_after_storing() {
    let to = "http://127.0.0.1:9/".to_owned();
    for (kind, status) in [
        (FaultKind::Status { code: 503 }, Some(503)),
        (
            FaultKind::TooManyRequests {
                retry_after_seconds: Some(3),
            },
            Some(429),
        ),
        (FaultKind::LimitReached { only: None }, Some(429)),
        (FaultKind::NotJson, Some(200)),
        (FaultKind::Redirect { to, code: 307 }, Some(307)),
        (FaultKind::Reset, None),
    ] {
        for after in [false, true] {
            let mut fault = Fault::once(kind.clone());
            fault.after = after;
            let (came, stored) = struck(fault).await;
            assert_eq!(came.ok().map(|answer| answer.status), status, "{kind:?}");
            assert_eq!(stored, after, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn spoiled_answer_comes_after_storing() {
    let pointer = "/data/id".to_owned();
    type Fits = fn(Result<Answer, hyper::Error>) -> bool;
    let spoiled: Vec<(FaultKind, Fits)> = vec![
        (FaultKind::Truncated { bytes: None }, |came| came.is_err()),
        (FaultKind::NullAt { pointer }, |came| {
            came.unwrap().json()["data"]["id"].is_null()
        }),
        (
            FaultKind::Huge {
                bytes: Some(70_000),
            },
            |came| came.unwrap().body.len() == 70_000,
        ),
        (
            FaultKind::Drip {
                chunk: 50,
                every_ms: 1,
            },
            |came| came.unwrap().json()["data"]["id"].is_string(),
        ),
        (FaultKind::EchoAuthorization { base64: false }, |came| {
            came.unwrap().text().contains(&token(ROBIN))
        }),
    ];
    for (kind, fits) in spoiled {
        let (came, stored) = struck(Fault::once(kind.clone())).await;
        assert!(fits(came) && stored, "{kind:?}");
    }
}

#[tokio::test]
async fn a_delay_takes_its_time_and_stores_the_message() {
    for after in [false, true] {
        let began = Instant::now();
        let mut fault = Fault::once(FaultKind::Delay { ms: 60 });
        fault.after = after;
        let (came, stored) = struck(fault).await;
        assert_eq!((came.unwrap().status, stored), (201, true));
        assert!(began.elapsed() >= Duration::from_millis(60));
    }
}

#[tokio::test]
async fn unanswered_message_is_stored_if_told_to() {
    for after in [false, true] {
        let running = start().await;
        let before = running.count("message").live;
        let mut fault = Fault::once(FaultKind::NoAnswer).on_route("POST", ROUTE);
        fault.after = after;
        running.faults().add(fault);
        let stored = || running.count("message").live > before;
        let arrived = async {
            while running.requests().count() == 0 || after && !stored() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = message(&running) => panic!("no answer comes"),
            () = arrived => {}
        }
        assert_eq!(stored(), after);
    }
}

#[tokio::test]
async fn half_stored_message_answers_500() {
    let running = start().await;
    let context = running.count("context").live;
    let share = json!({"teamId": TEAM_ID.to_string(), "surfaceText": "On it", "visibility": "team", "recipients": ["x"], "context": [{"layer": "fact", "content": "x"}]});
    let reply = json!({"surfaceText": "On it", "context": [{"layer": "fact", "content": "x"}]});
    for (path, body, object, message) in [
        ("/tez/share".to_owned(), share, "tez", "Failed to share Tez"),
        (
            format!("/tez/{HANDOFF_MESSAGE}/reply"),
            reply.clone(),
            "tez",
            "Failed to reply",
        ),
        (messages(), reply, "message", "Failed to send message"),
    ] {
        running.faults().add(Fault::once(FaultKind::HalfStored));
        let token = token(ROBIN);
        let sent = send(
            running.addr(),
            "POST",
            &path,
            Some(&token),
            body.to_string(),
        );
        let came = sent.await.unwrap();
        let error = json!({"code": "INTERNAL_ERROR", "message": message});
        assert_eq!((came.status, came.json()), (500, json!({ "error": error })));
        let stored = running.records(object).unwrap();
        let last = stored.last().unwrap();
        assert_eq!(
            (&last["surfaceText"], &last["context"], &last["recipients"]),
            (&json!("On it"), &json!([]), &json!([]))
        );
    }
    assert_eq!(running.count("context").live, context);
    running.faults().add(Fault::once(FaultKind::HalfStored));
    assert_eq!(
        get(&running, "/unread").await.unwrap().status,
        200,
        "reads go on"
    );
}

#[tokio::test]
async fn route_star_matches_one_segment() {
    let running = start().await;
    for (method, route, path, strikes) in [
        ("GET", "/conversations/*/messages", messages(), true),
        (
            "GET",
            "/conversations/*/messages",
            format!("{}?limit=1", messages()),
            true,
        ),
        ("POST", "/conversations/*/messages", messages(), false),
        ("GET", "/conversations/*", messages(), false),
        (
            "GET",
            "/conversations/*",
            "/conversations".to_owned(),
            false,
        ),
        ("GET", "/conversations", "/conversations".to_owned(), true),
        ("GET", "/*", "/unread".to_owned(), true),
        (
            "GET",
            "/tez/stream",
            format!("/tez/stream?teamId={TEAM_ID}"),
            true,
        ),
        ("GET", "/tez/*", format!("/tez/{HANDOFF_MESSAGE}"), true),
        (
            "GET",
            "/tez/*/thread",
            format!("/tez/{HANDOFF_MESSAGE}"),
            false,
        ),
        ("GET", messages().as_str(), messages(), true),
    ] {
        running.faults().clear();
        running
            .faults()
            .add(Fault::once(FaultKind::Status { code: 418 }).on_route(method, route));
        let status = get(&running, &path).await.unwrap().status;
        assert_eq!(status == 418, strikes, "{method} {route} on {path}");
    }
}

#[tokio::test]
async fn route_faults_over_http_honour_skip() {
    let running = start().await;
    let set = json!({"fault": "half-stored", "times": 1, "skip": 1, "operation": "POST /conversations/*/messages"});
    let answer = send(
        running.addr(),
        "POST",
        "/stand-in/faults",
        None,
        set.to_string(),
    );
    assert_eq!(answer.await.unwrap().json(), json!([set]));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(message(&running).await.unwrap().status);
    }
    assert_eq!(statuses, [201, 500, 201]);
}

#[tokio::test]
async fn lost_answers_do_not_count_towards_the_limit() {
    let running = RelayStandIn::start(Options::default()).await.unwrap();
    running.faults().add(Fault {
        times: Some(200),
        ..FaultKind::Status { code: 502 }.into()
    });
    for _ in 0..200 {
        assert_eq!(get(&running, "/unread").await.unwrap().status, 502);
    }
    let answer = get(&running, "/unread").await.unwrap();
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("99"));
}

#[tokio::test]
async fn the_pa_workspace_has_them_too() {
    let running = WorkspaceStandIn::start(pa_workspace::Options::default())
        .await
        .unwrap();
    let mail = json!({"paEmail": pa_workspace::sample::ROBIN_PA, "to": "a@example.com", "subject": "s", "body": "b"});
    let token = token(ROBIN);
    let mut sent = running.count("email").live;
    for (fault, status, stored) in [
        (Fault::once(FaultKind::Status { code: 500 }), 500, false),
        (
            Fault::once(FaultKind::Status { code: 500 }).after(),
            500,
            true,
        ),
        (
            Fault::once(FaultKind::LimitReached { only: None }),
            429,
            false,
        ),
        (
            Fault::once(FaultKind::LimitReached { only: None }).after(),
            429,
            true,
        ),
    ] {
        running
            .faults()
            .add(fault.on_route("POST", "/api/email/send"));
        let answer = send(
            running.addr(),
            "POST",
            "/api/email/send",
            Some(&token),
            mail.to_string(),
        );
        assert_eq!(answer.await.unwrap().status, status);
        assert_eq!(running.count("email").live > sent, stored);
        sent = running.count("email").live;
    }
    let ready: Value = send(running.addr(), "GET", "/health/ready", None, String::new())
        .await
        .unwrap()
        .json();
    assert_eq!(ready["status"], "ok");
}
