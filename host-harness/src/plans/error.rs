//! Why a plan cannot be made, approved or performed.

use thiserror::Error;

use super::store::StoreError;
use super::{Outcome, PlanState};
use crate::denial::Denial;
use crate::digest::Digest;

/// Why a plan cannot be made, approved or performed. What of it was sent before is in its steps: nothing is lost.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The component's proposal is none.
    #[error(
        "the proposal cannot be used: {0}. This is a fault of the skill: report it to its makers"
    )]
    Form(String),
    /// The gate would not let a step through.
    #[error("step {step} may not be sent: {}", denial.reason)]
    Gate {
        /// The step, from 1.
        step: usize,
        /// The gate's refusal.
        denial: Box<Denial>,
    },
    /// It would go to somebody whom the operator does not list.
    #[error("step {step} goes to somebody who is not on the operator's list. {fix}")]
    Recipient {
        /// The step, from 1.
        step: usize,
        /// How an operator lists somebody.
        fix: String,
    },
    /// Policy does not let the caller do this.
    #[error("{what}: {why}")]
    Access {
        /// What was to be done.
        what: String,
        /// Why it may not be.
        why: String,
        /// The policies that forbid it; none where nothing permits it.
        policies: Vec<String>,
    },
    /// There is no such plan.
    #[error("there is no plan `{0}`: `crm-harness plan list` shows those that there are")]
    Unknown(String),
    /// A short digest that several plans begin with.
    #[error("several plans begin with `{0}`: give more of the digest")]
    Ambiguous(String),
    /// What is stored is not what the digest is of.
    #[error("the stored plan was changed after it was proposed: it is not sent. Propose it again")]
    Altered,
    /// It waited too long.
    #[error("the plan was not approved in time and has expired: propose it again")]
    Expired,
    /// It was denied.
    #[error("the plan was denied: propose it again if that was a mistake")]
    Denied,
    /// It has not been approved.
    #[error("the plan waits for approval: `crm-harness plan approve {0}`")]
    NotApproved(String),
    /// Another component made it.
    #[error(
        "another version of the component proposed this plan: propose it again, or, having looked at it, pass --any-component"
    )]
    OtherComponent,
    /// The service is at another address than when it was proposed.
    #[error(
        "{service} was at {then} when this was proposed and is elsewhere now: nothing is sent. Propose it again"
    )]
    Moved {
        /// The service's name.
        service: String,
        /// Where it was.
        then: String,
    },
    /// It is over.
    #[error("the plan is over ({}): there is nothing to decide about it", .0.as_str())]
    Over(PlanState),
    /// It is being performed elsewhere.
    #[error(
        "the plan is being performed by another call and took too long: look at it with `crm-harness plan show`"
    )]
    Busy,
    /// The caller has too many plans that wait already.
    #[error(
        "{waiting} plans of this caller wait for approval, which is as many as may: approve or deny some of them (`crm-harness plan list`), or wait, since each expires after 15 minutes"
    )]
    TooMany {
        /// How many wait.
        waiting: usize,
    },
    /// It began, and then something kept it from coming to its end, such as a full disk.
    #[error(
        "plan {} began and did not come to its end: {cause}. What was sent stays sent, and is not sent again. When the cause is mended, go on with it: `crm-harness plan resume {}`",
        plan.short(),
        plan.short()
    )]
    Interrupted {
        /// The plan.
        plan: Digest,
        /// What happened.
        cause: String,
    },
    /// The record or the plans cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be put on record.
    #[error("{0}. Tell the operator: nothing is done without a record")]
    Record(String),
}

impl PlanError {
    /// Turns an error of performing a plan into one that says that it began, if it did.
    pub(crate) fn after(self, outcome: &Outcome) -> Self {
        match self {
            told @ Self::Interrupted { .. } => told,
            error if outcome.has_begun() => Self::Interrupted {
                plan: outcome.plan.clone(),
                cause: error.to_string(),
            },
            error => error,
        }
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Form(_) => "plan-form",
            Self::Gate { .. } => "plan-gate",
            Self::Recipient { .. } => "plan-recipient",
            Self::Access { .. } => "access",
            Self::Unknown(_) => "plan-unknown",
            Self::Ambiguous(_) => "plan-ambiguous",
            Self::Altered => "plan-altered",
            Self::Expired => "plan-expired",
            Self::Denied => "plan-denied",
            Self::NotApproved(_) => "plan-not-approved",
            Self::OtherComponent => "plan-other-component",
            Self::Moved { .. } => "plan-moved",
            Self::Over(_) => "plan-over",
            Self::Busy => "plan-busy",
            Self::TooMany { .. } => "plan-too-many",
            Self::Interrupted { .. } => "plan-interrupted",
            Self::Store(_) => "plan-store",
            Self::Record(_) => "record",
        }
    }
}
