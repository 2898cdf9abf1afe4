//! Deciding about plans on the command line.

use crm_stand_in::twenty::sample::HEALTHY;
use crm_tests::program::Program;
use serde_json::{Value, json};

fn follow_up(key: &str) -> String {
    json!({
        "about": HEALTHY.to_string(),
        "title": "Send the quote",
        "due": "2030-03-01",
        "idempotencyKey": key,
    })
    .to_string()
}

/// Proposes a follow-up; its digest.
async fn proposed(program: &Program, key: &str) -> String {
    let (output, answer) = program.run(&["call", "follow_up", &follow_up(key)]).await;
    assert!(output.status.success(), "{answer:#}");
    assert_eq!(answer["state"], "waiting", "{answer:#}");
    answer["plan"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn plan_commands_take_a_digest_prefix() {
    let program = Program::new().await;
    let before = program.count();
    let (yes, no) = (
        proposed(&program, "yes").await,
        proposed(&program, "no").await,
    );
    let (_, list) = program.run(&["plan", "list"]).await;
    assert_eq!(list.as_array().unwrap().len(), 2, "{list:#}");
    let (_, shown) = program.run(&["plan", "show", &yes[..8]]).await;
    assert_eq!(shown["preview"]["plan"], yes);
    assert_eq!(program.count(), before);
    let (output, outcome) = program.run(&["plan", "approve", &yes[..8]]).await;
    assert_eq!(
        (output.status.code(), &outcome["state"]),
        (Some(0), &json!("done")),
        "{outcome:#}"
    );
    let (output, outcome) = program.run(&["plan", "deny", &no[..8]]).await;
    assert_eq!(
        (output.status.code(), &outcome["state"]),
        (Some(0), &json!("denied")),
        "{outcome:#}"
    );
    for (arguments, code) in [
        (["plan", "approve", &no], "plan-denied"),
        (["plan", "deny", &yes], "plan-over"),
        (["plan", "show", "00ff00ff"], "plan-unknown"),
    ] {
        let (output, failure) = program.run(&arguments).await;
        assert_eq!(output.status.code(), Some(1), "{failure:#}");
        assert_eq!(failure["failure"]["case"], code, "{failure:#}");
    }
    assert_eq!(program.count(), before + 2);
}

#[tokio::test]
async fn pruned_plans_keep_their_audit_rows() {
    let program = Program::new().await;
    let (_, outcome) = program
        .run(&["call", "follow_up", &follow_up("a"), "--yes"])
        .await;
    assert_eq!(outcome["state"], "done", "{outcome:#}");
    let plan = outcome["plan"].as_str().unwrap().to_owned();
    let operator = program.data.path().join("operator.toml");
    std::fs::write(&operator, "[plans]\nkeep-days = 0\n").unwrap();
    let operator = operator.to_str().unwrap().to_owned();
    // Accepted first: an operator file without pins lets nothing run.
    let (_, trusted) = program
        .run(&["trust", "--accept", "--operator", &operator])
        .await;
    assert_eq!(trusted["accepted"], true, "{trusted:#}");
    let (_, list) = program
        .run(&["plan", "list", "--operator", &operator])
        .await;
    assert_eq!(list, json!([]));
    let output = program
        .command(&["audit", "export"])
        .output()
        .await
        .unwrap();
    let rows = String::from_utf8(output.stdout).unwrap();
    let kept = rows
        .lines()
        .filter_map(|row| serde_json::from_str::<Value>(row).ok());
    let states: Vec<_> = kept
        .filter(|row| row["kind"] == "plan" && row["body"]["plan"] == plan.as_str())
        .map(|row| row["body"]["state"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(states, ["waiting", "approved", "started", "done"]);
}

#[tokio::test]
async fn access_explain_says_which_policy_decides() {
    let program = Program::new().await;
    for (arguments, code, policies) in [
        (vec!["crm_search"], 0, json!(["everyone-reads"])),
        (
            vec!["change", "--owner", "robin@example.com"],
            0,
            json!(["own-records"]),
        ),
        (vec!["change", "--owner", "kim@example.com"], 1, json!([])),
        (
            vec!["change", "--owner", "none"],
            0,
            json!(["unowned-records"]),
        ),
        (vec!["create", "--new"], 0, json!(["new-records"])),
        (vec!["delete", "--owner", "robin@example.com"], 1, json!([])),
    ] {
        let all: Vec<&str> = ["access", "explain"]
            .into_iter()
            .chain(arguments.clone())
            .collect();
        let (output, ruling) = program.run(&all).await;
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {ruling:#}"
        );
        assert_eq!(ruling["policies"], policies, "{arguments:?}");
    }
    let (_, ruling) = program.run(&["access", "explain", "change"]).await;
    assert!(
        ruling["undecided"]
            .as_str()
            .unwrap()
            .contains("did not say who owns"),
        "{ruling:#}"
    );
}
