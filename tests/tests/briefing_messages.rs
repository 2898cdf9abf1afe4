//! Messages and events in the briefing: what waits for the caller, at the cost of ten requests, and
//! each section by itself.

use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::relay::Variant;
use crm_stand_in::relay::sample::{HANDOFF_MESSAGE, INJECTED_MESSAGE};
use crm_tests::{TestEnv, TestOptions};
use serde_json::{Value, json};

fn section<'a>(report: &'a Value, name: &str) -> &'a Value {
    let sections = report["sections"].as_array().unwrap();
    let found = sections.iter().find(|section| section["name"] == name);
    found.unwrap_or_else(|| panic!("{name} of {report:#}"))
}

#[tokio::test]
async fn five_unread_conversations_cost_ten_requests() {
    for variant in [Variant::P, Variant::M] {
        let env = TestEnv::with(TestOptions {
            relay: Some(variant),
            workspace: true,
            ..TestOptions::default()
        })
        .await;
        let report = env.ok("crm_briefing", json!({})).await;
        let asked = env.relay().requests().count();
        println!("{asked} requests to the relay");
        assert!(asked <= 10, "{variant:?}: {asked}");
        assert!(env.asked() <= 4, "what is kept aside");
        let messages = section(&report, "tez");
        assert_eq!(messages["status"], "ok", "{variant:?}: {messages:#}");
        let rows = messages["rows"].as_array().unwrap();
        assert!((5..=10).contains(&rows.len()), "{variant:?}: {messages:#}");
        let ids: Vec<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
        assert!(
            ids.contains(&HANDOFF_MESSAGE.to_string().as_str()),
            "{variant:?}: {ids:?}"
        );
        assert_eq!(section(&report, "calendar")["status"], "ok");
    }
}

#[tokio::test]
async fn strangers_messages_are_shown_sanitised() {
    let env = TestEnv::whole().await;
    let report = env.ok("crm_briefing", json!({"sections": ["tez"]})).await;
    let rows = section(&report, "tez")["rows"].as_array().unwrap();
    let row = rows
        .iter()
        .find(|row| row["id"] == INJECTED_MESSAGE.to_string());
    let told = row.unwrap_or_else(|| panic!("{rows:#?}")).to_string();
    let hidden = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    assert!(!told.contains(hidden), "{told:?}");
    let wrote = env
        .relay()
        .requests()
        .all()
        .into_iter()
        .filter(|request| request.method != "GET");
    assert_eq!(wrote.count(), 0);
}

#[tokio::test]
async fn missing_or_failed_service_is_reported() {
    let env = TestEnv::new().await;
    let report = env.ok("crm_briefing", json!({})).await;
    for (name, variable) in [
        ("tez", "TEZIT_RELAY_URL"),
        ("calendar", "PA_WORKSPACE_API_URL"),
    ] {
        let section = section(&report, name);
        assert_eq!(section["status"], "not-configured");
        assert!(
            section["why"].as_str().unwrap().contains(variable),
            "{section:#}"
        );
    }
    let env = TestEnv::whole().await;
    env.relay().faults().add(FaultKind::Status { code: 502 });
    env.workspace()
        .faults()
        .add(Fault::from(FaultKind::NotJson));
    let report = env.ok("crm_briefing", json!({})).await;
    for name in ["tez", "calendar"] {
        let section = section(&report, name);
        assert_eq!(section["status"], "failed", "{section:#}");
        assert!(!section["why"].as_str().unwrap().is_empty());
    }
    assert_eq!(section(&report, "overdue")["status"], "ok");
}
