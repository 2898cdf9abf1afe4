//! Finds out whether a write was done, by rereading the record that it makes or changes.

use jiff::Timestamp;
use serde_json::Value;

use crate::bindings::claw::crm::types::Kind;
use crate::bindings::exports::claw::skill::judge::Verdict;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::twenty::mutations::{Leaf, Linkable, Write};
use crate::twenty::notes::{NoteRecord, NoteState, reread_note, reread_note_link};
use crate::twenty::records::Record;
use crate::twenty::reread::{LinkState, RecordState, reread, reread_link};

/// The most fields that a sentence names.
pub(super) const NAMED: usize = 5;

/// Judges a write that the service refused as a duplicate: of its own result, or of something else.
pub(super) fn after_duplicate(
    ctx: &Context<'_>,
    write: &Write,
    conflicting: Option<&str>,
) -> Verdict {
    match write {
        Write::Create { kind, id, data } => match reread(ctx, *kind, id) {
            Ok(RecordState::Live(record)) => match differing(&record, data) {
                None => Verdict::AlreadyDone("The record had been made before.".to_owned()),
                Some(fields) => Verdict::Failed(other_values(&fields)),
            },
            Ok(RecordState::Deleted) => Verdict::Failed(DELETED.to_owned()),
            Ok(RecordState::Absent) => Verdict::Failed(taken_value(*kind, conflicting)),
            Err(failure) => Verdict::Unknown(failure::explain(&failure)),
        },
        Write::CreateNote { id, title, text } => match reread_note(ctx, id) {
            Ok(NoteState::Live(note)) => match other_note(&note, title, text) {
                Some(field) => Verdict::Failed(other_values(&[field.to_owned()])),
                None => Verdict::AlreadyDone("The note had been made before.".to_owned()),
            },
            Ok(NoteState::Deleted) => Verdict::Failed(DELETED.to_owned()),
            Ok(NoteState::Absent) => Verdict::Failed(
                "The CRM says that this note is there already, and does not show it. Propose again with another idempotency key."
                    .to_owned(),
            ),
            Err(failure) => Verdict::Unknown(failure::explain(&failure)),
        },
        Write::Link { of, id, from, kind, target } => {
            match link_now(ctx, *of, id, from, *kind, target) {
                Ok(LinkState::Linked) => {
                    Verdict::AlreadyDone(format!("The {} had been linked before.", of.spoken()))
                }
                Ok(LinkState::Other) => Verdict::Failed(OTHER_LINK.to_owned()),
                Ok(LinkState::Deleted) => Verdict::Failed(DELETED.to_owned()),
                Ok(LinkState::Absent) => Verdict::Failed(
                    "The CRM says that this link is there already, and does not show it: it may have been deleted. Restore it in the CRM, or propose again with another idempotency key."
                        .to_owned(),
                ),
                Err(failure) => Verdict::Unknown(failure::explain(&failure)),
            }
        }
        Write::Update { kind, .. } => Verdict::Failed(taken_value(*kind, conflicting)),
        Write::Delete { of, .. } => Verdict::Failed(format!(
            "The CRM refused to delete the {}. Delete it in the CRM.",
            of.spoken()
        )),
    }
}

/// Judges a write with an unknown outcome.
pub(super) fn in_doubt(ctx: &Context<'_>, write: &Write, basis: Option<Timestamp>) -> Verdict {
    match write {
        Write::Create { kind, id, data } => match reread(ctx, *kind, id) {
            Ok(RecordState::Live(record)) => match differing(&record, data) {
                None => Verdict::Done,
                // Its id is of this call alone: it was made, and somebody has changed it since.
                Some(fields) => Verdict::AlreadyDone(other_values(&fields)),
            },
            Ok(RecordState::Deleted) => Verdict::Failed(DELETED.to_owned()),
            Ok(RecordState::Absent) => Verdict::Again("The record is not in the CRM.".to_owned()),
            Err(failure) => Verdict::Unknown(failure::explain(&failure)),
        },
        Write::CreateNote { id, title, text } => match reread_note(ctx, id) {
            Ok(NoteState::Live(note)) => match other_note(&note, title, text) {
                // The CRM writes Markdown in its own way, and people go on writing in a note.
                Some(TEXT) => Verdict::AlreadyDone(other_values(&[TEXT.to_owned()])),
                Some(field) => Verdict::Failed(other_values(&[field.to_owned()])),
                None => Verdict::Done,
            },
            Ok(NoteState::Deleted) => Verdict::Failed(DELETED.to_owned()),
            Ok(NoteState::Absent) => Verdict::Again("The note is not in the CRM.".to_owned()),
            Err(failure) => Verdict::Unknown(failure::explain(&failure)),
        },
        Write::Link {
            of,
            id,
            from,
            kind,
            target,
        } => match link_now(ctx, *of, id, from, *kind, target) {
            Ok(LinkState::Linked) => Verdict::Done,
            Ok(LinkState::Other) => Verdict::Failed(OTHER_LINK.to_owned()),
            Ok(LinkState::Deleted) => Verdict::Failed(DELETED.to_owned()),
            Ok(LinkState::Absent) => Verdict::Again("The link is not in the CRM.".to_owned()),
            Err(failure) => Verdict::Unknown(failure::explain(&failure)),
        },
        Write::Update { kind, id, data } => match reread(ctx, *kind, id) {
            Ok(RecordState::Live(record)) => changed(&record, data, basis),
            Ok(RecordState::Deleted) => Verdict::Failed(DELETED.to_owned()),
            Ok(RecordState::Absent) => Verdict::Failed(
                "The record is not there any more. Search for it with crm_search.".to_owned(),
            ),
            Err(failure) => Verdict::Unknown(failure::explain(&failure)),
        },
        Write::Delete {
            of: Linkable::Note,
            id,
        } => match reread_note(ctx, id) {
            Ok(NoteState::Live(_)) => Verdict::Again("The note is still there.".to_owned()),
            Ok(NoteState::Deleted | NoteState::Absent) => Verdict::Done,
            Err(failure) => Verdict::Unknown(failure::explain(&failure)),
        },
        Write::Delete {
            of: Linkable::Task,
            id,
        } => match reread(ctx, Kind::Task, id) {
            Ok(RecordState::Live(_)) => Verdict::Again("The task is still there.".to_owned()),
            Ok(RecordState::Deleted | RecordState::Absent) => Verdict::Done,
            Err(failure) => Verdict::Unknown(failure::explain(&failure)),
        },
    }
}

/// Rereads the link of a task or of a note.
fn link_now(
    ctx: &Context<'_>,
    of: Linkable,
    id: &str,
    from: &str,
    kind: Kind,
    target: &str,
) -> Result<LinkState, Failure> {
    match of {
        Linkable::Task => reread_link(ctx, id, from, kind, target),
        Linkable::Note => reread_note_link(ctx, id, from, kind, target),
    }
}

/// The name of a note's text, for people.
const TEXT: &str = "text";

/// Returns what of a note differs from what was planned: its title, else its text.
fn other_note(note: &NoteRecord, title: &str, text: &str) -> Option<&'static str> {
    if note.has_title(title) == Some(false) {
        return Some("title");
    }
    (note.has_text(text) == Some(false)).then_some(TEXT)
}

/// Judges a change by its record: untouched since it was planned, as planned, or changed by
/// somebody.
fn changed(record: &Record, data: &[Leaf], basis: Option<Timestamp>) -> Verdict {
    if basis.is_some() && basis == record.updated_at() {
        return Verdict::Again("The record is as it was before.".to_owned());
    }
    // One write sets all of its values or none, so those that are read speak for those that are
    // not.
    let known: Vec<bool> = data
        .iter()
        .filter_map(|(path, value)| holds(record, path, value))
        .collect();
    if !known.is_empty() && known.iter().all(|&held| held) {
        return Verdict::Done;
    }
    Verdict::Unknown(
        "The record was changed since this was planned and does not hold all planned values: whether this write was among the changes cannot be told. Look at the record in the CRM, then propose what is still missing."
            .to_owned(),
    )
}

/// Checks whether a record holds a value; none where that cannot be told. A text of several lines
/// only counts where it is the same, since the CRM writes Markdown in its own way.
fn holds(record: &Record, path: &str, value: &Value) -> Option<bool> {
    let held = record.holds(path, value)?;
    (held || path != "bodyV2.markdown").then_some(held)
}

/// Returns the fields in which a record differs from the planned one; none where it is the same.
fn differing(record: &Record, data: &[Leaf]) -> Option<Vec<String>> {
    let fields: Vec<String> = data
        .iter()
        .filter(|(path, value)| holds(record, path, value) == Some(false))
        .map(|(path, _)| path.clone())
        .take(NAMED)
        .collect();
    (!fields.is_empty()).then_some(fields)
}

fn other_values(fields: &[String]) -> String {
    format!(
        "A record with this id is there and differs: {}. It was made by an earlier proposal with the same key, or changed since. Change that record, or propose again with another idempotency key.",
        fields.join(", ")
    )
}

fn taken_value(kind: Kind, conflicting: Option<&str>) -> String {
    let what = match kind {
        Kind::Person => "e-mail address",
        Kind::Company => "domain",
        Kind::Opportunity | Kind::Task => "unique value",
    };
    let who = conflicting.map_or_else(String::new, |id| format!(" ({id})"));
    format!(
        "Another record{who} has this {what}; it may have been deleted, and still keeps it. Change or restore that one, or propose another value."
    )
}

const DELETED: &str = "It had been made before and was deleted since. Restore it in the CRM, or propose again with another idempotency key.";
const OTHER_LINK: &str =
    "A link with this id links something else. Propose again with another idempotency key.";
