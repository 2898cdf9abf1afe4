//! Read-only queries about plans: a caller's own plans, and the number of plans by state.

use std::time::Instant;

use super::error::unrecorded;
use super::perform::outcome;
use super::service::Plans;
use super::{PlanError, PlanOutcome, PlanState, Preview, StoreError};
use crate::config::Caller;
use crate::digest::Digest;
use crate::events::{Began, CallId, Ended};

impl Plans {
    /// Returns a plan of the caller's own by its whole digest, and its outcome so far. The query is
    /// written to the audit log under the name `action`.
    ///
    /// # Errors
    /// When the caller has no such plan (somebody else's counts as unknown), it was altered, or the
    /// audit event cannot be written.
    pub fn own(
        &self,
        action: &str,
        digest: &str,
        caller: &Caller,
    ) -> Result<(Preview, PlanOutcome), PlanError> {
        self.looked_at(action, caller, || self.find_own(digest, caller))
    }

    /// Runs a query about plans and writes it to the audit log, with the caller, under the name
    /// `action`.
    ///
    /// # Errors
    /// The query's own, or when the audit event cannot be written.
    pub fn looked_at<T>(
        &self,
        action: &str,
        caller: &Caller,
        look: impl FnOnce() -> Result<T, PlanError>,
    ) -> Result<T, PlanError> {
        let started = Instant::now();
        let call = CallId::new();
        let sink = &self.sink;
        let began = Began {
            call,
            action,
            caller: caller.named(),
            component: &self.component,
            policy: &self.policy,
            permitted_by: &[],
        };
        sink.began(&began).map_err(unrecorded)?;
        let found = look();
        let ended = Ended {
            call,
            outcome: found.as_ref().map_or_else(PlanError::code, |_| "done"),
            sources: &[],
            requests: 0,
            refused: 0,
            elapsed: started.elapsed(),
        };
        sink.ended(&ended).map_err(unrecorded)?;
        found
    }

    fn find_own(&self, text: &str, caller: &Caller) -> Result<(Preview, PlanOutcome), PlanError> {
        let unknown = || PlanError::Unknown(text.chars().take(12).collect());
        let digest: Digest = text.parse().map_err(|_| unknown())?;
        let kept = self
            .store
            .get(&digest, self.now())
            .map_err(|error| match error {
                PlanError::Unknown(_) => unknown(),
                error => error,
            })?;
        let proposer = &kept.plan.proposer;
        // By the operator's name for the caller, else by e-mail address: a caller without either is
        // the only user of this harness.
        let own = match (&proposer.id, &caller.id) {
            (None, None) => proposer.email == caller.email,
            (theirs, ours) => theirs == ours,
        };
        if own {
            Ok((self.preview_of(&kept), outcome(&kept)))
        } else {
            Err(unknown())
        }
    }

    /// Returns the number of plans by state.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn by_state(&self) -> Result<Vec<(PlanState, u64)>, StoreError> {
        Ok(self.store.by_state(self.now())?)
    }
}
