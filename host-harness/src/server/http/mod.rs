//! The protocol over HTTP: who comes in, how much of it, and how it ends.
//!
//! `/mcp` is the protocol (streamable HTTP), for those with a token. `/healthz`, `/readyz` and `/metrics` are for whoever can reach the
//! address under one of its names: they tell counts and no names. A client that ends its connection, or stops reading the answer of
//! a call, has cancelled that call; an answer cannot be fetched later.

mod admission;
mod body;
mod connections;
mod hosts;
mod mcp;
mod message;
mod pages;
mod refusal;
mod sessions;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{any, get};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::mcp::Mcp;
use crate::config::Tokens;
use admission::Admission;
use connections::Connections;
pub use hosts::Hosts;
use pages::Plans;
use sessions::Sessions;

/// Limits of the front.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest body of a request, in bytes.
    pub body_bytes: usize,
    /// How long a client may take to send the head of a request, and to begin the next one on the same connection.
    pub head: Duration,
    /// How long a client may take to send the body of a request.
    pub body: Duration,
    /// Open connections. Beyond that the one that has been idle the longest makes room.
    pub connections: usize,
    /// Requests under way, of all callers.
    pub requests: usize,
    /// Requests under way of one caller, open streams among them.
    pub requests_of_caller: usize,
    /// Open sessions, of all callers.
    pub sessions: usize,
    /// Open sessions of one caller. Beyond that the one that has been idle the longest makes room.
    pub sessions_of_caller: usize,
    /// How long a session may be idle.
    pub idle: Duration,
    /// How long calls that are under way may take when the front is to end.
    pub finish: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            head: Duration::from_secs(30),
            body: Duration::from_secs(10),
            connections: 1024,
            requests: 512,
            requests_of_caller: 128,
            sessions: 1024,
            sessions_of_caller: 256,
            // Longer than a person may take to decide, during which nothing else happens in a session.
            idle: Duration::from_secs(15 * 60),
            finish: Duration::from_secs(10),
        }
    }
}

/// What every request is handled with.
struct Front {
    mcp: Mcp,
    service: StreamableHttpService<Mcp, LocalSessionManager>,
    tokens: Tokens,
    hosts: Hosts,
    limits: Limits,
    admission: Admission,
    sessions: Sessions,
    connections: Connections,
    plans: Plans,
    closing: CancellationToken,
}

/// Serves until `stop` is over; then nobody comes in any more, calls that are under way may end within a bound, and what was approved
/// is performed.
///
/// # Errors
/// When the listener cannot be used any more.
pub async fn serve(
    listener: TcpListener,
    mcp: Mcp,
    tokens: Tokens,
    hosts: Hosts,
    limits: Limits,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let manager = Arc::new(manager(limits));
    let ended = CancellationToken::new();
    // Hosts and origins are looked at here, for the other pages too; answers are never fetched a second time.
    let config = StreamableHttpServerConfig::default()
        .disable_allowed_hosts()
        .with_sse_retry(None)
        .with_json_response(true)
        .with_max_request_body_bytes(limits.body_bytes)
        .with_cancellation_token(ended.clone());
    let served = mcp.clone();
    let service =
        StreamableHttpService::new(move || Ok(served.clone()), Arc::clone(&manager), config);
    let closing = CancellationToken::new();
    let front = Arc::new(Front {
        mcp: mcp.clone(),
        service,
        tokens,
        hosts,
        limits,
        admission: Admission::new(limits),
        sessions: Sessions::new(manager, limits),
        connections: Connections::new(limits),
        plans: Plans::default(),
        closing: closing.clone(),
    });
    let routes = Router::new()
        .route("/mcp", any(mcp::handle))
        .route("/healthz", get(pages::health))
        .route("/readyz", get(pages::ready))
        .route("/metrics", get(pages::metrics))
        .fallback(pages::nothing)
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(&front),
            hosts::check,
        ))
        .with_state(Arc::clone(&front));
    let accepted = tokio::select! {
        accepted = connections::accept(listener, &front, routes) => accepted,
        () = stop => Ok(()),
    };
    closing.cancel();
    mcp.close();
    if timeout(limits.finish, front.admission.calls_over())
        .await
        .is_err()
    {
        tracing::error!("calls were still under way: they are cut off");
    }
    ended.cancel();
    // What was approved is worth waiting for; the harness's own limits bound it.
    let bound = limits.finish + Duration::from_millis(mcp.harness().setup().limits.time_ms);
    if timeout(bound, mcp.performed()).await.is_err() {
        tracing::error!(
            "an approved plan has not come to its end: `crm-harness plan list` shows where it stands"
        );
    }
    front.connections.over(limits.finish).await;
    accepted
}

fn manager(limits: Limits) -> LocalSessionManager {
    let mut manager = LocalSessionManager::default();
    manager.session_config.keep_alive = Some(limits.idle);
    manager.session_config.init_timeout = Some(limits.body);
    manager.session_config.sse_retry = None;
    manager
}
