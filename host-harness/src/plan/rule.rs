//! What access policy says of a plan: of each record that a step touches, and of who decides about it.

use super::approve::unrecorded;
use super::proposal::Plan;
use super::store::Kept;
use super::{Digest, Facts, PlanError, Touched};
use crate::access::{Deed, Ruling};
use crate::config::Caller;
use crate::outbound::record::{CallId, Ruled};
use crate::skill::harness::Harness;

impl Harness {
    /// What policy says about each step, if it permits all of them.
    pub(super) fn permitted(
        &self,
        call: CallId,
        digest: Option<&Digest>,
        plan: &Plan,
        caller: &Caller,
    ) -> Result<Vec<Ruling>, PlanError> {
        let rulings = self.rulings(plan, caller);
        for (rulings, facts) in rulings.iter().zip(&plan.facts) {
            // A step of which nothing is known has one ruling, and no record.
            let touched = facts.touched.iter().map(Some).chain([None]);
            for (ruling, touched) in rulings.iter().zip(touched) {
                let deed = touched.map_or("unknown", |touched| touched.verb.as_str());
                self.note_ruling(call, digest, caller, (deed, touched), ruling)?;
                if !ruling.permitted {
                    return Err(PlanError::Access {
                        what: touched.map_or_else(|| facts.rule.clone(), super::preview::deed),
                        why: self.why(caller, ruling),
                        policies: ruling.policies.clone(),
                    });
                }
            }
        }
        Ok(rulings.into_iter().map(Ruling::all).collect())
    }

    /// Why something is not permitted.
    fn why(&self, caller: &Caller, ruling: &Ruling) -> String {
        let role = self.access.role(caller);
        match &ruling.undecided {
            Some(why) => why.clone(),
            None if role.is_empty() => {
                "this caller has no role: the operator gives one by `role` under [callers.NAME]"
                    .to_owned()
            }
            None if ruling.policies.is_empty() => {
                format!(
                    "no policy lets a {role} do that to this record; its owner or a lead of its team may"
                )
            }
            None => format!("forbidden by {}", ruling.policies.join(", ")),
        }
    }

    /// What policy says about each record of each step.
    pub(super) fn rulings(&self, plan: &Plan, caller: &Caller) -> Vec<Vec<Ruling>> {
        let step = |facts: &Facts| {
            if facts.touched.is_empty() {
                let why = "the manifest does not say what this step does to which record";
                return vec![Ruling::undecided(why)];
            }
            facts
                .touched
                .iter()
                .map(|touched| self.ruling_on(caller, touched))
                .collect()
        };
        plan.facts.iter().map(step).collect()
    }

    /// What policy says of a record of a step.
    fn ruling_on(&self, caller: &Caller, touched: &Touched) -> Ruling {
        let deed = Deed::Write {
            verb: &touched.verb,
            record: &touched.key(),
            attributes: &touched.attributes(),
            new: touched.new,
            undo: touched.undo,
            fields: &touched.fields,
        };
        self.access.decide(caller, deed)
    }

    /// What policy says of a record of a step now that more is known of it.
    pub(super) fn rule_again(
        &self,
        call: CallId,
        kept: &Kept,
        caller: &Caller,
        touched: &Touched,
    ) -> Result<Ruling, PlanError> {
        let ruling = self.ruling_on(caller, touched);
        let about = (touched.verb.as_str(), Some(touched));
        self.note_ruling(call, Some(&kept.digest), caller, about, &ruling)?;
        Ok(ruling)
    }

    /// Puts a ruling on record: who wanted to do what to which record.
    fn note_ruling(
        &self,
        call: CallId,
        digest: Option<&Digest>,
        by: &Caller,
        (deed, touched): (&str, Option<&Touched>),
        ruling: &Ruling,
    ) -> Result<(), PlanError> {
        let event = Ruled {
            call,
            by: by.named(),
            plan: digest.map(Digest::as_str),
            deed,
            record: touched.map(|touched| (touched.kind.as_str(), touched.id.as_str())),
            permitted: ruling.permitted,
            policies: &ruling.policies,
        };
        self.outbound.recorder().ruled(&event).map_err(unrecorded)
    }

    /// Whether somebody may decide about a plan.
    pub(super) fn may_approve(
        &self,
        call: CallId,
        kept: &Kept,
        by: &Caller,
    ) -> Result<(), PlanError> {
        let proposer = kept.plan.proposer.email.as_deref().unwrap_or_default();
        let deed = Deed::Approve {
            plan: kept.digest.as_str(),
            proposer,
        };
        let ruling = self.access.decide(by, deed);
        self.note_ruling(call, Some(&kept.digest), by, ("approve", None), &ruling)?;
        if ruling.permitted {
            return Ok(());
        }
        Err(PlanError::Access {
            what: format!("decide about plan {}", kept.digest.short()),
            why: ruling.undecided.unwrap_or_else(|| {
                "no policy lets this caller approve it: who proposed it may, or a lead of their team".to_owned()
            }),
            policies: ruling.policies,
        })
    }
}
