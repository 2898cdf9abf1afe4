//! A disk that takes no more, in the middle of whatever: what began is told as such, and nothing is
//! doubled when there is room again.

mod common;

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use common::client::Client;
use common::env::{TestEnv, scheme};

/// A command in whose process no file grows beyond so many blocks of 512 bytes; its soft limit,
/// which a test can lift.
fn limited(command: &Command, blocks: u64) -> Command {
    let mut limited = Command::new("/bin/sh");
    limited
        .args(["-c", "ulimit -S -f \"$0\" && exec \"$@\""])
        .arg(blocks.to_string())
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(command.get_current_dir().unwrap())
        .env_clear();
    limited
}

fn told(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        let errors = String::from_utf8_lossy(&output.stderr);
        panic!("{:?}: {errors}", output.status)
    })
}

/// The files of SQLite grow with each thing that is written, so that each limit stops the program
/// at another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_began_is_told_and_resumed() {
    let (mut untouched, mut interrupted, mut stopped, mut done) = (0, 0, 0, 0);
    // robin's plans are approved, bolt's go without a person.
    for (blocks, caller) in (64..=214)
        .step_by(6)
        .zip(["robin", "bolt"].into_iter().cycle())
    {
        let (service, env) = TestEnv::beside_a_service().await;
        // What is compiled is kept where it lies, so that only record and plans are written.
        assert!(env.run(&["actions"]).status.success());
        let arguments = scheme("one").to_string();
        let mut args = vec!["call", "scheme", &arguments, "--json", "--caller", caller];
        if caller == "robin" {
            args.push("--yes");
        }
        let output = limited(&env.command(&args), blocks).output().unwrap();
        let label = format!("{caller}, {blocks} blocks: {output:?}");
        assert_eq!(output.status.signal(), None, "{label}");
        let sent = service.seen().len();
        assert!(sent <= 1, "{label}");
        let answer = told(&output);
        let failure = &answer["failure"];
        match failure["case"].as_str() {
            Some("plan-interrupted") => {
                interrupted += 1;
                let reason = failure["reason"].as_str().unwrap();
                let plan = failure["plan"].as_str().unwrap();
                assert!(
                    plan.len() == 64
                        && reason.contains("began")
                        && reason.contains("Make room")
                        && reason.contains(&format!("plan resume {}", &plan[..12])),
                    "{label}"
                );
            }
            Some(_) => {
                untouched += 1;
                assert_eq!(sent, 0, "what was sent is no refusal: {label}");
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(said.contains("Make room"), "{label}");
            }
            None if answer["state"] == "done" => done += 1,
            None => stopped += 1,
        }
        // There is room again.
        let plans = told(&env.run(&["plan", "list", "--json", "--caller", caller]));
        if let Some(plan) = plans[0]["plan"].as_str() {
            let again = if plans[0]["state"] == "waiting" {
                env.run(&args)
            } else {
                env.run(&["plan", "resume", plan, "--json", "--caller", caller])
            };
            let outcome = told(&again);
            assert_eq!(outcome["state"], "done", "{label}: {outcome}");
            // This guest takes whatever may have been sent as done.
            assert!(service.seen().len() <= 1, "{label}");
        }
        let report = told(&env.run(&["audit", "verify", "--json"]));
        assert_eq!(report["whole"], true, "{label}: {report}");
        let rows = env.record();
        let of = |kind: &str| rows.iter().filter(|row| row["kind"] == kind).count();
        let allowed = rows
            .iter()
            .filter(|row| row["kind"] == "request" && row["body"]["phase"] == "perform");
        assert_eq!(
            allowed.count(),
            service.seen().len(),
            "what is on record as let through was sent: {label}"
        );
        assert_eq!(of("lost"), 0, "{label}");
    }
    println!("{untouched} not begun, {interrupted} interrupted, {stopped} stopped, {done} done");
    assert!(untouched > 0 && interrupted > 0 && done > 0);
}

/// A process that serves goes on by itself when there is room again.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_goes_on_when_there_is_room() {
    let (_service, env) = TestEnv::beside_a_service().await;
    assert!(env.run(&["actions"]).status.success());
    let child = limited(&env.command(&["mcp", "--caller", "robin"]), 128)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let process = Pid::from_child(&child);
    let mut client = Client::begun(child, json!({}));
    let refused = (0..200)
        .map(|_| client.call("proposer_count_up", json!({})))
        .find(|answer| answer["isError"] == true)
        .unwrap();
    assert_eq!(refused["structuredContent"]["failure"]["case"], "record");
    let all = Rlimit {
        current: None,
        maximum: None,
    };
    prlimit(Some(process), Resource::Fsize, all).unwrap();
    let answer = client.call("proposer_count_up", json!({}));
    assert_eq!(answer["isError"], false, "{answer}");
    let (status, said) = client.finish();
    assert!(status.success(), "{said}");
    assert!(said.contains("Make room"), "{said}");
    let report = told(&env.run(&["audit", "verify", "--json"]));
    assert_eq!(report["whole"], true, "{report}");
    // The call whose answer was withheld is on record as such.
    let rows = env.record();
    let withheld = rows
        .iter()
        .filter(|row| row["kind"] == "result" && row["body"]["outcome"] == "record");
    assert!(withheld.count() >= 1);
}
