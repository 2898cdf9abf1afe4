//! A disk that takes no more in the middle of a plan, with the real component: what began is told
//! as such, and everything is made once when there is room again.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use crm_stand_in::twenty::sample::HEALTHY;
use crm_tests::program::Program;
use serde_json::{Value, json};
use tokio::process::Command;

/// A command in whose process no file grows beyond so many blocks of 512 bytes.
fn limited(command: &Command, blocks: u64) -> Command {
    let command = command.as_std();
    let mut limited = Command::new("/bin/sh");
    limited
        .args(["-c", "ulimit -f \"$0\" && exec \"$@\""])
        .arg(blocks.to_string())
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdin(Stdio::null());
    limited
}

#[tokio::test]
async fn a_plan_on_a_full_disk_is_made_once() {
    let arguments =
        json!({"about": HEALTHY.to_string(), "title": "Send the quote", "due": "2026-12-01"});
    let arguments = arguments.to_string();
    let (mut untouched, mut interrupted, mut ended) = (0, 0, 0);
    for blocks in (80..=640).step_by(20) {
        let program = Program::new().await;
        // What is compiled is kept, so that only record and plans are written.
        program.run(&["actions"]).await;
        let before = program.count();
        let call = program.command(&["call", "follow_up", &arguments, "--yes"]);
        let output = limited(&call, blocks).output().await.unwrap();
        let label = format!("{blocks} blocks: {output:?}");
        assert_eq!(output.status.signal(), None, "{label}");
        let answer: Value = serde_json::from_slice(&output.stdout).expect(&label);
        let written = program.count() - before;
        match answer["failure"]["case"].as_str() {
            Some("plan-interrupted") => interrupted += 1,
            Some(_) => {
                untouched += 1;
                assert_eq!(written, 0, "what was written is no refusal: {label}");
            }
            None => ended += 1,
        }
        let (_, plans) = program.run(&["plan", "list"]).await;
        if let Some(plan) = plans[0]["plan"].as_str() {
            let waits = plans[0]["state"] == "waiting";
            let verb = if waits { "approve" } else { "resume" };
            let (_, outcome) = program.run(&["plan", verb, plan]).await;
            assert_eq!(outcome["state"], "done", "{label}: {outcome:#}");
            assert_eq!(program.count(), before + 2, "{label}");
        }
        let (output, report) = program.run(&["audit", "verify"]).await;
        assert!(output.status.success(), "{label}: {report:#}");
    }
    println!("{untouched} not begun, {interrupted} interrupted, {ended} ended");
    assert!(untouched > 0 && interrupted > 0 && ended > 0);
}
