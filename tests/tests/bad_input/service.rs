//! A service that is not there, misbehaves or refuses gives each read its typed failure.

use std::sync::Arc;

use crm_harness::audit::{Audit, Reader, Row};
use crm_harness::clock::SystemClock;

use super::*;

#[tokio::test]
async fn invalid_key_is_unauthenticated() {
    for key in ["no-such-key", keys::EXPIRED_KEY, keys::REVOKED_KEY] {
        let env = TestEnv::with(TestOptions {
            key: key.to_owned(),
            ..TestOptions::default()
        })
        .await;
        let failure = env
            .fails(
                "crm_get",
                json!({ "kind": "person", "id": person_id(1).to_string() }),
                "unauthenticated",
            )
            .await;
        assert!(
            !failure.to_string().contains(key),
            "the key is in {failure}"
        );
        let status = env.ok("crm_status", json!({})).await;
        assert_eq!(
            status["destinations"][0]["credentialAccepted"], false,
            "{key}: {status:#}"
        );
    }
}

#[tokio::test]
async fn key_without_one_object_gets_the_rest() {
    let env = TestEnv::with(TestOptions {
        key: keys::NARROW_KEY.to_owned(),
        ..TestOptions::default()
    })
    .await;
    let failure = env
        .fails(
            "crm_get",
            json!({ "kind": "opportunity", "id": HEALTHY.to_string() }),
            "denied",
        )
        .await;
    assert_eq!(failure["code"], "permission");
    env.twenty.faults().add(fault(json!({
        "fault": "partial-error", "only": "noteTargets", "code": "FORBIDDEN", "times": 1
    })));
    let person = json!({ "kind": "person", "id": person_id(1).to_string() });
    let person = env.ok("crm_get", person).await;
    let missing = person["missing"][0].as_str().unwrap_or_default();
    assert!(
        missing.starts_with("notes: "),
        "notes may not be read, and that is not said: {person:#}"
    );
    let briefing = env.ok("crm_briefing", json!({})).await;
    let failed: Vec<&str> = briefing["sections"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|section| section["status"] == "failed")
        .map(|section| section["name"].as_str().unwrap())
        .collect();
    assert_eq!(failed, ["closing-soon", "at-risk"]);
}

/// Every read, with arguments that do well.
fn reads() -> Vec<(&'static str, Value)> {
    vec![
        ("crm_search", json!({ "query": "depot" })),
        (
            "crm_get",
            json!({ "kind": "opportunity", "id": HEALTHY.to_string() }),
        ),
        ("crm_follow_ups", json!({})),
        (
            "crm_blockers",
            json!({ "opportunity": HEALTHY.to_string() }),
        ),
        ("crm_briefing", json!({})),
        ("crm_deals", json!({})),
    ]
}

#[tokio::test]
async fn misbehaving_service_gives_typed_failures() {
    let env = TestEnv::new().await;
    for (given, case, sent) in [
        (
            json!({ "fault": "status", "code": 500 }),
            "unavailable",
            Some(true),
        ),
        (
            json!({ "fault": "status", "code": 502 }),
            "unavailable",
            Some(true),
        ),
        (json!({ "fault": "reset" }), "unavailable", Some(true)),
        (json!({ "fault": "truncated" }), "unavailable", Some(true)),
        (json!({ "fault": "not-json" }), "unavailable", Some(true)),
        (json!({ "fault": "huge" }), "unavailable", Some(true)),
        (
            json!({ "fault": "redirect", "to": "http://127.0.0.1:9/" }),
            "unavailable",
            Some(true),
        ),
    ] {
        for (tool, arguments) in reads() {
            env.twenty.faults().clear();
            env.twenty.faults().add(fault(given.clone()));
            let failure = env.fails(tool, arguments, case).await;
            assert_eq!(
                failure["requestSent"].as_bool(),
                sent,
                "{tool} with {given}: {failure:#}"
            );
        }
        // The same harness goes on serving.
        env.twenty.faults().clear();
        env.ok("crm_search", json!({ "query": "depot" })).await;
    }
}

#[tokio::test]
async fn missing_service_is_unavailable() {
    // A port that was free a moment ago, and that nothing listens on any more.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = Some(format!("http://127.0.0.1:{port}"));
    let env = TestEnv::with(TestOptions {
        url,
        ..TestOptions::default()
    })
    .await;
    for (tool, arguments) in reads() {
        let failure = env.fails(tool, arguments, "unavailable").await;
        assert_eq!(failure["requestSent"], false, "{tool}: {failure:#}");
    }
    let status = env.ok("crm_status", json!({})).await;
    assert_eq!(status["destinations"][0]["reachable"], false);
}

#[tokio::test]
async fn slow_service_is_cut_off() {
    let env = TestEnv::new().await;
    env.twenty
        .faults()
        .add(fault(json!({ "fault": "delay", "ms": 60_000 })));
    let invocation = Invocation {
        tool: "crm_search".to_owned(),
        arguments: json!({ "query": "depot" }),
        caller: env.caller.clone(),
        deadline: Some(std::time::Duration::from_millis(200)),
    };
    match env.harness.call(invocation).await {
        Ok(outcome) => assert_eq!(outcome.result().unwrap_err()["case"], "unavailable"),
        Err(error) => assert_eq!(error.code(), "deadline-exceeded"),
    }
    env.twenty.faults().clear();
    env.ok("crm_search", json!({ "query": "depot" })).await;
}

#[tokio::test]
async fn rate_limited_read_waits_and_succeeds() {
    let env = TestEnv::new().await;
    env.twenty
        .faults()
        .add(fault(json!({ "fault": "limit-reached", "times": 1 })));
    let answer = env.ok("crm_follow_ups", json!({})).await;
    assert!(!answer["tasks"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn lasting_rate_limit_gives_a_retry_time() {
    let env = TestEnv::new().await;
    env.twenty
        .faults()
        .add(fault(json!({ "fault": "limit-reached" })));
    let failure = env.fails("crm_follow_ups", json!({}), "rate-limited").await;
    assert!(failure["retryAfter"].as_u64().unwrap() > 0);
    env.twenty.faults().clear();
    env.twenty.faults().add(fault(
        json!({ "fault": "too-many-requests", "retry_after_seconds": 1 }),
    ));
    let failure = env.fails("crm_follow_ups", json!({}), "rate-limited").await;
    assert_eq!(failure["retryAfter"], 1);
}

/// An environment, with the harness's own limits where the operator sets one, and its audit folder.
async fn recorded(operator: Option<&'static str>) -> (TestEnv, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let audit = Audit::open(folder.path(), Arc::new(SystemClock)).unwrap();
    let env = TestEnv::with(TestOptions {
        rate_limit: operator.is_some(),
        operator,
        recorder: Arc::new(audit),
        ..TestOptions::default()
    })
    .await;
    (env, folder)
}

/// The refusals of the last call, as they are on record, and how it ended.
fn last_call(folder: &tempfile::TempDir) -> (Vec<Value>, Value) {
    let rows = Reader::open(folder.path()).unwrap().tail(1_000).unwrap();
    let body = |row: &Row| serde_json::from_str::<Value>(&row.body).unwrap();
    let last = rows.last().unwrap();
    assert_eq!(last.kind, "result");
    let refusals = rows
        .iter()
        .filter(|row| row.call == last.call && row.kind == "refusal");
    (refusals.map(body).collect(), body(last))
}

#[tokio::test]
async fn each_rate_limit_is_told_as_whose_it_is() {
    // The harness's own: in its own words, with the name of the setting, and refused. It allows two
    // calls of two roots each, and the members, which the host keeps from the first.
    let (env, folder) = recorded(Some("rate = { requests = 5, seconds = 7200 }")).await;
    for _ in 0..2 {
        env.ok("crm_follow_ups", json!({})).await;
    }
    let before = env.twenty.requests().count();
    let failure = env.fails("crm_follow_ups", json!({}), "rate-limited").await;
    assert_eq!(
        failure["reason"],
        "The harness sends the CRM no more requests for now: its own limit is reached (`rate` under [destinations.twenty] in skill.toml or the operator file)."
    );
    assert!(
        failure["retryAfter"].as_u64().unwrap() > 1000,
        "{failure:#}"
    );
    assert_eq!(env.twenty.requests().count(), before);
    let (refusals, result) = last_call(&folder);
    assert_eq!(result["outcome"], "rate-limited", "{result}");
    assert_eq!(result["refused"], refusals.len(), "{result}");
    assert!(!refusals.is_empty());
    for refusal in &refusals {
        assert_eq!(refusal["code"], "rate", "{refusal}");
        let told = refusal["reason"].as_str().unwrap();
        assert!(told.contains("its own limit is reached"), "{refusal}");
    }
    // The CRM's, however it tells it: as the CRM's, and nothing was refused.
    for given in [
        json!({ "fault": "too-many-requests", "retry_after_seconds": 30 }),
        json!({ "fault": "too-many-requests" }),
        json!({ "fault": "limit-reached" }),
    ] {
        let (env, folder) = recorded(None).await;
        env.twenty.faults().add(fault(given.clone()));
        let failure = env.fails("crm_follow_ups", json!({}), "rate-limited").await;
        let reason = failure["reason"].as_str().unwrap();
        assert!(
            reason.starts_with("The CRM's own limit is reached") && !reason.contains("harness"),
            "{given}: {reason}"
        );
        assert!(env.twenty.requests().count() > 0);
        let (refusals, result) = last_call(&folder);
        assert_eq!(refusals, Vec::<Value>::new(), "{given}");
        assert_eq!(result["refused"], 0, "{given}: {result}");
        assert_eq!(result["outcome"], "rate-limited", "{given}");
    }
}

#[tokio::test]
async fn unexpected_null_is_isolated() {
    let env = TestEnv::new().await;
    let null_at = |pointer: &str| {
        env.twenty.faults().clear();
        env.twenty
            .faults()
            .add(fault(json!({ "fault": "null-at", "pointer": pointer })));
    };
    let deal = json!({ "kind": "opportunity", "id": HEALTHY.to_string() });
    let blockers = json!({ "opportunity": HEALTHY.to_string() });
    let whole = env.ok("crm_follow_ups", json!({})).await;

    null_at("/data/opportunity/stage");
    let record = env.ok("crm_get", deal.clone()).await;
    assert_eq!(record["fields"]["stage"], "(not readable)", "{record:#}");
    assert_eq!(record["missing"], json!(["stage: not readable"]));

    // What has no id is nothing that anybody could name: it is left out, and that is said.
    null_at("/data/tasks/edges/0/node/id");
    let page = env.ok("crm_follow_ups", json!({})).await;
    let rows = |page: &Value| page["tasks"].as_array().unwrap().len();
    assert_eq!(rows(&page), rows(&whole) - 1, "{page:#}");
    assert_eq!(page["total"], whole["total"]);
    assert_eq!(
        page["missing"],
        json!(["1 row could not be read and is left out"])
    );

    null_at("/data/timelineActivities/edges/0/node/happensAt");
    let report = env.ok("crm_blockers", blockers).await;
    let missing = report["missing"][0].as_str().unwrap();
    assert!(missing.starts_with("history: 1 row"), "{report:#}");

    // A list without its total is no list, and what is asked is in no other.
    null_at("/data/tasks/totalCount");
    let failure = env
        .fails("crm_follow_ups", json!({}), "schema-mismatch")
        .await;
    assert_eq!(failure["field"], "tasks.totalCount", "{failure:#}");
    null_at("/data/opportunity/id");
    let failure = env.fails("crm_get", deal.clone(), "schema-mismatch").await;
    assert_eq!(failure["field"], "opportunity.id", "{failure:#}");

    // What may be missing anywhere is just missing.
    null_at("/data/opportunity/name");
    let record = env.ok("crm_get", deal).await;
    assert_eq!(record["label"], "(no name)");
}
