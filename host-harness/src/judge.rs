//! The interface to the judge of a plan's steps, which decides if a step may still be sent, and
//! what a service's response means.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;

use crate::config::Caller;
use crate::outbound::call_context::CallContext;
use crate::proposal::Step;

/// Judges the steps of plans.
#[async_trait]
pub trait Judge: Send + Sync {
    /// Decides if a step may still be sent. The data needed for that is read on behalf of `caller`,
    /// within `context`.
    ///
    /// # Errors
    /// Returns the reason for which there is no verdict.
    async fn ready(
        &self,
        caller: &Caller,
        context: &Arc<CallContext>,
        step: &Step,
    ) -> Result<Readiness, NoVerdict>;

    /// Interprets the response to a step, given by status and body; `None` if the service may or
    /// may not have received the step.
    ///
    /// # Errors
    /// Returns the reason for which there is no verdict.
    async fn answer(
        &self,
        caller: &Caller,
        context: &Arc<CallContext>,
        step: &Step,
        answer: Option<(u16, &[u8])>,
    ) -> Result<Verdict, NoVerdict>;
}

/// Error of a judge that reached no verdict.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoVerdict(
    /// The reason.
    pub String,
);

/// Readiness of a step to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "case", content = "value", rename_all = "kebab-case")]
pub enum Readiness {
    /// The step can be sent.
    Go,
    /// The step's effect is already in place.
    AlreadyDone(String),
    /// The data that the plan was based on has changed.
    Conflict(String),
    /// The readiness cannot be determined now.
    Unknown(String),
}

/// Meaning of a service's response to a step.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "case", content = "value", rename_all = "kebab-case")]
pub enum Verdict {
    /// The step was done.
    Done,
    /// The step had been done before.
    AlreadyDone(String),
    /// The step was not done and may be retried.
    Again(String),
    /// The step was not done, and a retry will not help.
    Failed(String),
    /// The response does not show if the step was done.
    Unknown(String),
}
