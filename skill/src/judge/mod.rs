//! Judging the steps of plans: before one is sent, whether it is still right; after it, what the service's answer means. Nothing
//! is sent here but what reads.

mod found;
mod look;
mod posted;
mod said;

use jiff::Timestamp;

use crate::bindings::claw::skill::plan::{Method, Step};
pub use crate::bindings::exports::claw::skill::judge::{Readiness, ServiceAnswer, Verdict};
use crate::context::Context;
use crate::failure;
use crate::plan::DESTINATION;
use crate::twenty::mutations::{Leaf, Write};
use crate::twenty::records::Record;
use crate::twenty::reread::{Now, reread};
use posted::Posted;
use said::{Said, said};

/// How many fields a sentence names.
const NAMED: usize = 5;

/// Whether a step is still right. What makes or links a record is sent without asking: its id makes sure that it is there once.
/// What changes a record is sent only if that is as it was when the change was planned.
pub fn ready(ctx: &Context<'_>, step: &Step) -> Readiness {
    // What is sent to people rests on nothing that could have changed; that it goes out once is the harness's to see to.
    if Posted::read(step).is_some() {
        return Readiness::Go;
    }
    match write(step) {
        None => Readiness::Unknown(UNKNOWN_STEP.to_owned()),
        Some(Write::Create { .. } | Write::Link { .. } | Write::Delete { .. }) => Readiness::Go,
        Some(Write::Update { kind, id, data }) => match reread(ctx, kind, &id) {
            Ok(Now::Live(record)) => unchanged(step, &record, &data),
            Ok(Now::Deleted) => Readiness::Conflict(
                "The record was deleted since this was planned. Restore it in the CRM, then propose the change again."
                    .to_owned(),
            ),
            Ok(Now::Absent) => Readiness::Conflict(
                "The record is not there any more. Search for it with crm_search.".to_owned(),
            ),
            Err(failure) => Readiness::Unknown(format!(
                "Whether the record has changed since this was planned could not be read, so nothing was sent. {} Resume the plan when it can be read.",
                failure::sentence(&failure)
            )),
        },
    }
}

/// What the service's answer to a step means. None is that the host does not know whether the service got it.
pub fn answer(ctx: &Context<'_>, step: &Step, answer: Option<&ServiceAnswer>) -> Verdict {
    if let Some(posted) = Posted::read(step) {
        return match answer.map_or(Said::Unclear, |answer| posted.said(answer)) {
            Said::Done => Verdict::Done,
            Said::Again(why) => Verdict::Again(why),
            Said::Failed(why) => Verdict::Failed(why),
            // An error of the service's own says that it is over; one from what stands before it says nothing.
            Said::Unclear | Said::Gone | Said::Duplicate { .. } => {
                let over = answer.is_some_and(|answer| matches!(answer.status, 200..=299 | 500));
                found::in_doubt(ctx, &posted, over)
            }
        };
    }
    let Some(write) = write(step) else {
        return Verdict::Unknown(UNKNOWN_STEP.to_owned());
    };
    match answer.map_or(Said::Unclear, |answer| said(&write, answer)) {
        Said::Done => Verdict::Done,
        Said::Again(why) => Verdict::Again(why),
        Said::Failed(why) => Verdict::Failed(why),
        Said::Gone => match write {
            Write::Delete { .. } => Verdict::AlreadyDone("The task had been deleted before.".to_owned()),
            _ => Verdict::Failed(
                "The record is not there any more, or was deleted. Search for it with crm_search and propose again."
                    .to_owned(),
            ),
        },
        Said::Duplicate { conflicting } => look::after_duplicate(ctx, &write, conflicting.as_deref()),
        Said::Unclear => look::in_doubt(ctx, &write, basis(step)),
    }
}

const UNKNOWN_STEP: &str =
    "This step is none that this version of the skill makes, so it is not judged. Propose again.";

/// What a step is meant to do; none where it is none of this skill's.
fn write(step: &Step) -> Option<Write> {
    let ours = step.destination == DESTINATION
        && step.path == "/graphql"
        && matches!(step.method, Method::Post)
        && step.slots.is_empty();
    if ours { Write::read(&step.body) } else { None }
}

/// When the record that a step changes had last been changed, as it was planned upon.
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

/// Whether a record holds every value, as far as this skill reads them; one that it does not read counts as not held.
fn all_held(record: &Record, data: &[Leaf]) -> bool {
    !data.is_empty()
        && data
            .iter()
            .all(|(path, value)| record.holds(path, value) == Some(true))
}
