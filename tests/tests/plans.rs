//! Proposals and what becomes of them: through the built component, the real harness and a stand-in
//! that writes.

use crm_harness::plans::{PlanState, StepState};
use crm_stand_in::twenty::sample::{HEALTHY, ROBIN, SAM, SAM_EMAIL, SOFT_DELETED_DEAL};
use crm_tests::{TestEnv, TestOptions, follow_up};
use serde_json::{Value, json};

/// The raw task that a plan made, from the first step's record.
fn made(env: &TestEnv, kind: &str, outcome: &crm_harness::plans::PlanOutcome) -> Value {
    let id = outcome.steps[0].what.rsplit(' ').next().unwrap();
    env.twenty.record(kind, id).unwrap()
}

#[tokio::test]
async fn proposal_writes_nothing() {
    let env = TestEnv::new().await;
    let before = (env.twenty.count("task"), env.twenty.count("taskTarget"));
    let answer = env.ok("crm_follow_up", follow_up("a")).await;
    assert!(env.twenty.requests().count() <= 2);
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
        (env.twenty.count("task"), env.twenty.count("taskTarget")),
        before
    );
    env.twenty.requests().clear();
    let outcome = env.approve(answer["plan"].as_str().unwrap()).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done);
    assert_eq!(outcome.steps[2].state, StepState::NotNeeded);
    assert_eq!(env.twenty.requests().count(), 2);
    let task = made(&env, "task", &outcome);
    assert_eq!(task["title"], "Send the revised quote");
    assert_eq!(task["assigneeId"], ROBIN.to_string());
    // The end of that day in the caller's zone.
    assert_eq!(task["dueAt"], "2026-03-21T03:59:59.000Z");
    let link = env.with_value("taskTarget", "taskId", task["id"].as_str());
    let link = env.twenty.record("taskTarget", &link).unwrap();
    assert_eq!(link["targetOpportunityId"], HEALTHY.to_string());
}

#[tokio::test]
async fn repeated_call_finds_the_first_result() {
    let env = TestEnv::new().await;
    let before = env.twenty.count("task").live;
    let plan = env.propose("crm_follow_up", follow_up("a")).await;
    env.approve(&plan).await.unwrap();
    env.twenty.requests().clear();
    let again = env.ok("crm_follow_up", follow_up("a")).await;
    assert_eq!(
        (again["plan"].as_str(), &again["state"]),
        (Some(plan.as_str()), &json!("done"))
    );
    assert_eq!(env.approve(&plan).await.unwrap().state, PlanState::Done);
    let writes = env.twenty.requests().all();
    assert!(
        writes
            .iter()
            .all(|request| !request.body.contains("mutation"))
    );
    let other = env.propose("crm_follow_up", follow_up("b")).await;
    assert_ne!(other, plan);
    env.approve(&other).await.unwrap();
    assert_eq!(env.twenty.count("task").live, before + 2);
}

#[tokio::test]
async fn fifty_identical_calls_at_once_make_one_task() {
    let env = TestEnv::new().await;
    let before = (
        env.twenty.count("task").live,
        env.twenty.count("taskTarget").live,
    );
    let calls = (0..50).map(|_| async {
        let plan = env.propose("crm_follow_up", follow_up("a")).await;
        env.approve(&plan).await.unwrap().state
    });
    let states = futures_util::future::join_all(calls).await;
    assert!(
        states.iter().all(|state| *state == PlanState::Done),
        "{states:?}"
    );
    let after = (
        env.twenty.count("task").live,
        env.twenty.count("taskTarget").live,
    );
    assert_eq!(after, (before.0 + 1, before.1 + 1));
}

#[tokio::test]
async fn two_callers_with_the_same_key_do_not_meet() {
    let mut env = TestEnv::new().await;
    let about = env.with_value("opportunity", "ownerId", None);
    let before = env.twenty.count("task").live;
    let mut arguments = follow_up("same");
    arguments["about"] = about.into();
    let robins = env.propose("crm_follow_up", arguments.clone()).await;
    env.approve(&robins).await.unwrap();
    env.caller.email = Some(SAM_EMAIL.to_owned());
    let sams = env.propose("crm_follow_up", arguments).await;
    assert_ne!(robins, sams);
    env.approve(&sams).await.unwrap();
    assert_eq!(env.twenty.count("task").live, before + 2);
}

#[tokio::test]
async fn forbidden_change_gets_no_plan() {
    let mut env = TestEnv::new().await;
    let sams = env.with_value("opportunity", "ownerId", Some(&SAM.to_string()));
    let arguments = json!({"kind": "opportunity", "name": "Mine now", "id": sams});
    let failure = env.fails("crm_upsert", arguments, "denied").await;
    assert_eq!(failure["code"], "access");
    env.caller.role = Some("viewer".into());
    let failure = env.fails("crm_follow_up", follow_up("a"), "denied").await;
    assert!(
        failure["reason"].as_str().unwrap().contains("viewer"),
        "{failure}"
    );
    assert!(env.harness.plans().all().unwrap().is_empty());
    env.ok("crm_search", json!({"query": "acme"})).await;
}

#[tokio::test]
async fn caller_without_role_only_reads() {
    let env = TestEnv::with(TestOptions {
        operator: Some("allow-loopback = true\n[callers.robin]\nemail = \"robin@example.com\""),
        ..TestOptions::default()
    })
    .await;
    env.ok("crm_search", json!({"query": "acme"})).await;
    let failure = env.fails("crm_follow_up", follow_up("a"), "denied").await;
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
async fn change_shows_old_and_new_value() {
    let env = TestEnv::new().await;
    let arguments = json!({
        "id": HEALTHY.to_string(),
        "kind": "opportunity", "amount": "1250.5", "currency": "EUR", "stage": "screening",
    });
    let answer = env.ok("crm_upsert", arguments).await;
    let values = answer["preview"]["steps"][0]["values"].as_array().unwrap();
    let value = |name: &str| values.iter().find(|value| value["name"] == name).unwrap();
    assert_eq!(value("data.amount.amountMicros")["value"], "1250500000");
    assert_eq!(value("data.amount.amountMicros")["means"], "1,250.5 EUR");
    assert!(value("data.stage")["before"].is_string(), "{values:#?}");
    env.twenty.requests().clear();
    let outcome = env.approve(answer["plan"].as_str().unwrap()).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:?}");
    assert_eq!(env.twenty.requests().count(), 2);
    let deal = env
        .twenty
        .record("opportunity", &HEALTHY.to_string())
        .unwrap();
    assert_eq!(deal["stage"], "SCREENING");
    assert_eq!(deal["amount"]["amountMicros"], 1_250_500_000_i64);
}

#[tokio::test]
async fn record_changed_since_the_plan_is_untouched() {
    let env = TestEnv::new().await;
    let set = |name: &str| json!({"id": HEALTHY.to_string(), "kind": "opportunity", "name": name});
    let first = env.propose("crm_upsert", set("The first name")).await;
    let second = env.propose("crm_upsert", set("The second name")).await;
    assert_eq!(env.approve(&first).await.unwrap().state, PlanState::Done);
    let outcome = env.approve(&second).await.unwrap();
    assert_eq!(outcome.state, PlanState::Conflict, "{outcome:?}");
    let deal = env
        .twenty
        .record("opportunity", &HEALTHY.to_string())
        .unwrap();
    assert_eq!(deal["name"], "The first name");
    // Planned upon the record as it is now, it passes.
    let third = env.propose("crm_upsert", set("The second name")).await;
    assert_ne!(third, second);
    assert_eq!(env.approve(&third).await.unwrap().state, PlanState::Done);
}

#[tokio::test]
async fn failed_link_leaves_no_task_behind() {
    use crm_stand_in::faults::{Fault, FaultKind};
    let env = TestEnv::new().await;
    let before = (
        env.twenty.count("task").live,
        env.twenty.count("taskTarget").live,
    );
    let plan = env.propose("crm_follow_up", follow_up("a")).await;
    let forbidden = FaultKind::PartialError {
        only: "createTaskTargets".into(),
        message: "Entity performing the request does not have permission".into(),
        code: "FORBIDDEN".into(),
    };
    env.twenty
        .faults()
        .add(Fault::once(forbidden).on_root("createTaskTargets"));
    let outcome = env.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Failed, "{outcome:?}");
    let states: Vec<_> = outcome.steps.iter().map(|step| step.state).collect();
    assert_eq!(
        states,
        [StepState::Done, StepState::Failed, StepState::Done]
    );
    let after = (
        env.twenty.count("task").live,
        env.twenty.count("taskTarget").live,
    );
    assert_eq!(after, before);
    assert!(outcome.next.contains("idempotency key"), "{}", outcome.next);
}

#[tokio::test]
async fn reused_key_compensates_nothing() {
    let env = TestEnv::new().await;
    let before = (
        env.twenty.count("task").live,
        env.twenty.count("taskTarget").live,
    );
    let first = env.propose("crm_follow_up", follow_up("same")).await;
    env.approve(&first).await.unwrap();
    let mut other = follow_up("same");
    let about = env.with_value("opportunity", "ownerId", None);
    other["about"] = about.into();
    let second = env.propose("crm_follow_up", other).await;
    assert_ne!(first, second);
    let outcome = env.approve(&second).await.unwrap();
    let states: Vec<_> = outcome.steps.iter().map(|step| step.state).collect();
    assert_eq!(states[0], StepState::Found, "{outcome:#?}");
    assert_eq!(outcome.state, PlanState::Failed, "{outcome:#?}");
    // The first one's task and link are still there.
    let after = (
        env.twenty.count("task").live,
        env.twenty.count("taskTarget").live,
    );
    assert_eq!(after, (before.0 + 1, before.1 + 1), "{outcome:#?}");
}

#[tokio::test]
async fn impossible_arguments_are_refused_unplanned() {
    let env = TestEnv::new().await;
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
        let failure = env.fails(tool, arguments, case).await;
        let named = failure["field"].as_str().unwrap_or_default();
        assert!(named.contains(field), "{field}: {failure:#}");
    }
    assert!(env.harness.plans().all().unwrap().is_empty());
    let sent = env.twenty.requests().all();
    assert!(
        sent.iter()
            .all(|request| !request.body.contains("mutation"))
    );
    // A date in the past is allowed, with a warning.
    let past = env
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
