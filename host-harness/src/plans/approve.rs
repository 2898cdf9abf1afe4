//! Operations of people on plans: list, show, approve, deny and resume. Tools of a skill cannot
//! call them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::checks::ProposalContext;
use super::error::unrecorded;
use super::lock::PlanLock;
use super::outcome::PlanOutcome;
use super::perform::{ObservedWhen, Performing, outcome};
use super::plan::{Plan, Proposer};
use super::preview::Showing;
use super::report::Proposed;
use super::service::Plans;
use super::store::{ProposalBasis, StoredPlan};
use super::validate::{prepare, validate};
use super::{Known, PlanError, PlanState, Preview, StoreError};
use crate::access::Decision;
use crate::config::{Caller, Trust};
use crate::digest::Digest;
use crate::events::{Began, CallId, Phase, Planned, SinkError};
use crate::observed::ObservedRecords;
use crate::outbound::call_audit::CallAudit;
use crate::outbound::dlp::guard::Guard;
use crate::proposal::Proposal;
use crate::text::{clip, visible};

/// Maximum number of characters of a reason to deny a plan.
pub const REASON_MAX: usize = 500;

/// The authority by which a plan is performed.
#[derive(Clone, Copy)]
enum Acting<'a> {
    /// A caller approves it.
    Approves(&'a Caller),
    /// A caller resumes a plan that was approved.
    Resumes(&'a Caller),
    /// Policy approves it.
    Policy,
}

impl<'a> Acting<'a> {
    fn name(self) -> Option<&'a str> {
        match self {
            Self::Approves(by) | Self::Resumes(by) => by.named(),
            Self::Policy => Some("policy"),
        }
    }
}

impl Plans {
    /// Returns every stored plan, newest first, without those that were altered.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn all(&self) -> Result<Vec<Preview>, PlanError> {
        self.newest(usize::MAX)
    }

    /// Returns up to `most` stored plans, newest first, without those that were altered.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn newest(&self, most: usize) -> Result<Vec<Preview>, PlanError> {
        let digests = self.store.digests(most).map_err(StoreError::from)?;
        let mut previews = Vec::new();
        for digest in digests {
            match self.store.get(&digest, self.now()) {
                Ok(kept) => previews.push(self.preview_of(&kept)),
                // Deleted in the meantime.
                Err(PlanError::Unknown(_)) => {}
                Err(PlanError::Altered) => {
                    tracing::error!("plan {} was changed after it was proposed", digest.short());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(previews)
    }

    /// Returns a plan and its outcome so far. `name` is the plan's digest or a prefix of it.
    ///
    /// # Errors
    /// When there is no such plan, or it was altered.
    pub fn get(&self, name: &str) -> Result<(Preview, PlanOutcome), PlanError> {
        let digest = self.store.find(name)?;
        let kept = self.store.get(&digest, self.now())?;
        Ok((self.preview_of(&kept), outcome(&kept)))
    }

    /// Approves a plan and performs it. With `any_component`, the plan may come from another
    /// component.
    ///
    /// # Errors
    /// When it may not be approved or performed; nothing was sent then.
    pub async fn approve(
        &self,
        name: &str,
        approver: &Caller,
        any_component: bool,
    ) -> Result<PlanOutcome, PlanError> {
        let digest = self.store.find(name)?;
        let acts = Acting::Approves(approver);
        self.perform_plan(&digest, acts, any_component, self.limit())
            .await
    }

    /// Resumes a plan that was approved and has not finished.
    ///
    /// # Errors
    /// When it may not be performed; nothing was sent then.
    pub async fn resume(
        &self,
        name: &str,
        by: &Caller,
        any_component: bool,
    ) -> Result<PlanOutcome, PlanError> {
        let digest = self.store.find(name)?;
        self.perform_plan(&digest, Acting::Resumes(by), any_component, self.limit())
            .await
    }

    /// Denies a plan that is not over. Steps that were sent are not undone. `reason` is what the
    /// person says to whoever proposed it; of more than [`REASON_MAX`] characters, the first count.
    ///
    /// # Errors
    /// When there is no such plan, it is over, or the caller may not decide about it.
    pub async fn deny(
        &self,
        name: &str,
        by: &Caller,
        reason: Option<&str>,
    ) -> Result<PlanOutcome, PlanError> {
        let digest = self.store.find(name)?;
        let deadline = Instant::now() + self.limit();
        let _held = self.locks.hold(&digest, deadline).await?;
        let mut kept = self.store.get(&digest, self.now())?;
        let call = CallId::new();
        self.may_approve(call, &kept, by)?;
        if kept.state.is_over() && kept.state != PlanState::Expired {
            return Err(PlanError::Over(kept.state));
        }
        let reason = reason.and_then(short_reason);
        self.decide(call, &mut kept, PlanState::Denied, by.named(), reason)?;
        Ok(outcome(&kept))
    }

    /// Moves a plan to the state that somebody decided on: writes the audit event first, then the
    /// store. If storing fails, a second event states the plan's actual state.
    pub(super) fn decide(
        &self,
        call: CallId,
        kept: &mut StoredPlan,
        state: PlanState,
        by: Option<&str>,
        reason: Option<String>,
    ) -> Result<(), PlanError> {
        let (before, decided_by) = (kept.state, kept.decided_by.take());
        let reason_before = std::mem::replace(&mut kept.reason, reason);
        kept.state = state;
        kept.decided_by = by.map(str::to_owned);
        self.log_plan(call, kept, by).map_err(unrecorded)?;
        let stored =
            self.store
                .move_to(&kept.digest, state, by, kept.reason.as_deref(), self.now());
        if let Err(error) = stored {
            kept.state = before;
            kept.decided_by = decided_by;
            kept.reason = reason_before;
            // The audit sink holds events that it cannot write; the error to report is the store's.
            let _ = self.log_plan(call, kept, None);
            return Err(error.into());
        }
        Ok(())
    }

    /// Performs or resumes a plan if policy approves each of its steps without a person.
    ///
    /// # Errors
    /// When a person has to approve it, or it may not be performed; nothing was sent then.
    pub async fn perform_permitted(&self, name: &str) -> Result<PlanOutcome, PlanError> {
        let started = Instant::now();
        let digest = self.store.find(name)?;
        let held = self.locks.hold(&digest, started + self.limit()).await?;
        let kept = self.store.get(&digest, self.now())?;
        let caller = self.proposer(&kept.plan.proposer);
        if !Decision::is_auto_approved(&self.decisions(&kept.plan, &caller)) {
            return Err(PlanError::NotApproved(digest.short().to_owned()));
        }
        let time = (started, self.limit());
        let performed = self.perform_held(&held, kept, Acting::Policy, false, time);
        performed.await.map(|(_, outcome)| outcome)
    }

    /// Checks, authorizes and stores what a component proposed during a call. A plan that policy
    /// approves is performed until `deadline`, if there is one.
    pub(crate) async fn proposed(
        &self,
        call: CallId,
        (tool, arguments): (&str, &Value),
        caller: &Caller,
        proposal: Value,
        (seen, guard): (&ObservedRecords, &Guard),
        deadline: Option<Instant>,
    ) -> Result<Proposed, PlanError> {
        let mut proposal: Proposal =
            serde_json::from_value(proposal).map_err(|error| PlanError::Form(error.to_string()))?;
        let email = caller.email.as_deref().unwrap_or_default().to_lowercase();
        let policy = self.outbound.policy();
        let recent = self.recent.of(caller, self.clock.now());
        let exempt = self.setup.exempt_for(caller);
        let context = ProposalContext {
            recent: &recent,
            exempt: &exempt,
            policy,
            kinds: &self.setup.kinds,
            settings: &self.setup.bound_for(caller),
            guard,
            seen,
            caller: &email,
            request_bytes: self.setup.limits.request_bytes,
        };
        let redacted = prepare(&context, &mut proposal)?;
        let facts = validate(&context, &proposal, &redacted)?;
        let known = Known::gather(
            seen,
            &recent.calls,
            &self.setup.manifest.words,
            &proposal,
            &facts,
        );
        let plan = Plan {
            tool: tool.to_owned(),
            proposer: Proposer {
                id: caller.id.clone(),
                email: caller.email.clone(),
                name: caller.name.clone(),
                role: Some(self.access.role(caller).to_owned()),
                time_zone: caller.time_zone.clone(),
            },
            proposal,
            facts,
            known,
        };
        let decisions = self.permitted(call, None, &plan, caller)?;
        // The plan is loaded once: what goes straight through is locked before it is stored.
        let auto = deadline.filter(|_| Decision::is_auto_approved(&decisions));
        let digest = plan.digest().map_err(StoreError::from)?;
        let begun = Instant::now();
        let held = match auto {
            Some(deadline) => Some(self.locks.hold(&digest, deadline).await?),
            None => None,
        };
        let kept = self.store.propose(
            &plan,
            ProposalBasis {
                reads: &seen.reads(),
                arguments,
                component: &self.component,
            },
            self.now(),
        )?;
        self.log_plan(call, &kept, caller.named())
            .map_err(unrecorded)?;
        self.log_redactions(call, &kept)?;
        let (kept, outcome) = match (held, auto) {
            (Some(held), Some(deadline)) if !kept.state.is_over() => {
                let limit = deadline.saturating_duration_since(begun);
                self.perform_held(&held, kept, Acting::Policy, false, (begun, limit))
                    .await?
            }
            _ => {
                let outcome = outcome(&kept);
                (kept, outcome)
            }
        };
        let preview = Preview::of(self.showing(), &kept, &decisions);
        Ok(Proposed { preview, outcome })
    }

    /// Waits until a plan is ours, loads it, and performs it.
    async fn perform_plan(
        &self,
        digest: &Digest,
        acting: Acting<'_>,
        any_component: bool,
        limit: Duration,
    ) -> Result<PlanOutcome, PlanError> {
        let started = Instant::now();
        let held = self.locks.hold(digest, started + limit).await?;
        let kept = self.store.get(digest, self.now())?;
        let time = (started, limit);
        let performed = self.perform_held(&held, kept, acting, any_component, time);
        performed.await.map(|(_, outcome)| outcome)
    }

    /// Performs a plan that is ours, as it was loaded since. One that waits for approval needs an
    /// approver or an approval by policy. `started` and `limit` are the time that performing it may
    /// take.
    async fn perform_held(
        &self,
        _held: &PlanLock,
        mut kept: StoredPlan,
        acting: Acting<'_>,
        any_component: bool,
        (started, limit): (Instant, Duration),
    ) -> Result<(StoredPlan, PlanOutcome), PlanError> {
        let deadline = started + limit;
        let digest = kept.digest.clone();
        let call = CallId::new();
        let caller = self.proposer(&kept.plan.proposer);
        self.sink
            .began(&Began {
                call,
                action: &kept.plan.tool,
                caller: caller.named(),
                component: &self.component,
                policy: &self.policy,
                permitted_by: &[],
            })
            .map_err(unrecorded)?;
        // The last quarter of the time is left to the judge, which can then look for a step that
        // was sent late.
        let sent_by = deadline - limit / 4;
        let sending = Arc::new(
            self.setup
                .context_of(call, Phase::Perform, &caller, sent_by),
        );
        let recorded = CallAudit::new(self.sink.as_ref(), Arc::clone(&sending), started);
        let performed = async {
            if let Acting::Approves(by) | Acting::Resumes(by) = acting {
                self.may_approve(call, &kept, by)?;
            }
            match kept.state {
                PlanState::Done | PlanState::Failed | PlanState::Conflict => {
                    let outcome = outcome(&kept);
                    return Ok((kept, outcome));
                }
                PlanState::Denied => return Err(PlanError::Denied),
                PlanState::Expired => return Err(PlanError::Expired),
                PlanState::Waiting if matches!(acting, Acting::Resumes(_)) => {
                    return Err(PlanError::NotApproved(digest.short().to_owned()));
                }
                _ => {}
            }
            if kept.component != self.component && !any_component {
                return Err(PlanError::OtherComponent);
            }
            self.same_places(&kept)?;
            self.permitted(call, Some(&digest), &kept.plan, &caller)?;
            let by = acting.name();
            // When a plan is resumed, by anybody, observations of its records may be out of date.
            let observed = match kept.state {
                PlanState::Waiting => ObservedWhen::Lately,
                _ => ObservedWhen::Before,
            };
            if kept.state == PlanState::Waiting {
                self.decide(call, &mut kept, PlanState::Approved, by, None)?;
            }
            let seen = Arc::new(ObservedRecords::default());
            let guard = self.setup.guard_for(&caller, &Value::Null);
            // The judge's requests and refusals count towards the plan.
            let reading = self
                .setup
                .context_of(call, Phase::Read, &caller, deadline)
                .counting_with(&sending);
            let reading = reading.guarded(Arc::new(guard));
            let performing = Performing {
                plans: self,
                kept,
                caller: caller.clone(),
                by: by.map(str::to_owned),
                reading: Arc::new(reading.watching(Arc::clone(&seen))),
                seen,
                sending,
                observed,
            };
            // Boxed, since it is the deepest part of every call that performs something.
            Box::pin(performing.run()).await
        };
        let outcome = performed.await;
        let code = match &outcome {
            Ok((_, outcome)) => outcome.state.as_str(),
            Err(error) => error.code(),
        };
        let written = recorded.end(code, &[]).map_err(unrecorded);
        match (outcome, written) {
            (outcome, Ok(())) => outcome,
            (Err(error @ PlanError::Interrupted { .. }), Err(_)) => Err(error),
            (Ok((_, outcome)), Err(error)) => Err(error.after(&outcome)),
            (Err(_), Err(error)) => Err(error),
        }
    }

    /// Checks that every service still has the origin that it had when the plan was proposed: the
    /// facts about the steps were observed there.
    fn same_places(&self, kept: &StoredPlan) -> Result<(), PlanError> {
        let steps = kept.plan.proposal.steps.iter().zip(&kept.plan.facts);
        for (step, facts) in steps {
            let destination = self.outbound.policy().destination(&step.destination);
            let origin = destination.and_then(|known| known.origin.as_ref());
            if origin.map(crate::outbound::policy::origin::Origin::as_str)
                != Some(facts.origin.as_str())
            {
                return Err(PlanError::Moved {
                    service: destination
                        .map_or(&step.destination, |known| &known.title)
                        .clone(),
                    then: facts.origin.clone(),
                });
            }
        }
        Ok(())
    }

    /// Returns the caller that a stored plan names, with the role and teams that the operator file
    /// gives them now.
    fn proposer(&self, proposer: &Proposer) -> Caller {
        let known = proposer
            .id
            .as_ref()
            .and_then(|id| self.setup.callers.get(id));
        let mut caller = known.cloned().unwrap_or_default();
        if self.setup.trust == Trust::NoOperator {
            caller.role.clone_from(&proposer.role);
        }
        caller.id.clone_from(&proposer.id);
        caller.email.clone_from(&proposer.email);
        caller.name.clone_from(&proposer.name);
        caller.time_zone.clone_from(&proposer.time_zone);
        caller
    }

    pub(super) fn preview_of(&self, kept: &StoredPlan) -> Preview {
        let caller = self.proposer(&kept.plan.proposer);
        let decisions = self.decisions(&kept.plan, &caller);
        Preview::of(self.showing(), kept, &decisions)
    }

    /// Returns the parts of the set-up that previews are made from.
    fn showing(&self) -> Showing<'_> {
        let manifest = &self.setup.manifest;
        Showing {
            policy: self.outbound.policy(),
            micros: &manifest.values.micros,
            words: &manifest.words,
        }
    }

    /// Writes the state of a plan to the audit log.
    pub(super) fn log_plan(
        &self,
        call: CallId,
        kept: &StoredPlan,
        by: Option<&str>,
    ) -> Result<(), SinkError> {
        self.sink.planned(&Planned {
            call,
            plan: kept.digest.as_str(),
            state: kept.state.as_str(),
            steps: kept.steps.len(),
            by,
            // Events about these two are written before the store; any other state is stored first.
            ahead: matches!(kept.state, PlanState::Approved | PlanState::Denied),
        })
    }
}

/// Returns a reason on one line, in at most [`REASON_MAX`] characters; `None` for an empty one.
fn short_reason(reason: &str) -> Option<String> {
    let words: Vec<&str> = reason.split_whitespace().collect();
    let line = visible(&words.join(" ")).into_owned();
    (!line.is_empty()).then(|| clip(&line, REASON_MAX).0.to_owned())
}
