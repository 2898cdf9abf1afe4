//! Faults of writes: each strikes before anything is stored or after everything is, as it was told
//! to.

#[allow(dead_code, reason = "each test uses its part")]
mod client;

use std::time::Duration;

use client::{Answer, send};
use crm_stand_in::Running;
use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::twenty::keys::FULL_KEY;
use crm_stand_in::twenty::{Options, TwentyStandIn};
use serde_json::{Value, json};

const TASK: &str = "5e0d9b7a-9a4e-4b6f-8c21-7f1d3c520001";
const NOTE: &str = "5e0d9b7a-9a4e-4b6f-8c21-7f1d3c520002";
const BOTH: &str = "mutation Both($t:TaskCreateInput!,$n:NoteCreateInput!){ createTask(data:$t){ id title } createNote(data:$n){ id title } }";

async fn start() -> Running {
    TwentyStandIn::start(Options {
        rate_limit: false,
        ..Options::default()
    })
    .await
    .unwrap()
}

/// Creates the task and the note; `None`: no answer for as long as a patient client waits.
async fn create(running: &Running) -> Option<Result<Answer, hyper::Error>> {
    let variables = json!({"t": {"id": TASK, "title": "t"}, "n": {"id": NOTE, "title": "n"}});
    let body = json!({"query": BOTH, "variables": variables}).to_string();
    let sent = send(running.addr(), "POST", "/graphql", Some(FULL_KEY), body);
    tokio::time::timeout(Duration::from_millis(300), sent)
        .await
        .ok()
}

/// Returns two flags: the task is stored, the note is stored.
fn stored(running: &Running) -> (bool, bool) {
    let is = |object, id| running.record(object, id).is_some();
    (is("task", TASK), is("note", NOTE))
}

fn whole(answer: Option<Result<Answer, hyper::Error>>) -> Value {
    let answer = answer.unwrap().unwrap();
    assert_eq!(answer.status, 200);
    answer.json()
}

/// Faults after which there is nothing left of the answer.
fn takers() -> Vec<FaultKind> {
    vec![
        FaultKind::Reset,
        FaultKind::NoAnswer,
        FaultKind::Status { code: 500 },
        FaultKind::Status { code: 503 },
        FaultKind::TooManyRequests {
            retry_after_seconds: Some(1),
        },
        FaultKind::NotJson,
        FaultKind::Redirect {
            to: "http://127.0.0.1:9/".to_owned(),
            code: 302,
        },
        // Longer than the client waits.
        FaultKind::Delay { ms: 2000 },
    ]
}

#[tokio::test]
async fn lost_answer_strikes_before_the_write() {
    for kind in takers() {
        let running = start().await;
        running.faults().add(Fault::once(kind.clone()));
        let answer = create(&running).await;
        let told = answer.and_then(Result::ok).filter(|a| a.status == 200);
        assert!(told.is_none_or(|a| a.text().contains("<html>")), "{kind:?}");
        assert_eq!(stored(&running), (false, false), "{kind:?}");
        assert_eq!(running.requests().count(), 1, "{kind:?}");
        assert!(whole(create(&running).await).get("errors").is_none());
        assert_eq!(stored(&running), (true, true), "{kind:?}");
    }
}

#[tokio::test]
async fn fault_after_the_write_leaves_it_stored() {
    for kind in takers() {
        let running = start().await;
        running.faults().add(Fault::once(kind.clone()).after());
        let answer = create(&running).await;
        let told = answer.and_then(Result::ok).filter(|a| a.status == 200);
        assert!(told.is_none_or(|a| a.text().contains("<html>")), "{kind:?}");
        assert_eq!(stored(&running), (true, true), "{kind:?}");
        let again = whole(create(&running).await);
        for nth in 0..2 {
            assert_eq!(
                again["errors"][nth]["message"], "A duplicate entry was detected",
                "{kind:?}"
            );
        }
    }
}

#[tokio::test]
async fn client_that_gives_up_early_stores_nothing() {
    let running = start().await;
    running
        .faults()
        .add(Fault::once(FaultKind::Delay { ms: 400 }));
    assert!(create(&running).await.is_none());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(stored(&running), (false, false));
}

#[tokio::test]
async fn spoiled_answer_comes_after_the_write() {
    let kinds = [
        FaultKind::Truncated { bytes: None },
        FaultKind::Truncated { bytes: Some(0) },
        FaultKind::Huge { bytes: None },
        FaultKind::Drip {
            chunk: 1,
            every_ms: 50,
        },
        FaultKind::NullAt {
            pointer: "/data/createTask/id".to_owned(),
        },
        FaultKind::ContentType {
            value: "text/plain".to_owned(),
        },
    ];
    for kind in kinds {
        let running = start().await;
        running.faults().add(kind.clone());
        let answer = create(&running).await;
        if let FaultKind::Truncated { .. } = kind {
            assert!(matches!(answer, Some(Err(_))), "{kind:?}");
        }
        assert_eq!(stored(&running), (true, true), "{kind:?}");
    }
}

#[tokio::test]
async fn rate_limit_can_refuse_one_root_field() {
    let running = start().await;
    running.faults().add(FaultKind::LimitReached {
        only: Some("createTask".to_owned()),
    });
    let answer = whole(create(&running).await);
    assert_eq!(
        answer["data"],
        json!({"createTask": null, "createNote": {"id": NOTE, "title": "n"}})
    );
    assert_eq!(
        answer["errors"][0]["extensions"]["subCode"],
        "LIMIT_REACHED"
    );
    assert_eq!(stored(&running), (false, true));
}

#[tokio::test]
async fn a_root_field_fails_before_it_stores_or_after() {
    let fails = || {
        Fault::once(FaultKind::PartialError {
            only: "createNote".to_owned(),
            message: "Internal server error".to_owned(),
            code: "INTERNAL_SERVER_ERROR".to_owned(),
        })
    };
    for (fault, note) in [(fails(), false), (fails().after(), true)] {
        let running = start().await;
        running.faults().add(fault);
        let answer = whole(create(&running).await);
        assert_eq!(answer["data"]["createTask"]["id"], TASK);
        assert_eq!(answer["data"]["createNote"], Value::Null);
        assert_eq!(
            answer["errors"],
            json!([{"message": "Internal server error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}])
        );
        assert_eq!(stored(&running), (true, note));
    }
}

#[tokio::test]
async fn fault_matches_root_operation_and_turn() {
    let running = start().await;
    let faults = running.faults();
    faults.add(
        Fault::once(FaultKind::Reset)
            .on_root("createNote")
            .on_operation("Both")
            .after()
            .skipping(1),
    );
    faults.add(Fault::once(FaultKind::Reset).on_root("deleteNote"));
    faults.add(Fault::once(FaultKind::Reset).on_operation("Other"));
    assert!(whole(create(&running).await).get("errors").is_none());
    assert!(matches!(create(&running).await, Some(Err(_))));
    assert!(whole(create(&running).await).get("errors").is_some());
    assert_eq!(running.faults().all().len(), 2);
}

#[tokio::test]
async fn fault_over_http_takes_after_and_skip() {
    let running = start().await;
    let fault =
        json!({"fault": "no-answer", "root": "createTask", "after": true, "skip": 1, "times": 1});
    let control = async |method, body: String| {
        send(running.addr(), method, "/stand-in/faults", None, body)
            .await
            .unwrap()
    };
    let set = control("POST", fault.to_string()).await;
    assert_eq!((set.status, set.json()), (200, json!([fault])));
    assert!(create(&running).await.is_some());
    assert!(create(&running).await.is_none());
    assert!(create(&running).await.is_some());
    assert_eq!(control("GET", String::new()).await.json(), json!([]));
}

#[tokio::test]
async fn what_is_not_carried_out_costs_no_token() {
    let running = TwentyStandIn::start(Options {
        clock: crm_stand_in::clock::ManualClock::at("2026-11-22T20:30:00Z".parse().unwrap())
            .clock(),
        ..Options::default()
    })
    .await
    .unwrap();
    running.faults().add(Fault {
        times: Some(60),
        ..FaultKind::Status { code: 500 }.into()
    });
    for _ in 0..60 {
        assert_eq!(create(&running).await.unwrap().unwrap().status, 500);
    }
    for _ in 0..50 {
        let answer = whole(create(&running).await);
        let refused = answer.to_string().contains("LIMIT_REACHED");
        assert!(!refused, "{answer}");
    }
    let answer = whole(create(&running).await);
    assert_eq!(
        answer["errors"][0]["extensions"]["subCode"],
        "LIMIT_REACHED"
    );
}
