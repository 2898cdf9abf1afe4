//! Where a plan and each of its steps stand.

use serde::{Deserialize, Serialize};

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanState {
    /// It waits for approval.
    Waiting,
    /// It may be performed.
    Approved,
    /// It is being performed, or was when the process ended.
    Started,
    /// Something outside kept it from going on.
    Stopped,
    /// It is not known whether a step was done.
    InDoubt,
    /// Everything was done.
    Done,
    /// A step failed for good.
    Failed,
    /// What it was planned upon has changed; the step was not sent.
    Conflict,
    /// A person said no.
    Denied,
    /// Nobody approved it in time.
    Expired,
}

impl PlanState {
    /// The name.
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

    /// Whether nothing more will be sent for it.
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

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// It was not sent, or surely not done.
    Pending,
    /// It may have been sent; what came of it is not known yet.
    Sending,
    /// There is an answer that nobody has judged yet.
    Answered,
    /// It was done.
    Done,
    /// It had been done before, perhaps by another plan: nothing takes it back.
    Found,
    /// It was not done, and will not be.
    Failed,
    /// What it was planned upon has changed; it was not sent.
    Conflict,
    /// It would have taken back a step that did not fail. Never stored: it follows from the plan's state.
    NotNeeded,
}

impl StepState {
    /// The name.
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
        // An unknown one is treated with the most care.
        ALL.into_iter()
            .find(|state| state.as_str() == name)
            .unwrap_or(Self::Sending)
    }
}
