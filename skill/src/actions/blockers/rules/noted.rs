//! The rule that reads what people wrote.

use jiff::Timestamp;

use super::super::facts::Facts;
use super::super::quote::quote;
use super::outcome::{EVIDENCE, RuleFinding, RuleOutcome, unknown};
use crate::bindings::exports::claw::crm::read::{Certainty, Evidence, Severity};
use crate::twenty;
use crate::twenty::values::RichText;

/// Notes older than this many days are not recent. An open task is, whatever its age.
const RECENT_DAYS: i32 = 30;

/// A recent note, or a task that is still open, says that something is blocked. Guessed from words,
/// so `inferred`.
pub(super) fn noted_blocker(facts: &Facts<'_>) -> RuleOutcome {
    let recent = |created: Option<Timestamp>| {
        created.is_none_or(|created| facts.days_since(created) <= RECENT_DAYS)
    };
    let mut evidence = Vec::new();
    let mut read = false;
    for note in facts.notes.iter().flatten() {
        read = true;
        let texts = [
            note.title.as_ref().map(|title| title.as_str()),
            RichText::text(note.body_v2.as_ref()),
        ];
        if let Some(quoted) = texts
            .into_iter()
            .flatten()
            .find_map(quote)
            .filter(|_| recent(note.created_at))
        {
            let provenance = twenty::provenance(facts.ctx, "note", &note.id, note.updated_at);
            evidence.push(Evidence {
                what: "note".to_owned(),
                value: quoted,
                provenance,
            });
        }
    }
    for task in facts.tasks.iter().flat_map(|tasks| &tasks.rows) {
        read = true;
        let texts = [
            task.title.as_ref().map(|title| title.as_str()),
            RichText::text(task.body_v2.as_ref()),
        ];
        if let Some(quoted) = texts.into_iter().flatten().find_map(quote) {
            evidence.push(facts.of_task(task, "task", quoted));
        }
    }
    if let Some(first) = evidence.first() {
        let whose = if first.what == "task" {
            "An open task"
        } else {
            "A recent note"
        };
        let sentence = format!("{whose} reads: \"{}\"", first.value);
        evidence.truncate(EVIDENCE);
        return RuleOutcome::Fires(RuleFinding {
            severity: Severity::Medium,
            certainty: Certainty::Inferred,
            sentence,
            evidence,
            next_step: "Read it, and ask whoever wrote it whether that still holds.".to_owned(),
        });
    }
    match (&facts.notes, &facts.tasks, read) {
        (Err(why), _, _) => unknown(format!("Its notes could not be read: {why}")),
        (_, Err(why), _) => unknown(format!("Its tasks could not be read: {why}")),
        (Ok(_), Ok(_), false) => unknown("It has neither notes nor open tasks to read."),
        (Ok(_), Ok(_), true) => RuleOutcome::Clear,
    }
}
