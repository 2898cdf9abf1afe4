//! The state of the server, shared by all its connections.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::concurrency::Turns;
use super::pending_approvals::Asked;
use super::{instructions, tools};
use crate::config::Caller;
use crate::harness::Harness;
use crate::server::metrics::Meter;
use crate::server::services;

/// On whose behalf a request comes: an extension of the request, or of the HTTP request that carried it.
#[derive(Debug, Clone)]
pub struct OnBehalf(pub Arc<Caller>);

/// Cancelled when the client that waits for the answer has gone away: an extension of the HTTP request.
#[derive(Debug, Clone)]
pub struct Leaving(pub CancellationToken);

/// Who the callers are.
#[derive(Debug, Clone)]
pub enum Whose {
    /// This one, always.
    One(Arc<Caller>),
    /// Each request says so by [`OnBehalf`]; one that does not is refused.
    Each,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often a client that wants to hear of progress does.
    pub progress: Duration,
    /// How long a person may take to decide while the client waits; afterwards the plan waits without them.
    pub asking: Duration,
    /// How many calls of one caller run side by side; more wait for their turn.
    pub calls: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            progress: Duration::from_secs(2),
            asking: Duration::from_secs(10 * 60),
            // Half of what the engine runs at once: the other half is for everybody else.
            calls: 8,
        }
    }
}

/// The server. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Mcp(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) harness: Arc<Harness>,
    pub(super) tools: Vec<model::Tool>,
    /// The name of the tool that tells where a plan stands; none where nothing is proposed.
    pub(super) plan_tool: Option<String>,
    pub(super) info: model::ServerConfig,
    pub(super) whose: Whose,
    pub(super) pace: Pace,
    pub(super) turns: Turns,
    pub(super) asked: Asked,
    pub(super) meter: Arc<Meter>,
    pub(super) closing: CancellationToken,
    pub(super) performing: TaskTracker,
}

impl Mcp {
    /// A server for a harness.
    #[must_use]
    pub fn new(harness: Arc<Harness>, whose: Whose, pace: Pace, meter: Arc<Meter>) -> Self {
        let plan_tool = tools::plan_tool_name(&harness);
        let tools = tools::described(&harness, plan_tool.as_deref());
        let caller = match &whose {
            Whose::One(caller) => Some(&**caller),
            Whose::Each => None,
        };
        let services = services::told(&harness, caller);
        let info = instructions::info(&harness, plan_tool.as_deref(), &services);
        Self(Arc::new(Inner {
            harness,
            tools,
            plan_tool,
            info,
            whose,
            pace,
            turns: Turns::new(pace.calls),
            asked: Asked::default(),
            meter,
            closing: CancellationToken::new(),
            performing: TaskTracker::new(),
        }))
    }

    /// What is counted.
    #[must_use]
    pub fn meter(&self) -> &Arc<Meter> {
        &self.0.meter
    }

    /// The harness behind it.
    #[must_use]
    pub fn harness(&self) -> &Arc<Harness> {
        &self.0.harness
    }

    /// Asks nobody any more: who is being asked is not waited for, and their plans stay waiting.
    pub fn close(&self) {
        self.0.closing.cancel();
        self.0.performing.close();
    }

    /// Waits until everything that was approved has been performed; after [`Self::close`].
    pub async fn performed(&self) {
        self.0.performing.wait().await;
    }
}

/// The tools of a harness as they are listed: what a model reads before it has asked for anything.
#[must_use]
pub fn listed(harness: &Harness) -> Value {
    let plan_tool = tools::plan_tool_name(harness);
    serde_json::to_value(tools::described(harness, plan_tool.as_deref())).unwrap_or_default()
}
