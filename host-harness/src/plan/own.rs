//! What a plan has made itself, by the service's word: what turns out to have been there before is whose the service says it is,
//! and is not taken back.

use serde_json::Value;

use super::perform::Performing;
use super::{PlanError, StepState, Touched};
use crate::outbound::documents::has_errors;

impl Performing<'_> {
    /// Whether a step before this one was sent.
    pub(super) fn was_sent(&self, position: usize) -> bool {
        let before = self.kept.steps.iter().take(position);
        let mut before = before.zip(&self.kept.plan.proposal.steps);
        before.any(|(kept, step)| kept.state == StepState::Done && step.is_in_order())
    }

    /// Whether an answer that this step takes a value from never came.
    pub(super) fn lost_answer(&self, position: usize) -> bool {
        let steps = &self.kept.plan.proposal.steps;
        self.step(position).slots.iter().any(|slot| {
            let from = steps.iter().position(|step| step.id == slot.step);
            let kept = from.and_then(|from| self.kept.steps.get(from));
            kept.is_some_and(|kept| kept.answer.is_none())
        })
    }

    /// The step that makes this record.
    fn maker(&self, touched: &Touched) -> Option<usize> {
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
                let makes =
                    |other: &Touched| other.verb == "create" && other.key() == touched.key();
                step.is_in_order() && facts.touched.iter().any(makes)
            })
            .map(|(position, _)| position)
    }

    /// Whether this plan has made a record: the service said so without an error, or it was sent, its answer was lost, and it
    /// was found afterwards.
    fn has_made(&self, maker: usize) -> bool {
        let Some(step) = self.kept.steps.get(maker) else {
            return false;
        };
        let good = step.answer.as_ref().is_none_or(|(status, body)| {
            let body = serde_json::from_slice::<Value>(body);
            *status < 300 && !body.is_ok_and(|body| has_errors(&body))
        });
        step.state == StepState::Done && good
    }

    /// Whether everything that a step takes back was made by this plan.
    pub(super) fn made_it(&self, position: usize) -> bool {
        let touched = self.kept.plan.facts.get(position);
        let mut touched = touched.iter().flat_map(|facts| &facts.touched);
        touched.all(|touched| {
            self.maker(touched)
                .is_some_and(|maker| self.has_made(maker))
        })
    }

    /// Whether policy permits a step by what is known now: a record that was to be new, and turned out to be there already, is
    /// whose the service says it is.
    pub(super) async fn still_permitted(
        &self,
        position: usize,
    ) -> Result<Result<(), String>, PlanError> {
        let Some(facts) = self.kept.plan.facts.get(position) else {
            return Ok(Err("nothing is known of this step".to_owned()));
        };
        for touched in facts
            .touched
            .iter()
            .filter(|touched| touched.new && touched.verb != "create")
        {
            let Some(maker) = self.maker(touched).filter(|maker| *maker != position) else {
                continue;
            };
            if self.has_made(maker) {
                continue;
            }
            if self.seen.get(&touched.key()).is_none() {
                // The judge reads it again; what it says of it has been said.
                let _ = self.judge(maker, false).await?;
            }
            let now = Touched {
                new: false,
                ..touched.clone()
            };
            let now = now.known_as(self.seen.get(&touched.key()).unwrap_or_default());
            let ruling =
                self.harness
                    .rule_again(self.sending.call(), &self.kept, &self.caller, &now)?;
            if !ruling.permitted {
                return Ok(Err(format!(
                    "the {} {} was there before this plan, and no policy lets the caller do that to it",
                    touched.kind, touched.id
                )));
            }
        }
        Ok(Ok(()))
    }
}
