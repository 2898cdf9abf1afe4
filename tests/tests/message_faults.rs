//! Every message, e-mail and calendar entry, every fault: whatever happens on the way, none is sent
//! twice; where nobody can know whether one was sent, that is said and nothing is repeated;
//! everything else comes to its end when the plan is resumed.

use std::sync::Arc;
use std::time::Duration;

use crm_harness::plans::{PlanOutcome, PlanState, StepState};
use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::pa_workspace::sample::ROBIN_PA;
use crm_stand_in::relay::Variant;
use crm_stand_in::relay::sample::CONTEXT_REQUEST;
use crm_stand_in::twenty::sample::HEALTHY;
use crm_tests::{TestEnv, TestOptions};
use serde_json::{Value, json};

/// Something that is sent: its action, the route that is struck, and where what it makes is kept.
#[derive(Clone, Copy)]
struct MessageWrite {
    name: &'static str,
    tool: &'static str,
    route: &'static str,
    kept: &'static str,
    /// True if the service reveals the outcome of the write.
    known: bool,
}

const WRITES: [MessageWrite; 6] = [
    MessageWrite {
        name: "opening a conversation",
        tool: "crm_follow_up",
        route: "/conversations",
        kept: "message",
        known: true,
    },
    MessageWrite {
        name: "a direct message",
        tool: "crm_follow_up",
        route: "/conversations/*/messages",
        kept: "message",
        known: true,
    },
    MessageWrite {
        name: "a message to the team",
        tool: "crm_share",
        route: "/tez/share",
        kept: "tez",
        known: true,
    },
    MessageWrite {
        name: "a reply",
        tool: "crm_answer_request",
        route: "/tez/*/reply",
        kept: "tez",
        known: true,
    },
    MessageWrite {
        name: "an e-mail",
        tool: "crm_coordinate",
        route: "/api/email/send",
        kept: "email",
        known: false,
    },
    MessageWrite {
        name: "a calendar entry",
        tool: "crm_coordinate",
        route: "/api/calendar/log-action",
        kept: "calendarAction",
        known: true,
    },
];

fn arguments(write: &MessageWrite, mark: &str) -> Value {
    let about = HEALTHY.to_string();
    match write.route {
        "/conversations" | "/conversations/*/messages" => json!({
            "about": about, "title": "Send the quote", "due": "2026-03-20",
            "handoff": {"to": "Sam Okafor", "message": mark}, "idempotencyKey": mark,
        }),
        "/tez/share" => json!({
            "records": [{"kind": "opportunity", "id": about}],
            "to": ["Sam Okafor", "Priya Raman"], "intent": "update", "message": mark, "idempotencyKey": mark,
        }),
        "/tez/*/reply" => json!({"tez": CONTEXT_REQUEST, "fields": ["amount"], "message": mark}),
        "/api/email/send" => json!({
            "about": about, "objective": mark, "email": {"to": "jo@partner.example", "subject": mark, "body": "As agreed."}, "idempotencyKey": mark,
        }),
        _ => {
            json!({"about": about, "objective": mark, "calendar": {"summary": mark, "duration": 15}, "idempotencyKey": mark})
        }
    }
}

/// Lists the faults around a write.
fn faults() -> Vec<(&'static str, FaultKind, bool)> {
    vec![
        ("reset", FaultKind::Reset, false),
        ("reset after it was stored", FaultKind::Reset, true),
        ("500", FaultKind::Status { code: 500 }, false),
        (
            "500 after it was stored",
            FaultKind::Status { code: 500 },
            true,
        ),
        (
            "502 after it was stored",
            FaultKind::Status { code: 502 },
            true,
        ),
        ("not json", FaultKind::NotJson, false),
        ("not json after it was stored", FaultKind::NotJson, true),
        (
            "429",
            FaultKind::TooManyRequests {
                retry_after_seconds: None,
            },
            false,
        ),
        (
            "the service's own 429",
            FaultKind::LimitReached { only: None },
            false,
        ),
        (
            "redirect",
            FaultKind::Redirect {
                to: "http://elsewhere.example/".into(),
                code: 302,
            },
            false,
        ),
        ("half an answer", FaultKind::Truncated { bytes: None }, true),
        (
            "one byte of an answer",
            FaultKind::Truncated { bytes: Some(1) },
            true,
        ),
        ("a huge answer", FaultKind::Huge { bytes: None }, true),
        ("no answer", FaultKind::NoAnswer, false),
        ("no answer after it was stored", FaultKind::NoAnswer, true),
        ("half stored", FaultKind::HalfStored, true),
    ]
}

async fn env(variant: Variant) -> TestEnv {
    let operator = format!(
        "allow-loopback = true\n[limits]\ntime-ms = 1500\n[callers.robin]\nemail = \"robin@example.com\"\nrole = \"member\"\nsecrets.tezit = \"env:TEZIT_TOKEN\"\nsettings.pa-email = \"{ROBIN_PA}\"\n"
    );
    let mut env = TestEnv::with(TestOptions {
        relay: Some(variant),
        workspace: true,
        operator: Some(Box::leak(operator.into_boxed_str())),
        ..TestOptions::default()
    })
    .await;
    env.caller = env.harness.setup().callers["robin"].clone();
    env
}

/// Counts the records of a write that hold this mark.
fn made(env: &TestEnv, write: &MessageWrite, mark: &str) -> usize {
    let service = if write.route.starts_with("/api") {
        env.workspace()
    } else {
        env.relay()
    };
    let kept = service.records(write.kept).unwrap();
    let sent = kept.iter().filter(|one| one["direction"] != "inbound");
    sent.filter(|one| one.to_string().contains(mark)).count()
}

/// Approves, and resumes until the plan is over or nobody can know; the fault is mended after the
/// third round.
async fn through(env: &TestEnv, plan: &str, service: &crm_stand_in::Running) -> PlanOutcome {
    let mut outcome = env.approve(plan).await.unwrap();
    for round in 1..8 {
        if outcome.state.is_over() {
            break;
        }
        if round >= 3 {
            service.faults().clear();
        }
        outcome = env.resume(plan).await.unwrap();
    }
    outcome
}

async fn matrix(variant: Variant) -> usize {
    let env = env(variant).await;
    let mut cases = 0;
    for write in WRITES {
        for (name, kind, after) in faults() {
            if matches!(kind, FaultKind::HalfStored) && !matches!(write.kept, "message" | "tez") {
                continue;
            }
            for times in [Some(1), None] {
                // Each of these takes all the time that a call has.
                let endless =
                    times.is_none() && matches!(kind, FaultKind::NoAnswer | FaultKind::HalfStored);
                if endless
                    || (write.route == "/conversations" && matches!(kind, FaultKind::HalfStored))
                {
                    continue;
                }
                for service in [env.twenty.as_ref(), env.relay(), env.workspace()] {
                    service.reset();
                    service.faults().clear();
                }
                let mark = format!("mark{cases}x");
                let label = format!("{}: {name}, {times:?}", write.name);
                let service = if write.route.starts_with("/api") {
                    env.workspace()
                } else {
                    env.relay()
                };
                let plan = env.propose(write.tool, arguments(&write, &mark)).await;
                let fault = Fault {
                    times,
                    after,
                    ..Fault::from(kind.clone())
                };
                service.faults().add(fault.on_route("POST", write.route));
                let tasks = env.twenty.count("task").live;
                let outcome = through(&env, &plan, service).await;
                service.faults().clear();
                let count = made(&env, &write, &mark);
                assert!(count <= 1, "{label}: sent {count} times: {outcome:#?}");
                match outcome.state {
                    PlanState::Done => assert_eq!(count, 1, "{label}: {outcome:#?}"),
                    // Stored without what it should hold: it cannot be mended there, and is not
                    // sent again.
                    PlanState::Failed => assert!(
                        matches!(kind, FaultKind::HalfStored),
                        "{label}: {outcome:#?}"
                    ),
                    PlanState::InDoubt => {
                        assert!(!write.known, "{label}: this can be known: {outcome:#?}");
                        assert!(
                            outcome
                                .steps
                                .iter()
                                .any(|step| step.state == StepState::Sending
                                    && step.detail.is_some()),
                            "{label}"
                        );
                    }
                    other => panic!("{label}: {other:?}: {outcome:#?}"),
                }
                if write.tool == "crm_follow_up" {
                    assert_eq!(
                        env.twenty.count("task").live,
                        tasks + 1,
                        "{label}: one task"
                    );
                }
                cases += 1;
            }
        }
    }
    cases
}

#[tokio::test]
async fn published_relay_gets_nothing_twice() {
    let cases = matrix(Variant::P).await;
    println!("{cases} cases: one fault at one write, relay P and PA Workspace");
    assert!(cases > 120);
}

#[tokio::test]
async fn forked_relay_gets_nothing_twice() {
    let cases = matrix(Variant::M).await;
    println!("{cases} cases: one fault at one write, relay M and PA Workspace");
    assert!(cases > 120);
}

#[tokio::test]
async fn handoff_proposed_later_is_not_sent_twice() {
    let folder = tempfile::tempdir().unwrap();
    let handoff = || {
        json!({
            "about": HEALTHY.to_string(), "title": "Send the quote", "due": "2026-03-20",
            "handoff": {"to": "Sam Okafor", "message": "only once"}, "idempotencyKey": "k",
        })
    };
    let first = TestEnv::with(TestOptions {
        relay: Some(Variant::P),
        data: Some(folder.path().to_owned()),
        ..TestOptions::default()
    })
    .await;
    let one = first.propose("crm_follow_up", handoff()).await;
    assert_eq!(first.approve(&one).await.unwrap().state, PlanState::Done);
    let (twenty, relay) = (Arc::clone(&first.twenty), first.relay.clone());
    drop(first);
    let later = TestEnv::with(TestOptions {
        running_relay: relay,
        twenty: Some(twenty),
        data: Some(folder.path().to_owned()),
        later: Duration::from_secs(90),
        ..TestOptions::default()
    })
    .await;
    let two = later.propose("crm_follow_up", handoff()).await;
    assert_ne!(one, two, "it was read at another time");
    let outcome = later.approve(&two).await.unwrap();
    // Its bytes differ, since they say when the records were read: the person is told so, and
    // decides.
    assert_eq!(outcome.state, PlanState::Conflict, "{outcome:#?}");
    let last = outcome.steps.last().unwrap();
    assert_eq!(last.state, StepState::Conflict, "{outcome:#?}");
    assert!(
        last.detail
            .as_deref()
            .unwrap_or_default()
            .contains(&one[..12]),
        "{outcome:#?}"
    );
    let messages = later.relay().records("message").unwrap();
    let sent = messages
        .iter()
        .filter(|message| message.to_string().contains("only once"));
    assert_eq!(sent.count(), 1);
}
