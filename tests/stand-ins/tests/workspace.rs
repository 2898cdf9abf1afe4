//! The PA Workspace: what it keeps of what is sent and logged, and whom it answers.

#[allow(dead_code, reason = "each test uses its part")]
mod client;

use std::time::Duration;

use client::{call, send};
use crm_stand_in::Running;
use crm_stand_in::clock::ManualClock;
use crm_stand_in::pa_workspace::sample::{ROBIN_PA, SAM_PA};
use crm_stand_in::pa_workspace::{Options, SERVICE_TOKEN, Seed, WorkspaceStandIn};
use crm_stand_in::relay::sample::{ROBIN, SAM};
use crm_stand_in::tokens::Token;
use serde_json::{Value, json};

async fn start() -> Running {
    WorkspaceStandIn::start(Options::default()).await.unwrap()
}

fn mail(more: Value) -> Value {
    let mut mail = json!({"paEmail": ROBIN_PA, "to": "marta.keller@acme.example", "subject": "Plan", "body": "Here it is."});
    mail.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    mail
}

#[tokio::test]
async fn sent_mail_is_kept_whole_and_logged() {
    let running = start().await;
    let more = json!({"replyTo": "robin@example.com", "headers": {"X-Tezit-Protocol": "1.2"}, "attachments": [{"filename": "a.txt"}]});
    let answer = call(
        running.addr(),
        ROBIN,
        "POST",
        "/api/email/send",
        mail(more.clone()),
    )
    .await;
    assert_eq!(answer.status, 201);
    let id = answer.json()["data"]["messageId"]
        .as_str()
        .unwrap()
        .to_owned();
    let kept = running.record("email", &id).unwrap();
    assert_eq!(
        (&kept["direction"], &kept["body"]),
        (&json!("outbound"), &json!("Here it is."))
    );
    for field in ["replyTo", "headers", "attachments"] {
        assert_eq!(kept[field], more[field]);
    }
    let logged = running.records("calendarAction").unwrap();
    assert_eq!(
        (&logged[0]["actionType"], &logged[0]["calendarSyncStatus"]),
        (&json!("email_sent"), &json!("synced"))
    );
    let inbox = format!("/api/email/inbox?paEmail={ROBIN_PA}");
    let inbox = call(running.addr(), ROBIN, "GET", &inbox, Value::Null)
        .await
        .json();
    assert_eq!(inbox["meta"]["total"], 2, "what is sent is not received");
}

#[tokio::test]
async fn refused_mail_is_not_kept() {
    let running = start().await;
    let before = running.count("email");
    for (user, more, status) in [
        (ROBIN, json!({"body": ""}), 400),
        (ROBIN, json!({"paEmail": SAM_PA}), 400),
        (ROBIN, json!({"paEmail": "nobody@example.com"}), 400),
        (SAM, json!({}), 403),
    ] {
        let answer = call(running.addr(), user, "POST", "/api/email/send", mail(more)).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    assert_eq!(
        (running.count("email"), running.count("calendarAction").live),
        (before, 0)
    );
}

#[tokio::test]
async fn the_inbox_is_searched_and_cut_short() {
    let running = start().await;
    for (query, found) in [
        ("", 2),
        ("&q=is:unread", 2),
        ("&q=is:read", 0),
        ("&q=from:marta", 1),
        ("&q=from:marta%20fleet", 0),
        ("&q=kick-off", 1),
        ("&maxResults=1", 1),
        ("&maxResults=none", 2),
    ] {
        let path = format!("/api/email/inbox?paEmail={ROBIN_PA}{query}");
        let inbox = call(running.addr(), ROBIN, "GET", &path, Value::Null)
            .await
            .json();
        assert_eq!(inbox["meta"]["total"], found, "{query}");
    }
}

#[tokio::test]
async fn the_log_is_kept_in_seconds_and_read_by_time() {
    let clock = ManualClock::at("2026-03-04T15:00:00.700Z".parse().unwrap());
    let running = WorkspaceStandIn::start(Options {
        clock: clock.clock(),
        seed: Seed::Empty,
        ..Options::default()
    })
    .await
    .unwrap();
    for summary in ["first", "second", "third"] {
        let action = json!({"paEmail": ROBIN_PA, "actionType": "crm_follow_up", "summary": summary, "durationMs": 1, "cardId": "c"});
        let logged = call(
            running.addr(),
            ROBIN,
            "POST",
            "/api/calendar/log-action",
            action,
        )
        .await;
        assert!(
            logged.json()["data"]["timestamp"]
                .as_str()
                .unwrap()
                .ends_with(".700Z")
        );
        clock.advance(Duration::from_secs(60));
    }
    let kept = running.records("calendarAction").unwrap();
    assert_eq!(
        (&kept[0]["timestamp"], &kept[0]["cardId"]),
        (&json!("2026-03-04T15:00:00.000Z"), &json!("c"))
    );
    for (query, found) in [
        ("", vec!["third", "second", "first"]),
        ("&from=2026-03-04T15:01:00Z", vec!["third", "second"]),
        ("&to=2026-03-04T10:00:59-05:00", vec!["first"]),
        ("&from=2026-03-05", vec![]),
    ] {
        let path = format!("/api/calendar/timesheet?paEmail={ROBIN_PA}{query}");
        let sheet = call(running.addr(), ROBIN, "GET", &path, Value::Null)
            .await
            .json();
        let summaries: Vec<&str> = sheet["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["summary"].as_str().unwrap())
            .collect();
        assert_eq!(summaries, found, "{query}");
    }
}

#[tokio::test]
async fn users_need_their_own_access_token() {
    let running = start().await;
    let path = format!("/api/email/inbox?paEmail={ROBIN_PA}");
    for (token, status) in [
        (SERVICE_TOKEN.to_owned(), 200),
        (Token::of(ROBIN).sign(), 200),
        (Token::of(ROBIN).audience("elsewhere").sign(), 200),
        (Token::of(ROBIN).bare().sign(), 401),
        (Token::of(ROBIN).secret("another").sign(), 401),
        (Token::of(SAM).sign(), 403),
    ] {
        let answer = send(running.addr(), "GET", &path, Some(&token), String::new());
        assert_eq!(answer.await.unwrap().status, status, "{token}");
    }
}

#[tokio::test]
async fn a_reset_brings_the_sample_back() {
    let running = start().await;
    call(
        running.addr(),
        ROBIN,
        "POST",
        "/api/email/send",
        mail(json!({})),
    )
    .await;
    assert_eq!(running.count("email").live, 3);
    running.reset();
    assert_eq!(
        (running.count("email").live, running.count("event").live),
        (2, 3)
    );
    assert_eq!(running.count("calendarAction").live, 0);
    assert!(running.records("nothing").is_none());
}
