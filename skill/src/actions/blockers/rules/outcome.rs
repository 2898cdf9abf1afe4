//! The outcome of a rule, and the texts that rules share.

use super::super::facts::{Facts, Known, OpenTasks};
use super::super::queries::BlockersTask;
use crate::bindings::exports::claw::crm::read::{Certainty, Evidence, Severity};
use crate::markdown::count;
use crate::text;
use crate::twenty::values::named;

/// The most records that are named as evidence.
pub(in crate::actions::blockers) const EVIDENCE: usize = 5;

/// The outcome of a rule.
pub(in crate::actions::blockers) enum RuleOutcome {
    Fires(RuleFinding),
    Clear,
    Unknown(String),
}

/// A finding before it has its code.
pub(in crate::actions::blockers) struct RuleFinding {
    pub(in crate::actions::blockers) severity: Severity,
    pub(in crate::actions::blockers) certainty: Certainty,
    pub(in crate::actions::blockers) sentence: String,
    pub(in crate::actions::blockers) evidence: Vec<Evidence>,
    pub(in crate::actions::blockers) next_step: String,
}

pub(in crate::actions::blockers) fn fires(
    severity: Severity,
    sentence: impl Into<String>,
    evidence: Vec<Evidence>,
    next_step: &str,
) -> RuleOutcome {
    RuleOutcome::Fires(RuleFinding {
        severity,
        certainty: Certainty::Verified,
        sentence: sentence.into(),
        evidence,
        next_step: next_step.to_owned(),
    })
}

pub(in crate::actions::blockers) fn unknown(reason: impl Into<String>) -> RuleOutcome {
    RuleOutcome::Unknown(reason.into())
}

pub(in crate::actions::blockers) fn days(days: i32) -> String {
    count(days.unsigned_abs(), "day", "days")
}

pub(in crate::actions::blockers) fn open_tasks<'f>(facts: &'f Facts<'_>) -> Known<&'f OpenTasks> {
    facts
        .tasks
        .as_ref()
        .map_err(|why| format!("Its tasks could not be read: {why}"))
}

/// Returns a task's title as sentences quote it.
pub(in crate::actions::blockers) fn title(task: &BlockersTask) -> String {
    text::line(named(task.title.as_ref()), text::LABEL).0
}

pub(in crate::actions::blockers) fn stage(facts: &Facts<'_>) -> String {
    text::line(facts.deal.stage.as_str(), text::LABEL).0
}
