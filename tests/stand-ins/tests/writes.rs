//! Mutations do what the real service was seen to do, and nothing where that is not known.

#[path = "writes/changing.rs"]
mod changing;
#[allow(dead_code, reason = "each test uses its part")]
mod client;
#[path = "writes/creating.rs"]
mod creating;
#[path = "writes/refusals.rs"]
mod refusals;
#[path = "writes/stored.rs"]
mod stored;

use client::{ask, send};
use crm_stand_in::clock::ManualClock;
use crm_stand_in::twenty::keys::{FULL_KEY, NARROW_KEY, READ_ONLY_KEY};
use crm_stand_in::twenty::sample::{
    HEALTHY, ROBIN, SOFT_DELETED_DEAL, company_id, deal_id, person_id, task_id,
};
use crm_stand_in::twenty::{Options, TwentyStandIn};
use crm_stand_in::{Count, Running};
use serde_json::{Value, json};

const NEW: &str = "7f1d3c52-9a4e-4b6f-8c21-5e0d9b7a6c31";
const OTHER: &str = "7f1d3c52-9a4e-4b6f-8c21-5e0d9b7a6c32";
const MISSING: &str = "7f1d3c52-9a4e-4b6f-8c21-5e0d9b7affff";

const CREATE_TASK: &str = "mutation C($d:TaskCreateInput!){ createTask(data:$d){ id title status dueAt createdAt updatedAt createdBy{source name} bodyV2{markdown blocknote} } }";
const UPSERT_TASK: &str =
    "mutation U($d:TaskCreateInput!){ createTask(data:$d, upsert:true){ id title updatedAt } }";
const LINK: &str = "mutation L($d:[TaskTargetCreateInput!]!){ createTaskTargets(data:$d){ id taskId targetOpportunityId } }";

/// A stand-in without a limit, at a clock that stands still.
async fn start() -> Running {
    TwentyStandIn::start(Options {
        clock: ManualClock::at("2026-11-22T20:30:00Z".parse().unwrap()).clock(),
        rate_limit: false,
        ..Options::default()
    })
    .await
    .unwrap()
}

async fn run(running: &Running, query: &str, variables: Value) -> Value {
    ask(running.addr(), FULL_KEY, query, variables).await
}

async fn create_task(running: &Running, data: Value) -> Value {
    run(running, CREATE_TASK, json!({"d": data})).await
}

/// The only error of an answer.
fn error(answer: &Value) -> &Value {
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1, "{answer}");
    &answer["errors"][0]
}

fn count(live: usize, deleted: usize) -> Count {
    Count { live, deleted }
}

/// Asks for something unknown: it answers 501, and everything stays as it was.
async fn assert_not_known(running: &Running, query: &str, variables: Value) {
    let state = |running: &Running| {
        let objects = ["task", "taskTarget", "person", "company", "opportunity"];
        objects.map(|object| running.records(object).unwrap())
    };
    let before = state(running);
    let body = json!({"query": query, "variables": variables}).to_string();
    let answer = send(running.addr(), "POST", "/graphql", Some(FULL_KEY), body)
        .await
        .unwrap();
    assert_eq!(answer.status, 501, "{query}: {}", answer.text());
    let said = answer.json()["error"].as_str().unwrap().to_owned();
    assert!(
        said.starts_with("not implemented by this stand-in: "),
        "{said}"
    );
    assert!(state(running) == before, "{query} changed something");
}
