//! The judge about the steps of notes: what the service's answer to each means, and what is read
//! back where there is none.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

mod common;

use common::*;
use crm_skill::actions::log::log;
use crm_skill::bindings::claw::skill::plan::Step;
use crm_skill::bindings::exports::claw::crm::propose::LogRequest;
use crm_skill::judge::{Readiness, ServiceAnswer, Verdict, answer, ready};
use serde_json::{Value, json};

/// The steps of a note about a deal: make, link, delete.
fn steps() -> Vec<Step> {
    let roots = ["people", "companies", "opportunities", "workspaceMembers"];
    let row = json!({ "id": DEAL, "name": "Big deal", "stage": "NEW", "closeDate": null, "company": null, "ownerId": null });
    let crm = Crm::default().answers(
        "follow_up",
        found(&roots, json!({ "opportunities": [row] })),
    );
    let request = LogRequest {
        about: vec![DEAL.to_owned()],
        title: "Call with Ada".to_owned(),
        text: Some("About *it*".to_owned()),
        when: None,
        next: None,
        deal: None,
        idempotency_key: None,
    };
    at_noon(&crm, &settings(), |ctx| log(ctx, &request))
        .unwrap()
        .steps
}

fn id(step: &Step) -> String {
    body(step).1["id"].as_str().unwrap().to_owned()
}

fn judged(crm: &Crm, step: &Step, said: Option<(u16, &str)>) -> String {
    let said = said.map(|(status, body)| ServiceAnswer {
        status,
        body: body.to_owned(),
    });
    match at_noon(crm, &settings(), |ctx| answer(ctx, step, said.as_ref())) {
        Verdict::Done => "done".to_owned(),
        Verdict::AlreadyDone(why) => format!("already done: {why}"),
        Verdict::Again(why) => format!("again: {why}"),
        Verdict::Failed(why) => format!("failed: {why}"),
        Verdict::Unknown(why) => format!("unknown: {why}"),
    }
}

fn error(message: &str, extensions: Value) -> String {
    json!({ "data": null, "errors": [{ "message": message, "extensions": extensions }] })
        .to_string()
}

/// As recorded: note-create-again-same-id.
fn duplicate() -> String {
    error(
        "A duplicate entry was detected",
        json!({ "code": "BAD_USER_INPUT" }),
    )
}

fn gone() -> Value {
    json!([{ "message": "Record not found", "extensions": { "code": "NOT_FOUND", "subCode": "RECORD_NOT_FOUND" } }])
}

fn note_read(row: Option<Value>, deleted: bool) -> Crm {
    let rows = if deleted {
        vec![json!({ "id": TASK })]
    } else {
        Vec::new()
    };
    let errors = if row.is_some() { json!([]) } else { gone() };
    let said = json!({ "data": { "note": row, "notes": list(rows) }, "errors": errors });
    Crm::default().says("reread_note", 200, &said.to_string())
}

fn note(step: &Step, title: &str, markdown: &str) -> Value {
    json!({ "id": id(step), "title": title, "bodyV2": { "markdown": markdown }, "createdBy": { "workspaceMemberId": null } })
}

const TEXT: &str = "When: Wednesday 11 March 2026\n\nAbout *it*";

#[test]
fn steps_of_a_note_go_without_a_look() {
    let nobody = Crm::default();
    let steps = steps();
    assert_eq!(steps.len(), 3);
    for step in &steps {
        let said = at_noon(&nobody, &settings(), |ctx| ready(ctx, step));
        assert!(matches!(said, Readiness::Go));
        let (document, root) = match body(step).0 {
            "create_note" => ("create_note", json!({ "createNote": { "id": id(step) } })),
            "link_note_to_opportunity" => (
                "link_note_to_opportunity",
                json!({ "createNoteTarget": { "id": id(step) } }),
            ),
            other => (
                other,
                json!({ "deleteNote": { "id": id(step), "deletedAt": UPDATED } }),
            ),
        };
        let said = json!({ "data": root }).to_string();
        assert_eq!(
            judged(&nobody, step, Some((200, &said))),
            "done",
            "{document}"
        );
    }
    assert!(nobody.asked().is_empty());
}

#[test]
fn clear_answers_to_notes_need_no_look() {
    let nobody = Crm::default();
    let steps = steps();
    // As recorded: note-link-missing-note names only the constraint.
    let reference = error(
        "insert or update on table \"noteTarget\" violates foreign key constraint \"FK_1\"",
        json!({ "code": "BAD_USER_INPUT" }),
    );
    let verdict = judged(&nobody, &steps[1], Some((200, &reference)));
    assert!(
        verdict.starts_with("failed") && verdict.contains("not there any more"),
        "{verdict}"
    );
    let role = error(
        "Entity performing the request does not have permission",
        json!({ "code": "FORBIDDEN", "subCode": "PERMISSION_DENIED" }),
    );
    let limit = error(
        "Limit reached",
        json!({ "code": "BAD_USER_INPUT", "subCode": "LIMIT_REACHED" }),
    );
    for step in &steps {
        let verdict = judged(&nobody, step, Some((200, &role)));
        assert!(
            verdict.starts_with("failed") && verdict.contains("notes"),
            "{verdict}"
        );
        let verdict = judged(&nobody, step, Some((200, &limit)));
        assert!(verdict.starts_with("again"), "{verdict}");
    }
    assert!(nobody.asked().is_empty());
}

#[test]
fn note_that_is_there_is_the_earlier_or_not() {
    let step = steps().remove(0);
    let live = |title: &str, text: &str| note_read(Some(note(&step, title, text)), false);
    let mut hidden = note(&step, "Call with Ada", TEXT);
    hidden["title"] = Value::Null;
    hidden["bodyV2"] = Value::Null;
    for (crm, after_duplicate, in_doubt) in [
        (
            live("Call with Ada", TEXT),
            "already done: The note had",
            "done",
        ),
        (
            live("Call with Ada", "When: another day"),
            "failed: A record with this id is there and differs: text",
            "already done: A record with this id is there and differs: text",
        ),
        (live("Other", TEXT), "failed", "failed"),
        // Nobody can say that what may not be read differs.
        (note_read(Some(hidden), false), "already done", "done"),
        (note_read(None, true), "failed", "failed"),
        (note_read(None, false), "failed", "again"),
        (Crm::default().breaks("reread_note"), "unknown", "unknown"),
        (
            Crm::default().says("reread_note", 500, ""),
            "unknown",
            "unknown",
        ),
    ] {
        let verdict = judged(&crm, &step, Some((200, &duplicate())));
        assert!(
            verdict.starts_with(after_duplicate),
            "{after_duplicate}: {verdict}"
        );
        for unclear in [
            None,
            Some((500, "{}")),
            Some((502, "<html>")),
            Some((200, "{\"data\":{\"createNote\":null}}")),
            Some((200, "{\"data\":{\"createNote\":{\"id\":\"other\"}}}")),
        ] {
            let verdict = judged(&crm, &step, unclear);
            assert!(verdict.starts_with(in_doubt), "{in_doubt}: {verdict}");
        }
        assert_eq!(crm.asked(), ["reread_note"; 6]);
        assert_eq!(crm.last(), json!({ "id": id(&step) }));
    }
}

#[test]
fn note_link_is_found_by_id_and_by_its_ends() {
    let steps = steps();
    let (step, note) = (&steps[1], id(&steps[0]));
    let link = id(step);
    let row = |id: &str, note: &str, deal: Option<&str>| {
        Some(
            json!({ "id": id, "noteId": note, "targetPersonId": null, "targetCompanyId": null, "targetOpportunityId": deal }),
        )
    };
    for (row, deleted, after_duplicate, in_doubt) in [
        (row(&link, &note, Some(DEAL)), false, "already done", "done"),
        (row(OTHER, &note, Some(DEAL)), false, "already done", "done"),
        (row(&link, &note, None), false, "failed", "failed"),
        (row(&link, OTHER, Some(DEAL)), false, "failed", "failed"),
        (None, true, "failed", "failed"),
        (None, false, "failed", "again"),
    ] {
        let shown: Vec<Value> = row.clone().into_iter().collect();
        let lost = deleted.then(|| json!({ "id": link }));
        let errors = if deleted { json!([]) } else { gone() };
        let said =
            json!({ "data": { "noteTargets": list(shown), "noteTarget": lost }, "errors": errors });
        let crm = Crm::default().says("reread_note_link", 200, &said.to_string());
        let verdict = judged(&crm, step, Some((200, &duplicate())));
        assert!(verdict.starts_with(after_duplicate), "{row:?}: {verdict}");
        let verdict = judged(&crm, step, None);
        assert!(verdict.starts_with(in_doubt), "{row:?}: {verdict}");
        let asked = crm.last();
        assert_eq!(
            (&asked["opportunity"], &asked["noteId"]),
            (&json!(DEAL), &json!(note))
        );
        assert_ne!(asked["person"], DEAL);
    }
    let crm = Crm::default().breaks("reread_note_link");
    assert!(judged(&crm, step, None).starts_with("unknown"));
}

#[test]
fn note_that_is_gone_is_deleted() {
    let all = steps();
    let step = &all[2];
    let missing = error("Record not found", json!({ "code": "NOT_FOUND" }));
    let verdict = judged(&Crm::default(), step, Some((200, &missing)));
    assert!(
        verdict.starts_with("already done") && verdict.contains("note"),
        "{verdict}"
    );
    for (crm, expected) in [
        (note_read(None, true), "done"),
        (note_read(None, false), "done"),
        (note_read(Some(note(step, "Call", "x")), false), "again"),
        (Crm::default().breaks("reread_note"), "unknown"),
    ] {
        let verdict = judged(&crm, step, None);
        assert!(verdict.starts_with(expected), "{expected}: {verdict}");
    }
}
