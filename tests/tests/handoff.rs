//! A follow-up that is handed over: what leaves, to whom, how often, and what the record says of
//! it.

use crm_harness::plans::{PlanState, StepState};
use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::relay::sample::{SAM, TEAM_ID};
use crm_stand_in::twenty::sample::{HEALTHY, ROBIN};
use crm_tests::TestEnv;
use serde_json::{Value, json};

fn handoff(key: &str, to: &str) -> Value {
    json!({
        "about": HEALTHY.to_string(),
        "title": "Send the revised quote",
        "due": "2026-03-20",
        "handoff": {"to": to, "ask": "Please send it before Friday", "urgency": "high"},
        "idempotencyKey": key,
    })
}

/// The messages of the relay's conversations that Robin sent in this test.
fn messages(env: &TestEnv) -> Vec<Value> {
    let all = env.relay().records("message").unwrap();
    let mine = all.into_iter().filter(|message| {
        message["surfaceText"]
            .as_str()
            .unwrap_or_default()
            .contains("revised quote")
    });
    mine.collect()
}

fn envelopes(message: &Value) -> Vec<Value> {
    let context = message["context"].as_array().cloned().unwrap_or_default();
    let artifacts = context
        .iter()
        .filter(|layer| layer["layer"] == "artifact")
        .filter_map(|layer| serde_json::from_str(layer["content"].as_str()?).ok());
    artifacts.collect()
}

#[tokio::test]
async fn handoff_finds_its_record_by_name() {
    let env = TestEnv::whole().await;
    let mut arguments = handoff("k", "Sam Okafor");
    arguments["about"] = json!("Northern depot relaunch");
    let answer = env.ok("crm_follow_up", arguments).await;
    assert_eq!(answer["state"], "waiting", "{answer:#}");
}

#[tokio::test]
async fn handoff_takes_four_writes() {
    let env = TestEnv::whole().await;
    let answer = env.ok("crm_follow_up", handoff("k", "Sam Okafor")).await;
    assert_eq!(answer["state"], "waiting", "{answer:#}");
    let (twenty, relay) = (
        env.twenty.requests().count(),
        env.relay().requests().count(),
    );
    assert_eq!(
        env.relay()
            .requests()
            .on_route("POST", "/conversations")
            .len(),
        0
    );

    let outcome = env.approve(answer["plan"].as_str().unwrap()).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
    assert_eq!(
        env.twenty.requests().count() - twenty,
        2,
        "writes to Twenty"
    );
    assert_eq!(
        env.relay().requests().count() - relay,
        2,
        "writes to the relay"
    );

    let sent = messages(&env);
    let [message] = sent.as_slice() else {
        panic!("{sent:#?}");
    };
    assert_eq!(message["type"], "handoff");
    assert_eq!(message["urgency"], "high");
    let text = message["surfaceText"].as_str().unwrap();
    assert!(text.contains("Please send it before Friday"), "{text}");
    let envelopes = envelopes(message);
    let kinds: Vec<_> = envelopes
        .iter()
        .map(|one| one["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["crm.task", "crm.opportunity"], "{envelopes:#?}");
    let task = outcome.steps[0].what.rsplit(' ').next().unwrap();
    assert_eq!(envelopes[0]["id"], task);
    assert_eq!(envelopes[0]["provenance"]["created"], true);
    let deal = &envelopes[1];
    let fields: Vec<_> = deal["fields"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert!(
        !fields.contains(&"amount".to_owned()) && fields.contains(&"valueBand".to_owned()),
        "{fields:?}"
    );
    assert!(
        deal["omitted"]
            .as_array()
            .unwrap()
            .contains(&json!("amount")),
        "{deal:#}"
    );
    assert_eq!(deal["provenance"]["source"], "twenty");
}

#[tokio::test]
async fn preview_shows_message_recipient_and_fields() {
    let env = TestEnv::whole().await;
    let answer = env
        .ok("crm_follow_up", handoff("k", "sam@example.com"))
        .await;
    let steps = answer["preview"]["steps"].as_array().unwrap();
    let send = steps
        .iter()
        .find(|step| step["what"].as_str().unwrap().starts_with("message: tez"))
        .unwrap();
    assert_eq!(
        send["recipients"],
        json!([{"id": SAM.to_string(), "name": "Sam Okafor"}]),
        "{send:#}"
    );
    let value = |name: &str| {
        let values = send["values"].as_array().unwrap();
        let shown = values.iter().find(|value| value["name"] == name);
        shown.unwrap_or_else(|| panic!("{name} of {values:#?}"))["value"].clone()
    };
    assert!(
        value("surfaceText")
            .as_str()
            .unwrap()
            .contains("Please send it before Friday")
    );
    // JSON is shown as the text that is sent, and read out beside it.
    let context = value("context[0].content");
    assert!(
        context
            .as_str()
            .unwrap()
            .starts_with("\"{\\\"kind\\\":\\\"crm.task\\\""),
        "{context}"
    );
    let values = send["values"].as_array().unwrap();
    let shown = values
        .iter()
        .find(|value| value["name"] == "context[0].content");
    assert_eq!(
        shown.unwrap()["reading"][0],
        json!({"name": "kind", "value": "\"crm.task\""})
    );
    let deal = send["disclosures"]
        .as_array()
        .unwrap()
        .iter()
        .find(|given| given["kind"] == "crm.opportunity");
    let deal = deal.unwrap();
    assert_eq!(deal["id"], HEALTHY.to_string());
    assert!(
        deal["fields"].as_array().unwrap().contains(&json!("stage")),
        "{deal:#}"
    );
    assert!(deal.get("expanded").is_none(), "{deal:#}");
    assert!(
        send["policies"]
            .as_array()
            .unwrap()
            .contains(&json!("members-write-to-colleagues")),
        "{send:#}"
    );
    // What is shown of the message is what is sent.
    env.approve(answer["plan"].as_str().unwrap()).await.unwrap();
    let messages = messages(&env);
    let sent = messages[0]["surfaceText"].as_str().unwrap();
    assert_eq!(crm_harness::text::cell(sent), value("surfaceText"));
}

#[tokio::test]
async fn recipient_must_be_one_team_member() {
    let env = TestEnv::whole().await;
    for (to, case) in [
        ("Tomás Vega", "invalid-input"),
        ("tomas@example.com", "invalid-input"),
        ("Sam Olsen", "invalid-input"),
        ("5c1d2c3e-0000-4000-8000-00000000c0de", "invalid-input"),
        (
            "5c1d2c3e-0000-4000-8000-00000000c0de@relay.elsewhere.example",
            "invalid-input",
        ),
        ("Nobody Known", "invalid-input"),
        ("robin@example.com", "invalid-input"),
    ] {
        env.fails("crm_follow_up", handoff("k", to), case).await;
    }
    assert!(
        env.relay()
            .requests()
            .on_route("POST", "/conversations")
            .is_empty()
    );
    assert_eq!(
        env.twenty.count("task"),
        TestEnv::whole().await.twenty.count("task")
    );
}

#[tokio::test]
async fn unsent_message_keeps_task_and_resumes() {
    let env = TestEnv::whole().await;
    let plan = env
        .propose("crm_follow_up", handoff("k", "Sam Okafor"))
        .await;
    let tasks = env.twenty.count("task").live;
    env.relay().faults().add(Fault {
        times: None,
        ..Fault::once(FaultKind::Status { code: 503 }).on_route("POST", "/conversations/*/messages")
    });
    let outcome = env.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Stopped, "{outcome:#?}");
    assert_eq!(outcome.steps[0].state, StepState::Done);
    assert!(
        outcome.steps[0].what.starts_with("create task "),
        "the task's id is told: {outcome:#?}"
    );
    assert_eq!(env.twenty.count("task").live, tasks + 1);
    assert!(messages(&env).is_empty());

    env.relay().faults().clear();
    let outcome = env.resume(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
    assert_eq!(env.twenty.count("task").live, tasks + 1);
    assert_eq!(messages(&env).len(), 1);
}

#[tokio::test]
async fn handoff_to_the_team_is_one_message() {
    let env = TestEnv::whole().await;
    let answer = env.ok("crm_follow_up", handoff("k", "team")).await;
    let steps = answer["preview"]["steps"].as_array().unwrap();
    let send = steps
        .iter()
        .find(|step| step.get("group").is_some())
        .unwrap();
    assert_eq!(send["group"], TEAM_ID.to_string());
    let warned = answer["preview"]["warnings"].to_string();
    assert!(warned.contains("whole team"), "{warned}");
    let outcome = env.approve(answer["plan"].as_str().unwrap()).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
    let shared = env.relay().requests().on_route("POST", "/tez/share");
    assert_eq!(shared.len(), 1);
    assert_eq!(shared[0].json().unwrap()["visibility"], "team");
    assert_ne!(ROBIN, HEALTHY);
}

#[tokio::test]
async fn repeated_handoff_finds_its_plan() {
    let env = TestEnv::whole().await;
    let first = env
        .propose("crm_follow_up", handoff("k", "Sam Okafor"))
        .await;
    env.approve(&first).await.unwrap();
    let again = env.ok("crm_follow_up", handoff("k", "Sam Okafor")).await;
    assert_eq!(again["plan"], first);
    assert_eq!(again["state"], "done");
    env.approve(&first).await.unwrap();
    assert_eq!(messages(&env).len(), 1);
}
