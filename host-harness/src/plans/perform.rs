//! Performs an approved plan: sends the stored bytes in order and asks the component what the answers mean.
//!
//! Before a step leaves, `sending` is on disk; after it, the answer. Whatever ends the process in between, the next one finds a
//! step that may have been sent and asks the judge, which reads back. What cannot be known is said, never sent again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;
use uuid::Uuid;

use super::outcome::{Outcome, StepOutcome};
use super::preview::{plain, what};
use super::store::{Claim, ClaimKey, Kept, Store};
use super::{PlanError, PlanState, StepState, proposal, vet};
use crate::config::Caller;
use crate::digest::hex;
use crate::harness::Harness;
use crate::observed::Seen;
use crate::outbound::call_context::Ledger;
use crate::outbound::client::ClientError;
use crate::outbound::outgoing::{Outgoing, SendError};
use crate::outbound::sender::Outbound;
use crate::runtime::call::CallError;
use crate::runtime::judge::{Readiness, Verdict};

/// How often a step is sent at most before the plan stops and waits to be resumed.
const TRIES: u32 = 3;

/// A plan that is being performed.
pub(super) struct Performing<'a> {
    pub(super) harness: &'a Harness,
    pub(super) store: &'a Store,
    pub(super) kept: Kept,
    pub(super) caller: Caller,
    /// Who let it be performed.
    pub(super) by: Option<String>,
    /// What the judge's reading tells of records.
    pub(super) seen: Arc<Seen>,
    /// What the judge may read.
    pub(super) reading: Arc<Ledger>,
    /// What is sent.
    pub(super) sending: Arc<Ledger>,
    /// When what is known of the plan's records was observed.
    pub(super) observed: Observed,
}

/// When what is known of a plan's records was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Observed {
    /// When it was proposed, just before.
    Lately,
    /// When it was proposed, which may be long ago: nothing more is sent before they are observed again.
    Before,
    /// Again, since it was taken up.
    Again,
}

/// What became of a step.
enum Became {
    /// It is done.
    Done,
    /// It failed for good.
    Failed,
    /// What it was planned upon has changed.
    Conflict,
    /// The plan cannot go on now, for this reason.
    Stopped(String),
    /// It cannot be known.
    InDoubt(String),
}

/// What came of sending a step.
enum Sent {
    /// The service answered.
    Answered(Response<Bytes>),
    /// It may have got it, or not.
    Unknown,
    /// It surely did not get it, for this reason; perhaps after this wait it will.
    Not(String, Option<Duration>),
    /// It was sent, and what came of it cannot be put on record.
    Unrecorded,
    /// The same request was sent under the same idempotency key by another plan.
    Before {
        /// That plan.
        plan: String,
        /// What the service answered to it.
        answer: Option<(u16, Vec<u8>)>,
    },
    /// A different request was sent under the same idempotency key by this plan.
    Taken(String),
    /// A request may have been sent under the same idempotency key by this plan.
    Elsewhere(String),
}

impl Performing<'_> {
    /// Goes on from where the plan stands until it is over or cannot go on.
    pub(super) async fn run(mut self) -> Result<Outcome, PlanError> {
        let done = self.perform_all().await;
        // What was sent stays sent, whatever kept the rest from being written down: that is no refusal.
        done.map_err(|error| error.after(&outcome(&self.kept)))
    }

    async fn perform_all(&mut self) -> Result<Outcome, PlanError> {
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
                Became::Done => continue,
                Became::Failed => self.take_back(position).await?,
                // Half of it is done: that is taken back, as after any other step that will not be done.
                Became::Conflict if self.was_sent(position) && self.is_compensated(position) => {
                    self.take_back(position).await?
                }
                Became::Conflict => (PlanState::Conflict, None),
                Became::Stopped(reason) => (PlanState::Stopped, Some(reason)),
                Became::InDoubt(reason) => (PlanState::InDoubt, Some(reason)),
            };
            // Steps that do not need this one go on; the plan stands where the worst of its parts does.
            if weight(came_of.0) > weight(whole.0) {
                whole = came_of;
            }
        }
        Ok(whole)
    }

    /// Whether every step that this one comes after was done.
    fn has_what_it_needs(&self, position: usize) -> bool {
        let step = self.step(position);
        let earlier = self.kept.plan.proposal.steps.iter().zip(&self.kept.steps);
        earlier
            .take(position)
            .filter(|(other, _)| step.needs(other))
            .all(|(_, kept)| matches!(kept.state, StepState::Done | StepState::Found))
    }

    /// What is to be done after a step has failed for good.
    async fn take_back(&mut self, failed: usize) -> Result<(PlanState, Option<String>), PlanError> {
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
                Became::Done | Became::Failed | Became::Conflict => {}
                Became::Stopped(reason) => return Ok((PlanState::Stopped, Some(reason))),
                Became::InDoubt(reason) => return Ok((PlanState::InDoubt, Some(reason))),
            }
        }
        Ok((PlanState::Failed, None))
    }

    /// Returns whether the plan has a step that takes back what was done where this one is not.
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

    /// Performs one step, from wherever it stands.
    async fn one(&mut self, position: usize) -> Result<Became, PlanError> {
        let mut tries = 0;
        loop {
            let verdict = match self.state(position) {
                StepState::Done | StepState::Found => return Ok(Became::Done),
                StepState::Failed => return Ok(Became::Failed),
                StepState::Conflict | StepState::NotNeeded => return Ok(Became::Conflict),
                StepState::Pending => {
                    if tries == TRIES {
                        return Ok(Became::Stopped(self.why(position)));
                    }
                    if tries > 0 && !self.pause(self.harness.pause * 2_u32.pow(tries - 1)).await {
                        return Ok(Became::Stopped(self.why(position)));
                    }
                    tries += 1;
                    if let Err(why) = self.observe_again().await? {
                        return Ok(Became::Stopped(why));
                    }
                    if let Err(PlanError::Form(why)) = self.filled(position) {
                        if self.lost_answer(position) {
                            return Ok(Became::InDoubt(why));
                        }
                        self.move_step(position, StepState::Failed, None, Some(&why))?;
                        continue;
                    }
                    match self.ready(position).await? {
                        Err(why) | Ok(Readiness::Unknown(why)) => {
                            return Ok(Became::Stopped(why));
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
                        Sent::Before { plan, answer } => {
                            let why = format!("plan {} has done this before", short(&plan));
                            self.move_step(position, StepState::Found, answer, Some(&why))?;
                            continue;
                        }
                        Sent::Taken(plan) => {
                            let why = format!(
                                "plan {} has sent something else under the same idempotency key, so this was not sent: look at that plan, and propose this anew with another key if it is to go as well",
                                short(&plan)
                            );
                            self.move_step(position, StepState::Conflict, None, Some(&why))?;
                            continue;
                        }
                        Sent::Elsewhere(plan) => {
                            let plan = short(&plan);
                            return Ok(Became::Stopped(format!(
                                "plan {plan} may have done this: look at that one first"
                            )));
                        }
                        Sent::Answered(response) => {
                            let answer = (response.status().as_u16(), response.body().to_vec());
                            self.move_step(position, StepState::Answered, Some(answer), None)?;
                            continue;
                        }
                        Sent::Unknown => self.judge(position, false).await?,
                        Sent::Unrecorded => {
                            let why = "its answer could not be put on record";
                            return Ok(Became::InDoubt(why.to_owned()));
                        }
                        Sent::Not(why, wait) => {
                            self.move_step(position, StepState::Pending, None, Some(&why))?;
                            match wait {
                                Some(wait) if self.pause(wait).await => continue,
                                Some(_) => return Ok(Became::Stopped(why)),
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
                Err(why) => return Ok(Became::InDoubt(why)),
            };
            match verdict {
                Verdict::Done => {
                    self.note_shared(position, true)?;
                    self.move_step(position, StepState::Done, None, None)?;
                }
                Verdict::AlreadyDone(why) => {
                    self.note_shared(position, true)?;
                    self.move_step(position, StepState::Found, None, Some(&why))?;
                }
                Verdict::Again(why) if self.may_repeat(position) => {
                    self.move_step(position, StepState::Pending, None, Some(&why))?;
                }
                Verdict::Again(why) => {
                    let why = format!(
                        "the skill says that it was not done ({why}), but the service may have received it and did not show that: it is not sent again"
                    );
                    self.note_shared(position, false)?;
                    self.move_step(position, StepState::Sending, None, Some(&why))?;
                    return Ok(Became::InDoubt(why));
                }
                Verdict::Failed(why) => {
                    self.move_step(position, StepState::Failed, None, Some(&why))?;
                }
                Verdict::Unknown(why) => {
                    self.note_shared(position, false)?;
                    // It stays `sending`: whoever resumes the plan asks again before anything is sent.
                    self.move_step(position, StepState::Sending, None, Some(&why))?;
                    return Ok(Became::InDoubt(why));
                }
            }
        }
    }

    /// What is known of why a step was not done.
    fn why(&self, position: usize) -> String {
        let detail = self
            .kept
            .steps
            .get(position)
            .and_then(|step| step.detail.clone());
        detail.unwrap_or_else(|| "the time of the call was over".to_owned())
    }

    /// Waits, if the call's time allows it; whether it did.
    async fn pause(&self, time: Duration) -> bool {
        if Instant::now() + time >= self.sending.deadline() {
            return false;
        }
        sleep(time).await;
        true
    }

    /// What the judge says before a step; the inner error is why it could say nothing.
    async fn ready(&self, position: usize) -> Result<Result<Readiness, String>, PlanError> {
        let step = self.filled(position)?;
        let said = self
            .harness
            .judge_ready(&self.caller, &self.reading, &step)
            .await;
        Ok(said.map_err(|error| unjudged(&error)))
    }

    /// What the judge says after a step; the inner error is why it could say nothing.
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
            .harness
            .judge_answer(&self.caller, &self.reading, &step, answer)
            .await;
        Ok(said.map_err(|error| unjudged(&error)))
    }

    /// A step with its slots filled, as it is sent.
    fn filled(&self, position: usize) -> Result<proposal::Step, PlanError> {
        vet::fill(self.step(position), &|slot| self.slot(slot))
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

    async fn send(&mut self, position: usize) -> Result<Sent, PlanError> {
        let step = self.filled(position)?;
        let outbound: &Outbound = self.harness.outbound();
        let Some(url) = vet::url(outbound.policy(), &step) else {
            return Ok(Sent::Not(
                format!("the service `{}` is not set up", step.destination),
                None,
            ));
        };
        let request = request_digest(&step);
        let outgoing = Outgoing {
            method: step.method.http(),
            url,
            headers: vet::headers(),
            body: Some(Bytes::from(step.body)),
            connect: None,
            first_byte: None,
        };
        // What led to this is on the disk, the head of the record too, before anything says that the step may have been sent.
        let settled = outbound.recorder().settle();
        settled.map_err(|error| PlanError::Record(error.to_string()))?;
        match &step.once {
            None => self.move_step(position, StepState::Sending, None, None)?,
            Some(name) => {
                let key = ClaimKey {
                    caller: self.kept.plan.proposer.key(),
                    name,
                    request: &request,
                };
                let now = self.harness.now();
                match self.store.claim(&self.kept.digest, position, key, now)? {
                    Claim::Granted => self.is_now(position, StepState::Sending, None, None),
                    Claim::Done { plan, answer } => return Ok(Sent::Before { plan, answer }),
                    Claim::Conflict { plan } => return Ok(Sent::Taken(plan)),
                    Claim::InDoubt { plan } => return Ok(Sent::Elsewhere(plan)),
                }
            }
        }
        let sent = outbound.send(&self.sending, outgoing).await;
        Ok(match sent {
            Ok(response) => Sent::Answered(response),
            Err(SendError::Withheld(_)) => Sent::Unknown,
            Err(SendError::Denied(denial)) => Sent::Not(denial.reason, None),
            Err(SendError::Rate { retry_after }) => {
                let why = "this harness's own limit for the service (`rate`) is reached".to_owned();
                Sent::Not(why, Some(retry_after))
            }
            Err(SendError::Record) => Sent::Unrecorded,
            Err(SendError::Client(error)) if unsent(&error) => Sent::Not(error.to_string(), None),
            Err(SendError::Client(error)) => {
                tracing::warn!("a step was sent and there is no answer: {error}");
                Sent::Unknown
            }
        })
    }

    fn move_to(&mut self, state: PlanState, reason: Option<&str>) -> Result<(), PlanError> {
        self.kept.state = state;
        self.kept.reason = reason.map(str::to_owned);
        let now = self.harness.now();
        self.store
            .move_to(&self.kept.digest, state, None, reason, now)?;
        self.harness
            .note_plan(
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
        self.store
            .move_step(&self.kept.digest, position, state, told, detail)?;
        self.is_now(position, state, answer, detail);
        Ok(())
    }

    /// Takes in where a step stands on disk.
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

/// How much a part's end counts for the whole plan's: what has to be looked at before what can go on, before what is over.
const fn weight(state: PlanState) -> u8 {
    match state {
        PlanState::InDoubt => 4,
        PlanState::Stopped => 3,
        PlanState::Conflict => 2,
        PlanState::Failed => 1,
        _ => 0,
    }
}

fn unjudged(error: &CallError) -> String {
    format!("the component could not say what came of it: {error}")
}

/// Returns the beginning of a plan's digest, as people name it.
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

/// Whether an error surely came before anything was sent.
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

/// What came of a plan, as it is kept.
pub(super) fn outcome(kept: &Kept) -> Outcome {
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
    Outcome {
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
        next: Outcome::next(&kept.digest, kept.state),
    }
}
