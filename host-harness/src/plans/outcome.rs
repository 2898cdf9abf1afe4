//! Outcomes of plans, step by step.

use serde::{Deserialize, Serialize};

use super::{PlanState, StepState};
use crate::digest::Digest;

/// The outcome of a plan so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanOutcome {
    /// The plan.
    pub plan: Digest,
    /// Its state.
    pub state: PlanState,
    /// Its steps, in order.
    pub steps: Vec<StepOutcome>,
    /// The reason for the state in one sentence, if there is one to give.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Advice on how the caller can continue.
    pub next: String,
}

/// The outcome of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepOutcome {
    /// Its id.
    pub id: String,
    /// A short description, such as `create task 1234`.
    pub what: String,
    /// Its state.
    pub state: StepState,
    /// A remark on the state, such as the reason of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl PlanOutcome {
    /// Returns true if a step was sent, or may have been.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        let untouched =
            |step: &StepOutcome| matches!(step.state, StepState::Pending | StepState::NotNeeded);
        !self.steps.iter().all(untouched)
    }
}
