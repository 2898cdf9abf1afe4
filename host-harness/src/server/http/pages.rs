//! Serves the pages beside the protocol: liveness, readiness and metrics.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use super::front::Front;

fn page(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
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

/// Serves the metrics in the Prometheus text format.
pub(super) async fn metrics(State(front): State<Arc<Front>>) -> Response {
    let plans = front.plans.counts(&front.mcp).unwrap_or_else(|error| {
        tracing::error!("plans cannot be counted: {error}");
        Vec::new()
    });
    let gauges = [
        (
            "crm_harness_requests",
            "Requests under way.",
            front.admission.under_way(),
        ),
        (
            "crm_harness_sessions",
            "Open sessions.",
            front.sessions.count().await,
        ),
        (
            "crm_harness_connections",
            "Open connections.",
            front.connections.count(),
        ),
    ];
    page(StatusCode::OK, front.mcp.metrics().text(&plans, &gauges))
}

/// Answers any other path with 404.
pub(super) async fn nothing() -> Response {
    page(StatusCode::NOT_FOUND, "not found\n")
}
