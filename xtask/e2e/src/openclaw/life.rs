//! The plugin from its start to its end: killed, used by an assistant, looked through for secrets,
//! stopped.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use super::DEAL;
use super::gateway::{signal, started_with};
use super::model::Model;
use super::operator::{Decision, Operator};
use super::tried::Tried;

/// Longest that the harness is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

impl Tried<'_> {
    /// A harness that was killed is started again, and answers.
    pub(super) fn killed(&self) -> Result<()> {
        let before = self.gateway.harnesses()?;
        let [pid] = before.as_slice() else {
            bail!("{} harnesses run", before.len());
        };
        signal(*pid, "KILL")?;
        over(&before)?;
        self.read("crm_search", &json!({"query": DEAL.0}), "/hits/0/id")?;
        let after = self.gateway.harnesses()?;
        ensure!(
            after.len() == 1 && after != before,
            "harnesses before {before:?}, after {after:?}"
        );
        Ok(())
    }

    /// From what a person says to a task in the CRM: the assistant searches, proposes, the person
    /// approves.
    pub(super) fn turn(&self, model: &Model) -> Result<()> {
        let title = "Ask about the contract";
        ensure!(
            self.services.tasks(title)? == 0,
            "the task is there already"
        );
        let mut operator = Operator::connect(self.gateway.port)?;
        operator.decides(Decision::Allow);
        let said = "Remind me on Friday to ask about the contract for the northern depot";
        operator.say("agent:main:e2e", said)?;
        ensure!(
            self.services.tasks(title)? == 1,
            "there is no such task; the person was asked {:?}",
            operator.asked
        );
        ensure!(
            operator.asked.len() == 1,
            "the person was asked {} times",
            operator.asked.len()
        );
        let asked = model.asked();
        let prompt = asked.first().map(Value::to_string).unwrap_or_default();
        ensure!(
            prompt.contains("northern depot"),
            "the request did not reach the model"
        );
        // What the model knows without a call: the skill, the tools, and which services are set up.
        for known in [
            "plugin-skills/crm/SKILL.md",
            "crm_follow_up",
            "Configured: ",
        ] {
            ensure!(prompt.contains(known), "the model is not told `{known}`");
        }
        for (_, secret) in self.services.secrets() {
            ensure!(
                !asked.iter().any(|one| one.to_string().contains(secret)),
                "a secret reached the model"
            );
        }
        Ok(())
    }

    /// No secret among the harness's arguments, in its environment, in the gateway's log or in a
    /// file of its state.
    pub(super) fn secrets(&self) -> Result<()> {
        let harnesses = self.gateway.harnesses()?;
        ensure!(!harnesses.is_empty(), "no harness runs");
        let mut places = vec![("the gateway's log".to_owned(), self.gateway.said()?)];
        for pid in harnesses {
            let (arguments, environment) = started_with(pid)?;
            ensure!(environment.is_empty(), "its environment is not empty");
            places.push(("its arguments".to_owned(), arguments));
        }
        for path in files(&self.openclaw.state)? {
            let bytes = fs::read(&path).unwrap_or_default();
            places.push((
                path.display().to_string(),
                String::from_utf8_lossy(&bytes).into_owned(),
            ));
        }
        for (name, secret) in self.services.secrets() {
            if let Some((place, _)) = places.iter().find(|(_, text)| text.contains(secret)) {
                bail!("the secret of {name} is in {place}");
            }
        }
        Ok(())
    }
}

/// Waits until these processes have ended.
pub(super) fn over(pids: &[u32]) -> Result<()> {
    let begun = Instant::now();
    let alive = |pid: &&u32| {
        Path::new("/proc")
            .join(pid.to_string())
            .join("exe")
            .exists()
    };
    while let Some(pid) = pids.iter().find(alive) {
        if begun.elapsed() > PATIENCE {
            bail!("process {pid} does not end");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Every file of what OpenClaw keeps, programs and packages aside.
fn files(state: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![state.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let skipped = ["npm", "node_modules", "plugin-captures", "code"];
            if kind.is_dir() && !skipped.iter().any(|name| entry.file_name() == *name) {
                folders.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
        }
    }
    Ok(found)
}
