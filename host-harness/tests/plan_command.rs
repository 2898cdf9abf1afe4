//! `crm-harness plan`: what is listed, how long a plan waits, and that looking is on record.

mod common;

use std::process::Output;

use serde_json::Value;

use common::env::{TestEnv, scheme};

fn told(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn propose(env: &TestEnv, title: &str, more: &[&str]) -> String {
    let arguments = scheme(title).to_string();
    let mut args = vec!["call", "scheme", &arguments, "--json", "--caller", "robin"];
    args.extend(more);
    let output = env.run(&args);
    let answer = told(&output);
    answer["plan"]
        .as_str()
        .unwrap_or_else(|| panic!("{output:?}"))
        .to_owned()
}

fn robin(env: &TestEnv, args: &[&str]) -> Output {
    let args = [args, &["--json", "--caller", "robin"]].concat();
    env.run(&args)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_as_long_as_asked_for() {
    let (_service, env) = TestEnv::beside_a_service().await;
    let all: Vec<_> = ["one", "two", "three"]
        .map(|title| propose(&env, title, &[]))
        .to_vec();
    let listed = |args: &[&str]| {
        let output = robin(&env, &[&["plan", "list"], args].concat());
        let plans: Vec<String> = told(&output)
            .as_array()
            .unwrap()
            .iter()
            .map(|plan| plan["plan"].as_str().unwrap().to_owned())
            .collect();
        let more = String::from_utf8_lossy(&output.stderr).contains("--limit");
        (plans, more)
    };
    let newest: Vec<_> = all.iter().rev().cloned().collect();
    assert_eq!(listed(&[]), (newest.clone(), false));
    assert_eq!(listed(&["--limit", "2"]), (newest[..2].to_vec(), true));
    assert_eq!(listed(&["--limit", "3"]), (newest, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_time_of_day_moves_no_expiry() {
    let (service, env) = TestEnv::beside_a_service().await;
    for (title, now) in [
        ("early", "2020-01-01T00:00:00Z"),
        ("late", "2040-01-01T00:00:00Z"),
    ] {
        let plan = propose(&env, title, &["--now", now]);
        let approved = robin(&env, &["plan", "approve", &plan]);
        assert_eq!(told(&approved)["state"], "done", "{now}: {approved:?}");
    }
    assert_eq!(service.seen().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_is_on_record() {
    let (_service, env) = TestEnv::beside_a_service().await;
    let plan = propose(&env, "one", &[]);
    let before = env.record().len();
    assert!(robin(&env, &["plan", "list"]).status.success());
    assert!(robin(&env, &["plan", "show", &plan]).status.success());
    assert!(!robin(&env, &["plan", "show", "000000"]).status.success());
    let rows = env.record();
    let looks: Vec<_> = rows[before..]
        .iter()
        .map(|row| {
            let body = &row["body"];
            let what = body.get("action").or(body.get("outcome")).unwrap();
            (row["kind"].as_str().unwrap(), what.as_str().unwrap())
        })
        .collect();
    assert_eq!(
        looks,
        [
            ("call", "plan list"),
            ("result", "done"),
            ("call", "plan show"),
            ("result", "done"),
            ("call", "plan show"),
            ("result", "plan-unknown"),
        ]
    );
    assert_eq!(rows[before]["body"]["caller"], "robin");
}

#[tokio::test(flavor = "multi_thread")]
async fn reason_of_a_denial_is_told() {
    let (service, env) = TestEnv::beside_a_service().await;
    let plan = propose(&env, "one", &[]);
    let reason = "not before\nFriday \u{1b}[2Jplease";
    let denied = robin(&env, &["plan", "deny", &plan, "--reason", reason]);
    assert_eq!(told(&denied)["state"], "denied", "{denied:?}");
    let shown = told(&robin(&env, &["plan", "show", &plan]));
    assert_eq!(
        shown["outcome"]["reason"],
        "not before Friday \\u{1b}[2Jplease"
    );
    let text = env.run(&["plan", "show", &plan, "--caller", "robin"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("denied: not before Friday"), "{text}");
    // What a person said is no part of the audit log.
    let rows = serde_json::to_string(&env.record()).unwrap();
    assert!(!rows.contains("Friday"), "{rows}");

    let too_long = "x".repeat(501);
    let refused = robin(&env, &["plan", "deny", &plan, "--reason", &too_long]);
    let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(complaint.contains("write 1 to 500"), "{complaint}");
    // Proposed again, it waits without the reason.
    assert_eq!(propose(&env, "one", &[]), plan);
    let shown = told(&robin(&env, &["plan", "show", &plan]));
    assert_eq!(shown["outcome"]["state"], "waiting");
    assert_eq!(shown["outcome"].get("reason"), None);
    assert_eq!(service.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_plan_replaces_the_first() {
    let (service, env) = TestEnv::beside_a_service().await;
    let plan = propose(&env, "one", &[]);
    let same = robin(
        &env,
        &[
            "plan",
            "edit",
            &plan,
            "--arguments",
            &scheme("one").to_string(),
        ],
    );
    assert!(same.status.success(), "{same:?}");
    assert_eq!(
        told(&robin(&env, &["plan", "show", &plan]))["state"],
        "waiting"
    );

    let arguments = scheme("two").to_string();
    let edited = told(&robin(
        &env,
        &["plan", "edit", &plan, "--arguments", &arguments],
    ));
    let new = edited["plan"]
        .as_str()
        .unwrap_or_else(|| panic!("{edited}"));
    assert_ne!(new, plan);
    assert_eq!(edited["preview"]["replaces"], plan.as_str());
    assert_eq!(edited["state"], "waiting");
    let old = told(&robin(&env, &["plan", "show", &plan]));
    assert_eq!(old["state"], "denied");
    let reason = old["outcome"]["reason"].as_str().unwrap();
    assert_eq!(reason, format!("replaced by plan {}", &new[..12]));

    assert!(
        old["next"]
            .as_str()
            .unwrap()
            .contains("Do not propose it again"),
        "{old}"
    );
    let replaced = robin(&env, &["plan", "edit", &plan, "--arguments", &arguments]);
    assert_eq!(told(&replaced)["failure"]["case"], "plan-replaced");

    let approved = told(&robin(&env, &["plan", "approve", new]));
    assert_eq!(approved["state"], "done");
    assert_eq!(service.seen().len(), 1);
    let over = robin(&env, &["plan", "edit", new, "--arguments", &arguments]);
    assert_eq!(told(&over)["failure"]["case"], "plan-over", "{over:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn edit_without_a_terminal_names_the_option() {
    let (_service, env) = TestEnv::beside_a_service().await;
    let plan = propose(&env, "one", &[]);
    // Without a terminal there is nobody to edit.
    let refused = robin(&env, &["plan", "edit", &plan]);
    let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(complaint.contains("--arguments"), "{complaint}");
    assert_eq!(refused.status.code(), Some(2));
}
