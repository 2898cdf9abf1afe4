//! Advice on how a caller can continue with a plan.

use super::store::StoredPlan;
use super::{PlanState, StepState};

/// Returns advice on how the caller can continue, by the plan's state.
pub(super) fn advice(kept: &StoredPlan) -> String {
    let digest = &kept.digest;
    match kept.state {
        PlanState::Waiting => format!(
            "A person has to look at it and approve it: `crm-harness plan approve {}`.",
            digest.short()
        ),
        PlanState::Approved | PlanState::Started => {
            format!(
                "It is on its way. Where its process has ended, go on with it: `crm-harness plan resume {}`.",
                digest.short()
            )
        }
        PlanState::Stopped => format!(
            "What was done stays done. Go on with the same plan when the cause is mended: `crm-harness plan resume {}`.",
            digest.short()
        ),
        PlanState::InDoubt => format!(
            "Nobody can say whether the step in doubt was done. Look in the service; then `crm-harness plan resume {}` asks again and goes on only if it can be known.",
            digest.short()
        ),
        PlanState::Done => "Nothing is left to do: calling again finds what this one made.".to_owned(),
        PlanState::Failed if done(kept, false) && !done(kept, true) => {
            "What was done stays done. Propose only what failed, by itself: another idempotency key for all of it would do the rest twice.".to_owned()
        }
        PlanState::Failed => {
            "Mend what the failed step says. Calling with another idempotency key makes a new plan.".to_owned()
        }
        PlanState::Conflict => {
            "Look at what the step in conflict says. Calling again plans from the record as it is now.".to_owned()
        }
        PlanState::Denied if kept.replaced_by.is_some() => {
            "A person edited it into another plan, which stands for it. Do not propose it again.".to_owned()
        }
        PlanState::Denied => "It was denied. Call again only if the person wants it otherwise; a reason says how.".to_owned(),
        PlanState::Expired => "It was not approved in time. Calling again asks anew.".to_owned(),
    }
}

/// Returns true if a step was done: one that compensates, or another.
fn done(kept: &StoredPlan, compensates: bool) -> bool {
    let mut steps = kept.plan.proposal.steps.iter().zip(&kept.steps);
    steps.any(|(step, found)| {
        step.is_in_order() != compensates
            && matches!(found.state, StepState::Done | StepState::Found)
    })
}
