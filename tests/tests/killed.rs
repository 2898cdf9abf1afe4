//! The harness killed (SIGKILL) in the middle of a write, and started again on the same files: nothing is lost and nothing doubled.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use crm_stand_in::Running;
use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::twenty::sample::HEALTHY;
use crm_stand_in::twenty::{Options, TwentyStandIn, keys};
use crm_tests::root;
use serde_json::{Value, json};
use tokio::process::Command;

/// The program: the one that `CRM_HARNESS_BIN` names, else the one beside this test.
fn program() -> PathBuf {
    std::env::var_os("CRM_HARNESS_BIN").map_or_else(
        || {
            let test = std::env::current_exe().unwrap();
            test.ancestors().nth(2).unwrap().join("crm-harness")
        },
        PathBuf::from,
    )
}

struct Bench {
    twenty: Running,
    data: tempfile::TempDir,
    cache: PathBuf,
}

impl Bench {
    async fn new(cache: &Path) -> Self {
        let options = Options {
            rate_limit: false,
            ..Options::default()
        };
        Self {
            twenty: TwentyStandIn::start(options).await.unwrap(),
            data: tempfile::tempdir().unwrap(),
            cache: cache.to_owned(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let component = std::env::var_os("CRM_COMPONENT").map_or_else(
            || root().join("target/component/crm_skill.wasm"),
            PathBuf::from,
        );
        let mut command = Command::new(program());
        command
            .args(arguments)
            .arg("--json")
            .env_clear()
            .env("TWENTY_API_URL", self.twenty.url())
            .env("TWENTY_API_KEY", keys::FULL_KEY)
            .env("CRM_HARNESS_COMPONENT", component)
            .env("CRM_HARNESS_MANIFEST", root().join("manifests/skill.toml"))
            .env("CRM_HARNESS_DATA_DIR", self.data.path())
            .env("CRM_HARNESS_CACHE_DIR", &self.cache)
            .env("CRM_HARNESS_ALLOW_LOOPBACK", "1")
            .env("CRM_HARNESS_CALLER_EMAIL", "robin@example.com")
            .env("CRM_HARNESS_TIME_ZONE", "America/New_York")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, arguments: &[&str]) -> (Output, Value) {
        let output = self.command(arguments).output().await.unwrap();
        let told = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!(
                "{arguments:?}: {error}: {}",
                String::from_utf8_lossy(&output.stderr)
            )
        });
        (output, told)
    }

    fn count(&self) -> usize {
        ["person", "company", "opportunity", "task", "taskTarget"]
            .into_iter()
            .map(|object| self.twenty.count(object).live)
            .sum()
    }
}

#[tokio::test]
async fn a_killed_harness_goes_on_where_it_was_and_makes_everything_once() {
    let deal = HEALTHY.to_string();
    let follow_up = json!({"about": deal, "title": "Send the quote", "due": "2026-12-01"});
    let make =
        json!({"set": {"case": "company", "name": "Newcomer", "domain": "newcomer.example"}});
    let change = json!({"id": deal, "set": {"case": "opportunity", "name": "Renamed"}});
    let cache = tempfile::tempdir().unwrap();
    let mut cases = 0;
    for (action, arguments, root, made) in [
        ("follow_up", &follow_up, "createTask", 2),
        ("follow_up", &follow_up, "createTaskTargets", 2),
        ("upsert", &make, "createCompany", 1),
        ("upsert", &change, "updateOpportunity", 0),
    ] {
        for after in [false, true] {
            let label = format!("{action}, {root}, stored: {after}");
            let bench = Bench::new(cache.path()).await;
            let before = bench.count();
            let mut hang = Fault::once(FaultKind::NoAnswer).on_root(root);
            hang.after = after;
            bench.twenty.faults().add(hang);
            let arguments = arguments.to_string();
            let mut child = bench
                .command(&["call", action, &arguments, "--yes"])
                .spawn()
                .unwrap();
            loop {
                let requests = bench.twenty.requests().all();
                let mutation = |body: &str| body.contains("mutation") && body.contains(root);
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
            bench.twenty.faults().clear();
            let (_, plans) = bench.run(&["plan", "list"]).await;
            assert_eq!(plans[0]["state"], "started", "{label}: {plans:#}");
            let plan = plans[0]["plan"].as_str().unwrap().to_owned();
            let (output, outcome) = bench.run(&["plan", "resume", &plan]).await;
            assert!(output.status.success(), "{label}: {outcome:#}");
            assert_eq!(outcome["state"], "done", "{label}: {outcome:#}");
            assert_eq!(bench.count(), before + made, "{label}");
            let (output, report) = bench.run(&["audit", "verify"]).await;
            assert!(output.status.success(), "{label}: {report:#}");
            cases += 1;
        }
    }
    println!("{cases} cases: killed and started again");
}
