//! Tokens, the limit, and what tests see of the stand-in.

use std::time::Duration;

use crm_stand_in::clock::ManualClock;
use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::relay::sample::{HANDOFF_CONVERSATION, INJECTED_MESSAGE, OTHER_TEAM_ID, ROBIN};
use crm_stand_in::relay::{Options, RelayStandIn, Seed, Variant, token};
use crm_stand_in::tokens::Token;
use serde_json::{Value, json};

use crate::client::{call, send};
use crate::{get, share, start};

#[tokio::test]
async fn tokens_are_judged_by_secret_time_and_user() {
    let clock = ManualClock::at("2026-03-04T15:00:00Z".parse().unwrap());
    for variant in [Variant::P, Variant::M] {
        let running = RelayStandIn::start(Options {
            variant,
            secret: "another".to_owned(),
            clock: clock.clock(),
            rate_limit: false,
            ..Options::default()
        })
        .await
        .unwrap();
        let now = 1_772_636_400;
        let good = Token::of(ROBIN).secret("another");
        let on_p = variant == Variant::P;
        for (token, passes) in [
            (good.clone(), true),
            (Token::of(ROBIN), false),
            (good.clone().expires_at(now + 1), true),
            (good.clone().expires_at(now), false),
            (good.clone().issuer("elsewhere"), on_p),
            (good.clone().audience("elsewhere"), on_p),
            (good.clone().kind("refresh"), on_p),
            (good.clone().bare(), on_p),
            (good.clone().without_user(), false),
        ] {
            let signed = token.sign();
            let sent = send(
                running.addr(),
                "GET",
                "/teams",
                Some(&signed),
                String::new(),
            );
            let status = sent.await.unwrap().status;
            assert_eq!(
                status,
                if passes { 200 } else { 401 },
                "{variant:?}: {token:?}"
            );
        }
        let nobody = good.without_user().sign();
        let sent = send(
            running.addr(),
            "GET",
            "/teams",
            Some(&nobody),
            String::new(),
        );
        let told = sent.await.unwrap().json();
        assert_eq!(told["error"]["message"], "Token must contain sub claim");
    }
}

#[tokio::test]
async fn request_over_the_minute_limit_is_refused() {
    let clock = ManualClock::at("2026-03-04T15:00:00.200Z".parse().unwrap());
    let options = Options {
        clock: clock.clock(),
        seed: Seed::Empty,
        ..Options::default()
    };
    let running = RelayStandIn::start(options).await.unwrap();
    let health = || call(running.addr(), ROBIN, "GET", "/health", Value::Null);
    for left in (0..100).rev() {
        let answer = health().await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("x-ratelimit-remaining"),
            Some(left.to_string().as_str())
        );
        assert_eq!(answer.header("x-ratelimit-reset"), Some("1772636461"));
    }
    let refused = health().await;
    assert_eq!(
        (refused.status, refused.header("x-ratelimit-remaining")),
        (429, Some("0"))
    );
    assert_eq!(refused.header("retry-after"), None);
    assert_eq!(refused.json()["error"]["code"], "RATE_LIMITED");
    clock.advance(Duration::from_millis(59_999));
    assert_eq!(health().await.status, 429);
    clock.advance(Duration::from_millis(1));
    assert_eq!(health().await.status, 200);
    running.reset();
    assert_eq!(health().await.header("x-ratelimit-remaining"), Some("99"));
}

#[tokio::test]
async fn without_the_limit_no_header_speaks_of_one() {
    let running = start(Variant::P).await;
    for _ in 0..150 {
        let answer = call(running.addr(), ROBIN, "GET", "/health", Value::Null).await;
        assert_eq!(
            (answer.status, answer.header("x-ratelimit-limit")),
            (200, None)
        );
    }
    running
        .faults()
        .add(Fault::once(FaultKind::LimitReached { only: None }));
    let refused = call(running.addr(), ROBIN, "GET", "/health", Value::Null).await;
    assert_eq!(refused.json()["error"]["code"], "RATE_LIMITED");
}

#[tokio::test]
async fn what_is_not_played_says_so() {
    let running = start(Variant::M).await;
    for (method, path) in [
        ("GET", "/events/subscribe?token=x"),
        ("POST", "/contacts/admin/upsert"),
        ("POST", "/federation/inbox"),
    ] {
        let answer = call(running.addr(), ROBIN, method, path, json!({})).await;
        assert_eq!(answer.status, 501, "{path}");
    }
}

#[tokio::test]
async fn reset_restores_the_sample() {
    let running = start(Variant::P).await;
    let before = running.records("tez");
    assert!(share(running.addr(), json!({})).await.status == 201);
    let path = format!("/tez/{INJECTED_MESSAGE}/reply");
    let reply = json!({"surfaceText": "What is this?"});
    assert_eq!(
        call(running.addr(), ROBIN, "POST", &path, reply)
            .await
            .status,
        201
    );
    assert_eq!(
        running.records("tez").unwrap().len(),
        before.as_ref().unwrap().len() + 2
    );
    assert!(
        running
            .record("tez", &INJECTED_MESSAGE.to_string())
            .is_none()
    );
    assert!(
        running
            .record("message", &INJECTED_MESSAGE.to_string())
            .is_some()
    );
    assert!(running.record("team", &OTHER_TEAM_ID.to_string()).is_some());
    assert!(running.records("nothing").is_none());
    let seen = send(
        running.addr(),
        "GET",
        "/stand-in/records",
        None,
        String::new(),
    )
    .await
    .unwrap();
    for object in [
        "tez",
        "message",
        "context",
        "conversation",
        "team",
        "contact",
    ] {
        assert!(
            seen.json()[object]["live"].as_u64().unwrap() > 0,
            "{object}"
        );
        let records = running.records(object).unwrap();
        assert_eq!(records.len(), running.count(object).live);
        assert!(
            records.iter().all(|record| record["id"].is_string()),
            "{object}"
        );
    }
    running.reset();
    assert_eq!(running.count("tez").live, before.unwrap().len());
    assert_eq!(running.requests().count(), 0);
}

#[tokio::test]
async fn bodies_are_kept_whole_and_found_by_route() {
    let running = start(Variant::P).await;
    let long = "x".repeat(900_000);
    let body = json!({"surfaceText": "long", "context": [{"layer": "artifact", "content": long}]});
    let path = format!("/conversations/{HANDOFF_CONVERSATION}/messages");
    assert_eq!(
        call(running.addr(), ROBIN, "POST", &path, body.clone())
            .await
            .status,
        201
    );
    get(running.addr(), ROBIN, &format!("{path}?limit=1")).await;
    let received = running
        .requests()
        .on_route("POST", "/conversations/*/messages");
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].json(), Some(body));
    assert!(!format!("{received:?}").contains(&token(ROBIN)));
    assert_eq!(
        running
            .requests()
            .on_route("GET", "/conversations/*/messages")
            .len(),
        1
    );
    assert!(
        running
            .requests()
            .on_route("GET", "/conversations/*")
            .is_empty()
    );
}
