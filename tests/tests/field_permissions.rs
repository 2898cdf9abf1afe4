//! A key that may read deals, but not what they are worth: reads and proposals go on without it and
//! say so, and `status` names it.

use std::sync::Arc;

use crm_harness::plans::PlanState;
use crm_stand_in::clock::ManualClock;
use crm_stand_in::twenty::keys::{Access, ApiKey, FULL_KEY, Role};
use crm_stand_in::twenty::sample::HEALTHY;
use crm_stand_in::twenty::{Options, TwentyStandIn};
use crm_tests::{NOW, TestEnv, TestOptions};
use serde_json::{Value, json};

/// An environment whose key may not read some fields.
async fn hiding(fields: &[&str]) -> TestEnv {
    let twenty = TwentyStandIn::start(Options {
        clock: ManualClock::at(NOW.parse().unwrap()).clock(),
        keys: vec![ApiKey {
            token: FULL_KEY.to_owned(),
            access: Access::Role(Role::hiding(fields)),
        }],
        rate_limit: false,
        ..Options::default()
    })
    .await
    .unwrap();
    TestEnv::with(TestOptions {
        twenty: Some(Arc::new(twenty)),
        ..TestOptions::default()
    })
    .await
}

/// The sentence that every answer carries for a person.
const SAID: &str = "The CRM key may not read amount of deals: what is there is unknown, not empty.";

fn says(answer: &Value) -> bool {
    let markdown = answer["markdown"].as_str().unwrap().replace('\\', "");
    markdown.contains(SAID)
}

#[tokio::test]
async fn reads_go_on_without_a_hidden_field_and_say_so() {
    let env = hiding(&["opportunity.amount"]).await;
    let usual = TestEnv::new().await;
    let deal = json!({ "kind": "opportunity", "id": HEALTHY.to_string() });
    let record = env.ok("crm_get", deal.clone()).await;
    let whole = usual.ok("crm_get", deal).await;
    assert!(says(&record), "{record:#}");
    assert!(whole["fields"]["amount"].is_object(), "{whole:#}");
    assert!(record["fields"]["amount"].is_null(), "{record:#}");
    for key in ["stage", "closeDate", "owner", "company"] {
        assert_eq!(record["fields"][key], whole["fields"][key], "{key}");
    }
    assert_eq!(record["openTasks"], whole["openTasks"]);

    let arguments = json!({ "opportunity": HEALTHY.to_string() });
    let report = env.ok("crm_blockers", arguments.clone()).await;
    let whole = usual.ok("crm_blockers", arguments).await;
    assert!(says(&report), "{report:#}");
    let unknown = report["unknown"].as_array().unwrap();
    let codes: Vec<&str> = unknown
        .iter()
        .map(|unjudged| unjudged["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"no-amount"), "{report:#}");
    // All other rules come out as they do where everything may be read.
    let clear = whole["clear"].as_array().unwrap();
    for code in clear.iter().filter_map(Value::as_str) {
        let is_clear = report["clear"].as_array().unwrap().contains(&json!(code));
        assert_ne!(is_clear, codes.contains(&code), "{code}: {report:#}");
    }
    assert!(
        codes
            .iter()
            .all(|code| ["no-amount", "single-threaded"].contains(code))
    );

    let briefing = env.ok("crm_briefing", json!({})).await;
    let whole = usual.ok("crm_briefing", json!({})).await;
    assert!(says(&briefing), "{briefing:#}");
    let sections = |report: &Value| -> Vec<(Value, Value)> {
        let sections = report["sections"].as_array().unwrap();
        sections
            .iter()
            .map(|section| (section["status"].clone(), section["total"].clone()))
            .collect()
    };
    assert_eq!(sections(&briefing), sections(&whole));
}

#[tokio::test]
async fn deal_with_a_hidden_amount_can_be_changed() {
    let env = hiding(&["opportunity.amount"]).await;
    let deal = HEALTHY.to_string();
    let change = json!({ "kind": "opportunity", "id": deal, "closeDate": "2026-05-29" });
    let plan = env.propose("crm_upsert", change).await;
    let outcome = env.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
    let deals = env.twenty.records("opportunity").unwrap();
    let changed = deals.iter().find(|record| record["id"] == deal.as_str());
    let date = changed.unwrap()["closeDate"].as_str().unwrap();
    assert_eq!(
        date, "2026-05-30T03:59:59.000Z",
        "the end of the caller's day"
    );
}

#[tokio::test]
async fn status_names_hidden_fields() {
    let env = hiding(&["opportunity.amount"]).await;
    let status = env.ok("crm_status", json!({})).await;
    let unreadable: Vec<&Value> = status["objects"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|object| object["readable"] == false)
        .collect();
    assert_eq!(unreadable.len(), 1, "{status:#}");
    assert_eq!(unreadable[0]["object"], "opportunity.amount");
    let markdown = status["markdown"].as_str().unwrap();
    assert!(
        markdown.contains("opportunity.amount cannot be read"),
        "{markdown}"
    );
    assert!(!markdown.contains("The key reads all"), "{markdown}");
}
