//! Errors of proposing, storing, approving and performing plans.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::{PlanOutcome, PlanState};
use crate::database;
use crate::denial::Denial;
use crate::digest::Digest;
use crate::events::SinkError;

/// The database's file name.
pub(super) const DATABASE: &str = "plans.sqlite3";

/// Errors of storing and reading plans.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file cannot be used.
    #[error("cannot use {}: {}", path.display(), database::told_io(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The database cannot be used.
    #[error("{}", database::told(&DATABASE, .0))]
    Database(#[from] rusqlite::Error),
    /// The database in this file cannot be used.
    #[error("{}", database::told(&path.display(), source))]
    Unusable {
        /// The database.
        path: PathBuf,
        /// The cause.
        source: rusqlite::Error,
    },
    /// The database was made by an older version of this program, and cannot be migrated where it
    /// is only read.
    #[error("{} was made by an older version of crm-harness: copy it to a directory that can be written", .0.display())]
    Older(PathBuf),
    /// There are no plans in a directory that is only read.
    #[error("there are no plans in {}", .0.display())]
    None(PathBuf),
    /// The database was made by a newer version of this program.
    #[error("{} was made by a newer version of crm-harness: use that one", .0.display())]
    Newer(PathBuf),
    /// A plan cannot be serialized.
    #[error("the plan cannot be stored: {0}")]
    Json(#[from] serde_json::Error),
}

/// Errors of proposing, approving and performing plans. Steps that were sent before the error keep
/// their stored state.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The component's proposal is malformed.
    #[error(
        "the proposal cannot be used: {0}. This is a fault of the skill: report it to its makers"
    )]
    Form(String),
    /// The gate denies a step.
    #[error("step {step} may not be sent: {}", denial.reason)]
    Gate {
        /// The number of the step, from 1.
        step: usize,
        /// The gate's denial.
        denial: Box<Denial>,
    },
    /// A step has a recipient whom the operator file does not list.
    #[error("step {step} goes to somebody who is not on the operator's list. {fix}")]
    Recipient {
        /// The number of the step, from 1.
        step: usize,
        /// Instructions for listing the recipient.
        fix: String,
    },
    /// Policy does not permit it.
    #[error("{what}: {why}")]
    Access {
        /// The action that was requested.
        what: String,
        /// The reason.
        why: String,
        /// Ids of the policies that forbid it; empty if no policy permits it.
        policies: Vec<String>,
    },
    /// There is no such plan.
    #[error("there is no plan `{0}`: `crm-harness plan list` shows those that there are")]
    Unknown(String),
    /// A short digest that several plans begin with.
    #[error("several plans begin with `{0}`: give more of the digest")]
    Ambiguous(String),
    /// The stored bytes do not match the digest.
    #[error("the stored plan was changed after it was proposed: it is not sent. Propose it again")]
    Altered,
    /// The plan expired before it was approved.
    #[error("the plan was not approved in time and has expired: propose it again")]
    Expired,
    /// The plan was denied.
    #[error("the plan was denied: propose it again if that was a mistake")]
    Denied,
    /// The plan has not been approved.
    #[error("the plan waits for approval: `crm-harness plan approve {0}`")]
    NotApproved(String),
    /// Another component proposed the plan.
    #[error(
        "another version of the component proposed this plan: propose it again, or, having looked at it, pass --any-component"
    )]
    OtherComponent,
    /// The service has another origin than when the plan was proposed.
    #[error(
        "{service} was at {then} when this was proposed and is elsewhere now: nothing is sent. Propose it again"
    )]
    Moved {
        /// The service's name.
        service: String,
        /// The origin at that time.
        then: String,
    },
    /// The plan is over.
    #[error("the plan is over ({}): there is nothing to decide about it", .0.as_str())]
    Over(PlanState),
    /// The plan was approved, or something of it was sent, so that it can no longer be edited.
    #[error(
        "the plan was approved or begun: it cannot be edited any more. `crm-harness plan show` shows where it stands"
    )]
    Begun,
    /// The plan was edited into another one.
    #[error("the plan was replaced by plan {0}: edit that one")]
    Replaced(String),
    /// The arguments of the plan's call are not stored.
    #[error(
        "the plan was proposed by an older version, which did not keep its arguments: propose it again"
    )]
    NoArguments,
    /// Another call is performing the plan.
    #[error(
        "the plan is being performed by another call and took too long: look at it with `crm-harness plan show`"
    )]
    Busy,
    /// The caller has too many plans that wait for approval.
    #[error(
        "{waiting} plans of this caller wait for approval, which is as many as may: approve or deny some of them (`crm-harness plan list`), or wait, since each expires after 15 minutes"
    )]
    TooMany {
        /// The number of waiting plans.
        waiting: usize,
    },
    /// The plan began, and an error such as a full disk kept it from being finished.
    #[error(
        "plan {} began and did not come to its end: {cause}. What was sent stays sent, and is not sent again. When the cause is mended, go on with it: `crm-harness plan resume {}`",
        plan.short(),
        plan.short()
    )]
    Interrupted {
        /// The plan.
        plan: Digest,
        /// The cause.
        cause: String,
    },
    /// The stored plans cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An audit event cannot be written.
    #[error("{0}. Tell the operator: nothing is done without a record")]
    Record(String),
}

impl PlanError {
    /// Turns an error of performing a plan into [`Self::Interrupted`] if the plan has begun.
    pub(crate) fn after(self, outcome: &PlanOutcome) -> Self {
        match self {
            told @ Self::Interrupted { .. } => told,
            error if outcome.has_begun() => Self::Interrupted {
                plan: outcome.plan.clone(),
                cause: error.to_string(),
            },
            error => error,
        }
    }

    /// Returns the stable code.
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
            Self::Begun => "plan-begun",
            Self::Replaced(_) => "plan-replaced",
            Self::NoArguments => "plan-no-arguments",
            Self::Busy => "plan-busy",
            Self::TooMany { .. } => "plan-too-many",
            Self::Interrupted { .. } => "plan-interrupted",
            Self::Store(_) => "plan-store",
            Self::Record(_) => "record",
        }
    }
}

pub(super) fn unrecorded(error: SinkError) -> PlanError {
    PlanError::Record(error.to_string())
}
