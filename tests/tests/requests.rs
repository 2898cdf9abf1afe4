//! Every request of tests/cases/requests.json: the calls that are right for it, made by the real
//! component in the real harness.

use crm_harness::server::mcp;
use crm_tests::requests::{Corpus, check, read, run};
use crm_tests::{NOW, TestEnv};
use serde_json::json;

#[tokio::test]
async fn expected_calls_end_as_the_corpus_says() {
    let corpus = read().unwrap();
    let mut shared = TestEnv::whole().await;
    shared.caller.name = Some(corpus.caller.name.clone());
    let mut failed = Vec::new();
    for case in &corpus.requests {
        // What a person decides changes the workspace: then it is one of the case's own.
        let own = if case.changes() {
            Some(TestEnv::whole().await)
        } else {
            None
        };
        if let Err(why) = run::case(own.as_ref().unwrap_or(&shared), case).await {
            failed.push(format!("- {}\n  {why}", case.request));
        }
    }
    println!(
        "{} requests, {} failed",
        corpus.requests.len(),
        failed.len()
    );
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

#[tokio::test]
async fn corpus_is_valid_and_covers_every_tool() {
    let corpus = read().unwrap();
    let env = TestEnv::whole().await;
    assert_eq!(corpus.now, NOW);
    assert_eq!(Some(&corpus.caller.email), env.caller.email.as_ref());
    assert_eq!(
        Some(&corpus.caller.time_zone),
        env.caller.time_zone.as_ref()
    );
    let faults = check::faults(&corpus, &check::tools(&mcp::listed(&env.harness)));
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(corpus.requests.len() >= 60, "{}", corpus.requests.len());
}

#[test]
fn a_member_that_nobody_knows_is_no_corpus() {
    let text = std::fs::read_to_string(crm_tests::root().join("tests/cases/requests.json"));
    let text = text.unwrap();
    assert!(serde_json::from_str::<Corpus>(&text).is_ok());
    for (from, to) in [
        ("\"outcome\":", "\"outcomes\":"),
        ("\"request\":", "\"ask\":"),
        ("\"now\":", "\"then\":"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert!(serde_json::from_str::<Corpus>(&changed).is_err(), "{to}");
    }
}

#[tokio::test]
async fn what_a_corpus_gets_wrong_is_said_by_request() {
    let env = TestEnv::new().await;
    let tools = check::tools(&mcp::listed(&env.harness));
    let corpus: Corpus = serde_json::from_value(json!({
        "now": NOW,
        "caller": {"name": "Robin", "email": "robin@example.com", "timeZone": "America/New_York"},
        "requests": [
            {"request": "a", "calls": []},
            {"request": "b", "why": "w", "calls": [], "also": ["crm_upsert", "crm_delete"]},
            {"request": "c", "calls": [{"tool": "crm_get", "arguments": {"name": "x"}, "outcome": "ok"}]},
            {"request": "c", "calls": [{"tool": "crm_get", "arguments": {"id": "x"}, "example": {"id": "y"}, "outcome": "ok"}]},
        ],
    }))
    .unwrap();
    let faults = check::faults(&corpus, &tools).join("\n");
    for fault in [
        "a: expects no call and does not say why",
        "b: names crm_delete, which is no tool",
        "b: lets crm_upsert be called, which writes",
        "c: crm_get has no argument name",
        "c: is there twice",
        "c: the example for id stands beside a value",
        "crm_search has 0 requests, fewer than 3",
        "crm_upsert has no request that is refused or asks back",
    ] {
        assert!(faults.contains(fault), "{fault}:\n{faults}");
    }
}
