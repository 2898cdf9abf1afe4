//! Judges the steps of plans: before sending, whether a step still holds; afterwards, the meaning
//! of the service's answer. Only queries are sent here.

mod record_lookup;
mod service_lookup;
mod service_step;
mod write_outcome;

use jiff::Timestamp;

use crate::bindings::claw::skill::plan::{Method, Step};
pub use crate::bindings::exports::claw::skill::judge::{Readiness, ServiceAnswer, Verdict};
use crate::context::Context;
use crate::failure;
use crate::twenty::mutations::{DESTINATION, Leaf, Write};
use crate::twenty::records::Record;
use crate::twenty::reread::{RecordState, reread};
use record_lookup::NAMED;
use service_step::ServiceStep;
use write_outcome::{WriteOutcome, outcome_of};

/// Judges a step before it is sent. Steps that make or link records are sent without a look: their
/// ids keep them from being done twice. A change is sent only if its record is as it was at
/// planning.
pub fn ready(ctx: &Context<'_>, step: &Step) -> Readiness {
    // What is sent to people rests on nothing that could have changed; that it goes out once is the
    // harness's to see to.
    if ServiceStep::read(step).is_some() {
        return Readiness::Go;
    }
    match write(step) {
        None => Readiness::Unknown(UNKNOWN_STEP.to_owned()),
        Some(
            Write::Create { .. }
            | Write::CreateNote { .. }
            | Write::Link { .. }
            | Write::Delete { .. },
        ) => Readiness::Go,
        Some(Write::Update { kind, id, data }) => match reread(ctx, kind, &id) {
            Ok(RecordState::Live(record)) => unchanged(step, &record, &data),
            Ok(RecordState::Deleted) => Readiness::Conflict(
                "The record was deleted since this was planned. Restore it in the CRM, then propose the change again."
                    .to_owned(),
            ),
            Ok(RecordState::Absent) => Readiness::Conflict(
                "The record is not there any more. Search for it with crm_search.".to_owned(),
            ),
            Err(failure) => Readiness::Unknown(format!(
                "Whether the record has changed since this was planned could not be read, so nothing was sent. {} Resume the plan when it can be read.",
                failure::sentence(&failure)
            )),
        },
    }
}

/// Judges the service's answer to a step. None means that the host does not know whether the
/// service received it.
pub fn answer(ctx: &Context<'_>, step: &Step, answer: Option<&ServiceAnswer>) -> Verdict {
    if let Some(posted) = ServiceStep::read(step) {
        return match answer.map_or(WriteOutcome::Unclear, |answer| posted.outcome(answer)) {
            WriteOutcome::Done => Verdict::Done,
            WriteOutcome::Again(why) => Verdict::Again(why),
            WriteOutcome::Failed(why) => Verdict::Failed(why),
            // An error of the service's own says that it is over; one from what stands before it
            // says nothing.
            WriteOutcome::Unclear | WriteOutcome::Gone | WriteOutcome::Duplicate { .. } => {
                let over = answer.is_some_and(|answer| matches!(answer.status, 200..=299 | 500));
                service_lookup::in_doubt(ctx, &posted, over)
            }
        };
    }
    let Some(write) = write(step) else {
        return Verdict::Unknown(UNKNOWN_STEP.to_owned());
    };
    match answer.map_or(WriteOutcome::Unclear, |answer| outcome_of(&write, answer)) {
        WriteOutcome::Done => Verdict::Done,
        WriteOutcome::Again(why) => Verdict::Again(why),
        WriteOutcome::Failed(why) => Verdict::Failed(why),
        WriteOutcome::Gone => match write {
            Write::Delete { of, .. } => {
                Verdict::AlreadyDone(format!("The {} had been deleted before.", of.spoken()))
            }
            _ => Verdict::Failed(
                "The record is not there any more, or was deleted. Search for it with crm_search and propose again."
                    .to_owned(),
            ),
        },
        WriteOutcome::Duplicate { conflicting } => record_lookup::after_duplicate(ctx, &write, conflicting.as_deref()),
        WriteOutcome::Unclear => record_lookup::in_doubt(ctx, &write, basis(step)),
    }
}

const UNKNOWN_STEP: &str =
    "This step is none that this version of the skill makes, so it is not judged. Propose again.";

/// Reads a step's write; none where it is none of this skill's.
fn write(step: &Step) -> Option<Write> {
    let ours = step.destination == DESTINATION
        && step.path == "/graphql"
        && matches!(step.method, Method::Post)
        && step.slots.is_empty();
    if ours { Write::read(&step.body) } else { None }
}

/// Returns the last change of the record, as it was at planning.
fn basis(step: &Step) -> Option<Timestamp> {
    step.basis
        .first()
        .and_then(|basis| basis.updated_at.as_deref()?.parse().ok())
}

fn unchanged(step: &Step, record: &Record, data: &[Leaf]) -> Readiness {
    if basis(step).is_some() && basis(step) == record.updated_at() {
        return Readiness::Go;
    }
    if all_held(record, data) {
        return Readiness::AlreadyDone("The record holds all these values already.".to_owned());
    }
    let moved: Vec<&str> = step
        .changes
        .iter()
        .filter_map(|change| {
            let path = change.pointer.strip_prefix("/variables/data/")?;
            let held = record.held(&path.replace('/', "."))?;
            (held.shown != change.before).then_some(path)
        })
        .take(NAMED)
        .collect();
    let what = if moved.is_empty() {
        "fields that this does not set".to_owned()
    } else {
        moved.join(", ").replace('/', ".")
    };
    Readiness::Conflict(format!(
        "The record was changed since this was planned: {what}. Nothing was sent. Look at it, then propose the change again."
    ))
}

/// Checks that a record holds every value, as far as this skill reads them; one that it does not
/// read counts as missing.
fn all_held(record: &Record, data: &[Leaf]) -> bool {
    !data.is_empty()
        && data
            .iter()
            .all(|(path, value)| record.holds(path, value) == Some(true))
}
