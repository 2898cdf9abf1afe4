//! A small skill: finds notes in a CRM, and proposes new ones.
//!
//! It holds no key and writes nothing. What it reads, it asks for by the documents in `graphql`,
//! which the harness knows by their hashes; what it wants written, it returns as a plan.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the generated exports declare symbols")]

mod bindings;
mod crm;

use bindings::claw::skill::plan::{Method, Plan, Step, Timing};
use bindings::claw::skill::types::{BadInput, Failure};
use bindings::exports::claw::skill::judge::{self, Readiness, ServiceAnswer, Verdict};
use bindings::exports::demo::notes::propose::{self, AddRequest};
use bindings::exports::demo::notes::read::{self, FindAnswer, FindRequest, Note};
use bindings::wasi::config::store;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

const FIND_NOTES: &str = include_str!("../graphql/find_notes.graphql");
const NOTE_BY_ID: &str = include_str!("../graphql/note_by_id.graphql");
const ADD_NOTE: &str = include_str!("../graphql/add_note.graphql");

/// The namespace of the notes' ids: a random UUID of this skill's own.
const IDS: Uuid = Uuid::from_u128(0x5f0c_2c43_9a1e_4b57_8a6d_31b7_02e9_c4d8);

struct Notes;

impl read::Guest for Notes {
    fn find(request: FindRequest) -> Result<FindAnswer, Failure> {
        let words = written("words", &request.words, 100)?;
        let limit = request.limit.unwrap_or(5);
        if !(1..=20).contains(&limit) {
            return Err(bad_input("limit", "it is outside of 1 to 20"));
        }
        let variables = json!({ "like": format!("%{words}%"), "limit": limit });
        let found: NotesPage = crm::query(FIND_NOTES, &variables)?;
        Ok(FindAnswer {
            total: found.notes.total_count,
            notes: found.notes.edges.into_iter().map(Note::from).collect(),
        })
    }
}

impl propose::Guest for Notes {
    fn add(request: AddRequest) -> Result<Plan, Failure> {
        let title = written("title", &request.title, 120)?;
        let text = written("text", &request.text, 10_000)?;
        // The id follows from what is asked: the same call proposes the same plan, and the CRM
        // takes an id once.
        let caller = store::get("caller.email").ok().flatten();
        let asked = json!([caller, title, text]).to_string();
        let id = Uuid::new_v5(&IDS, asked.as_bytes()).to_string();
        let variables = json!({ "id": id, "title": title, "text": text });
        let step = Step {
            id: format!("add-{id}"),
            destination: "crm".to_owned(),
            method: Method::Post,
            path: crm::PATH.to_owned(),
            body: crm::body(ADD_NOTE, &variables),
            words: format!("Adds the note {title}."),
            timing: Timing::InOrder,
            once: None,
            slots: Vec::new(),
            changes: Vec::new(),
            basis: Vec::new(),
            disclosures: Vec::new(),
        };
        Ok(Plan {
            words: format!("A new note: {title}."),
            about: Vec::new(),
            steps: vec![step],
            warnings: Vec::new(),
        })
    }
}

impl judge::Guest for Notes {
    fn ready(_: Step) -> Readiness {
        // A new note rests on nothing that could have changed since it was proposed.
        Readiness::Go
    }

    fn answer(step: Step, answer: Option<ServiceAnswer>) -> Verdict {
        let body = serde_json::from_str::<Value>(&step.body).unwrap_or_default();
        let Some(id) = body.pointer("/variables/id").and_then(Value::as_str) else {
            return Verdict::Unknown("This step is none of this skill's.".to_owned());
        };
        let said = answer.as_ref().filter(|answer| answer.status == 200);
        let said = said.and_then(|answer| crm::Response::read(answer.body.as_bytes()));
        let added: Option<AddedNote> = said.as_ref().and_then(crm::Response::data);
        if added.is_some_and(|added| added.create_note.id == id) {
            return Verdict::Done;
        }
        // Any other answer, or none, leaves open what was stored: the CRM itself says it.
        let found = match crm::query::<NotesPage>(NOTE_BY_ID, &json!({ "id": id })) {
            Ok(page) => !page.notes.edges.is_empty(),
            Err(_) => {
                let reason = "Whether the note was added could not be read.";
                return Verdict::Unknown(reason.to_owned());
            }
        };
        match (found, said.as_ref().and_then(crm::Response::error)) {
            (true, None) => Verdict::Done,
            (true, Some(_)) => Verdict::AlreadyDone("The note had been added before.".to_owned()),
            (false, Some(error)) if !error.may_pass() => {
                Verdict::Failed(format!("The CRM refused the note: {}", error.message))
            }
            (false, _) => Verdict::Again("The note is not in the CRM.".to_owned()),
        }
    }
}

/// The answer to a document that reads.
#[derive(Deserialize)]
struct NotesPage {
    notes: Connection,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    total_count: u32,
    edges: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    node: NoteRow,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NoteRow {
    id: String,
    title: Option<String>,
    body_v2: Option<RichText>,
    created_at: String,
}

#[derive(Deserialize)]
struct RichText {
    markdown: Option<String>,
}

/// The answer to the document that writes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddedNote {
    create_note: NoteId,
}

#[derive(Deserialize)]
struct NoteId {
    id: String,
}

impl From<Edge> for Note {
    fn from(Edge { node }: Edge) -> Self {
        let text = node.body_v2.and_then(|body| body.markdown);
        Self {
            id: node.id,
            title: node.title.unwrap_or_default(),
            text: text.unwrap_or_default(),
            created_at: node.created_at,
        }
    }
}

/// Checks a text against the length that skill.toml gives it, so that the caller learns which
/// argument is wrong; the gate would only refuse the request.
fn written<'t>(field: &str, text: &'t str, most: usize) -> Result<&'t str, Failure> {
    let text = text.trim();
    if !text.chars().any(char::is_alphanumeric) {
        return Err(bad_input(field, "it has no letter and no digit"));
    }
    if text.chars().count() > most {
        return Err(bad_input(
            field,
            &format!("it has more than {most} characters"),
        ));
    }
    Ok(text)
}

fn bad_input(field: &str, reason: &str) -> Failure {
    Failure::InvalidInput(BadInput {
        field: field.to_owned(),
        reason: reason.to_owned(),
        next: format!("Correct `{field}` and call again."),
    })
}
