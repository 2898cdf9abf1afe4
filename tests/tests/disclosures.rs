//! Audit of disclosures: the recipients, the fields of each record, the time, the policy, and never
//! a value.

use std::sync::Arc;

use crm_harness::audit::{Audit, Disclosed, Reader};
use crm_harness::clock::SystemClock;
use crm_harness::plans::PlanState;
use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::relay::Variant;
use crm_stand_in::relay::sample::{CONTEXT_REQUEST, SAM, TEAM_ID};
use crm_stand_in::twenty::sample::HEALTHY;
use crm_tests::{TestEnv, TestOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

async fn recorded() -> (TestEnv, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let audit = Audit::open(folder.path(), Arc::new(SystemClock)).unwrap();
    let env = TestEnv::with(TestOptions {
        relay: Some(Variant::P),
        workspace: true,
        recorder: Arc::new(audit),
        ..TestOptions::default()
    })
    .await;
    (env, folder)
}

async fn done(env: &TestEnv, tool: &str, arguments: Value) {
    let plan = env.propose(tool, arguments).await;
    let outcome = env.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::Done, "{outcome:#?}");
}

fn disclosed(folder: &TempDir) -> Vec<Disclosed> {
    Reader::open(folder.path()).unwrap().disclosures().unwrap()
}

/// The rows of an event, as event, record, fields, recipients and group.
fn rows<'d>(all: &'d [Disclosed], event: &str) -> Vec<&'d Disclosed> {
    all.iter().filter(|one| one.what.event == event).collect()
}

fn share(fields: &[&str]) -> Value {
    json!({
        "records": [{"kind": "opportunity", "id": HEALTHY}],
        "to": ["Sam Okafor"], "intent": "update", "fields": fields,
        "message": "Reach me at +44 20 7946 0958 if anything is unclear",
    })
}

#[tokio::test]
async fn sharing_is_audited_with_its_fields() {
    let (env, folder) = recorded().await;
    done(&env, "crm_share", share(&["amount"])).await;
    let all = disclosed(&folder);
    let [shared] = rows(&all, "share")[..] else {
        panic!("{all:#?}")
    };
    let what = &shared.what;
    assert_eq!(what.object.as_deref(), Some("opportunity"));
    assert_eq!(what.id.as_deref(), Some(HEALTHY.to_string().as_str()));
    assert!(
        what.fields.contains(&"stage".to_owned()) && what.fields.contains(&"amount".to_owned()),
        "{what:#?}"
    );
    assert_eq!(what.recipients, [SAM.to_string()]);
    assert_eq!(what.policies, ["disclose-own-records"]);
    assert!(what.certain && what.policy.len() == 64);
    let message = what.message.as_deref().unwrap();
    assert!(
        env.relay().record("message", message).is_some(),
        "the message's own id: {message}"
    );

    let [expanded] = rows(&all, "expand")[..] else {
        panic!("{all:#?}")
    };
    assert_eq!(expanded.what.fields, ["amount"]);
    assert_eq!(expanded.what.policies, ["expand-own-records"]);
    let [redacted] = rows(&all, "redact")[..] else {
        panic!("{all:#?}")
    };
    assert_eq!(redacted.what.fields, ["phone number"]);
    assert_eq!(redacted.what.recipients, [SAM.to_string()]);
}

#[tokio::test]
async fn a_reply_is_an_edit_and_an_e_mail_an_export() {
    let (env, folder) = recorded().await;
    done(
        &env,
        "crm_answer_request",
        json!({"tez": CONTEXT_REQUEST, "fields": ["amount"]}),
    )
    .await;
    let email = json!({"about": HEALTHY.to_string(), "objective": "Send the offer", "email": {"to": "jo@partner.example"}});
    done(&env, "crm_coordinate", email).await;
    let all = disclosed(&folder);
    let [edited] = rows(&all, "edit")[..] else {
        panic!("{all:#?}")
    };
    assert_eq!(
        edited.what.group.as_deref(),
        Some(TEAM_ID.to_string().as_str())
    );
    assert_eq!(edited.what.fields, ["amount"]);
    let exported = rows(&all, "export");
    assert!(!exported.is_empty(), "{all:#?}");
    assert!(
        exported
            .iter()
            .all(|one| one.what.recipients == ["jo@partner.example"])
    );
}

#[tokio::test]
async fn no_value_is_in_any_row() {
    let (env, folder) = recorded().await;
    done(&env, "crm_share", share(&["amount", "contact"])).await;
    let deal = env
        .twenty
        .record("opportunity", &HEALTHY.to_string())
        .unwrap();
    let name = deal["name"].as_str().unwrap();
    let amount = deal.pointer("/amount/amountMicros").unwrap().to_string();
    let micros: i64 = amount.trim_matches('"').parse().unwrap();
    let mut rows = String::new();
    Reader::open(folder.path())
        .unwrap()
        .rows(0, &mut |row| {
            rows.push_str(&row.body);
            Ok(())
        })
        .unwrap();
    for value in [
        name,
        amount.trim_matches('"'),
        &(micros / 1_000_000).to_string(),
        "Sam Okafor",
        "7946 0958",
    ] {
        assert!(!rows.contains(value), "{value}");
    }
}

#[tokio::test]
async fn uncertain_disclosure_is_audited_as_such() {
    let (env, folder) = recorded().await;
    let email = json!({"about": HEALTHY.to_string(), "objective": "Send the offer", "email": {"to": "jo@partner.example"}});
    let plan = env.propose("crm_coordinate", email).await;
    env.workspace().faults().add(
        Fault::once(FaultKind::Reset)
            .after()
            .on_route("POST", "/api/email/send"),
    );
    let outcome = env.approve(&plan).await.unwrap();
    assert_eq!(outcome.state, PlanState::InDoubt, "{outcome:#?}");
    let outcome = env.resume(&plan).await.unwrap();
    assert_eq!(
        outcome.state,
        PlanState::InDoubt,
        "nobody can know: {outcome:#?}"
    );
    let all = disclosed(&folder);
    let exported = rows(&all, "export");
    assert!(
        !exported.is_empty() && exported.iter().all(|one| !one.what.certain),
        "{all:#?}"
    );
    assert_eq!(
        env.workspace()
            .requests()
            .on_route("POST", "/api/email/send")
            .len(),
        1
    );
}
