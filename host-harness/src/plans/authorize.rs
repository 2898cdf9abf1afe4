//! Authorization of plans: each record that a step writes or discloses, each message to people, and
//! the approver.

use super::error::unrecorded;
use super::plan::Plan;
use super::service::Plans;
use super::store::StoredPlan;
use super::{Facts, PlanError, Sends, Touched};
use crate::access::{AccessRequest, Approval, Decision};
use crate::config::Caller;
use crate::digest::Digest;
use crate::events::{CallId, Ruled};

/// An access request of a step, with the decision on it.
pub(super) struct Authorization<'a> {
    /// The action, as policies and the audit log name it.
    pub(super) deed: &'a str,
    /// Kind and id of the record, if there is one.
    pub(super) record: Option<(&'a str, &'a str)>,
    /// The request in words.
    what: String,
    pub(super) decision: Decision,
}

impl Authorization<'_> {
    /// Returns the request in words.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    /// Writes the decision to the audit log and returns whether the request is permitted.
    pub(super) fn permitted(
        &self,
        plans: &Plans,
        call: CallId,
        kept: &StoredPlan,
        by: &Caller,
    ) -> Result<bool, PlanError> {
        let about = (self.deed, self.record);
        plans.log_decision(call, Some(&kept.digest), by, about, &self.decision)?;
        Ok(self.decision.permitted)
    }
}

impl Plans {
    /// Returns the decision on each step, or an error if policy does not permit all of them.
    pub(super) fn permitted(
        &self,
        call: CallId,
        digest: Option<&Digest>,
        plan: &Plan,
        caller: &Caller,
    ) -> Result<Vec<Decision>, PlanError> {
        let mut decisions = Vec::new();
        for facts in &plan.facts {
            let mut of_step = Vec::new();
            for asked in self.authorize(facts, caller) {
                let about = (asked.deed, asked.record);
                self.log_decision(call, digest, caller, about, &asked.decision)?;
                if !asked.decision.permitted {
                    return Err(PlanError::Access {
                        what: asked.what,
                        why: self.why(caller, asked.deed, &asked.decision),
                        policies: asked.decision.policies,
                    });
                }
                of_step.push(asked.decision);
            }
            decisions.push(Decision::all(of_step));
        }
        Ok(decisions)
    }

    /// Explains why a request is not permitted.
    fn why(&self, caller: &Caller, deed: &str, decision: &Decision) -> String {
        let role = self.access.role(caller);
        match &decision.undecided {
            Some(why) => why.clone(),
            None if role.is_empty() => {
                "this caller has no role: the operator gives one by `role` under [callers.NAME]"
                    .to_owned()
            }
            None if !decision.policies.is_empty() => {
                format!("forbidden by {}", decision.policies.join(", "))
            }
            None if matches!(deed, "disclose" | "expand") => format!(
                "no policy lets a {role} give that away; the record's owner or a lead of its team may"
            ),
            None => format!(
                "no policy lets a {role} do that to this record; its owner or a lead of its team may"
            ),
        }
    }

    /// Returns the decision on each step.
    pub(super) fn decisions(&self, plan: &Plan, caller: &Caller) -> Vec<Decision> {
        let step = |facts: &Facts| {
            let asked = self.authorize(facts, caller).into_iter();
            Decision::all(asked.map(|asked| asked.decision).collect())
        };
        plan.facts.iter().map(step).collect()
    }

    /// Asks policy about everything that a step does: each record that it writes, the message that
    /// it sends, and each record that it discloses.
    pub(super) fn authorize<'f>(
        &self,
        facts: &'f Facts,
        caller: &Caller,
    ) -> Vec<Authorization<'f>> {
        let mut asked: Vec<Authorization<'f>> = facts
            .touched
            .iter()
            .map(|touched| Authorization {
                deed: &touched.verb,
                record: Some((&touched.kind, &touched.id)),
                what: super::preview::deed(touched),
                decision: self.decision_on(caller, touched),
            })
            .collect();
        if let Some(sends) = &facts.sends {
            self.authorize_sending(sends, caller, &mut asked);
        }
        if asked.is_empty() {
            let why = "the manifest does not say what this step does to which record";
            asked.push(Authorization {
                deed: "unknown",
                record: None,
                what: facts.rule.clone(),
                decision: Decision::undecided(why),
            });
        }
        asked
    }

    fn authorize_sending<'f>(
        &self,
        sends: &'f Sends,
        caller: &Caller,
        asked: &mut Vec<Authorization<'f>>,
    ) {
        let ids = sends.ids();
        let audience = sends.audience(&ids);
        let deed = AccessRequest::Send {
            act: &sends.act,
            service: &sends.service,
            audience,
        };
        let mut decision = self.access.decide(caller, deed);
        if sends.person || sends.partly_compared {
            decision.approval = Approval::Required;
        }
        asked.push(Authorization {
            deed: &sends.act,
            record: None,
            what: super::preview::sent(sends),
            decision,
        });
        for repeat in sends
            .repeats
            .iter()
            .filter(|repeat| !repeat.expanded.is_empty())
        {
            let deed = AccessRequest::Give {
                verb: "expand",
                record: &repeat.key(),
                attributes: &repeat.known,
                new: false,
                fields: &repeat.expanded,
                audience,
            };
            asked.push(Authorization {
                deed: "expand",
                record: Some((&repeat.record, &repeat.id)),
                what: format!(
                    "repeat the {} of {} {} in a text",
                    repeat.expanded.join(", "),
                    repeat.record,
                    repeat.id
                ),
                decision: self.access.decide(caller, deed),
            });
        }
        for given in &sends.gives {
            let fields = [("disclose", &given.fields), ("expand", &given.expanded)];
            let fields = fields.into_iter().filter(|(_, fields)| !fields.is_empty());
            for (verb, fields) in fields {
                let deed = AccessRequest::Give {
                    verb,
                    record: &given.key(),
                    attributes: &given.known,
                    new: given.new,
                    fields,
                    audience,
                };
                asked.push(Authorization {
                    deed: verb,
                    record: Some((&given.record, &given.id)),
                    what: format!(
                        "give away {} of {} {}",
                        fields.join(", "),
                        given.record,
                        given.id
                    ),
                    decision: self.access.decide(caller, deed),
                });
            }
        }
    }

    /// Decides about a record that a step writes.
    fn decision_on(&self, caller: &Caller, touched: &Touched) -> Decision {
        let deed = AccessRequest::Write {
            verb: &touched.verb,
            record: &touched.key(),
            attributes: &touched.known,
            new: touched.new,
            undo: touched.undo,
            fields: &touched.fields,
        };
        self.access.decide(caller, deed)
    }

    /// Decides again about a record that a step writes, now that more is known of it.
    pub(super) fn decide_again(
        &self,
        call: CallId,
        kept: &StoredPlan,
        caller: &Caller,
        touched: &Touched,
    ) -> Result<Decision, PlanError> {
        let decision = self.decision_on(caller, touched);
        let record = Some((touched.kind.as_str(), touched.id.as_str()));
        let about = (touched.verb.as_str(), record);
        self.log_decision(call, Some(&kept.digest), caller, about, &decision)?;
        Ok(decision)
    }

    /// Writes a decision to the audit log: the caller, the action and the record.
    fn log_decision(
        &self,
        call: CallId,
        digest: Option<&Digest>,
        by: &Caller,
        (deed, record): (&str, Option<(&str, &str)>),
        decision: &Decision,
    ) -> Result<(), PlanError> {
        let event = Ruled {
            call,
            by: by.named(),
            plan: digest.map(Digest::as_str),
            deed,
            record,
            permitted: decision.permitted,
            policies: &decision.policies,
        };
        self.sink.ruled(&event).map_err(unrecorded)
    }

    /// Checks that a caller may decide about a plan.
    pub(super) fn may_approve(
        &self,
        call: CallId,
        kept: &StoredPlan,
        by: &Caller,
    ) -> Result<(), PlanError> {
        let proposer = kept.plan.proposer.email.as_deref().unwrap_or_default();
        let deed = AccessRequest::Approve {
            plan: kept.digest.as_str(),
            proposer,
        };
        let decision = self.access.decide(by, deed);
        self.log_decision(call, Some(&kept.digest), by, ("approve", None), &decision)?;
        if decision.permitted {
            return Ok(());
        }
        Err(PlanError::Access {
            what: format!("decide about plan {}", kept.digest.short()),
            why: decision.undecided.unwrap_or_else(|| {
                "no policy lets this caller approve it: who proposed it may, or a lead of their team".to_owned()
            }),
            policies: decision.policies,
        })
    }
}
