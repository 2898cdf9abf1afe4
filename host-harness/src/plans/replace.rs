//! Edits of plans: a person changes the arguments, which makes another plan that replaces the
//! first.

use std::time::Instant;

use serde_json::Value;

use super::service::Plans;
use super::store::StoredPlan;
use super::{PlanError, PlanState, StepState};
use crate::config::Caller;
use crate::digest::Digest;
use crate::events::CallId;

/// A plan that can be edited, with the call that proposed it.
#[derive(Debug, Clone, PartialEq)]
pub struct Editable {
    /// The plan.
    pub plan: Digest,
    /// The action that proposed it.
    pub tool: String,
    /// The arguments of that call.
    pub arguments: Value,
    /// True if the caller did not propose it: what it says of `me` is somebody else.
    pub of_another: bool,
    /// The state and the time of the proposal, by which a later change is noticed.
    seen: (PlanState, i64),
}

impl Plans {
    /// Returns the call that proposed a plan, for a person who wants the plan otherwise.
    ///
    /// # Errors
    /// When there is no such plan, the caller may not decide about it, something of it was sent, it
    /// was replaced already, or its arguments were not stored.
    pub fn editable(&self, name: &str, by: &Caller) -> Result<Editable, PlanError> {
        let digest = self.store.find(name)?;
        let kept = self.store.get(&digest, self.now())?;
        self.may_approve(CallId::new(), &kept, by)?;
        check(&kept)?;
        let proposer = kept.plan.proposer.email.as_deref();
        Ok(Editable {
            plan: digest,
            of_another: proposer.map(str::to_lowercase)
                != by.email.as_deref().map(str::to_lowercase),
            seen: (kept.state, kept.made),
            tool: kept.plan.tool,
            arguments: kept.arguments.ok_or(PlanError::NoArguments)?,
        })
    }

    /// Notes that `new` replaces the plan that was edited, which is denied with a reason that names
    /// the new one.
    ///
    /// # Errors
    /// When a plan is unknown, the caller may not decide about the old one, or somebody has decided
    /// about it since it was opened.
    pub async fn replace(
        &self,
        old: &Editable,
        new: &Digest,
        by: &Caller,
    ) -> Result<(), PlanError> {
        let deadline = Instant::now() + self.limit();
        let _held = self.locks.hold(&old.plan, deadline).await?;
        let mut kept = self.store.get(&old.plan, self.now())?;
        let call = CallId::new();
        self.may_approve(call, &kept, by)?;
        check(&kept)?;
        let (state, made) = old.seen;
        let expired = state == PlanState::Waiting && kept.state == PlanState::Expired;
        if (kept.state != state && !expired) || kept.made != made {
            return Err(PlanError::Over(kept.state));
        }
        let reason = format!("replaced by plan {}", new.short());
        self.decide(call, &mut kept, PlanState::Denied, by.named(), Some(reason))?;
        self.store.set_replaces(new, &old.plan)?;
        Ok(())
    }
}

/// Refuses a plan of which something was sent, or may have been, and one that was replaced.
fn check(kept: &StoredPlan) -> Result<(), PlanError> {
    let sent = kept
        .steps
        .iter()
        .any(|step| step.state != StepState::Pending);
    if let Some(new) = &kept.replaced_by {
        return Err(PlanError::Replaced(new.short().to_owned()));
    }
    match kept.state {
        PlanState::Waiting | PlanState::Denied | PlanState::Expired if !sent => Ok(()),
        PlanState::Denied | PlanState::Approved => Err(PlanError::Begun),
        state if state.is_over() => Err(PlanError::Over(state)),
        _ => Err(PlanError::Begun),
    }
}
