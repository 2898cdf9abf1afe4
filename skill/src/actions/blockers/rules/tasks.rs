//! Rules about a deal's open tasks.

use jiff::Timestamp;

use super::super::facts::Facts;
use super::super::queries::BlockersTask;
use super::outcome::{EVIDENCE, RuleOutcome, days, fires, open_tasks, title, unknown};
use crate::bindings::exports::claw::crm::read::{Evidence, Severity};
use crate::twenty::custom::NextStep;

/// A task overdue for more days than this is pressing.
const LONG_OVERDUE_DAYS: i32 = 7;

/// An open task is past due: high over 7 days, else medium. Undated tasks alone leave it open
/// whether any is late.
pub(super) fn overdue_task(facts: &Facts<'_>) -> RuleOutcome {
    let tasks = match open_tasks(facts) {
        Ok(tasks) => tasks,
        Err(why) => return unknown(why),
    };
    let late: Vec<(&BlockersTask, Timestamp)> = tasks
        .rows
        .iter()
        .filter_map(|task| Some((task, task.due_at?)))
        .filter(|&(_, due)| facts.ctx.zone().is_overdue(due, facts.ctx.now))
        .collect();
    let Some(&(first, oldest)) = late
        .iter()
        .min_by_key(|&&(_, due)| facts.ctx.zone().due(due).day)
    else {
        let undated = tasks.rows.iter().all(|task| task.due_at.is_none());
        let unreadable = |task: &BlockersTask| task.unreadable.has("dueAt");
        if tasks.lost || tasks.rows.iter().any(unreadable) {
            return unknown("An open task, or when it is due, could not be read.");
        }
        return match (tasks.rows.is_empty(), undated) {
            (false, true) => unknown("None of its open tasks has a due date."),
            _ => RuleOutcome::Clear,
        };
    };
    let age = facts.days_late(oldest);
    let severity = if age > LONG_OVERDUE_DAYS {
        Severity::High
    } else {
        Severity::Medium
    };
    let since = if age == 0 {
        "since today".to_owned()
    } else {
        format!("for {}", days(age))
    };
    let sentence = match late.len() {
        1 => format!("The task \"{}\" is overdue {since}.", title(first)),
        number => format!(
            "{number} open tasks are overdue, the oldest, \"{}\", {since}.",
            title(first)
        ),
    };
    let evidence = late
        .iter()
        .take(EVIDENCE)
        .map(|(task, due)| facts.of_task(task, "task due", facts.ctx.zone().show_due(*due)))
        .collect();
    fires(
        severity,
        sentence,
        evidence,
        "Do the task, or agree on a new date with who is waiting for it.",
    )
}

/// The state of planning: an open task due today or later, or words in the field that the operator
/// named for it, count as planned.
pub(super) enum NextStepStatus {
    Planned,
    None,
    Unknown(String),
}

pub(super) fn next_step(facts: &Facts<'_>) -> NextStepStatus {
    if facts.next_step.text().is_some() {
        return NextStepStatus::Planned;
    }
    let tasks = match open_tasks(facts) {
        Ok(tasks) => tasks,
        Err(why) => return NextStepStatus::Unknown(why),
    };
    if tasks.due_from(facts.ctx.zone(), facts.today) {
        return NextStepStatus::Planned;
    }
    if tasks.more {
        return NextStepStatus::Unknown("It has more open tasks than were read.".to_owned());
    }
    if tasks.rows.iter().any(|task| task.due_at.is_none()) {
        return NextStepStatus::Unknown(
            "It has an open task without a due date that can be read, so nobody can say whether it is a next step."
                .to_owned(),
        );
    }
    match &facts.next_step {
        NextStep::Unreadable { why } => NextStepStatus::Unknown(why.clone()),
        _ => NextStepStatus::None,
    }
}

/// Returns evidence that the operator's field for the next step is empty, where there is one.
pub(super) fn empty_field(facts: &Facts<'_>) -> Option<Evidence> {
    let field = facts.next_step.empty_field()?;
    Some(facts.of_deal(&format!("field {field}"), "empty"))
}

/// No open task due today or later, and the field that the operator named for the next step, if
/// any, is empty. A closed deal needs none.
pub(super) fn no_next_step(facts: &Facts<'_>) -> RuleOutcome {
    if facts.closed {
        return RuleOutcome::Clear;
    }
    match next_step(facts) {
        NextStepStatus::Planned => RuleOutcome::Clear,
        NextStepStatus::Unknown(why) => unknown(why),
        NextStepStatus::None => {
            let number = facts.tasks.as_ref().map_or(0, |tasks| tasks.rows.len());
            let mut evidence =
                vec![facts.of_deal("open tasks due today or later", format!("0 of {number}"))];
            evidence.extend(empty_field(facts));
            let field = match facts.next_step.empty_field() {
                Some(field) => format!(", and the field {field} is empty"),
                None => String::new(),
            };
            fires(
                Severity::High,
                format!("Nothing is planned: no open task is due today or later{field}."),
                evidence,
                "Plan the next step: create a follow-up with a date and an assignee.",
            )
        }
    }
}

/// An open task without assignee.
pub(super) fn unassigned_task(facts: &Facts<'_>) -> RuleOutcome {
    let tasks = match open_tasks(facts) {
        Ok(tasks) => tasks,
        Err(why) => return unknown(why),
    };
    let nobodys: Vec<&BlockersTask> = tasks
        .rows
        .iter()
        .filter(|task| task.assignee.is_none())
        .filter(|task| !task.unreadable.has("assigneeId"))
        .collect();
    if let Some(first) = nobodys.first() {
        let sentence = match nobodys.len() {
            1 => format!("The task \"{}\" is nobody's.", title(first)),
            number => format!(
                "{number} open tasks are nobody's, such as \"{}\".",
                title(first)
            ),
        };
        let evidence = nobodys
            .iter()
            .take(EVIDENCE)
            .map(|task| facts.of_task(task, "task without assignee", title(task)))
            .collect();
        return fires(Severity::Low, sentence, evidence, "Assign it to somebody.");
    }
    if tasks.more {
        return unknown("It has more open tasks than were read.");
    }
    let known = |task: &BlockersTask| task.assignee.as_ref().is_none_or(|who| who.is_known());
    match !tasks.rows.iter().all(known) {
        true => unknown(
            "An open task is assigned to somebody who is no member any more, or may not be read.",
        ),
        false => RuleOutcome::Clear,
    }
}
