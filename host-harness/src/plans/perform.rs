//! Performs an approved plan: sends the stored bytes in order and asks the component what the
//! answers mean.
//!
//! `sending` is on disk before a step is sent, and the answer before it is judged. If the process
//! ends in between, the next one finds a step that may have been sent and asks the judge, which
//! reads from the service. A step whose result cannot be known is reported as in doubt, and is
//! never sent again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;
use uuid::Uuid;

use super::advice::advice;
use super::outcome::{PlanOutcome, StepOutcome};
use super::preview::{plain, what};
use super::service::Plans;
use super::store::{Claim, ClaimKey, StoredPlan};
use super::{PlanError, PlanState, StepState, checks};
use crate::config::Caller;
use crate::digest::hex;
use crate::judge::{NoVerdict, Readiness, Verdict};
use crate::observed::ObservedRecords;
use crate::outbound::call_context::CallContext;
use crate::outbound::client::ClientError;
use crate::outbound::outgoing::{Outgoing, SendError};
use crate::outbound::sender::Outbound;
use crate::proposal;

/// Maximum number of attempts at a step before the plan stops and waits to be resumed.
const TRIES: u32 = 3;

/// A plan that is being performed.
pub(super) struct Performing<'a> {
    pub(super) plans: &'a Plans,
    pub(super) kept: StoredPlan,
    pub(super) caller: Caller,
    /// The caller who approved or resumed it, or `policy`.
    pub(super) by: Option<String>,
    /// Records observed in the judge's reads.
    pub(super) seen: Arc<ObservedRecords>,
    /// The call context of the judge's reads.
    pub(super) reading: Arc<CallContext>,
    /// The call context of the steps that are sent.
    pub(super) sending: Arc<CallContext>,
    /// Age of the observations of the plan's records.
    pub(super) observed: ObservedWhen,
}

/// Age of the observations of a plan's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObservedWhen {
    /// Made when the plan was proposed, just before.
    Lately,
    /// Made when the plan was proposed, perhaps long ago: they are repeated before anything more is
    /// sent.
    Before,
    /// Repeated since the plan was resumed.
    Again,
}

/// The result of performing a step.
enum StepResult {
    /// The step is done.
    Done,
    /// The step failed for good.
    Failed,
    /// A record that it was planned on has changed.
    Conflict,
    /// The plan cannot continue now, for this reason.
    Stopped(String),
    /// The result cannot be known, for this reason.
    InDoubt(String),
}

/// The result of sending a step.
enum SendOutcome {
    /// The service answered.
    Answered(Response<Bytes>),
    /// The service may or may not have received it.
    Unknown,
    /// The service certainly did not receive it, for this reason; it can be sent again after this
    /// wait, if there is one.
    Not(String, Option<Duration>),
    /// It was sent, but the audit event about it cannot be written.
    Unrecorded,
    /// Another plan sent the same request under the same idempotency key.
    Before {
        /// The other plan.
        plan: String,
        /// The service's answer to it.
        answer: Option<(u16, Vec<u8>)>,
    },
    /// This other plan sent a different request under the same idempotency key.
    Taken(String),
    /// This other plan may have sent a request under the same idempotency key.
    Elsewhere(String),
}

impl Performing<'_> {
    /// Continues from the plan's current state until it is over or cannot continue.
    pub(super) async fn run(mut self) -> Result<(StoredPlan, PlanOutcome), PlanError> {
        let done = self.perform_all().await;
        // Steps may have been sent before the error, so it is not reported as a refusal.
        match done {
            Ok(outcome) => Ok((self.kept, outcome)),
            Err(error) => Err(error.after(&outcome(&self.kept))),
        }
    }

    async fn perform_all(&mut self) -> Result<PlanOutcome, PlanError> {
        self.move_to(PlanState::Started, None)?;
        let (state, reason) = self.steps().await?;
        self.move_to(state, reason.as_deref())?;
        Ok(outcome(&self.kept))
    }

    async fn steps(&mut self) -> Result<(PlanState, Option<String>), PlanError> {
        let mut whole = (PlanState::Done, None);
        for position in 0..self.kept.steps.len() {
            if !self.step(position).is_in_order() || !self.has_what_it_needs(position) {
                continue;
            }
            let came_of = match self.one(position).await? {
                StepResult::Done => continue,
                StepResult::Failed => self.compensate(position).await?,
                // An earlier step was done: it is compensated, as after any step that fails.
                StepResult::Conflict
                    if self.was_sent(position) && self.is_compensated(position) =>
                {
                    self.compensate(position).await?
                }
                StepResult::Conflict => (PlanState::Conflict, None),
                StepResult::Stopped(reason) => (PlanState::Stopped, Some(reason)),
                StepResult::InDoubt(reason) => (PlanState::InDoubt, Some(reason)),
            };
            // Steps that do not depend on this one continue; the plan gets the worst state of its
            // parts.
            if weight(came_of.0) > weight(whole.0) {
                whole = came_of;
            }
        }
        Ok(whole)
    }

    /// Checks whether every step that this one depends on was done.
    fn has_what_it_needs(&self, position: usize) -> bool {
        let step = self.step(position);
        let earlier = self.kept.plan.proposal.steps.iter().zip(&self.kept.steps);
        earlier
            .take(position)
            .filter(|(other, _)| step.needs(other))
            .all(|(_, kept)| matches!(kept.state, StepState::Done | StepState::Found))
    }

    /// Performs the compensation steps of a step that failed for good, and returns the resulting
    /// state of the plan.
    async fn compensate(
        &mut self,
        failed: usize,
    ) -> Result<(PlanState, Option<String>), PlanError> {
        let id = self.step(failed).id.clone();
        for position in 0..self.kept.steps.len() {
            if !self.step(position).compensates(&id) {
                continue;
            }
            if self.state(position) == StepState::Pending && !self.made_it(position) {
                let why = "what it would take back may have been there before this plan: it was left alone";
                self.move_step(position, StepState::Failed, None, Some(why))?;
                continue;
            }
            match self.one(position).await? {
                StepResult::Done | StepResult::Failed | StepResult::Conflict => {}
                StepResult::Stopped(reason) => return Ok((PlanState::Stopped, Some(reason))),
                StepResult::InDoubt(reason) => return Ok((PlanState::InDoubt, Some(reason))),
            }
        }
        Ok((PlanState::Failed, None))
    }

    /// Checks whether the plan has a compensation step for this one.
    fn is_compensated(&self, position: usize) -> bool {
        let id = &self.step(position).id;
        let mut steps = self.kept.plan.proposal.steps.iter();
        steps.any(|step| step.compensates(id))
    }

    pub(super) fn step(&self, position: usize) -> &proposal::Step {
        // Positions come from the steps themselves; the store has checked that there are as many.
        #[expect(
            clippy::indexing_slicing,
            reason = "the store has checked that there are as many"
        )]
        &self.kept.plan.proposal.steps[position]
    }

    fn state(&self, position: usize) -> StepState {
        self.kept
            .steps
            .get(position)
            .map_or(StepState::Sending, |step| step.state)
    }

    /// Performs one step from its current state.
    async fn one(&mut self, position: usize) -> Result<StepResult, PlanError> {
        let mut tries = 0;
        loop {
            let verdict = match self.state(position) {
                StepState::Done | StepState::Found => return Ok(StepResult::Done),
                StepState::Failed => return Ok(StepResult::Failed),
                StepState::Conflict | StepState::NotNeeded => return Ok(StepResult::Conflict),
                StepState::Pending => {
                    if tries == TRIES {
                        return Ok(StepResult::Stopped(self.why(position)));
                    }
                    if tries > 0 && !self.pause(self.plans.pause * 2_u32.pow(tries - 1)).await {
                        return Ok(StepResult::Stopped(self.why(position)));
                    }
                    tries += 1;
                    if let Err(why) = self.observe_again().await? {
                        return Ok(StepResult::Stopped(why));
                    }
                    if let Err(PlanError::Form(why)) = self.filled(position) {
                        if self.lost_answer(position) {
                            return Ok(StepResult::InDoubt(why));
                        }
                        self.move_step(position, StepState::Failed, None, Some(&why))?;
                        continue;
                    }
                    match self.ready(position).await? {
                        Err(why) | Ok(Readiness::Unknown(why)) => {
                            return Ok(StepResult::Stopped(why));
                        }
                        Ok(Readiness::Go) => {}
                        Ok(Readiness::AlreadyDone(why)) => {
                            self.move_step(position, StepState::Found, None, Some(&why))?;
                            continue;
                        }
                        Ok(Readiness::Conflict(why)) => {
                            self.move_step(position, StepState::Conflict, None, Some(&why))?;
                            continue;
                        }
                    }
                    if let Err(why) = self.still_permitted(position).await? {
                        self.move_step(position, StepState::Failed, None, Some(&why))?;
                        continue;
                    }
                    match self.send(position).await? {
                        SendOutcome::Before { plan, answer } => {
                            let why = format!("plan {} has done this before", short(&plan));
                            self.move_step(position, StepState::Found, answer, Some(&why))?;
                            continue;
                        }
                        SendOutcome::Taken(plan) => {
                            let why = format!(
                                "plan {} has sent something else under the same idempotency key, so this was not sent: look at that plan, and propose this anew with another key if it is to go as well",
                                short(&plan)
                            );
                            self.move_step(position, StepState::Conflict, None, Some(&why))?;
                            continue;
                        }
                        SendOutcome::Elsewhere(plan) => {
                            let plan = short(&plan);
                            return Ok(StepResult::Stopped(format!(
                                "plan {plan} may have done this: look at that one first"
                            )));
                        }
                        SendOutcome::Answered(response) => {
                            let answer = (response.status().as_u16(), response.body().to_vec());
                            self.move_step(position, StepState::Answered, Some(answer), None)?;
                            continue;
                        }
                        SendOutcome::Unknown => self.judge(position, false).await?,
                        SendOutcome::Unrecorded => {
                            let why = "its answer could not be put on record";
                            return Ok(StepResult::InDoubt(why.to_owned()));
                        }
                        SendOutcome::Not(why, wait) => {
                            self.move_step(position, StepState::Pending, None, Some(&why))?;
                            match wait {
                                Some(wait) if self.pause(wait).await => continue,
                                Some(_) => return Ok(StepResult::Stopped(why)),
                                None => continue,
                            }
                        }
                    }
                }
                StepState::Sending => self.judge(position, false).await?,
                StepState::Answered => self.judge(position, true).await?,
            };
            let verdict = match verdict {
                Ok(verdict) => verdict,
                Err(why) => return Ok(StepResult::InDoubt(why)),
            };
            match verdict {
                Verdict::Done => {
                    self.log_disclosures(position, true)?;
                    self.move_step(position, StepState::Done, None, None)?;
                }
                Verdict::AlreadyDone(why) => {
                    self.log_disclosures(position, true)?;
                    self.move_step(position, StepState::Found, None, Some(&why))?;
                }
                Verdict::Again(why) if self.may_repeat(position) => {
                    self.move_step(position, StepState::Pending, None, Some(&why))?;
                }
                Verdict::Again(why) => {
                    let why = format!(
                        "the skill says that it was not done ({why}), but the service may have received it and did not show that: it is not sent again"
                    );
                    self.log_disclosures(position, false)?;
                    self.move_step(position, StepState::Sending, None, Some(&why))?;
                    return Ok(StepResult::InDoubt(why));
                }
                Verdict::Failed(why) => {
                    self.move_step(position, StepState::Failed, None, Some(&why))?;
                }
                Verdict::Unknown(why) => {
                    self.log_disclosures(position, false)?;
                    // It stays `sending`: a resumed plan asks the judge again before anything is
                    // sent.
                    self.move_step(position, StepState::Sending, None, Some(&why))?;
                    return Ok(StepResult::InDoubt(why));
                }
            }
        }
    }

    /// Explains why a step was not done.
    fn why(&self, position: usize) -> String {
        let detail = self
            .kept
            .steps
            .get(position)
            .and_then(|step| step.detail.clone());
        detail.unwrap_or_else(|| "the time of the call was over".to_owned())
    }

    /// Waits, if the call's deadline allows it, and returns whether it did.
    async fn pause(&self, time: Duration) -> bool {
        if Instant::now() + time >= self.sending.deadline() {
            return false;
        }
        sleep(time).await;
        true
    }

    /// Asks the judge before a step. The inner error says why it could not answer.
    async fn ready(&self, position: usize) -> Result<Result<Readiness, String>, PlanError> {
        let step = self.filled(position)?;
        let said = self
            .plans
            .judge
            .ready(&self.caller, &self.reading, &step)
            .await;
        Ok(said.map_err(|error| unjudged(&error)))
    }

    /// Asks the judge after a step. The inner error says why it could not answer.
    pub(super) async fn judge(
        &self,
        position: usize,
        answered: bool,
    ) -> Result<Result<Verdict, String>, PlanError> {
        let step = self.filled(position)?;
        if let Some((place, text)) = self.sought(position, &step) {
            self.reading.look_for(&step.destination, place, &text);
        }
        let answer = self
            .kept
            .steps
            .get(position)
            .and_then(|step| step.answer.as_ref())
            .filter(|_| answered);
        let answer = answer.map(|(status, body)| (*status, body.as_slice()));
        let said = self
            .plans
            .judge
            .answer(&self.caller, &self.reading, &step, answer)
            .await;
        Ok(said.map_err(|error| unjudged(&error)))
    }

    /// Returns a step with its slots filled, as it is sent.
    fn filled(&self, position: usize) -> Result<proposal::Step, PlanError> {
        checks::fill(self.step(position), &|slot| self.slot(slot))
    }

    /// Returns a value of an earlier step's answer, if the service accepted that step.
    fn slot(&self, slot: &proposal::Slot) -> Option<Uuid> {
        let steps = &self.kept.plan.proposal.steps;
        let position = steps.iter().position(|step| step.id == slot.step)?;
        let (status, body) = self.kept.steps.get(position)?.answer.as_ref()?;
        if !(200..300).contains(status) {
            return None;
        }
        let body: Value = serde_json::from_slice(body).ok()?;
        Uuid::try_parse(body.pointer(&slot.pointer)?.as_str()?).ok()
    }

    async fn send(&mut self, position: usize) -> Result<SendOutcome, PlanError> {
        let step = self.filled(position)?;
        let outbound: &Outbound = &self.plans.outbound;
        let Some(url) = checks::url(outbound.policy(), &step) else {
            return Ok(SendOutcome::Not(
                format!("the service `{}` is not set up", step.destination),
                None,
            ));
        };
        let request = request_digest(&step);
        let outgoing = Outgoing {
            method: step.method.http(),
            url,
            headers: checks::headers(),
            body: Some(Bytes::from(step.body)),
            connect: None,
            first_byte: None,
        };
        // All earlier events, and the head of the audit log, are on disk before the step is stored
        // as possibly sent.
        let settled = self.plans.sink.settle();
        settled.map_err(|error| PlanError::Record(error.to_string()))?;
        match &step.once {
            None => self.move_step(position, StepState::Sending, None, None)?,
            Some(name) => {
                let key = ClaimKey {
                    caller: self.kept.plan.proposer.key(),
                    name,
                    request: &request,
                };
                let now = self.plans.now();
                match self
                    .plans
                    .store
                    .claim(&self.kept.digest, position, key, now)?
                {
                    Claim::Granted => self.is_now(position, StepState::Sending, None, None),
                    Claim::Done { plan, answer } => {
                        return Ok(SendOutcome::Before { plan, answer });
                    }
                    Claim::Conflict { plan } => return Ok(SendOutcome::Taken(plan)),
                    Claim::InDoubt { plan } => return Ok(SendOutcome::Elsewhere(plan)),
                }
            }
        }
        let sent = outbound.send(&self.sending, outgoing).await;
        Ok(match sent {
            Ok(response) => SendOutcome::Answered(response),
            Err(SendError::Withheld(_)) => SendOutcome::Unknown,
            Err(SendError::Denied(denial)) => SendOutcome::Not(denial.reason, None),
            Err(SendError::Rate { retry_after }) => {
                let why = "this harness's own limit for the service (`rate`) is reached".to_owned();
                SendOutcome::Not(why, Some(retry_after))
            }
            Err(SendError::Record) => SendOutcome::Unrecorded,
            Err(SendError::Client(error)) if unsent(&error) => {
                SendOutcome::Not(error.to_string(), None)
            }
            Err(SendError::Client(error)) => {
                tracing::warn!("a step was sent and there is no answer: {error}");
                SendOutcome::Unknown
            }
        })
    }

    fn move_to(&mut self, state: PlanState, reason: Option<&str>) -> Result<(), PlanError> {
        self.kept.state = state;
        self.kept.reason = reason.map(str::to_owned);
        let now = self.plans.now();
        self.plans
            .store
            .move_to(&self.kept.digest, state, None, reason, now)?;
        self.plans
            .log_plan(
                self.sending.call(),
                &self.kept,
                self.by.as_deref().filter(|_| state == PlanState::Started),
            )
            .map_err(|error| PlanError::Record(error.to_string()))
    }

    fn move_step(
        &mut self,
        position: usize,
        state: StepState,
        answer: Option<(u16, Vec<u8>)>,
        detail: Option<&str>,
    ) -> Result<(), PlanError> {
        let told = answer
            .as_ref()
            .map(|(status, body)| (*status, body.as_slice()));
        self.plans
            .store
            .move_step(&self.kept.digest, position, state, told, detail)?;
        self.is_now(position, state, answer, detail);
        Ok(())
    }

    /// Updates the state of a step in memory after it has changed on disk.
    fn is_now(
        &mut self,
        position: usize,
        state: StepState,
        answer: Option<(u16, Vec<u8>)>,
        detail: Option<&str>,
    ) {
        if let Some(step) = self.kept.steps.get_mut(position) {
            step.state = state;
            step.detail = detail.map(str::to_owned);
            step.answer = match state {
                StepState::Sending => None,
                _ => answer.or(step.answer.take()),
            };
        }
    }
}

/// Ranks the state of a part of a plan for the plan as a whole: what needs inspection comes before
/// what can be resumed, and that before what is over.
const fn weight(state: PlanState) -> u8 {
    match state {
        PlanState::InDoubt => 4,
        PlanState::Stopped => 3,
        PlanState::Conflict => 2,
        PlanState::Failed => 1,
        _ => 0,
    }
}

fn unjudged(error: &NoVerdict) -> String {
    format!("the component could not say what came of it: {error}")
}

/// Returns the beginning of a plan's digest, as messages name it.
fn short(plan: &str) -> &str {
    plan.get(..12).unwrap_or(plan)
}

/// Returns the SHA-256 of what a step sends, in hexadecimal: destination, method, path and body.
fn request_digest(step: &proposal::Step) -> String {
    let method = step.method.http();
    let mut digest = Sha256::new();
    for part in [
        step.destination.as_str(),
        method.as_str(),
        &step.path,
        &step.body,
    ] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    hex(&digest.finalize())
}

/// Checks whether an error certainly occurred before anything was sent.
fn unsent(error: &ClientError) -> bool {
    matches!(
        error,
        ClientError::Resolve(_)
            | ClientError::Address(_)
            | ClientError::Connect(_)
            | ClientError::ConnectTimeout
            | ClientError::Roots(_)
            | ClientError::Tls(_)
    )
}

/// Returns the outcome of a stored plan.
pub(super) fn outcome(kept: &StoredPlan) -> PlanOutcome {
    let steps = kept
        .plan
        .proposal
        .steps
        .iter()
        .zip(&kept.plan.facts)
        .zip(&kept.steps);
    let state = |step: &proposal::Step, state: StepState| {
        let spared = state == StepState::Pending && kept.state.is_over() && !step.is_in_order();
        if spared { StepState::NotNeeded } else { state }
    };
    PlanOutcome {
        plan: kept.digest.clone(),
        state: kept.state,
        steps: steps
            .map(|((step, facts), found)| StepOutcome {
                id: step.id.clone(),
                what: what(facts),
                state: state(step, found.state),
                detail: found.detail.as_deref().map(plain),
            })
            .collect(),
        reason: kept.reason.as_deref().map(plain),
        next: advice(kept),
    }
}
