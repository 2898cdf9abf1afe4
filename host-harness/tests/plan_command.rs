//! `crm-harness plan`: what is listed, how long a plan waits, and that looking is on record.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]

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
