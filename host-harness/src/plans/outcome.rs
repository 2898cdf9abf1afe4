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

    /// Returns advice on how the caller can continue, by the plan's state.
    pub(super) fn next(plan: &Digest, state: PlanState) -> String {
        match state {
            PlanState::Waiting => format!(
                "A person has to look at it and approve it: `crm-harness plan approve {}`.",
                plan.short()
            ),
            PlanState::Approved | PlanState::Started => {
                format!(
                    "It is on its way. Where its process has ended, go on with it: `crm-harness plan resume {}`.",
                    plan.short()
                )
            }
            PlanState::Stopped => format!(
                "What was done stays done. Go on with the same plan when the cause is mended: `crm-harness plan resume {}`.",
                plan.short()
            ),
            PlanState::InDoubt => format!(
                "Nobody can say whether the step in doubt was done. Look in the service; then `crm-harness plan resume {}` asks again and goes on only if it can be known.",
                plan.short()
            ),
            PlanState::Done => "Nothing is left to do: calling again finds what this one made.".to_owned(),
            PlanState::Failed => {
                "Mend what the failed step says. Calling with another idempotency key makes a new plan.".to_owned()
            }
            PlanState::Conflict => {
                "Look at what the step in conflict says. Calling again plans from the record as it is now.".to_owned()
            }
            PlanState::Denied => "It was denied. Call again only if the person wants it otherwise; a reason says how.".to_owned(),
            PlanState::Expired => "It was not approved in time. Calling again asks anew.".to_owned(),
        }
    }
}
