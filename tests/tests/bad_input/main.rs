//! Wrong arguments, a service that misbehaves, and text of strangers: each gets its own typed
//! failure or a correct answer.

mod service;
mod strangers;

use crm_harness::Invocation;
use crm_stand_in::faults::Fault;
use crm_stand_in::twenty::keys;
use crm_stand_in::twenty::sample::{EVERYTHING_WRONG, HEALTHY, INJECTED_NOTE, deal_id, person_id};
use crm_tests::{TestEnv, TestOptions};
use serde_json::{Value, json};

fn fault(fault: Value) -> Fault {
    serde_json::from_value(fault).unwrap()
}

/// Arguments that are refused, with the failure's case and the field that it names.
fn wrong_arguments() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    let long = "x".repeat(201);
    let huge = "x".repeat(70_000);
    vec![
        ("crm_search", json!({}), "invalid-input", "query"),
        (
            "crm_search",
            json!({ "query": "" }),
            "invalid-input",
            "query",
        ),
        (
            "crm_search",
            json!({ "query": " \u{200b}\t " }),
            "invalid-input",
            "query",
        ),
        (
            "crm_search",
            json!({ "query": 7 }),
            "invalid-input",
            "query",
        ),
        (
            "crm_search",
            json!({ "query": null }),
            "invalid-input",
            "query",
        ),
        (
            "crm_search",
            json!({ "query": long }),
            "invalid-input",
            "query",
        ),
        (
            "crm_search",
            json!({ "query": huge }),
            "invalid-input",
            "query",
        ),
        (
            "crm_search",
            json!({ "query": "a", "limit": 0 }),
            "invalid-input",
            "limit",
        ),
        (
            "crm_search",
            json!({ "query": "a", "limit": 26 }),
            "invalid-input",
            "limit",
        ),
        (
            "crm_search",
            json!({ "query": "a", "limit": 1000 }),
            "invalid-input",
            "limit",
        ),
        (
            "crm_search",
            json!({ "query": "a", "limit": "10" }),
            "invalid-input",
            "limit",
        ),
        (
            "crm_search",
            json!({ "query": "a", "limit": 1.5 }),
            "invalid-input",
            "limit",
        ),
        (
            "crm_search",
            json!({ "query": "a", "kinds": [] }),
            "invalid-input",
            "kinds",
        ),
        (
            "crm_search",
            json!({ "query": "a", "kinds": ["deal"] }),
            "invalid-input",
            "kinds[0]",
        ),
        (
            "crm_search",
            json!({ "query": "a", "kinds": "person" }),
            "invalid-input",
            "kinds",
        ),
        (
            "crm_search",
            json!({ "query": "a", "mine": "yes" }),
            "invalid-input",
            "mine",
        ),
        (
            "crm_search",
            json!({ "query": "a", "qeury": "b" }),
            "invalid-input",
            "qeury",
        ),
        (
            "crm_get",
            json!({ "kind": "person" }),
            "invalid-input",
            "id",
        ),
        (
            "crm_get",
            json!({ "kind": "person", "id": "7" }),
            "invalid-input",
            "id",
        ),
        (
            "crm_get",
            json!({ "kind": "person", "id": "zzzzzzzz-0000-4000-8000-000000000000" }),
            "invalid-input",
            "id",
        ),
        (
            "crm_get",
            json!({ "kind": "note", "id": person_id(1).to_string() }),
            "invalid-input",
            "kind",
        ),
        (
            "crm_follow_ups",
            json!({ "until": "tomorrow" }),
            "invalid-input",
            "until",
        ),
        (
            "crm_follow_ups",
            json!({ "until": "2026-02-30" }),
            "invalid-input",
            "until",
        ),
        (
            "crm_follow_ups",
            json!({ "assignee": "Bob" }),
            "invalid-input",
            "assignee",
        ),
        (
            "crm_follow_ups",
            json!({ "cursor": "not a cursor!" }),
            "invalid-input",
            "cursor",
        ),
        (
            "crm_follow_ups",
            json!({ "about": { "kind": "task", "id": deal_id(1).to_string() } }),
            "invalid-input",
            "about.kind",
        ),
        (
            "crm_follow_ups",
            json!({ "about": { "kind": "opportunity", "id": "x" } }),
            "invalid-input",
            "about.id",
        ),
        (
            "crm_follow_ups",
            json!({ "about": { "kind": "opportunity" } }),
            "invalid-input",
            "about.id",
        ),
        (
            "crm_blockers",
            json!({ "opportunity": "" }),
            "invalid-input",
            "opportunity",
        ),
        (
            "crm_blockers",
            json!({ "opportunity": "a", "staleDays": 0 }),
            "invalid-input",
            "staleDays",
        ),
        (
            "crm_blockers",
            json!({ "opportunity": "a", "staleDays": 366 }),
            "invalid-input",
            "staleDays",
        ),
        (
            "crm_briefing",
            json!({ "day": "11.3.2026" }),
            "invalid-input",
            "day",
        ),
        (
            "crm_briefing",
            json!({ "horizonDays": 0 }),
            "invalid-input",
            "horizonDays",
        ),
        (
            "crm_briefing",
            json!({ "horizonDays": 61 }),
            "invalid-input",
            "horizonDays",
        ),
        (
            "crm_briefing",
            json!({ "sections": [] }),
            "invalid-input",
            "sections",
        ),
        (
            "crm_briefing",
            json!({ "sections": ["overdoo"] }),
            "invalid-input",
            "sections[0]",
        ),
        (
            "crm_status",
            json!({ "verbose": true }),
            "invalid-input",
            "verbose",
        ),
    ]
}

#[tokio::test]
async fn wrong_argument_is_refused_before_sending() {
    let env = TestEnv::new().await;
    for (tool, arguments, case, field) in wrong_arguments() {
        let shown: String = arguments.to_string().chars().take(120).collect();
        let outcome = env.outcome(tool, arguments).await;
        assert_eq!(outcome.requests, 0, "{tool} {shown}");
        let failure = outcome.result().expect_err(&shown);
        assert_eq!(
            (&failure["case"], &failure["field"]),
            (&json!(case), &json!(field)),
            "{tool} {shown}: {failure:#}"
        );
        assert!(
            failure["next"]
                .as_str()
                .is_some_and(|next| !next.is_empty())
                && failure["reason"].is_string(),
            "{failure:#}"
        );
    }
    assert_eq!(env.twenty.requests().count(), 0);
}

#[tokio::test]
async fn arguments_that_are_no_object_are_refused() {
    let env = TestEnv::new().await;
    for arguments in [json!([]), json!("depot"), json!(7), json!(null)] {
        env.fails("crm_search", arguments, "invalid-input").await;
    }
}

#[tokio::test]
async fn an_unknown_action_names_the_nearest_one() {
    let env = TestEnv::new().await;
    let invocation = Invocation {
        tool: "crm_serch".to_owned(),
        arguments: json!({}),
        caller: env.caller.clone(),
        deadline: None,
    };
    let error = env.harness.call(invocation).await.unwrap_err();
    assert_eq!(error.code(), "unknown-action");
    assert!(error.to_string().contains("crm_search"), "{error}");
}

#[tokio::test]
async fn without_a_caller_me_means_nobody() {
    let mut env = TestEnv::new().await;
    env.caller = crm_harness::Caller::default();
    for (tool, arguments) in [
        ("crm_briefing", json!({})),
        ("crm_follow_ups", json!({})),
        ("crm_search", json!({ "query": "a", "mine": true })),
        ("crm_deals", json!({ "owner": "me" })),
    ] {
        env.fails(tool, arguments, "invalid-input").await;
    }
    env.ok("crm_search", json!({ "query": "depot" })).await;
}

#[tokio::test]
async fn a_record_that_is_not_there_is_not_found() {
    let env = TestEnv::new().await;
    for kind in ["person", "company", "opportunity", "task"] {
        env.fails(
            "crm_get",
            json!({ "kind": kind, "id": deal_id(99_999).to_string() }),
            "not-found",
        )
        .await;
    }
}
