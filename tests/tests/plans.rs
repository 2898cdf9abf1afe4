//! Proposals and what becomes of them: through the built component, the real harness and a stand-in that writes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

use crm_harness::plans::{PlanState, StepState};
use crm_stand_in::twenty::sample::{HEALTHY, ROBIN, SAM, SAM_EMAIL, SOFT_DELETED_DEAL};
use crm_tests::{Differently, World, follow_up};
use serde_json::{Value, json};

/// The raw task that a plan made, from the first step's record.
fn made(world: &World, kind: &str, outcome: &crm_harness::plans::Outcome) -> Value {
    let id = outcome.steps[0].what.rsplit(' ').next().unwrap();
    world.twenty.record(kind, id).unwrap()
}

#[tokio::test]
async fn a_proposal_writes_nothing_and_performing_it_costs_two_requests() {
    let world = World::new().await;
    let before = (world.twenty.count("task"), world.twenty.count("taskTarget"));
    let answer = world.ok("crm_follow_up", follow_up("a")).await;
    assert!(world.twenty.requests().count() <= 2);
    assert_eq!(answer["state"], "waiting");
    assert_eq!(answer["preview"]["approval"], "required");
    let steps = answer["preview"]["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 3);
    assert_eq!(steps[0]["policies"], json!(["new-records"]));
    assert_eq!(steps[1]["policies"], json!(["new-records", "own-records"]));
    assert_eq!(steps[2]["policies"], json!(["undo"]));
    assert!(steps[0]["values"].as_array().unwrap().contains(
        &json!({"name": "title", "value": "\"Send the revised quote\"", "title": "title"})
    ));
    assert_eq!(
        (world.twenty.count("task"), world.twenty.count("taskTarget")),
        before
    );
    world.twenty.requests().clear();
    let outcome = world
        .approve(answer["plan"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(outcome.state, PlanState::Done);
    assert_eq!(outcome.steps[2].state, StepState::NotNeeded);
    assert_eq!(world.twenty.requests().count(), 2);
    let task = made(&world, "task", &outcome);
    assert_eq!(task["title"], "Send the revised quote");
    assert_eq!(task["assigneeId"], ROBIN.to_string());
    // The end of that day in the caller's zone.
    assert_eq!(task["dueAt"], "2026-03-21T03:59:59.000Z");
    let link = world.with_value("taskTarget", "taskId", task["id"].as_str());
    let link = world.twenty.record("taskTarget", &link).unwrap();
    assert_eq!(link["targetOpportunityId"], HEALTHY.to_string());
}

#[tokio::test]
async fn the_same_call_again_finds_what_the_first_one_made_and_another_makes_its_own() {
    let world = World::new().await;
    let before = world.twenty.count("task").live;
    let plan = world.propose("crm_follow_up", follow_up("a")).await;
    world.approve(&plan).await.unwrap();
    world.twenty.requests().clear();
    let again = world.ok("crm_follow_up", follow_up("a")).await;
    assert_eq!(
        (again["plan"].as_str(), &again["state"]),
        (Some(plan.as_str()), &json!("done"))
    );
    assert_eq!(world.approve(&plan).await.unwrap().state, PlanState::Done);
    let writes = world.twenty.requests().all();
    assert!(
        writes
            .iter()
            .all(|request| !request.body.contains("mutation"))
    );
    let other = world.propose("crm_follow_up", follow_up("b")).await;
    assert_ne!(other, plan);
    world.approve(&other).await.unwrap();
    assert_eq!(world.twenty.count("task").live, before + 2);
}

#[tokio::test]
async fn fifty_identical_calls_at_once_make_one_task() {
    let world = World::new().await;
    let before = (
        world.twenty.count("task").live,
        world.twenty.count("taskTarget").live,
    );
    let calls = (0..50).map(|_| async {
        let plan = world.propose("crm_follow_up", follow_up("a")).await;
        world.approve(&plan).await.unwrap().state
    });
    let states = futures_util::future::join_all(calls).await;
    assert!(
        states.iter().all(|state| *state == PlanState::Done),
        "{states:?}"
    );
    let after = (
        world.twenty.count("task").live,
        world.twenty.count("taskTarget").live,
    );
    assert_eq!(after, (before.0 + 1, before.1 + 1));
}

#[tokio::test]
async fn two_callers_with_the_same_key_do_not_meet() {
    let mut world = World::new().await;
    let about = world.with_value("opportunity", "ownerId", None);
    let before = world.twenty.count("task").live;
    let mut arguments = follow_up("same");
    arguments["about"] = about.into();
    let robins = world.propose("crm_follow_up", arguments.clone()).await;
    world.approve(&robins).await.unwrap();
    world.caller.email = Some(SAM_EMAIL.to_owned());
    let sams = world.propose("crm_follow_up", arguments).await;
    assert_ne!(robins, sams);
    world.approve(&sams).await.unwrap();
    assert_eq!(world.twenty.count("task").live, before + 2);
}

#[tokio::test]
async fn who_may_not_change_a_record_gets_no_plan_and_nothing_is_sent_or_kept() {
    let mut world = World::new().await;
    let sams = world.with_value("opportunity", "ownerId", Some(&SAM.to_string()));
    let arguments = json!({"kind": "opportunity", "name": "Mine now", "id": sams});
    let failure = world.fails("crm_upsert", arguments, "denied").await;
    assert_eq!(failure["code"], "access");
    world.caller.role = Some("viewer".into());
    let failure = world.fails("crm_follow_up", follow_up("a"), "denied").await;
    assert!(
        failure["reason"].as_str().unwrap().contains("viewer"),
        "{failure}"
    );
    assert!(world.harness.plans().all().unwrap().is_empty());
    world.ok("crm_search", json!({"query": "acme"})).await;
}

#[tokio::test]
async fn a_caller_whom_the_operator_gave_no_role_reads_and_does_not_write() {
    let world = World::with(Differently {
        operator: Some("allow-loopback = true\n[callers.robin]\nemail = \"robin@example.com\""),
        ..Differently::default()
    })
    .await;
    world.ok("crm_search", json!({"query": "acme"})).await;
    let failure = world.fails("crm_follow_up", follow_up("a"), "denied").await;
    assert!(
        failure["reason"]
            .as_str()
            .unwrap()
            .contains("without a role"),
        "{failure}"
    );
    assert!(
        failure["next"].as_str().unwrap().contains("[callers]"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_change_is_shown_from_old_to_new_and_costs_a_read_and_a_write() {
    let world = World::new().await;
    let arguments = json!({
        "id": HEALTHY.to_string(),
        "kind": "opportunity", "amount": "1250.5", "currency": "EUR", "stage": "screening",
    });
    let answer = world.ok("crm_upsert", arguments).await;
    let values = answer["preview"]["steps"][0]["values"].as_array().unwrap();
    let value = |name: &str| values.iter().find(|value| value["name"] == name).unwrap();
    assert_eq!(value("data.amount.amountMicros")["value"], "1250500000");
    assert_eq!(value("data.amount.amountMicros")["means"], "1,250.5 EUR");
    assert!(value("data.stage")["before"].is_string(), "{values:#?}");
    world.twenty.requests().clear();
    let outcome = world
        .approve(answer["plan"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:?}");
    assert_eq!(world.twenty.requests().count(), 2);
    let deal = world
        .twenty
        .record("opportunity", &HEALTHY.to_string())
        .unwrap();
    assert_eq!(deal["stage"], "SCREENING");
    assert_eq!(deal["amount"]["amountMicros"], 1_250_500_000_i64);
}

#[tokio::test]
async fn a_record_that_changed_since_the_plan_is_left_alone() {
    let world = World::new().await;
    let set = |name: &str| json!({"id": HEALTHY.to_string(), "kind": "opportunity", "name": name});
    let first = world.propose("crm_upsert", set("The first name")).await;
    let second = world.propose("crm_upsert", set("The second name")).await;
    assert_eq!(world.approve(&first).await.unwrap().state, PlanState::Done);
    let outcome = world.approve(&second).await.unwrap();
    assert_eq!(outcome.state, PlanState::Conflict, "{outcome:?}");
    let deal = world
        .twenty
        .record("opportunity", &HEALTHY.to_string())
        .unwrap();
    assert_eq!(deal["name"], "The first name");
    // Planned upon the record as it is now, it passes.
    let third = world.propose("crm_upsert", set("The second name")).await;
    assert_ne!(third, second);
    assert_eq!(world.approve(&third).await.unwrap().state, PlanState::Done);
}

#[tokio::test]
async fn a_link_that_fails_for_good_leaves_no_task_behind() {
    use crm_stand_in::faults::{Fault, FaultKind};
    let world = World::new().await;
    let before = (
        world.twenty.count("task").live,
        world.twenty.count("taskTarget").live,
    );
    let plan = world.propose("crm_follow_up", follow_up("a")).await;
    let forbidden = FaultKind::PartialError {
        only: "createTaskTargets".into(),
        message: "Entity performing the request does not have permission".into(),
        code: "FORBIDDEN".into(),
    };
    world
        .twenty
        .faults()
        .add(Fault::once(forbidden).on_root("createTaskTargets"));
    let outcome = world.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Failed, "{outcome:?}");
    let states: Vec<_> = outcome.steps.iter().map(|step| step.state).collect();
    assert_eq!(
        states,
        [StepState::Done, StepState::Failed, StepState::Done]
    );
    let after = (
        world.twenty.count("task").live,
        world.twenty.count("taskTarget").live,
    );
    assert_eq!(after, before);
    assert!(outcome.next.contains("idempotency key"), "{}", outcome.next);
}

#[tokio::test]
async fn a_key_that_was_used_for_something_else_takes_nothing_of_it_back() {
    let world = World::new().await;
    let before = (
        world.twenty.count("task").live,
        world.twenty.count("taskTarget").live,
    );
    let first = world.propose("crm_follow_up", follow_up("same")).await;
    world.approve(&first).await.unwrap();
    let mut other = follow_up("same");
    let about = world.with_value("opportunity", "ownerId", None);
    other["about"] = about.into();
    let second = world.propose("crm_follow_up", other).await;
    assert_ne!(first, second);
    let outcome = world.approve(&second).await.unwrap();
    let states: Vec<_> = outcome.steps.iter().map(|step| step.state).collect();
    assert_eq!(states[0], StepState::Found, "{outcome:#?}");
    assert_eq!(outcome.state, PlanState::Failed, "{outcome:#?}");
    // The first one's task and link are still there.
    let after = (
        world.twenty.count("task").live,
        world.twenty.count("taskTarget").live,
    );
    assert_eq!(after, (before.0 + 1, before.1 + 1), "{outcome:#?}");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_before_anything_is_planned() {
    let world = World::new().await;
    let deal = HEALTHY.to_string();
    let gone = "5a0000ff-0000-4000-8000-0000000000ff";
    let follow = |change: &dyn Fn(&mut Value)| {
        let mut arguments = follow_up("a");
        change(&mut arguments);
        arguments
    };
    let set = |mut set: Value| {
        set["id"] = json!(deal);
        set
    };
    let cases = [
        (
            "crm_follow_up",
            follow(&|a| a["colour"] = "red".into()),
            "invalid-input",
            "colour",
        ),
        (
            "crm_follow_up",
            follow(&|a| a["title"] = "".into()),
            "invalid-input",
            "title",
        ),
        (
            "crm_follow_up",
            follow(&|a| a["due"] = "soon".into()),
            "invalid-input",
            "due",
        ),
        (
            "crm_follow_up",
            follow(&|a| a["assignee"] = "nobody@example.com".into()),
            "invalid-input",
            "assignee",
        ),
        (
            "crm_follow_up",
            follow(&|a| a["note"] = "x".repeat(100_000).into()),
            "invalid-input",
            "note",
        ),
        (
            "crm_follow_up",
            follow(&|a| a["about"] = gone.into()),
            "not-found",
            "",
        ),
        (
            "crm_follow_up",
            follow(&|a| a["about"] = SOFT_DELETED_DEAL.to_string().into()),
            "not-found",
            "",
        ),
        (
            "crm_follow_up",
            follow(&|a| a["about"] = "acme".into()),
            "ambiguous",
            "about",
        ),
        (
            "crm_upsert",
            set(json!({"kind": "opportunity"})),
            "invalid-input",
            "kind",
        ),
        (
            "crm_upsert",
            set(json!({"kind": "opportunity", "stage": "NOWHERE"})),
            "invalid-input",
            "stage",
        ),
        (
            "crm_upsert",
            set(json!({"kind": "opportunity", "amount": "12,5"})),
            "invalid-input",
            "amount",
        ),
        (
            "crm_upsert",
            set(json!({"kind": "opportunity", "amount": "99999999999999999"})),
            "invalid-input",
            "amount",
        ),
        (
            "crm_upsert",
            set(json!({"kind": "opportunity", "currency": "euro"})),
            "invalid-input",
            "currency",
        ),
        (
            "crm_upsert",
            set(json!({"kind": "opportunity", "owner": "nobody@example.com"})),
            "invalid-input",
            "owner",
        ),
        (
            "crm_upsert",
            set(json!({"kind": "opportunity", "custom": [{"name": "mood", "value": "x"}]})),
            "invalid-input",
            "custom",
        ),
        (
            "crm_upsert",
            json!({"id": gone, "kind": "opportunity", "name": "x"}),
            "not-found",
            "",
        ),
        (
            "crm_upsert",
            set(json!({"kind": "opportunity", "firstName": "Ada"})),
            "invalid-input",
            "firstName",
        ),
        (
            "crm_upsert",
            set(json!({"kind": "planet"})),
            "invalid-input",
            "kind",
        ),
    ];
    for (tool, arguments, case, field) in cases {
        let failure = world.fails(tool, arguments, case).await;
        let named = failure["field"].as_str().unwrap_or_default();
        assert!(named.contains(field), "{field}: {failure:#}");
    }
    assert!(world.harness.plans().all().unwrap().is_empty());
    let sent = world.twenty.requests().all();
    assert!(
        sent.iter()
            .all(|request| !request.body.contains("mutation"))
    );
    // A date in the past is allowed, with a warning.
    let past = world
        .ok("crm_follow_up", follow(&|a| a["due"] = "2026-03-01".into()))
        .await;
    assert!(
        past["preview"]["warnings"][0]
            .as_str()
            .unwrap()
            .contains("past"),
        "{past:#}"
    );
}
