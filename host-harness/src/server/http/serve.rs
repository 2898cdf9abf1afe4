//! Runs the HTTP server until it is stopped.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::accept::accept;
use super::admission::Admission;
use super::connections::Connections;
use super::front::Front;
use super::hosts::Hosts;
use super::limits::HttpLimits;
use super::plan_counts::PlanCounts;
use super::sessions::Sessions;
use super::{mcp, pages};
use crate::config::Tokens;
use crate::server::mcp::Mcp;

/// Serves until `stop` completes. Then no request is accepted any more, calls in flight have a
/// bounded time to finish, and approved plans are performed.
///
/// # Errors
/// Returns an error if the listener cannot be used any more.
pub async fn serve(
    listener: TcpListener,
    server: Mcp,
    tokens: Tokens,
    hosts: Hosts,
    limits: HttpLimits,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let manager = Arc::new(manager(limits));
    let ended = CancellationToken::new();
    // Hosts and origins are checked by a middleware, for the other pages too; responses are never
    // fetched a second time.
    let config = StreamableHttpServerConfig::default()
        .disable_allowed_hosts()
        .with_sse_retry(None)
        .with_json_response(true)
        .with_max_request_body_bytes(limits.body_bytes)
        .with_cancellation_token(ended.clone());
    let served = server.clone();
    let service =
        StreamableHttpService::new(move || Ok(served.clone()), Arc::clone(&manager), config);
    let closing = CancellationToken::new();
    let front = Arc::new(Front {
        mcp: server.clone(),
        service,
        tokens,
        hosts,
        limits,
        admission: Admission::new(limits),
        sessions: Sessions::new(manager, limits),
        connections: Connections::new(limits),
        plans: PlanCounts::default(),
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
            check_host,
        ))
        .with_state(Arc::clone(&front));
    let accepted = tokio::select! {
        accepted = accept(listener, &front, routes) => accepted,
        () = stop => Ok(()),
    };
    closing.cancel();
    server.close();
    if timeout(limits.finish, front.admission.calls_over())
        .await
        .is_err()
    {
        tracing::error!("calls were still under way: they are cut off");
    }
    ended.cancel();
    // Approved plans are worth waiting for; the harness's own limits bound the wait.
    let bound = limits.finish + Duration::from_millis(server.harness().setup().limits.time_ms);
    if timeout(bound, server.performed()).await.is_err() {
        tracing::error!(
            "an approved plan has not come to its end: `crm-harness plan list` shows where it stands"
        );
    }
    front.connections.over(limits.finish).await;
    accepted
}

fn manager(limits: HttpLimits) -> LocalSessionManager {
    let mut manager = LocalSessionManager::default();
    manager.session_config.keep_alive = Some(limits.idle);
    manager.session_config.init_timeout = Some(limits.body);
    manager.session_config.sse_retry = None;
    manager
}

/// Middleware that refuses requests with an unknown `Host` or `Origin`.
async fn check_host(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    match front.hosts.admit(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            front.mcp.metrics().refused(refusal.code());
            refusal.into_response()
        }
    }
}
