//! The harness as a program of its own, for tests of its command line and of its death.

use std::path::PathBuf;
use std::process::{Output, Stdio};

use crm_stand_in::Running;
use crm_stand_in::twenty::{Options, TwentyStandIn, keys};
use serde_json::Value;
use tokio::process::Command;

use crate::{WRITTEN, cache, root};

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

/// The program with a stand-in Twenty and a data directory of its own.
pub struct Program {
    /// Twenty.
    pub twenty: Running,
    /// Record and plans.
    pub data: tempfile::TempDir,
}

impl Program {
    /// A new one.
    ///
    /// # Panics
    /// Where it cannot be made: that is a failed test.
    pub async fn new() -> Self {
        let options = Options {
            rate_limit: false,
            ..Options::default()
        };
        Self {
            twenty: TwentyStandIn::start(options).await.unwrap(),
            data: tempfile::tempdir().unwrap(),
        }
    }

    /// A command, ready to be started, which answers in JSON.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
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
            .env("CRM_HARNESS_CACHE_DIR", cache())
            .env("CRM_HARNESS_ALLOW_LOOPBACK", "1")
            .env("CRM_HARNESS_CALLER_EMAIL", "robin@example.com")
            .env("CRM_HARNESS_TIME_ZONE", "America/New_York")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its end; what it answered.
    ///
    /// # Panics
    /// Where it does not answer in JSON.
    pub async fn run(&self, arguments: &[&str]) -> (Output, Value) {
        let output = self.command(arguments).output().await.unwrap();
        let told = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!(
                "{arguments:?}: {error}: {}",
                String::from_utf8_lossy(&output.stderr)
            )
        });
        (output, told)
    }

    /// Counts the live records of the kinds that are written.
    #[must_use]
    pub fn count(&self) -> usize {
        WRITTEN
            .iter()
            .map(|object| self.twenty.count(object).live)
            .sum()
    }
}
