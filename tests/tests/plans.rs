//! Proposals and what becomes of them: through the built component, the real harness and a stand-in that writes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

use std::time::Duration;

use crm_harness::plan::{PlanError, PlanState, StepState};
use crm_stand_in::twenty::sample::{HEALTHY, ROBIN, SAM, SAM_EMAIL, SOFT_DELETED_DEAL};
use crm_tests::{Differently, World, component};
use serde_json::{Value, json};

fn follow_up(key: &str) -> Value {
    json!({
        "about": HEALTHY.to_string(),
        "title": "Send the revised quote",
        "note": "With the new delivery dates",
        "due": "2026-03-20",
        "idempotencyKey": key,
    })
}

/// The raw task that a plan made, from the first step's record.
fn made(world: &World, kind: &str, outcome: &crm_harness::plan::Outcome) -> Value {
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
    assert!(
        steps[0]["values"]
            .as_array()
            .unwrap()
            .contains(&json!({"name": "title", "value": "Send the revised quote"}))
    );
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
async fn a_plan_that_was_changed_by_one_byte_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(Differently {
        data: Some(folder.path().to_owned()),
        ..Differently::default()
    })
    .await;
    let plan = world.propose("crm_follow_up", follow_up("a")).await;
    let database = rusqlite::Connection::open(folder.path().join("plans.sqlite3")).unwrap();
    let changed = database
        .execute(
            "UPDATE plan SET bytes = CAST(replace(CAST(bytes AS TEXT), 'revised', 'reviled') AS BLOB)",
            [],
        )
        .unwrap();
    assert_eq!(changed, 1);
    world.twenty.requests().clear();
    let error = world.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Altered), "{error}");
    assert_eq!(world.twenty.requests().count(), 0);
}

#[tokio::test]
async fn a_plan_that_waited_too_long_expires_and_calling_again_opens_it_anew() {
    let folder = tempfile::tempdir().unwrap();
    let data = || Some(folder.path().to_owned());
    let world = World::with(Differently {
        data: data(),
        ..Differently::default()
    })
    .await;
    let plan = world.propose("crm_follow_up", follow_up("a")).await;
    let World { twenty, caller, .. } = world;
    let mut later = World::with(Differently {
        data: data(),
        twenty: Some(twenty),
        later: Duration::from_secs(16 * 60),
        ..Differently::default()
    })
    .await;
    later.caller = caller;
    let error = later.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Expired), "{error}");
    let again = later.propose("crm_follow_up", follow_up("a")).await;
    assert_eq!(again, plan);
    assert_eq!(later.approve(&plan).await.unwrap().state, PlanState::Done);
}

#[tokio::test]
async fn a_plan_of_another_component_is_refused_unless_it_is_resumed_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let data = || Some(folder.path().to_owned());
    // The same code in other bytes: one more section.
    let mut other = component();
    other.extend_from_slice(&[0, 5, 4, b'n', b'o', b't', b'e']);
    let before = World::with(Differently {
        data: data(),
        component: Some(other),
        ..Differently::default()
    })
    .await;
    let plan = before.propose("crm_follow_up", follow_up("a")).await;
    let World { twenty, caller, .. } = before;
    let world = World::with(Differently {
        data: data(),
        twenty: Some(twenty),
        ..Differently::default()
    })
    .await;
    let error = world.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::OtherComponent), "{error}");
    let error = world
        .harness
        .resume(&plan, &caller, true)
        .await
        .unwrap_err();
    assert!(matches!(error, PlanError::NotApproved(_)), "{error}");
    let outcome = world.harness.approve(&plan, &caller, true).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done);
}

#[tokio::test]
async fn only_who_may_decide_about_a_plan_does() {
    let mut world = World::new().await;
    let plan = world.propose("crm_follow_up", follow_up("a")).await;
    let robin = world.caller.clone();
    world.caller.email = Some(SAM_EMAIL.to_owned());
    let error = world.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Access { .. }), "{error}");
    let error = world.harness.deny(&plan, &world.caller).await.unwrap_err();
    assert!(matches!(error, PlanError::Access { .. }), "{error}");
    assert_eq!(
        world.harness.deny(&plan, &robin).await.unwrap().state,
        PlanState::Denied
    );
    world.caller = robin;
    let error = world.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Denied), "{error}");
    // Asking again opens it anew.
    assert_eq!(
        world.ok("crm_follow_up", follow_up("a")).await["state"],
        "waiting"
    );
}

#[tokio::test]
async fn who_may_not_change_a_record_gets_no_plan_and_nothing_is_sent_or_kept() {
    let mut world = World::new().await;
    let sams = world.with_value("opportunity", "ownerId", Some(&SAM.to_string()));
    let arguments = json!({"set": {"case": "opportunity", "name": "Mine now"}, "id": sams});
    let failure = world.fails("crm_upsert", arguments, "denied").await;
    assert_eq!(failure["code"], "access");
    world.caller.role = Some("viewer".into());
    let failure = world.fails("crm_follow_up", follow_up("a"), "denied").await;
    assert!(
        failure["reason"].as_str().unwrap().contains("viewer"),
        "{failure}"
    );
    assert!(world.harness.plans().unwrap().is_empty());
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
        "set": {"case": "opportunity", "amount": "1250.5", "currency": "EUR", "stage": "screening"},
    });
    let answer = world.ok("crm_upsert", arguments).await;
    let values = answer["preview"]["steps"][0]["values"].as_array().unwrap();
    let value = |name: &str| values.iter().find(|value| value["name"] == name).unwrap();
    assert_eq!(value("data.amount.amountMicros")["value"], "1250500000");
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
    let set = |name: &str| json!({"id": HEALTHY.to_string(), "set": {"case": "opportunity", "name": name}});
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
async fn a_plan_goes_to_the_service_that_it_was_made_for_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let data = || Some(folder.path().to_owned());
    let world = World::with(Differently {
        data: data(),
        ..Differently::default()
    })
    .await;
    let plan = world.propose("crm_follow_up", follow_up("a")).await;
    let elsewhere = World::with(Differently {
        data: data(),
        ..Differently::default()
    })
    .await;
    let error = elsewhere.approve(&plan).await.unwrap_err();
    assert!(matches!(error, PlanError::Moved { .. }), "{error}");
    assert_eq!(elsewhere.twenty.requests().count(), 0);
}

#[tokio::test]
async fn a_plan_that_was_begun_can_be_closed_by_a_person() {
    use crm_stand_in::faults::{Fault, FaultKind};
    let world = World::new().await;
    let plan = world.propose("crm_follow_up", follow_up("a")).await;
    let down = Fault {
        times: None,
        ..Fault::once(FaultKind::Status { code: 500 }).on_root("createTaskTargets")
    };
    world.twenty.faults().add(down);
    let outcome = world.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Stopped, "{outcome:#?}");
    let outcome = world.harness.deny(&plan, &world.caller).await.unwrap();
    assert_eq!(outcome.state, PlanState::Denied);
    assert_eq!(outcome.steps[0].state, StepState::Done);
    let error = world
        .harness
        .resume(&plan, &world.caller, false)
        .await
        .unwrap_err();
    assert!(matches!(error, PlanError::Denied), "{error}");
    world.twenty.faults().clear();
    // Asked for again and approved again, it goes on from there.
    let again = world.propose("crm_follow_up", follow_up("a")).await;
    assert_eq!(again, plan);
    assert_eq!(world.approve(&plan).await.unwrap().state, PlanState::Done);
    let error = world.harness.deny(&plan, &world.caller).await.unwrap_err();
    assert!(matches!(error, PlanError::Over(PlanState::Done)), "{error}");
}

#[tokio::test]
async fn what_was_approved_and_not_begun_in_time_is_not_begun_later() {
    use crm_stand_in::faults::{Fault, FaultKind};
    let folder = tempfile::tempdir().unwrap();
    let data = || Some(folder.path().to_owned());
    let world = World::with(Differently {
        data: data(),
        ..Differently::default()
    })
    .await;
    let plan = world.propose("crm_follow_up", follow_up("a")).await;
    let limited = Fault {
        times: None,
        ..Fault::once(FaultKind::TooManyRequests {
            retry_after_seconds: None,
        })
    };
    world.twenty.faults().add(limited);
    assert_eq!(
        world.approve(&plan).await.unwrap().state,
        PlanState::Stopped
    );
    let World { twenty, caller, .. } = world;
    twenty.faults().clear();
    let later = World::with(Differently {
        data: data(),
        twenty: Some(twenty),
        later: Duration::from_secs(16 * 60),
        ..Differently::default()
    })
    .await;
    let error = later
        .harness
        .resume(&plan, &caller, false)
        .await
        .unwrap_err();
    assert!(matches!(error, PlanError::Expired), "{error}");
    let again = later.propose("crm_follow_up", follow_up("a")).await;
    assert_eq!(later.approve(&again).await.unwrap().state, PlanState::Done);
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
    let set = |set: Value| json!({"id": deal, "set": set});
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
            set(json!({"case": "opportunity"})),
            "invalid-input",
            "set",
        ),
        (
            "crm_upsert",
            set(json!({"case": "opportunity", "stage": "NOWHERE"})),
            "invalid-input",
            "stage",
        ),
        (
            "crm_upsert",
            set(json!({"case": "opportunity", "amount": "12,5"})),
            "invalid-input",
            "amount",
        ),
        (
            "crm_upsert",
            set(json!({"case": "opportunity", "amount": "99999999999999999"})),
            "invalid-input",
            "amount",
        ),
        (
            "crm_upsert",
            set(json!({"case": "opportunity", "currency": "euro"})),
            "invalid-input",
            "currency",
        ),
        (
            "crm_upsert",
            set(json!({"case": "opportunity", "owner": "nobody@example.com"})),
            "invalid-input",
            "owner",
        ),
        (
            "crm_upsert",
            set(json!({"case": "opportunity", "custom": [{"name": "mood", "value": "x"}]})),
            "invalid-input",
            "custom",
        ),
        (
            "crm_upsert",
            json!({"id": gone, "set": {"case": "opportunity", "name": "x"}}),
            "not-found",
            "",
        ),
        (
            "crm_upsert",
            set(json!({"case": "planet"})),
            "invalid-input",
            "set",
        ),
    ];
    for (tool, arguments, case, field) in cases {
        let failure = world.fails(tool, arguments, case).await;
        let named = failure["field"].as_str().unwrap_or_default();
        assert!(named.contains(field), "{field}: {failure:#}");
    }
    assert!(world.harness.plans().unwrap().is_empty());
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
