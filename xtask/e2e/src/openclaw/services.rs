//! The stand-ins behind the plugin, and what is in them.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::Context;
use xtask::stand_ins::{KEY, StandIns};

/// The stand-ins, as OpenClaw's configuration names them.
pub(super) struct Services {
    pub(super) twenty: String,
    pub(super) relay: String,
    pub(super) workspace: String,
    robin: String,
    sam: String,
    service_token: String,
    _processes: StandIns,
}

impl Services {
    pub(super) fn start(context: &Context) -> Result<Self> {
        let processes = StandIns::start(&context.stand_in, false)?;
        Ok(Self {
            twenty: processes.told("/twenty/url")?,
            relay: processes.told("/relay/url")?,
            workspace: processes.told("/workspace/url")?,
            robin: processes.told("/relay/tokens/robin")?,
            sam: processes.told("/relay/tokens/sam")?,
            service_token: processes.told("/workspace/serviceToken")?,
            _processes: processes,
        })
    }

    /// Variables of the gateway that its SecretRefs name.
    pub(super) fn secrets(&self) -> [(&str, &str); 3] {
        [
            ("E2E_TWENTY_KEY", KEY),
            ("E2E_RELAY_TOKEN", &self.robin),
            ("E2E_WORKSPACE_TOKEN", &self.service_token),
        ]
    }

    /// Counts the tasks with this title in the stand-in for Twenty.
    pub(super) fn tasks(&self, title: &str) -> Result<u64> {
        let query = "query Tasks($title: String!) { tasks(filter: { title: { eq: $title } }) { totalCount } }";
        let text = ureq::post(format!("{}/graphql", self.twenty))
            .header("authorization", format!("Bearer {KEY}"))
            .content_type("application/json")
            .send(json!({"query": query, "variables": {"title": title}}).to_string())?
            .body_mut()
            .read_to_string()?;
        let answer: Value = serde_json::from_str(&text)?;
        let count = answer
            .pointer("/data/tasks/totalCount")
            .and_then(Value::as_u64);
        count.with_context(|| format!("the stand-in does not count its tasks: {text}"))
    }

    /// Counts the messages that Sam has not read.
    pub(super) fn unread(&self) -> Result<u64> {
        let text = ureq::get(format!("{}/unread", self.relay))
            .header("authorization", format!("Bearer {}", self.sam))
            .call()?
            .body_mut()
            .read_to_string()?;
        let answer: Value = serde_json::from_str(&text)?;
        let count = answer.pointer("/data/total").and_then(Value::as_u64);
        count.with_context(|| format!("the stand-in does not count its messages: {text}"))
    }
}
