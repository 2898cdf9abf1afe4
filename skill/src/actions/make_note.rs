//! Makes a note that is linked to records. Twenty's note has no field for when something happened:
//! the first line of its text says so. Note and links are writes of their own, and would race in
//! one request, so the note comes first; if it cannot be linked to all records, it is deleted
//! again, and its links with it.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::input;
use super::subject::Subject;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::plan::{Draft, Ids};
use crate::tezit::message::Order;
use crate::twenty::{documents, mutations};
use crate::{day, text};

/// The names of the steps that link the note, each with that of the step that deletes the note
/// where linking fails. There are as many as a note may have records.
const LINKS: [(&str, &str); RECORDS] = [
    ("link-note", "delete-note"),
    ("link-note-2", "delete-note-2"),
    ("link-note-3", "delete-note-3"),
    ("link-note-4", "delete-note-4"),
    ("link-note-5", "delete-note-5"),
    ("link-note-6", "delete-note-6"),
    ("link-note-7", "delete-note-7"),
    ("link-note-8", "delete-note-8"),
];
/// The most records of a note.
pub(super) const RECORDS: usize = 8;

/// The longest name of a record in the words for the whole, in characters: the harness takes 2,000.
const SHORT: usize = 60;

/// The most that a time may lie ahead: clocks differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A checked note.
pub(super) struct NoteDraft {
    title: String,
    /// The text as Markdown; its first line says when it happened.
    text: String,
}

impl NoteDraft {
    /// Checks the arguments.
    pub(super) fn check(
        ctx: &Context<'_>,
        title: &str,
        text: Option<&str>,
        when: Option<&str>,
    ) -> Result<Self, Failure> {
        let title = input::line("title", title)?;
        let text = text.map(|text| input::note("text", text));
        let when = first_line(ctx, when)?;
        Ok(Self {
            title,
            text: match text.transpose()?.flatten() {
                Some(text) => format!("{when}\n\n{text}"),
                None => when,
            },
        })
    }

    /// Returns the values from which ids are derived.
    pub(super) fn seed(&self) -> (&str, &str) {
        (&self.title, &self.text)
    }

    /// Describes the note.
    pub(super) fn words(&self, subjects: &[Subject]) -> String {
        let about: Vec<String> = subjects
            .iter()
            .map(|subject| {
                let label = text::line(&subject.label, SHORT).0;
                format!("the {} \u{201c}{label}\u{201d}", subject.spoken())
            })
            .collect();
        format!(
            "Make a note \u{201c}{}\u{201d} about {}.",
            self.title,
            about.join(", ")
        )
    }

    /// Makes the steps: the note, its links, and what deletes it again.
    pub(super) fn steps(
        &self,
        ids: &Ids,
        subjects: &[Subject],
        order: Order,
    ) -> Result<Vec<Draft>, Failure> {
        #[derive(Serialize)]
        struct Variables<'a> {
            id: &'a str,
            title: &'a str,
            text: &'a str,
        }
        let note = ids.id("note");
        let make = mutations::step(
            "create-note",
            &documents::CREATE_NOTE,
            &Variables {
                id: &note,
                title: &self.title,
                text: &self.text,
            },
            format!("Make the note \u{201c}{}\u{201d}.", self.title),
        )?;
        let mut steps = vec![match order {
            Order::InOrder => make,
            Order::Alone => make.after(&[]),
        }];
        let mut deletes = Vec::new();
        let mut before = vec!["create-note"];
        for (subject, (link, delete)) in subjects.iter().zip(LINKS) {
            // By its place, not by its record: under a key that is used again, the link of another
            // record is told apart from this one.
            let id = ids.id(link);
            let step = self::link(link, &id, &note, subject)?;
            steps.push(match order {
                Order::InOrder => step,
                Order::Alone => step.after(&before),
            });
            before.push(link);
            let step = mutations::step(
                delete,
                &documents::DELETE_NOTE,
                &serde_json::json!({ "id": note }),
                format!(
                    "Delete the note \u{201c}{}\u{201d} again, because it could not be linked to the {}.",
                    self.title,
                    subject.shown()
                ),
            )?;
            deletes.push(step.compensating(link));
        }
        steps.extend(deletes);
        Ok(steps)
    }
}

fn link(name: &'static str, id: &str, note: &str, subject: &Subject) -> Result<Draft, Failure> {
    let (document, target) = mutations::link_note(subject.kind).ok_or_else(|| {
        failure::invalid_input(
            "about",
            "a note cannot be linked to a task",
            "Name people, companies and deals.",
        )
    })?;
    let variables = serde_json::json!({ "id": id, "noteId": note, target: subject.id });
    mutations::step(
        name,
        document,
        &variables,
        format!("Link it to the {}.", subject.shown()),
    )
}

/// Writes when it happened as a line for people: a day, or a day and a time in the caller's zone;
/// without one, today.
fn first_line(ctx: &Context<'_>, when: Option<&str>) -> Result<String, Failure> {
    let zone = ctx.zone();
    let given = when.map_or("", str::trim);
    let (day, time) = match when {
        None => (zone.date(ctx.now), None),
        Some(_) if given.len() <= 10 => (day::parse("when", given)?, None),
        Some(_) => {
            let time = day::deadline(zone, "when", given)?;
            (zone.date(time), Some(time))
        }
    };
    let latest: Timestamp = ctx.now.checked_add(SKEW).unwrap_or(Timestamp::MAX);
    let ahead = match time {
        Some(time) => time > latest,
        None => day > zone.date(ctx.now),
    };
    if ahead {
        return Err(failure::invalid_input(
            "when",
            format!(
                "it lies ahead: for the caller it is {} now",
                zone.show(ctx.now)
            ),
            "Give the time at which it happened; what is still to be done is a follow-up (crm_follow_up), or `next`.",
        ));
    }
    let day = day::long(day);
    Ok(match time {
        None => format!("When: {day}"),
        Some(time) => format!("When: {day}, {} ({})", zone.time(time), zone.name()),
    })
}
