//! Records that a plan has created, as the service's answers show. A record that turns out to have
//! existed before has the owner that the service gives, and is not deleted as compensation.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

use super::perform::{ObservedWhen, Performing};
use super::{Facts, Person, PlanError, StepState, Touched, checks};
use crate::events::Phase;
use crate::observed::places::has_errors;
use crate::observed::{Attributes, RecordKey};
use crate::outbound::outgoing::Outgoing;

impl Performing<'_> {
    /// Checks whether this plan has done an earlier step.
    pub(super) fn was_sent(&self, position: usize) -> bool {
        let before = self.kept.steps.iter().take(position);
        let mut before = before.zip(&self.kept.plan.proposal.steps);
        before.any(|(kept, step)| kept.state == StepState::Done && step.is_in_order())
    }

    /// Checks whether an answer was lost that a slot of this step takes its value from.
    pub(super) fn lost_answer(&self, position: usize) -> bool {
        let steps = &self.kept.plan.proposal.steps;
        self.step(position).slots.iter().any(|slot| {
            let from = steps.iter().position(|step| step.id == slot.step);
            let kept = from.and_then(|from| self.kept.steps.get(from));
            kept.is_some_and(|kept| kept.answer.is_none())
        })
    }

    /// Returns the step that creates this record.
    fn maker(&self, key: &RecordKey) -> Option<usize> {
        let steps = self
            .kept
            .plan
            .proposal
            .steps
            .iter()
            .zip(&self.kept.plan.facts);
        steps
            .enumerate()
            .find(|(_, (step, facts))| {
                let makes = |other: &Touched| other.verb == "create" && other.key() == *key;
                step.is_in_order() && facts.touched.iter().any(makes)
            })
            .map(|(position, _)| position)
    }

    /// Checks whether this plan has created a record: the service has said so, without an error. A
    /// lost answer proves nothing, since the record may have existed before; its owner is then the
    /// one that the service gives.
    fn has_made(&self, maker: usize) -> bool {
        let Some(step) = self.kept.steps.get(maker) else {
            return false;
        };
        let good = step.answer.as_ref().is_some_and(|(status, body)| {
            let body = serde_json::from_slice::<Value>(body);
            (200..300).contains(status) && body.is_ok_and(|body| !has_errors(&body))
        });
        step.state == StepState::Done && good
    }

    /// Checks whether this plan created everything that a compensation step removes. A step that
    /// touches no record compensates nothing.
    pub(super) fn made_it(&self, position: usize) -> bool {
        let Some(facts) = self.kept.plan.facts.get(position) else {
            return false;
        };
        let made = |touched: &Touched| {
            self.maker(&touched.key())
                .is_some_and(|maker| self.has_made(maker))
        };
        !facts.touched.is_empty() && facts.touched.iter().all(made)
    }

    /// Repeats the reads that the plan rests on, once, if the stored observations are too old to
    /// send anything by: the owner of a record may have changed since the proposal. The inner error
    /// says why that failed.
    pub(super) async fn observe_again(&mut self) -> Result<Result<(), String>, PlanError> {
        if self.observed != ObservedWhen::Before {
            return Ok(Ok(()));
        }
        let context = self.plans.setup.context_of(
            self.sending.call(),
            Phase::Read,
            &self.caller,
            self.reading.deadline(),
        );
        let context = context.watching(Arc::clone(&self.seen));
        for read in &self.kept.reads {
            let policy = self.plans.outbound.policy();
            let destination = policy.destination(&read.destination);
            let origin = destination.and_then(|known| known.origin.as_ref());
            let (Some(origin), Ok(method)) = (origin, Method::from_bytes(read.method.as_bytes()))
            else {
                continue;
            };
            let outgoing = Outgoing {
                headers: if method == Method::GET {
                    HeaderMap::new()
                } else {
                    checks::headers()
                },
                method,
                url: format!("{}{}", origin.as_str(), read.path),
                body: Some(Bytes::from(read.body.clone())),
                connect: None,
                first_byte: None,
            };
            if let Err(error) = self.plans.outbound.send(&context, outgoing).await {
                return Ok(Err(format!(
                    "the records of this plan could not be read again ({error}): nothing more was sent"
                )));
            }
        }
        for facts in &mut self.kept.plan.facts {
            for touched in facts.touched.iter_mut().filter(|touched| !touched.new) {
                touched.known = self.seen.get(&touched.key()).unwrap_or_default();
            }
            if let Some(sends) = &mut facts.sends {
                let given = sends.gives.iter_mut().chain(&mut sends.repeats);
                for given in given.filter(|given| !given.new) {
                    given.known = self.seen.get(&given.key()).unwrap_or_default();
                }
                let seen = &self.seen;
                let belongs = |person: &Person| seen.belongs(&sends.service, &person.id);
                sends.outside = !sends.recipients.iter().all(belongs);
            }
        }
        self.observed = ObservedWhen::Again;
        Ok(Ok(()))
    }

    /// Decides whether policy permits a step by current knowledge. A record that was to be new but
    /// existed already has the owner that the service gives; for a resumed plan, the repeated
    /// observations count.
    pub(super) async fn still_permitted(
        &self,
        position: usize,
    ) -> Result<Result<(), String>, PlanError> {
        let Some(facts) = self.kept.plan.facts.get(position) else {
            return Ok(Err("nothing is known of this step".to_owned()));
        };
        let (facts, differs) = self.with_records_that_were_there(facts).await?;
        if self.observed == ObservedWhen::Again || differs {
            let call = self.sending.call();
            for asked in self.plans.authorize(&facts, &self.caller) {
                if !asked.permitted(self.plans, call, &self.kept, &self.caller)? {
                    return Ok(Err(format!(
                        "since it was proposed things have changed, and no policy lets the caller {} any more",
                        asked.what()
                    )));
                }
            }
        }
        for touched in facts
            .touched
            .iter()
            .filter(|touched| touched.new && touched.verb != "create")
        {
            let Some(maker) = self
                .maker(&touched.key())
                .filter(|maker| *maker != position)
            else {
                continue;
            };
            if self.has_made(maker) {
                continue;
            }
            let now = Touched {
                new: false,
                known: self.known_now(&touched.key(), Some(maker)).await?,
                ..touched.clone()
            };
            let decision =
                self.plans
                    .decide_again(self.sending.call(), &self.kept, &self.caller, &now)?;
            if !decision.permitted {
                return Ok(Err(format!(
                    "the {} {} was there before this plan, and no policy lets the caller do that to it",
                    touched.kind, touched.id
                )));
            }
        }
        Ok(Ok(()))
    }

    /// Returns the facts of a step and whether they differ: disclosed records that the plan was to
    /// create, but did not, get the attributes that the service gives.
    async fn with_records_that_were_there(
        &self,
        facts: &Facts,
    ) -> Result<(Facts, bool), PlanError> {
        let mut facts = facts.clone();
        let mut differs = false;
        let given = facts.sends.iter_mut().flat_map(|sends| &mut sends.gives);
        for given in given.filter(|given| given.new) {
            let maker = self.maker(&given.key());
            if maker.is_some_and(|maker| self.has_made(maker)) {
                continue;
            }
            given.new = false;
            given.known = self.known_now(&given.key(), maker).await?;
            differs = true;
        }
        Ok((facts, differs))
    }

    /// Returns the service's attributes of a record that a step was to create and did not. If no
    /// answer contains them yet, the judge reads the record; its verdict on the step is ignored.
    async fn known_now(
        &self,
        key: &RecordKey,
        maker: Option<usize>,
    ) -> Result<Attributes, PlanError> {
        if let Some(maker) = maker.filter(|_| self.seen.get(key).is_none()) {
            let _ = self.judge(maker, false).await?;
        }
        Ok(self.seen.get(key).unwrap_or_default())
    }
}
