//! Checks at the running gateway, and the tools that read.

#![allow(
    clippy::indexing_slicing,
    reason = "a member that a JSON object does not have is null when it is read, and is made when it is written"
)]

use std::fs;

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use super::DEAL;
use super::gateway::{Gateway, OpenClaw};
use super::services::Services;
use crate::{Check, Context};

/// Checks at the running gateway.
pub(super) struct Tried<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) services: &'a Services,
    pub(super) context: &'a Context,
    pub(super) openclaw: &'a OpenClaw<'a>,
}

impl Tried<'_> {
    /// Every reading tool of the plugin answers.
    pub(super) fn reads(&self, checks: &mut Vec<Check>) {
        let deal = json!({"kind": "opportunity", "id": DEAL.1});
        let calls = [
            ("crm_status", json!({}), "/destinations/0"),
            ("crm_search", json!({"query": DEAL.0}), "/hits/0/id"),
            ("crm_get", deal.clone(), "/label"),
            ("crm_follow_ups", json!({}), "/total"),
            (
                "crm_blockers",
                json!({"opportunity": DEAL.0}),
                "/findings/0/code",
            ),
            ("crm_briefing", json!({}), "/headline"),
            (
                "crm_context",
                json!({"refs": [deal], "intent": "update"}),
                "/markdown",
            ),
            ("crm_deals", json!({}), "/groups/0/label"),
        ];
        for (tool, arguments, there) in &calls {
            checks.push(Check::of(*tool, self.read(tool, arguments, there)));
        }
        checks.push(Check::of(
            "reading tools",
            self.covered(&calls.map(|(tool, ..)| tool)),
        ));
        checks.push(Check::of("arguments that do not fit", self.misfit()));
    }

    pub(super) fn read(&self, tool: &str, arguments: &Value, there: &str) -> Result<()> {
        let called = self.gateway.invoke(tool, arguments)?;
        ensure!(
            called.status == 200,
            "status {}: {}",
            called.status,
            called.body
        );
        ensure!(
            !called.data(there).is_null(),
            "no {there} in {}",
            called.body
        );
        ensure!(!called.text().is_empty(), "the assistant is told nothing");
        Ok(())
    }

    /// That no reading tool was left out; `crm_plan` is called with every write.
    fn covered(&self, called: &[&str]) -> Result<()> {
        let path = self.context.workspace.plugin().join("tools.json");
        let tools: Vec<Value> = serde_json::from_str(&fs::read_to_string(path)?)?;
        for tool in &tools {
            let name = tool["name"].as_str().unwrap_or_default();
            let reads = tool["annotations"]["readOnlyHint"] == true;
            ensure!(
                !reads || name == "crm_plan" || called.contains(&name),
                "{name} was not called"
            );
        }
        Ok(())
    }

    /// The gateway does not look at arguments; the harness does.
    fn misfit(&self) -> Result<()> {
        let called = self.gateway.invoke("crm_search", &json!({"nope": 1}))?;
        let data = called.data("/failure/case");
        ensure!(data == "invalid-input", "the answer is {}", called.body);
        Ok(())
    }

    /// The command line of the harness, at the data of the plugin's.
    pub(super) fn harness(&self, arguments: &[&str]) -> Result<String> {
        let output = std::process::Command::new(&self.context.harness)
            .args(arguments)
            .args(["--component".as_ref(), self.context.component.as_os_str()])
            .args([
                "--manifest".as_ref(),
                self.context
                    .workspace
                    .root()
                    .join("manifests/skill.toml")
                    .as_os_str(),
            ])
            .args(["--data-dir".as_ref(), self.openclaw.data().as_os_str()])
            .args([
                "--cache-dir".as_ref(),
                self.openclaw.data().join("code").as_os_str(),
            ])
            .env_clear()
            .output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
