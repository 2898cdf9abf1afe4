//! Metrics in the OpenMetrics text format. Labels are tool names and stable codes, never values or
//! names of callers.

use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::plans::PlanState;

/// The media type of the text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the buckets of durations, in seconds.
const BOUNDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

/// Counters of calls and refusals.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    calls: Family<CallLabels, Counter>,
    durations: Family<ToolLabel, Histogram>,
    refusals: Family<CodeLabel, Counter>,
    gate_refusals: Family<CodeLabel, Counter>,
    plans: Family<StateLabel, Gauge>,
    requests: Gauge,
    sessions: Gauge,
    connections: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    tool: String,
    outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ToolLabel {
    tool: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

/// The load of the server at this moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Load {
    /// Requests under way.
    pub requests: u64,
    /// Open sessions.
    pub sessions: u64,
    /// Open connections.
    pub connections: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("crm_harness"),
            calls: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
            refusals: Family::default(),
            gate_refusals: Family::default(),
            plans: Family::default(),
            requests: Gauge::default(),
            sessions: Gauge::default(),
            connections: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("calls", "Calls by tool and outcome", metrics.calls.clone());
        registry.register(
            "call_duration_seconds",
            "How long calls take, without waiting for a person",
            metrics.durations.clone(),
        );
        registry.register(
            "refusals",
            "Requests refused at the door, by reason",
            metrics.refusals.clone(),
        );
        registry.register(
            "gate_refusals",
            "Requests of actions that the gate refused, by reason; `rate` is the harness's own limit",
            metrics.gate_refusals.clone(),
        );
        registry.register("plans", "Plans by state", metrics.plans.clone());
        registry.register("requests", "Requests under way", metrics.requests.clone());
        registry.register("sessions", "Open sessions", metrics.sessions.clone());
        registry.register(
            "connections",
            "Open connections",
            metrics.connections.clone(),
        );
        metrics
    }
}

impl Metrics {
    /// Counts a finished tool call. Both labels come from small sets: tools of the component, and
    /// codes of its types and of this host.
    pub fn called(&self, tool: &str, outcome: &str, took: Duration) {
        let tool = tool.to_owned();
        let labels = CallLabels {
            tool: tool.clone(),
            outcome: outcome.to_owned(),
        };
        self.calls.get_or_create(&labels).inc();
        self.durations
            .get_or_create(&ToolLabel { tool })
            .observe(took.as_secs_f64());
    }

    /// Counts a request that the HTTP server refused.
    pub fn refused(&self, code: &'static str) {
        self.refusals.get_or_create(&CodeLabel { code }).inc();
    }

    /// Counts requests of a call that the egress gate refused, with `rate` for those over its rate
    /// limit.
    pub fn gate_refused(&self, code: &'static str, count: u64) {
        if count > 0 {
            self.gate_refusals
                .get_or_create(&CodeLabel { code })
                .inc_by(count);
        }
    }

    /// Renders all metrics; `plans` and `load` are the current values.
    #[must_use]
    pub fn text(&self, plans: &[(PlanState, u64)], load: Load) -> String {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        // A state without a plan is not among them.
        self.plans.clear();
        for (state, count) in plans {
            let state = state.as_str();
            let gauge = self.plans.get_or_create(&StateLabel { state });
            gauge.set(signed(*count));
        }
        self.requests.set(signed(load.requests));
        self.sessions.set(signed(load.sessions));
        self.connections.set(signed(load.connections));
        let mut out = String::new();
        if let Err(error) = text::encode(&mut out, &self.registry) {
            tracing::error!("metrics cannot be written: {error}");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_tool_and_outcome() {
        let metrics = Metrics::default();
        metrics.called("a", "done", Duration::from_millis(3));
        metrics.called("a", "done", Duration::from_secs(60));
        metrics.called("a", "not-found", Duration::ZERO);
        metrics.refused("host");
        metrics.gate_refused("rate", 3);
        metrics.gate_refused("route", 0);
        let load = Load {
            sessions: 4,
            ..Load::default()
        };
        let text = metrics.text(&[(PlanState::Waiting, 2)], load);
        for line in [
            "crm_harness_calls_total{tool=\"a\",outcome=\"done\"} 2",
            "crm_harness_calls_total{tool=\"a\",outcome=\"not-found\"} 1",
            "crm_harness_call_duration_seconds_bucket{le=\"0.0025\",tool=\"a\"} 1",
            "crm_harness_call_duration_seconds_bucket{le=\"0.005\",tool=\"a\"} 2",
            "crm_harness_call_duration_seconds_bucket{le=\"+Inf\",tool=\"a\"} 3",
            "crm_harness_call_duration_seconds_count{tool=\"a\"} 3",
            "crm_harness_refusals_total{code=\"host\"} 1",
            "crm_harness_gate_refusals_total{code=\"rate\"} 3",
            "crm_harness_plans{state=\"waiting\"} 2",
            "crm_harness_sessions 4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        let later = metrics.text(&[], Load::default());
        assert!(!later.contains("crm_harness_plans{"), "{later}");
        assert!(
            !text.contains("route") && text.ends_with("# EOF\n"),
            "{text}"
        );
    }
}
