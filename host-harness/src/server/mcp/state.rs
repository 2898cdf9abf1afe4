//! The state of the server, shared by all its connections.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::concurrency::Concurrency;
use super::pending_approvals::PendingApprovals;
use super::{instructions, tools};
use crate::config::Caller;
use crate::harness::Harness;
use crate::server::metrics::Metrics;
use crate::server::services;

/// The caller of a request: an extension of the request, or of the HTTP request that carried it.
#[derive(Debug, Clone)]
pub struct OnBehalf(pub Arc<Caller>);

/// Cancelled when the client that waits for the response has gone: an extension of the HTTP
/// request.
#[derive(Debug, Clone)]
pub struct Leaving(pub CancellationToken);

/// Source of a request's caller.
#[derive(Debug, Clone)]
pub enum Whose {
    /// The same caller for every request.
    One(Arc<Caller>),
    /// Each request names its caller by [`OnBehalf`]; one that does not is refused.
    Each,
}

/// Intervals, timeouts and concurrency of calls.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Interval of progress notifications.
    pub progress: Duration,
    /// Time for a person to decide while the client waits; after that the plan waits without them.
    pub asking: Duration,
    /// Most concurrent calls of one caller; further ones wait.
    pub calls: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            progress: Duration::from_secs(2),
            asking: Duration::from_secs(10 * 60),
            // Half of the engine's concurrency, so that the other half is left for everybody else.
            calls: 8,
        }
    }
}

/// The MCP server. Cheap to clone; clones share their state.
#[derive(Clone)]
pub struct Mcp(pub(super) Arc<McpInner>);

pub(super) struct McpInner {
    pub(super) harness: Arc<Harness>,
    pub(super) tools: Vec<model::Tool>,
    /// Name of the tool that reports a plan's state; `None` if no tool proposes plans.
    pub(super) plan_tool: Option<String>,
    pub(super) info: model::ServerConfig,
    pub(super) whose: Whose,
    pub(super) pace: Pace,
    pub(super) concurrency: Concurrency,
    pub(super) pending: PendingApprovals,
    pub(super) metrics: Arc<Metrics>,
    pub(super) closing: CancellationToken,
    pub(super) performing: TaskTracker,
}

impl Mcp {
    /// Creates a server for a harness.
    #[must_use]
    pub fn new(harness: Arc<Harness>, whose: Whose, pace: Pace, metrics: Arc<Metrics>) -> Self {
        let plan_tool = tools::plan_tool_name(&harness);
        let tools = tools::described(&harness, plan_tool.as_deref());
        let caller = match &whose {
            Whose::One(caller) => Some(&**caller),
            Whose::Each => None,
        };
        let services = services::configured_services(&harness, caller);
        let info = instructions::info(&harness, plan_tool.as_deref(), &services);
        Self(Arc::new(McpInner {
            harness,
            tools,
            plan_tool,
            info,
            whose,
            pace,
            concurrency: Concurrency::new(pace.calls),
            pending: PendingApprovals::default(),
            metrics,
            closing: CancellationToken::new(),
            performing: TaskTracker::new(),
        }))
    }

    /// Returns the metrics.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// Returns the harness.
    #[must_use]
    pub fn harness(&self) -> &Arc<Harness> {
        &self.0.harness
    }

    /// Stops asking for approval: open questions are abandoned, and their plans stay waiting.
    pub fn close(&self) {
        self.0.closing.cancel();
        self.0.performing.close();
    }

    /// Waits until all approved plans have been performed; call it after [`Self::close`].
    pub async fn performed(&self) {
        self.0.performing.wait().await;
    }
}

/// Returns the tools of a harness as `tools/list` reports them.
#[must_use]
pub fn listed(harness: &Harness) -> Value {
    let plan_tool = tools::plan_tool_name(harness);
    serde_json::to_value(tools::described(harness, plan_tool.as_deref())).unwrap_or_default()
}
