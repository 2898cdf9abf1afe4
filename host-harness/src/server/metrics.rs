//! Metrics in the Prometheus text format. Labels are tool names and stable codes, never values or
//! names of callers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::plans::PlanState;

/// Upper bounds of the buckets of durations, in seconds.
const BOUNDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

/// Counters of calls and refusals.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<MetricCounts>);

#[derive(Debug, Default)]
struct MetricCounts {
    calls: BTreeMap<String, OfTool>,
    refusals: BTreeMap<&'static str, u64>,
    gate_refusals: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Default)]
struct OfTool {
    outcomes: BTreeMap<String, u64>,
    within: [u64; BOUNDS.len()],
    seconds: f64,
    count: u64,
}

impl Metrics {
    /// Counts a finished tool call.
    pub fn called(&self, tool: &str, outcome: &str, took: Duration) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Both labels come from small sets: tools of the component, and codes of its types and of
        // this host.
        let of_tool = match counts.calls.get_mut(tool) {
            Some(of_tool) => of_tool,
            None => counts.calls.entry(tool.to_owned()).or_default(),
        };
        match of_tool.outcomes.get_mut(outcome) {
            Some(count) => *count += 1,
            None => {
                of_tool.outcomes.insert(outcome.to_owned(), 1);
            }
        }
        let seconds = took.as_secs_f64();
        for (bound, count) in BOUNDS.iter().zip(&mut of_tool.within) {
            if seconds <= *bound {
                *count += 1;
            }
        }
        of_tool.seconds += seconds;
        of_tool.count += 1;
    }

    /// Counts a request that the HTTP server refused.
    pub fn refused(&self, code: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.refusals.entry(code).or_default() += 1;
    }

    /// Counts requests of a call that the egress gate refused, with `rate` for those over its rate
    /// limit.
    pub fn gate_refused(&self, code: &'static str, count: u64) {
        if count > 0 {
            let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *counts.gate_refusals.entry(code).or_default() += count;
        }
    }

    /// Renders all metrics; `plans` and `gauges` are the current values.
    #[must_use]
    pub fn text(&self, plans: &[(PlanState, u64)], gauges: &[(&str, &str, u64)]) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text, plans, gauges);
        text
    }

    fn write(
        &self,
        text: &mut String,
        plans: &[(PlanState, u64)],
        gauges: &[(&str, &str, u64)],
    ) -> std::fmt::Result {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        head(
            text,
            "crm_harness_calls_total",
            "counter",
            "Calls by tool and outcome.",
        )?;
        for (tool, of_tool) in &counts.calls {
            for (outcome, count) in &of_tool.outcomes {
                writeln!(
                    text,
                    "crm_harness_calls_total{{tool=\"{tool}\",outcome=\"{outcome}\"}} {count}"
                )?;
            }
        }
        let name = "crm_harness_call_duration_seconds";
        head(
            text,
            name,
            "histogram",
            "How long calls take, without waiting for a person.",
        )?;
        for (tool, of_tool) in &counts.calls {
            for (bound, count) in BOUNDS.iter().zip(&of_tool.within) {
                writeln!(
                    text,
                    "{name}_bucket{{tool=\"{tool}\",le=\"{bound}\"}} {count}"
                )?;
            }
            let OfTool { seconds, count, .. } = of_tool;
            writeln!(text, "{name}_bucket{{tool=\"{tool}\",le=\"+Inf\"}} {count}")?;
            writeln!(text, "{name}_sum{{tool=\"{tool}\"}} {seconds}")?;
            writeln!(text, "{name}_count{{tool=\"{tool}\"}} {count}")?;
        }
        let name = "crm_harness_refusals_total";
        head(
            text,
            name,
            "counter",
            "Requests refused at the door, by reason.",
        )?;
        for (code, count) in &counts.refusals {
            writeln!(text, "{name}{{code=\"{code}\"}} {count}")?;
        }
        let name = "crm_harness_gate_refusals_total";
        head(
            text,
            name,
            "counter",
            "Requests of actions that the gate refused, by reason; `rate` is the harness's own limit.",
        )?;
        for (code, count) in &counts.gate_refusals {
            writeln!(text, "{name}{{code=\"{code}\"}} {count}")?;
        }
        head(
            text,
            "crm_harness_plans",
            "gauge",
            "Plans by where they stand.",
        )?;
        for (state, count) in plans {
            let state = state.as_str();
            writeln!(text, "crm_harness_plans{{state=\"{state}\"}} {count}")?;
        }
        for (name, help, value) in gauges {
            head(text, name, "gauge", help)?;
            writeln!(text, "{name} {value}")?;
        }
        Ok(())
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) -> std::fmt::Result {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")
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
        let text = metrics.text(
            &[(PlanState::Waiting, 2)],
            &[("crm_harness_sessions", "Open sessions.", 4)],
        );
        for line in [
            "crm_harness_calls_total{tool=\"a\",outcome=\"done\"} 2",
            "crm_harness_calls_total{tool=\"a\",outcome=\"not-found\"} 1",
            "crm_harness_call_duration_seconds_bucket{tool=\"a\",le=\"0.0025\"} 1",
            "crm_harness_call_duration_seconds_bucket{tool=\"a\",le=\"0.005\"} 2",
            "crm_harness_call_duration_seconds_bucket{tool=\"a\",le=\"+Inf\"} 3",
            "crm_harness_call_duration_seconds_count{tool=\"a\"} 3",
            "crm_harness_refusals_total{code=\"host\"} 1",
            "crm_harness_plans{state=\"waiting\"} 2",
            "crm_harness_sessions 4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
