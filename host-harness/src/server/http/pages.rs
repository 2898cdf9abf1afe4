//! The pages beside the protocol: whether it lives, whether it is ready, and what was counted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use super::Front;
use crate::plans::{PlanState, StoreError};
use crate::server::mcp::Mcp;

/// How long counts of plans are good for.
const COUNTED_FOR: Duration = Duration::from_secs(1);

fn page(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    response
}

/// How many plans stand where, counted once in a while: whoever asks needs no token, and counting reads every plan.
#[derive(Default)]
pub(super) struct Plans(Mutex<Option<(Instant, Counts)>>);

type Counts = Vec<(PlanState, u64)>;

impl Plans {
    fn counts(&self, mcp: &Mcp) -> Result<Counts, StoreError> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*counted {
            Some((since, counts)) if since.elapsed() < COUNTED_FOR => Ok(counts.clone()),
            _ => {
                let counts = mcp.harness().plans_by_state()?;
                *counted = Some((Instant::now(), counts.clone()));
                Ok(counts)
            }
        }
    }
}

/// The process lives.
pub(super) async fn health() -> Response {
    page(StatusCode::OK, "ok\n")
}

/// It takes calls on, and plans can be read.
pub(super) async fn ready(State(front): State<Arc<Front>>) -> Response {
    if front.closing.is_cancelled() || front.plans.counts(&front.mcp).is_err() {
        page(StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    } else {
        page(StatusCode::OK, "ready\n")
    }
}

/// What was counted, for Prometheus.
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
    page(StatusCode::OK, front.mcp.meter().text(&plans, &gauges))
}

/// There is nothing else.
pub(super) async fn nothing() -> Response {
    page(StatusCode::NOT_FOUND, "not found\n")
}
