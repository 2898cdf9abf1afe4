//! Tasks of a workspace that has made its own statuses, and what the setting `done-statuses` makes
//! of them.

use std::sync::Arc;

use crm_harness::plans::PlanState;
use crm_stand_in::clock::ManualClock;
use crm_stand_in::twenty::sample::{BLOCKER_CASES, HEALTHY, ROBIN, TaskStatuses};
use crm_stand_in::twenty::{Options, TwentyStandIn};
use crm_tests::{NOW, TestEnv, TestOptions};
use serde_json::{Value, json};

const OWN: TaskStatuses = TaskStatuses {
    choices: &[
        ("BACKLOG", "Backlog", "gray"),
        ("DOING", "Doing", "blue"),
        ("FINISHED", "Finished", "green"),
        ("CANCELLED", "Cancelled", "red"),
    ],
    of_sample: [
        ("TODO", "BACKLOG"),
        ("IN_PROGRESS", "DOING"),
        ("DONE", "FINISHED"),
    ],
};

/// An environment in whose CRM tasks have statuses of its own; `done` is what the operator says of
/// them.
async fn env(done: Option<&str>) -> TestEnv {
    let twenty = TwentyStandIn::start(Options {
        clock: ManualClock::at(NOW.parse().unwrap()).clock(),
        task_statuses: Some(OWN),
        rate_limit: false,
        ..Options::default()
    })
    .await
    .unwrap();
    let environment = done.map(|done| ("CRM_DONE_STATUSES", done.to_owned()));
    TestEnv::with(TestOptions {
        twenty: Some(Arc::new(twenty)),
        environment: environment.into_iter().collect(),
        ..TestOptions::default()
    })
    .await
}

async fn set_status(env: &TestEnv, task: &Value, status: &str) {
    let change = json!({ "kind": "task", "id": task, "status": status });
    let plan = env.propose("crm_upsert", change).await;
    let outcome = env.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
}

/// Of all tasks of the caller: how many are open, and how many of those overdue.
async fn follow_ups(env: &TestEnv) -> (u64, u64) {
    let page = env.ok("crm_follow_ups", json!({})).await;
    (
        page["total"].as_u64().unwrap(),
        page["overdue"].as_u64().unwrap(),
    )
}

async fn overdue_section(env: &TestEnv) -> u64 {
    let report = env
        .ok("crm_briefing", json!({ "sections": ["overdue"] }))
        .await;
    report["sections"][0]["total"].as_u64().unwrap()
}

async fn blockers(env: &TestEnv, deal: impl ToString) -> (Vec<Value>, Value) {
    let arguments = json!({ "opportunity": deal.to_string() });
    let report = env.ok("crm_blockers", arguments).await;
    let findings = report["findings"].as_array().unwrap().iter();
    let codes = findings.map(|finding| finding["code"].clone()).collect();
    (codes, report["unknown"].clone())
}

#[tokio::test]
async fn own_statuses_read_as_those_of_a_new_workspace() {
    let usual = TestEnv::new().await;
    let own = env(Some("FINISHED, CANCELLED")).await;
    let expected = follow_ups(&usual).await;
    assert!(expected.1 > 0 && expected.0 > expected.1);
    assert_eq!(follow_ups(&own).await, expected);
    let expected = overdue_section(&usual).await;
    assert!(expected > 0);
    assert_eq!(overdue_section(&own).await, expected);
    for case in BLOCKER_CASES {
        for deal in [case.fires, case.clear] {
            let expected = blockers(&usual, deal).await;
            assert_eq!(
                blockers(&own, deal).await,
                expected,
                "{}: {deal}",
                case.code
            );
        }
    }
    let status = own.ok("crm_status", json!({})).await;
    let statuses = status["taskStatuses"].as_array().unwrap().iter();
    let closed: Vec<_> = statuses
        .map(|status| (status["value"].as_str().unwrap(), status["closed"] == true))
        .collect();
    assert_eq!(
        closed,
        [
            ("BACKLOG", false),
            ("DOING", false),
            ("FINISHED", true),
            ("CANCELLED", true)
        ]
    );
    let markdown = status["markdown"].as_str().unwrap();
    assert!(!markdown.contains("done-statuses"), "{markdown}");
}

#[tokio::test]
async fn cancelled_task_is_not_overdue_nor_a_next_step() {
    let env = env(Some("FINISHED, CANCELLED")).await;
    let (total, overdue) = follow_ups(&env).await;
    let section = overdue_section(&env).await;
    let page = env.ok("crm_follow_ups", json!({})).await;
    let late = page["tasks"][0].clone();
    assert_eq!(late["overdue"], true, "{late:#}");
    set_status(&env, &late["id"], "CANCELLED").await;
    assert_eq!(follow_ups(&env).await, (total - 1, overdue - 1));
    assert_eq!(overdue_section(&env).await, section - 1);
    let task = json!({ "kind": "task", "id": late["id"] });
    let task = env.ok("crm_get", task).await;
    assert_eq!(task["fields"]["overdue"], false, "{task:#}");
    // Taken up again, it is late again.
    set_status(&env, &late["id"], "DOING").await;
    assert_eq!(follow_ups(&env).await, (total, overdue));

    let (codes, _) = blockers(&env, HEALTHY).await;
    assert!(!codes.contains(&json!("no-next-step")), "{codes:?}");
    let deal = json!({ "kind": "opportunity", "id": HEALTHY.to_string() });
    let shown = env.ok("crm_get", deal.clone()).await;
    let tasks = shown["openTasks"].as_array().unwrap();
    assert!(!tasks.is_empty());
    for task in tasks {
        set_status(&env, &task["id"], "CANCELLED").await;
    }
    let (codes, _) = blockers(&env, HEALTHY).await;
    assert!(codes.contains(&json!("no-next-step")), "{codes:?}");
    assert_eq!(env.ok("crm_get", deal).await["openTaskTotal"], 0);
}

#[tokio::test]
async fn new_task_is_open_in_its_own_status() {
    let env = env(Some("FINISHED, CANCELLED")).await;
    let (total, _) = follow_ups(&env).await;
    let new = json!({ "about": HEALTHY.to_string(), "title": "Send the new prices", "due": "2026-03-20" });
    let plan = env.propose("crm_follow_up", new).await;
    env.approve(&plan).await.unwrap();
    let tasks = env.twenty.records("task").unwrap();
    let made = tasks
        .iter()
        .find(|task| task["title"] == "Send the new prices")
        .unwrap();
    assert_eq!(made["status"], "BACKLOG");
    assert_eq!(made["assigneeId"], ROBIN.to_string());
    assert_eq!(follow_ups(&env).await.0, total + 1);
    // A status of other workspaces is none here.
    let wrong = json!({ "kind": "task", "id": made["id"], "status": "DONE" });
    let failure = env.fails("crm_upsert", wrong, "invalid-input").await;
    assert!(failure.to_string().contains("FINISHED"), "{failure:#}");
}

#[tokio::test]
async fn without_a_done_status_that_is_said() {
    let expected = follow_ups(&env(Some("FINISHED, CANCELLED")).await).await;
    let unset = env(None).await;
    let status = unset.ok("crm_status", json!({})).await;
    let statuses = status["taskStatuses"].as_array().unwrap();
    assert!(statuses.iter().all(|status| status["closed"] == false));
    let markdown = status["markdown"].as_str().unwrap();
    assert!(
        markdown.contains("No status of tasks is known to mean done")
            && markdown.contains("done-statuses"),
        "{markdown}"
    );
    // As it says: what is finished counts as open, and as overdue.
    let found = follow_ups(&unset).await;
    assert!(
        found.0 > expected.0 && found.1 > expected.1,
        "{found:?} {expected:?}"
    );
    // A name that no status has is a mistake that is named, with the rest counted.
    let wrong = env(Some("FINISHED,CANCELLED,DROPPED")).await;
    assert_eq!(follow_ups(&wrong).await, expected);
    let status = wrong.ok("crm_status", json!({})).await;
    let markdown = status["markdown"].as_str().unwrap();
    assert!(markdown.contains("names DROPPED"), "{markdown}");
    // Of a workspace in which all would be done, no task is said to be open or not.
    let all = env(Some("BACKLOG,DOING,FINISHED,CANCELLED")).await;
    let failure = all.fails("crm_follow_ups", json!({}), "unavailable").await;
    assert!(failure.to_string().contains("done-statuses"), "{failure:#}");
}
