//! Edits of plans: a person changes the arguments, which makes another plan that replaces the
//! first.

use std::time::Instant;

use serde_json::Value;

use super::service::Plans;
use super::{PlanError, PlanState};
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
}

impl Plans {
    /// Returns the call that proposed a plan, for a person who wants the plan otherwise.
    ///
    /// # Errors
    /// When there is no such plan, the caller may not decide about it, something of it was sent, or
    /// its arguments were not stored.
    pub fn editable(&self, name: &str, by: &Caller) -> Result<Editable, PlanError> {
        let digest = self.store.find(name)?;
        let kept = self.store.get(&digest, self.now())?;
        self.may_approve(CallId::new(), &kept, by)?;
        unsent(kept.state)?;
        let arguments = kept.arguments.ok_or(PlanError::NoArguments)?;
        Ok(Editable {
            plan: digest,
            tool: kept.plan.tool,
            arguments,
        })
    }

    /// Notes that `new` replaces `old`. A plan that still waits is denied, and its reason names the
    /// plan that replaces it.
    ///
    /// # Errors
    /// When a plan is unknown, the caller may not decide about `old`, or something of it was sent.
    pub async fn replace(&self, old: &Digest, new: &Digest, by: &Caller) -> Result<(), PlanError> {
        let deadline = Instant::now() + self.limit();
        let _held = self.locks.hold(old, deadline).await?;
        let mut kept = self.store.get(old, self.now())?;
        let call = CallId::new();
        self.may_approve(call, &kept, by)?;
        unsent(kept.state)?;
        self.store.set_replaces(new, old)?;
        if kept.state == PlanState::Waiting {
            let reason = format!("replaced by plan {}", new.short());
            self.decide(call, &mut kept, PlanState::Denied, by.named(), Some(reason))?;
        }
        Ok(())
    }
}

/// Refuses a plan of which something was sent, or may have been.
fn unsent(state: PlanState) -> Result<(), PlanError> {
    match state {
        PlanState::Waiting | PlanState::Denied | PlanState::Expired => Ok(()),
        state if state.is_over() => Err(PlanError::Over(state)),
        _ => Err(PlanError::Begun),
    }
}
