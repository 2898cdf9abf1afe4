//! A field that the workspace has made for itself and the operator names in a setting: the built
//! component extends its documents by it, the host knows just the extended ones, and the rules use
//! it.

use std::path::Path;

use crm_harness::config::{Flags, Manifest, Operator};
use crm_harness::digest::hex;
use crm_harness::{Caller, Harness, Invocation, Parts, Setup};
use crm_stand_in::twenty::keys::FULL_KEY;
use crm_stand_in::twenty::sample::{BLOCKER_CASES, HEALTHY, NEXT_STEP_IN_FIELD};
use crm_stand_in::twenty::{Options, TwentyStandIn};
use crm_tests::{TestEnv, TestOptions, guest, pins, root};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const MAPPED: &str = "[settings]\nnext-step-field = \"nextStep\"";

async fn env(operator: &'static str) -> TestEnv {
    TestEnv::with(TestOptions {
        operator: Some(operator),
        ..TestOptions::default()
    })
    .await
}

fn finding<'r>(report: &'r Value, code: &str) -> Option<&'r Value> {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["code"] == code)
}

fn reason<'r>(report: &'r Value, code: &str) -> Option<&'r str> {
    let unknown = report["unknown"].as_array().unwrap();
    let unjudged = unknown.iter().find(|unjudged| unjudged["code"] == code)?;
    unjudged["reason"].as_str()
}

fn deal(id: impl ToString) -> Value {
    json!({ "opportunity": id.to_string() })
}

#[tokio::test]
async fn mapped_next_step_counts_and_is_shown() {
    let plain = TestEnv::new().await;
    let report = plain.ok("crm_blockers", deal(NEXT_STEP_IN_FIELD)).await;
    for code in ["no-next-step", "close-date-near"] {
        assert!(finding(&report, code).is_some(), "{code}: {report:#}");
    }
    assert_eq!(report["opportunity"].get("nextStep"), None);

    let mapped = env(MAPPED).await;
    let outcome = mapped
        .outcome("crm_blockers", deal(NEXT_STEP_IN_FIELD))
        .await;
    let report = outcome.result().unwrap();
    for code in ["no-next-step", "close-date-near"] {
        let clear = report["clear"].as_array().unwrap();
        assert!(
            clear.iter().any(|known| known == code),
            "{code}: {report:#}"
        );
    }
    let said = "Sign *after* the board on Friday";
    assert_eq!(report["opportunity"]["nextStep"], said);
    let markdown = report["markdown"].as_str().unwrap();
    assert!(
        markdown.contains("next step: Sign \\*after\\* the board on Friday"),
        "{markdown}"
    );
    let record = mapped
        .ok(
            "crm_get",
            json!({ "kind": "opportunity", "id": NEXT_STEP_IN_FIELD.to_string() }),
        )
        .await;
    assert!(record.to_string().contains(said), "{record:#}");
}

#[tokio::test]
async fn an_empty_mapped_field_is_named_as_evidence() {
    let env = env(MAPPED).await;
    let case = BLOCKER_CASES
        .iter()
        .find(|case| case.code == "no-next-step")
        .unwrap();
    let report = env.ok("crm_blockers", deal(case.fires)).await;
    let finding = finding(&report, "no-next-step").unwrap();
    assert!(finding["sentence"].as_str().unwrap().contains("nextStep"));
    let evidence = finding["evidence"].as_array().unwrap();
    assert!(
        evidence
            .iter()
            .any(|piece| piece["what"] == "field nextStep"
                && piece["value"] == "empty"
                && piece["provenance"]["id"] == case.fires.to_string()),
        "{finding:#}"
    );
    // A planned task is a next step whatever the field says.
    let report = env.ok("crm_blockers", deal(HEALTHY)).await;
    assert_eq!(report["findings"], json!([]), "{report:#}");
}

#[tokio::test]
async fn missing_mapped_field_is_unknown_and_drift() {
    let env = env("[settings]\nnext-step-field = \"nextMove\"").await;
    let outcome = env.outcome("crm_blockers", deal(NEXT_STEP_IN_FIELD)).await;
    // The deal; and the statuses of tasks, the members, the stages since it closes within days, and
    // the names of deals' fields.
    assert_eq!(outcome.requests, 5);
    assert_eq!(env.asked(), 1);
    let report = outcome.result().unwrap();
    for code in ["no-next-step", "close-date-near"] {
        let reason = reason(&report, code).unwrap_or_else(|| panic!("{code}: {report:#}"));
        assert!(
            reason.contains("\"next-step-field\"") && reason.contains("\"nextMove\""),
            "{reason}"
        );
    }
    let status = env.ok("crm_status", json!({})).await;
    let drift = status["drift"].as_array().unwrap();
    assert!(
        drift.iter().any(|drift| drift["field"] == "nextMove"
            && drift["consequence"]
                .as_str()
                .unwrap()
                .contains("next-step-field")),
        "{status:#}"
    );
}

#[test]
fn invalid_mapping_is_refused_at_load() {
    for wrong in [
        "next step",
        "nextStep owner { id }",
        "__typename",
        "NextStep",
    ] {
        let manifest = Manifest::read(&root().join("manifests/skill.toml")).unwrap();
        let text = format!("[settings]\nnext-step-field = {wrong:?}");
        let operator = Operator::parse(&text, Path::new("operator.toml")).unwrap();
        let error = Setup::resolve(manifest, Some(&operator), Flags::default(), &|_| None)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("operator.toml:2: settings.next-step-field: "),
            "{error}"
        );
    }
}

/// The outsider's document, with a place for a field of the operator's.
const OPEN: &str =
    "query Hello { people(first: 1) { edges { node {\n  # field: mood-field\n} } } }";

/// Sends a document through the outsider's harness, where the operator has named `jobTitle` for its
/// place.
async fn sent(document: &str) -> Result<Value, Value> {
    let service = TwentyStandIn::start(Options::default()).await.unwrap();
    let path = root().join("tests/guests/outsider/skill.toml");
    let listed = std::fs::read_to_string(&path).unwrap();
    let plain = "dc54df92386b3070e7b14e951f00c99c05f91bd593a7faa2921d70be7b365bce";
    let digest: [u8; 32] = Sha256::digest(OPEN.as_bytes()).into();
    let text = format!("{}\"\ntext = {OPEN:?}", hex(&digest));
    let manifest = listed.replace(&format!("{plain}\""), &text);
    assert_ne!(manifest, listed);
    let manifest = format!("{manifest}\n[settings]\nmood-field = {{ field = true }}\n");
    let manifest = Manifest::parse(&manifest, &path).unwrap();
    let guest = guest("outsider");
    let pins = pins(&guest, &manifest);
    let operator = format!(
        "{pins}[destinations.service]\norigin = \"{}\"\nsecret = \"env:KEY\"\nallow-loopback = true\n[settings]\nmood-field = \"jobTitle\"",
        service.url()
    );
    let operator = Operator::parse(&operator, Path::new("operator.toml")).unwrap();
    let environment = |name: &str| (name == "KEY").then(|| FULL_KEY.to_owned());
    let setup = Setup::resolve(manifest, Some(&operator), Flags::default(), &environment).unwrap();
    let harness = Harness::load(&guest, setup, Parts::default(), None).unwrap();
    let body = json!({ "query": document, "variables": {} }).to_string();
    let outcome = harness
        .call(Invocation {
            tool: "outsider_send".to_owned(),
            arguments: json!({ "origin": service.url(), "path": "/graphql", "body": body }),
            caller: Caller::default(),
            deadline: None,
        })
        .await
        .unwrap();
    // What is refused does not arrive.
    assert_eq!(
        service.requests().count(),
        usize::from(outcome.result().is_ok())
    );
    outcome.result()
}

#[tokio::test]
async fn only_the_extended_document_is_sent() {
    let with = |field: &str| OPEN.replace("mood-field\n", &format!("mood-field\n  {field}\n"));
    assert_eq!(sent(&with("jobTitle")).await, Ok(json!({ "status": 200 })));
    for other in [
        OPEN.to_owned(),
        with("city"),
        with("jobTitle city"),
        with("jobTitle\n  city"),
        with("mood: jobTitle"),
        with("jobTitle "),
        OPEN.replace("mood-field\n", "mood-field\n    jobTitle\n"),
    ] {
        let failure = sent(&other).await.unwrap_err();
        assert_eq!(
            (&failure["case"], &failure["code"]),
            (&json!("denied"), &json!("document")),
            "{other}"
        );
    }
}
