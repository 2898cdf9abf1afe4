//! A follow-up that is handed over: what leaves, to whom, how often, and what the record says of it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

use crm_harness::plans::{PlanState, StepState};
use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::relay::sample::{SAM, TEAM_ID};
use crm_stand_in::twenty::sample::{HEALTHY, ROBIN};
use crm_tests::World;
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
fn messages(world: &World) -> Vec<Value> {
    let all = world.relay().records("message").unwrap();
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
async fn a_handoff_about_a_record_that_is_given_by_name_is_proposed() {
    let world = World::whole().await;
    let mut arguments = handoff("k", "Sam Okafor");
    arguments["about"] = json!("Northern depot relaunch");
    let answer = world.ok("crm_follow_up", arguments).await;
    assert_eq!(answer["state"], "waiting", "{answer:#}");
}

#[tokio::test]
async fn a_handoff_makes_one_task_and_sends_one_message_in_four_writes() {
    let world = World::whole().await;
    let answer = world.ok("crm_follow_up", handoff("k", "Sam Okafor")).await;
    assert_eq!(answer["state"], "waiting", "{answer:#}");
    let (twenty, relay) = (
        world.twenty.requests().count(),
        world.relay().requests().count(),
    );
    assert_eq!(
        world
            .relay()
            .requests()
            .on_route("POST", "/conversations")
            .len(),
        0
    );

    let outcome = world
        .approve(answer["plan"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
    assert_eq!(
        world.twenty.requests().count() - twenty,
        2,
        "writes to Twenty"
    );
    assert_eq!(
        world.relay().requests().count() - relay,
        2,
        "writes to the relay"
    );

    let sent = messages(&world);
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
async fn the_preview_shows_the_message_the_recipient_by_name_and_the_fields_that_each_record_gives()
{
    let world = World::whole().await;
    let answer = world
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
    world
        .approve(answer["plan"].as_str().unwrap())
        .await
        .unwrap();
    let messages = messages(&world);
    let sent = messages[0]["surfaceText"].as_str().unwrap();
    assert_eq!(crm_harness::text::cell(sent), value("surfaceText"));
}

#[tokio::test]
async fn nobody_outside_the_team_is_written_to_and_a_name_that_fits_several_is_asked_about() {
    let world = World::whole().await;
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
        world.fails("crm_follow_up", handoff("k", to), case).await;
    }
    assert!(
        world
            .relay()
            .requests()
            .on_route("POST", "/conversations")
            .is_empty()
    );
    assert_eq!(
        world.twenty.count("task"),
        World::whole().await.twenty.count("task")
    );
}

#[tokio::test]
async fn where_the_message_cannot_be_sent_the_task_stays_and_the_same_plan_goes_on() {
    let world = World::whole().await;
    let plan = world
        .propose("crm_follow_up", handoff("k", "Sam Okafor"))
        .await;
    let tasks = world.twenty.count("task").live;
    world.relay().faults().add(Fault {
        times: None,
        ..Fault::once(FaultKind::Status { code: 503 }).on_route("POST", "/conversations/*/messages")
    });
    let outcome = world.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Stopped, "{outcome:#?}");
    assert_eq!(outcome.steps[0].state, StepState::Done);
    assert!(
        outcome.steps[0].what.starts_with("create task "),
        "the task's id is told: {outcome:#?}"
    );
    assert_eq!(world.twenty.count("task").live, tasks + 1);
    assert!(messages(&world).is_empty());

    world.relay().faults().clear();
    let outcome = world.resume(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
    assert_eq!(world.twenty.count("task").live, tasks + 1);
    assert_eq!(messages(&world).len(), 1);
}

#[tokio::test]
async fn a_handoff_to_the_team_is_one_message_that_everybody_of_it_can_read() {
    let world = World::whole().await;
    let answer = world.ok("crm_follow_up", handoff("k", "team")).await;
    let steps = answer["preview"]["steps"].as_array().unwrap();
    let send = steps
        .iter()
        .find(|step| step.get("group").is_some())
        .unwrap();
    assert_eq!(send["group"], TEAM_ID.to_string());
    let warned = answer["preview"]["warnings"].to_string();
    assert!(warned.contains("whole team"), "{warned}");
    let outcome = world
        .approve(answer["plan"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
    let shared = world.relay().requests().on_route("POST", "/tez/share");
    assert_eq!(shared.len(), 1);
    assert_eq!(shared[0].json().unwrap()["visibility"], "team");
    assert_ne!(ROBIN, HEALTHY);
}

#[tokio::test]
async fn the_same_call_again_finds_the_plan_and_sends_nothing_twice() {
    let world = World::whole().await;
    let first = world
        .propose("crm_follow_up", handoff("k", "Sam Okafor"))
        .await;
    world.approve(&first).await.unwrap();
    let again = world.ok("crm_follow_up", handoff("k", "Sam Okafor")).await;
    assert_eq!(again["plan"], first);
    assert_eq!(again["state"], "done");
    world.approve(&first).await.unwrap();
    assert_eq!(messages(&world).len(), 1);
}
