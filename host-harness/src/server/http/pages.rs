//! Serves the pages beside the protocol: liveness, readiness and metrics.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use super::front::Front;
use crate::server::metrics::{CONTENT_TYPE, Load};

fn page(status: StatusCode, text: impl Into<Body>) -> Response {
    typed(status, "text/plain; charset=utf-8", text)
}

fn typed(status: StatusCode, media_type: &'static str, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Answers the liveness check.
pub(super) async fn health() -> Response {
    page(StatusCode::OK, "ok\n")
}

/// Answers the readiness check: ready while calls are accepted and plans can be read.
pub(super) async fn ready(State(front): State<Arc<Front>>) -> Response {
    if front.closing.is_cancelled() || front.plans.counts(&front.mcp).is_err() {
        page(StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    } else {
        page(StatusCode::OK, "ready\n")
    }
}

/// Serves the metrics in the OpenMetrics text format.
pub(super) async fn metrics(State(front): State<Arc<Front>>) -> Response {
    let plans = front.plans.counts(&front.mcp).unwrap_or_else(|error| {
        tracing::error!("plans cannot be counted: {error}");
        Vec::new()
    });
    let load = Load {
        requests: front.admission.under_way(),
        sessions: front.sessions.count().await,
        connections: front.connections.count(),
    };
    let text = front.mcp.metrics().text(&plans, load);
    typed(StatusCode::OK, CONTENT_TYPE, text)
}

/// Answers any other path with 404.
pub(super) async fn nothing() -> Response {
    page(StatusCode::NOT_FOUND, "not found\n")
}
