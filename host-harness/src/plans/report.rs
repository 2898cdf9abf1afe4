//! A plan and its outcome so far, as one value.

use serde_json::{Value, json};

use super::outcome::PlanOutcome;
use super::preview::Preview;

/// A plan that was proposed, and its outcome so far.
#[derive(Debug, Clone)]
pub struct Proposed {
    /// The plan, as it is shown.
    pub preview: Preview,
    /// Its outcome so far.
    pub outcome: PlanOutcome,
}

impl Proposed {
    /// Returns it as JSON: what a proposing tool answers.
    #[must_use]
    pub fn to_json(&self) -> Value {
        report(&self.preview, &self.outcome)
    }
}

/// Returns a plan and its outcome as JSON.
#[must_use]
pub fn report(preview: &Preview, outcome: &PlanOutcome) -> Value {
    json!({
        "plan": preview.plan,
        "state": outcome.state,
        "preview": preview,
        "outcome": outcome,
        "next": outcome.next,
    })
}
