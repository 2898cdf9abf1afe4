//! States of plans and of their steps.

use serde::{Deserialize, Serialize};

/// The state of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanState {
    /// It waits for approval.
    Waiting,
    /// It may be performed.
    Approved,
    /// It is being performed, or was when the process ended.
    Started,
    /// An external cause keeps it from continuing.
    Stopped,
    /// It is not known whether a step was done.
    InDoubt,
    /// Everything was done.
    Done,
    /// A step failed for good.
    Failed,
    /// A record that it was planned on has changed; the step was not sent.
    Conflict,
    /// A person denied it.
    Denied,
    /// Nobody approved it in time.
    Expired,
}

impl PlanState {
    /// Returns the name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::InDoubt => "in-doubt",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Conflict => "conflict",
            Self::Denied => "denied",
            Self::Expired => "expired",
        }
    }

    /// Checks whether nothing more will be sent for it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Failed | Self::Conflict | Self::Denied | Self::Expired
        )
    }

    pub(super) fn named(name: &str) -> Self {
        const ALL: [PlanState; 10] = [
            PlanState::Waiting,
            PlanState::Approved,
            PlanState::Started,
            PlanState::Stopped,
            PlanState::InDoubt,
            PlanState::Done,
            PlanState::Failed,
            PlanState::Conflict,
            PlanState::Denied,
            PlanState::Expired,
        ];
        ALL.into_iter()
            .find(|state| state.as_str() == name)
            .unwrap_or(Self::InDoubt)
    }
}

/// The state of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// It was not sent, or certainly not done.
    Pending,
    /// It may have been sent; the result is not known yet.
    Sending,
    /// There is an answer that has not been judged yet.
    Answered,
    /// It was done.
    Done,
    /// It had been done before, perhaps by another plan: it is not compensated.
    Found,
    /// It was not done, and will not be.
    Failed,
    /// A record that it was planned on has changed; it was not sent.
    Conflict,
    /// A compensation step of a step that did not fail. Never stored: it follows from the plan's
    /// state.
    NotNeeded,
}

impl StepState {
    /// Returns the name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Answered => "answered",
            Self::Done => "done",
            Self::Found => "found",
            Self::Failed => "failed",
            Self::Conflict => "conflict",
            Self::NotNeeded => "not-needed",
        }
    }

    pub(super) fn named(name: &str) -> Self {
        const ALL: [StepState; 7] = [
            StepState::Pending,
            StepState::Sending,
            StepState::Answered,
            StepState::Done,
            StepState::Found,
            StepState::Failed,
            StepState::Conflict,
        ];
        // An unknown name gets the state that is treated with the most care.
        ALL.into_iter()
            .find(|state| state.as_str() == name)
            .unwrap_or(Self::Sending)
    }
}
