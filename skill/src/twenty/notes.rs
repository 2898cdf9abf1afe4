//! Rereads a note or its link, in one request, including whether it was deleted.

use serde::{Deserialize, Serialize};

use super::client::fetch;
use super::documents::{self, Document, Query};
use super::filters::NOBODY;
use super::mend::Unreadable;
use super::records::same_text;
use super::reread::{LinkState, ShownLink, is_absent, link_state};
use super::values::{Connection, Id, RichText};
use crate::bindings::claw::crm::types::Kind;
use crate::context::Context;
use crate::failure::Failure;
use crate::text::Text;

/// Reads a note again.
#[derive(Debug, Serialize)]
pub struct RereadNote {
    id: String,
}

/// The answer to [`RereadNote`].
#[derive(Debug, Deserialize)]
pub struct RereadNoteData {
    note: Option<NoteRecord>,
    notes: Option<Connection<Id>>,
}

impl Query for RereadNote {
    const DOCUMENT: &'static Document = &documents::REREAD_NOTE;
    type Answer = RereadNoteData;
}

/// A note.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoteRecord {
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    id: String,
    title: Option<Text>,
    body_v2: Option<RichText>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    created_by: Option<Author>,
    #[serde(default, rename = "$unreadable")]
    unreadable: Unreadable,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Author {
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    workspace_member_id: Option<String>,
}

/// The state of a note.
#[derive(Debug)]
pub enum NoteState {
    /// It is there.
    Live(NoteRecord),
    /// It was deleted.
    Deleted,
    /// There never was one, as far as the CRM knows.
    Absent,
}

impl NoteRecord {
    /// Checks whether the title is a planned one; none where that cannot be told.
    pub fn has_title(&self, planned: &str) -> Option<bool> {
        self.compare("title", self.title.as_ref(), planned)
    }

    /// Checks whether the text is a planned one; none where that cannot be told.
    pub fn has_text(&self, planned: &str) -> Option<bool> {
        let held = self
            .body_v2
            .as_ref()
            .and_then(|body| body.markdown.as_ref());
        self.compare("bodyV2.markdown", held, planned)
    }

    /// Compares a text with a planned one. An empty one may be one that the key may not read.
    fn compare(&self, path: &str, held: Option<&Text>, planned: &str) -> Option<bool> {
        let held = held.filter(|held| !held.is_empty() && !self.unreadable.covers(path))?;
        Some(same_text(held.as_str().trim(), planned.trim()))
    }
}

/// Rereads a note by its id, in one request.
///
/// # Errors
/// As `failure` says, where it cannot be told.
pub fn reread_note(ctx: &Context<'_>, id: &str) -> Result<NoteState, Failure> {
    let reply = fetch(ctx, &RereadNote { id: id.to_owned() })?;
    if let Some(note) = reply.data.note {
        return Ok(NoteState::Live(note));
    }
    // Only where the list of deleted notes was answered do the errors speak of the note itself.
    let deleted = reply.errors.root("notes", reply.data.notes)?;
    if !deleted.edges.is_empty() {
        return Ok(NoteState::Deleted);
    }
    if is_absent(&reply.errors, "note") {
        return Ok(NoteState::Absent);
    }
    reply.errors.root("note", None)
}

/// Reads a note's link again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RereadNoteLink {
    id: String,
    note_id: String,
    person: String,
    company: String,
    opportunity: String,
}

/// The answer to [`RereadNoteLink`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RereadNoteLinkData {
    note_targets: Option<Connection<NoteLinkRow>>,
    note_target: Option<Id>,
}

/// A link of a note.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoteLinkRow {
    id: String,
    note_id: Option<String>,
    target_person_id: Option<String>,
    target_company_id: Option<String>,
    target_opportunity_id: Option<String>,
}

impl Query for RereadNoteLink {
    const DOCUMENT: &'static Document = &documents::REREAD_NOTE_LINK;
    type Answer = RereadNoteLinkData;
}

/// Rereads the link between a note and a record, in one request.
///
/// # Errors
/// As `failure` says, where it cannot be told.
pub fn reread_note_link(
    ctx: &Context<'_>,
    id: &str,
    note: &str,
    kind: Kind,
    target: &str,
) -> Result<LinkState, Failure> {
    let only = |wanted: Kind| if wanted == kind { target } else { NOBODY }.to_owned();
    let reply = fetch(
        ctx,
        &RereadNoteLink {
            id: id.to_owned(),
            note_id: note.to_owned(),
            person: only(Kind::Person),
            company: only(Kind::Company),
            opportunity: only(Kind::Opportunity),
        },
    )?;
    let rows = reply.errors.root("noteTargets", reply.data.note_targets)?;
    let links = rows.rows().map(|row| ShownLink {
        id: row.id,
        from: row.note_id,
        person: row.target_person_id,
        company: row.target_company_id,
        opportunity: row.target_opportunity_id,
    });
    let deleted = ("noteTarget", reply.data.note_target);
    link_state(links, (id, note, kind, target), &reply.errors, deleted)
}
