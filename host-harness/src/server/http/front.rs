//! State shared by all HTTP handlers.

use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use tokio_util::sync::CancellationToken;

use super::admission::Admission;
use super::connections::Connections;
use super::hosts::Hosts;
use super::limits::HttpLimits;
use super::plan_counts::PlanCounts;
use super::sessions::Sessions;
use crate::config::Tokens;
use crate::server::mcp::Mcp;

/// State shared by all HTTP handlers.
pub(super) struct Front {
    pub(super) mcp: Mcp,
    pub(super) service: StreamableHttpService<Mcp, LocalSessionManager>,
    pub(super) tokens: Tokens,
    pub(super) hosts: Hosts,
    pub(super) limits: HttpLimits,
    pub(super) admission: Admission,
    pub(super) sessions: Sessions,
    pub(super) connections: Connections,
    pub(super) plans: PlanCounts,
    pub(super) closing: CancellationToken,
}
