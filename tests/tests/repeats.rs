//! Record values that a caller's own words repeat: named by the host, and asked of policy as
//! disclosures of the plan.

use crm_stand_in::relay::Variant;
use crm_stand_in::twenty::sample::{ROBIN, SAM};
use crm_tests::{TestEnv, TestOptions};
use serde_json::{Value, json};

/// An environment in which Robin has a role, and Sam is of the same team.
async fn as_a(role: &str) -> TestEnv {
    let operator = format!(
        "allow-loopback = true\n[callers.robin]\nemail = \"robin@example.com\"\nrole = \"{role}\"\nteams = [\"north\"]\nsecrets.tezit = \"env:TEZIT_TOKEN\"\n[callers.sam]\nemail = \"sam@example.com\"\nrole = \"member\"\nteams = [\"north\"]\n"
    );
    let mut env = TestEnv::with(TestOptions {
        relay: Some(Variant::P),
        operator: Some(Box::leak(operator.into_boxed_str())),
        ..TestOptions::default()
    })
    .await;
    env.caller = env.harness.setup().callers["robin"].clone();
    env
}

/// Id, name and amount of a deal of Sam's.
fn sams_deal(env: &TestEnv) -> (String, String, i64) {
    let deals = env.twenty.records("opportunity").unwrap();
    let units = |deal: &Value| {
        let micros = deal.pointer("/amount/amountMicros")?;
        let micros: i64 = micros.to_string().trim_matches('"').parse().ok()?;
        (micros % 1_000_000 == 0).then_some(micros / 1_000_000)
    };
    let fits = |deal: &&Value| {
        deal["deletedAt"].is_null()
            && deal["ownerId"] == SAM.to_string()
            && units(deal).is_some_and(|units| units >= 10_000)
    };
    let deal = deals.iter().find(fits).expect("a deal of Sam's");
    (
        deal["id"].as_str().unwrap().to_owned(),
        deal["name"].as_str().unwrap().to_owned(),
        units(deal).unwrap(),
    )
}

fn thousands(units: i64) -> String {
    format!("{},{:03}", units / 1_000, units % 1_000)
}

fn share(deal: &str, message: &str) -> Value {
    json!({
        "records": [{"kind": "opportunity", "id": deal}],
        "to": ["Sam Okafor"], "intent": "update", "message": message,
    })
}

/// A message about one record of the caller's own, which tells nothing of other records.
fn beside(env: &TestEnv, message: &str) -> Value {
    let own = env.with_value("company", "accountOwnerId", Some(&ROBIN.to_string()));
    let person = env.with_value("person", "companyId", Some(&own));
    json!({
        "records": [{"kind": "person", "id": person}],
        "to": ["Sam Okafor"], "intent": "update", "message": message,
    })
}

/// Returns the repeated values of a plan's steps.
fn repeated(plan: &Value) -> Vec<Value> {
    let steps = plan["preview"]["steps"].as_array().unwrap().iter();
    let repeats = steps.filter_map(|step| step["repeats"].as_array().cloned());
    repeats.flatten().collect()
}

#[tokio::test]
async fn words_of_a_member_repeat_no_amount() {
    let env = as_a("member").await;
    let (deal, _, amount) = sams_deal(&env);
    let text = format!("Good news: {} EUR", thousands(amount));
    let failure = env.fails("crm_share", share(&deal, &text), "denied").await;
    let reason = failure["reason"].as_str().unwrap();
    assert!(
        reason.contains("repeat the amount of opportunity"),
        "{reason}"
    );
    assert!(!reason.contains(&thousands(amount)), "{reason}");
    // The same without it goes, and names nothing.
    let plan = env.ok("crm_share", share(&deal, "Good news")).await;
    assert_eq!(repeated(&plan), [""; 0], "{plan:#}");
}

#[tokio::test]
async fn words_repeat_nothing_from_earlier_calls() {
    for tool in ["crm_get", "crm_search"] {
        let env = as_a("member").await;
        let (deal, name, amount) = sams_deal(&env);
        let text = format!("By the way: {} EUR", thousands(amount));
        // Nobody has read it, so it may be any number.
        let plan = env.ok("crm_share", beside(&env, &text)).await;
        assert_eq!(repeated(&plan), [""; 0], "{plan:#}");
        let arguments = match tool {
            "crm_get" => json!({"kind": "opportunity", "id": deal}),
            _ => json!({"query": name}),
        };
        env.ok(tool, arguments).await;
        let failure = env.fails("crm_share", beside(&env, &text), "denied").await;
        let reason = failure["reason"].as_str().unwrap();
        // A search finds several deals of one amount: any of them is named.
        let of = if tool == "crm_get" { deal.as_str() } else { "" };
        let expected = format!("repeat the amount of opportunity {of}");
        assert!(reason.contains(&expected), "{tool}: {reason}");
        assert!(!reason.contains(&thousands(amount)), "{tool}: {reason}");
    }
}

#[tokio::test]
async fn words_of_a_lead_are_named_in_the_preview() {
    let env = as_a("lead").await;
    let (deal, name, amount) = sams_deal(&env);
    let text = format!("Good news: {} EUR", thousands(amount));
    let plan = env.ok("crm_share", share(&deal, &text)).await;
    let sentence = format!("the amount of deal \"{name}\", which this plan does not give away");
    assert_eq!(repeated(&plan), [sentence.as_str()]);
    // Given away, it repeats nothing.
    let mut given = share(&deal, &text);
    given["fields"] = json!(["amount"]);
    let plan = env.ok("crm_share", given).await;
    assert_eq!(repeated(&plan), [""; 0], "{plan:#}");
    // Of another record, which an earlier call answered: a lead may, and is told.
    env.ok("crm_get", json!({"kind": "opportunity", "id": deal}))
        .await;
    let plan = env.ok("crm_share", beside(&env, &text)).await;
    assert_eq!(repeated(&plan), [sentence.as_str()], "{plan:#}");
}
