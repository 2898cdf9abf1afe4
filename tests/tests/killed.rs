//! The harness killed (SIGKILL) in the middle of a write, and started again on the same files:
//! nothing is lost and nothing doubled.

use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::twenty::sample::HEALTHY;
use crm_tests::program::Program;
use serde_json::json;

#[tokio::test]
async fn killed_harness_resumes_without_duplicates() {
    let deal = HEALTHY.to_string();
    let follow_up = json!({"about": deal, "title": "Send the quote", "due": "2026-12-01"});
    let make = json!({"kind": "company", "name": "Newcomer", "domain": "newcomer.example"});
    let log = json!({"about": [deal], "title": "Call about the quote", "text": "They take it."});
    let change = json!({"id": deal, "kind": "opportunity", "name": "Renamed"});
    let mut cases = 0;
    for (action, arguments, root, made) in [
        ("follow_up", &follow_up, "createTask", 2),
        ("follow_up", &follow_up, "createTaskTargets", 2),
        ("upsert", &make, "createCompany", 1),
        ("log", &log, "createNote", 2),
        ("log", &log, "createNoteTarget", 2),
        ("upsert", &change, "updateOpportunity", 0),
    ] {
        for after in [false, true] {
            let label = format!("{action}, {root}, stored: {after}");
            let program = Program::new().await;
            let before = program.count();
            let mut hang = Fault::once(FaultKind::NoAnswer).on_root(root);
            hang.after = after;
            program.twenty.faults().add(hang);
            let arguments = arguments.to_string();
            let mut child = program
                .command(&["call", action, &arguments, "--yes"])
                .spawn()
                .unwrap();
            loop {
                let requests = program.twenty.requests().all();
                let field = format!(" {root}(");
                let mutation = |body: &str| body.contains("mutation") && body.contains(&field);
                if requests.iter().any(|request| mutation(&request.body)) {
                    break;
                }
                assert!(
                    child.try_wait().unwrap().is_none(),
                    "{label}: it ended by itself"
                );
                tokio::task::yield_now().await;
            }
            child.kill().await.unwrap();
            program.twenty.faults().clear();
            let (_, plans) = program.run(&["plan", "list"]).await;
            assert_eq!(plans[0]["state"], "started", "{label}: {plans:#}");
            let plan = plans[0]["plan"].as_str().unwrap().to_owned();
            // What may have left is on disk as such.
            let (_, shown) = program.run(&["plan", "show", &plan]).await;
            let steps = shown["outcome"]["steps"].as_array().unwrap();
            let sending = steps.iter().filter(|step| step["state"] == "sending");
            assert_eq!(sending.count(), 1, "{label}: {shown:#}");
            let (output, outcome) = program.run(&["plan", "resume", &plan]).await;
            assert!(output.status.success(), "{label}: {outcome:#}");
            assert_eq!(outcome["state"], "done", "{label}: {outcome:#}");
            assert_eq!(program.count(), before + made, "{label}");
            let (output, report) = program.run(&["audit", "verify"]).await;
            assert!(output.status.success(), "{label}: {report:#}");
            cases += 1;
        }
    }
    println!("{cases} cases: killed and started again");
}
