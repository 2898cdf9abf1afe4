//! The token bucket: what costs a token, how many there are, and when they come back.

#[allow(dead_code, reason = "each test uses its part")]
mod client;

use std::time::Duration;

use client::{ask, send};
use crm_stand_in::Running;
use crm_stand_in::clock::ManualClock;
use crm_stand_in::twenty::keys::FULL_KEY;
use crm_stand_in::twenty::{Options, TwentyStandIn};
use serde_json::{Value, json};

async fn limited() -> (Running, ManualClock) {
    let clock = ManualClock::at("2026-03-04T15:00:00Z".parse().unwrap());
    let running = TwentyStandIn::start(Options {
        clock: clock.clock(),
        ..Options::default()
    })
    .await
    .unwrap();
    (running, clock)
}

/// Sends this many requests of two roots each; counts those that were answered in both, in one, and
/// in none.
async fn fire(running: &Running, requests: usize) -> [usize; 3] {
    let addr = running.addr();
    let asked = (0..requests).map(|_| {
        tokio::spawn(async move {
            ask(
                addr,
                FULL_KEY,
                "query{ people(first:1){totalCount} tasks(first:1){totalCount} }",
                json!({}),
            )
            .await
        })
    });
    let mut refused = [0; 3];
    for answer in asked.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        let errors = answer
            .get("errors")
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        let nulls = answer["data"]
            .as_object()
            .unwrap()
            .values()
            .filter(|v| v.is_null())
            .count();
        assert_eq!(
            errors, nulls,
            "each refused root is null and has its error: {answer}"
        );
        refused[errors] += 1;
    }
    refused
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bucket_holds_a_hundred_root_fields() {
    let (running, _clock) = limited().await;
    let [both, one, none] = fire(&running, 80).await;
    assert_eq!(
        2 * both + one,
        100,
        "{both} whole, {one} half, {none} refused"
    );
    assert_eq!(both + one + none, 80);
}

#[tokio::test]
async fn a_refusal_reads_as_the_service_words_it() {
    let (running, _clock) = limited().await;
    fire(&running, 50).await;
    let answer = ask(
        running.addr(),
        FULL_KEY,
        "query{ a: notes(first:1){totalCount} }",
        json!({}),
    )
    .await;
    let error = json!({
        "message": "Limit reached (100 tokens per 60000 ms)",
        "extensions": {"code": "BAD_USER_INPUT", "subCode": "LIMIT_REACHED", "userFriendlyMessage": "An error occurred."},
    });
    assert_eq!(answer, json!({"data": {"a": null}, "errors": [error]}));
}

#[tokio::test]
async fn a_token_comes_back_every_600_milliseconds() {
    let (running, clock) = limited().await;
    fire(&running, 50).await;
    clock.advance(Duration::from_millis(599));
    assert_eq!(fire(&running, 1).await, [0, 0, 1]);
    clock.advance(Duration::from_millis(1));
    assert_eq!(fire(&running, 1).await, [0, 1, 0]);
    assert_eq!(fire(&running, 1).await, [0, 0, 1]);
    clock.advance(Duration::from_millis(1200));
    assert_eq!(fire(&running, 1).await, [1, 0, 0]);
    clock.advance(Duration::from_secs(3600));
    assert_eq!(
        fire(&running, 51).await,
        [50, 0, 1],
        "the bucket holds a hundred, however long it rests"
    );
}

#[tokio::test]
async fn search_and_introspection_are_free() {
    let (running, _clock) = limited().await;
    fire(&running, 50).await;
    let search = ask(
        running.addr(),
        FULL_KEY,
        "query{ search(searchInput:\"acme\",limit:1){ edges{node{label}} } }",
        json!({}),
    )
    .await;
    assert_eq!(
        search["data"]["search"]["edges"].as_array().map(Vec::len),
        Some(1)
    );
    let ty = ask(
        running.addr(),
        FULL_KEY,
        "query{ __type(name:\"Task\"){ name } }",
        json!({}),
    )
    .await;
    assert_eq!(ty, json!({"data": {"__type": {"name": "Task"}}}));
    let body = json!({"query": "query{ objects(paging:{first:1}){ edges{node{nameSingular}} } }"})
        .to_string();
    let objects = send(running.addr(), "POST", "/metadata", Some(FULL_KEY), body)
        .await
        .unwrap()
        .json();
    assert!(
        objects["data"]["objects"]["edges"][0]["node"]["nameSingular"].is_string(),
        "{objects}"
    );
}

#[tokio::test]
async fn a_reset_fills_the_bucket() {
    let (running, _clock) = limited().await;
    fire(&running, 50).await;
    running.reset();
    assert_eq!(fire(&running, 1).await, [1, 0, 0]);
}
