//! The judge of what is sent to people: messages, e-mail and the calendar's log. None of these
//! services is idempotent, so what cannot be told is said and never sent again.

mod looked_for;

#[path = "../common/mod.rs"]
mod common;
#[path = "../relay/mod.rs"]
mod relay;

use crm_skill::bindings::claw::skill::plan::{Method, Slot, Step, Timing};
use crm_skill::judge::{Readiness, ServiceAnswer, Verdict, answer, ready};
use relay::*;
use serde_json::{Value, json};

const TEXT: &str = "Handover: call Vera — by Friday";
const OWN: &str = "50000000-0000-4000-8000-000000000001";
const PARENT: &str = "60000000-0000-4000-8000-000000000001";
/// The time at which the records in the context were read; the message can have been sent from five
/// minutes before on.
const READ_AT: &str = "2026-03-11T11:30:00Z";
const SINCE: &str = "2026-03-11T11:40:00.500Z";

fn step(destination: &str, path: &str, body: &Value) -> Step {
    Step {
        id: "plan/step".to_owned(),
        destination: destination.to_owned(),
        method: Method::Post,
        path: path.to_owned(),
        body: body.to_string(),
        words: "Sends it.".to_owned(),
        timing: Timing::InOrder,
        once: Some(OWN.to_owned()),
        slots: Vec::new(),
        changes: Vec::new(),
        basis: Vec::new(),
        disclosures: Vec::new(),
    }
}

fn artifact(title: &str) -> Value {
    let content = json!({
        "kind": "crm.task", "id": common::TASK, "fields": { "title": title }, "omitted": [],
        "provenance": { "source": "twenty", "object": "task", "recordId": common::TASK, "fetchedAt": READ_AT, "skill": "crm/0.1.0" },
    });
    json!({ "layer": "artifact", "content": content.to_string(), "mimeType": "application/json", "source": "verified" })
}

fn context() -> Value {
    json!([artifact("Call Vera"), { "layer": "hint", "content": "Ask for more.", "source": "stated" }])
}

fn open() -> Step {
    step(
        "tezit",
        "/conversations",
        &json!({ "type": "dm", "memberIds": [NOOR] }),
    )
}

fn message() -> Step {
    let body =
        json!({ "surfaceText": TEXT, "type": "handoff", "urgency": "high", "context": context() });
    let mut step = step("tezit", &format!("/conversations/{TALK}/messages"), &body);
    step.slots = vec![Slot {
        name: "conversation".to_owned(),
        step: "plan/open".to_owned(),
        pointer: "/data/id".to_owned(),
    }];
    step
}

fn share() -> Step {
    let body = json!({
        "id": OWN, "teamId": TEAM, "surfaceText": TEXT, "type": "handoff", "urgency": "high", "visibility": "team",
        "recipients": [NOOR], "context": context(),
    });
    step("tezit", "/tez/share", &body)
}

fn reply() -> Step {
    let body = json!({ "surfaceText": TEXT, "type": "handoff", "context": context() });
    step("tezit", &format!("/tez/{PARENT}/reply"), &body)
}

fn email() -> Step {
    let body = json!({ "paEmail": "mia.pa@example.com", "to": "vera@example.com", "subject": "Hello", "body": "Text" });
    step("workspace", "/api/email/send", &body)
}

fn log() -> Step {
    let body = json!({ "paEmail": "mia.pa@example.com", "actionType": "crm_follow_up", "summary": "Call Vera", "durationMs": 900_000 });
    step("workspace", "/api/calendar/log-action", &body)
}

/// The same message without context, so without a time of its own.
fn bare(mut step: Step) -> Step {
    let mut body: Value = serde_json::from_str(&step.body).unwrap();
    body["context"] = json!([]);
    step.body = body.to_string();
    step
}

/// The step's message as the relay has it.
fn stored(number: u32, context: Value) -> Value {
    let mut tez = row(number, MIA, "handoff", TEXT, SINCE);
    tez["context"] = context;
    tez["recipients"] = json!([]);
    tez
}

/// The same with another id.
fn with(mut tez: Value, field: &str, value: Value) -> Value {
    tez[field] = value;
    tez
}

/// A list as the relay answers it: the messages, and whether there are more.
fn page(rows: &[Value], more: bool) -> String {
    json!({ "data": rows, "meta": { "count": rows.len(), "hasMore": more } }).to_string()
}

fn judged(services: &Services, step: &Step, said: Option<(u16, &str)>) -> String {
    let said = said.map(|(status, body)| ServiceAnswer {
        status,
        body: body.to_owned(),
    });
    match services.run(&all_set(), |ctx| answer(ctx, step, said.as_ref())) {
        Verdict::Done => "done".to_owned(),
        Verdict::AlreadyDone(why) => format!("already done: {why}"),
        Verdict::Again(why) => format!("again: {why}"),
        Verdict::Failed(why) => format!("failed: {why}"),
        Verdict::Unknown(why) => format!("unknown: {why}"),
    }
}

fn one_id() -> String {
    format!("/tez/{}", tez_id(1))
}

#[test]
fn what_is_sent_to_people_is_sent_without_asking() {
    for step in [open(), message(), share(), reply(), email(), log()] {
        let services = Services::default();
        let said = services.run(&all_set(), |ctx| ready(ctx, &step));
        assert!(matches!(said, Readiness::Go), "{}", step.path);
        assert!(services.rounds().is_empty());
    }
}

#[test]
fn an_answer_that_says_what_happened_is_believed() {
    let id = json!({ "data": { "id": tez_id(1) } }).to_string();
    let mail =
        json!({ "data": { "messageId": "<18f.abc@mail.example.com>", "to": "vera@example.com" } })
            .to_string();
    let zod = refusal(
        "VALIDATION_ERROR",
        r#"[{"path":["context",0,"layer"],"message":"Invalid enum value"}]"#,
    );
    let html = "<!DOCTYPE html><pre>PayloadTooLargeError</pre>";
    let relay = || vec![open(), message(), share(), reply()];
    let all = || [relay(), vec![email(), log()]].concat();
    for (steps, status, body, expected) in [
        (
            vec![open(), message(), share(), reply(), log()],
            201,
            id.as_str(),
            "done",
        ),
        (vec![email()], 201, mail.as_str(), "done"),
        (
            all(),
            401,
            &refusal("INVALID_TOKEN", "Token verification failed"),
            "again: |TOKEN",
        ),
        (all(), 401, html, "again: |did not accept the token"),
        (
            all(),
            429,
            &refusal("RATE_LIMITED", "Too many requests"),
            "again: |60 seconds",
        ),
        (all(), 307, "", "again: |redirect"),
        (
            relay(),
            403,
            &refusal("FORBIDDEN", "Not a member of this team"),
            "failed: |TEZIT_TEAM_ID",
        ),
        (
            vec![email(), log()],
            403,
            &refusal("FORBIDDEN", "You can only access your own PA"),
            "failed: |PA_EMAIL",
        ),
        (relay(), 400, &zod, "failed: |context[0].layer"),
        (all(), 400, html, "failed: |refused the request (HTTP 400)"),
        (all(), 413, html, "failed: |fewer"),
        (
            vec![reply()],
            404,
            &refusal("NOT_FOUND", "Tez not found"),
            "failed: |Tez not found",
        ),
        (
            vec![email(), log()],
            400,
            &refusal(
                "VALIDATION_ERROR",
                "paEmail, to, subject, and body are required",
            ),
            "failed: |are required",
        ),
        (
            vec![email()],
            400,
            &refusal(
                "WORKSPACE_NOT_READY",
                "No workspace credentials for this PA",
            ),
            "failed: |Google Workspace",
        ),
    ] {
        let (case, has) = expected.split_once('|').unwrap_or((expected, ""));
        for step in steps {
            let services = Services::default();
            let verdict = judged(&services, &step, Some((status, body)));
            assert!(
                verdict.starts_with(case) && verdict.contains(has),
                "{} {status}: {verdict}",
                step.path
            );
            if case == "failed: " {
                assert!(verdict.ends_with("Then propose again."), "{verdict}");
            }
            assert!(
                services.rounds().is_empty(),
                "nothing is in doubt: {}",
                step.path
            );
        }
    }
}

/// Answers after which nobody knows what was stored, and whether the service has finished.
fn unclear() -> Vec<(Option<(u16, &'static str)>, bool)> {
    vec![
        (None, false),
        (
            Some((
                500,
                "{\"error\":{\"code\":\"INTERNAL_ERROR\",\"message\":\"Failed to share Tez\"}}",
            )),
            true,
        ),
        (Some((500, "<html>")), true),
        (Some((502, "<html>")), false),
        (Some((504, "")), false),
        (Some((408, "")), false),
        (Some((201, "")), true),
        (Some((201, "<html>")), true),
        (Some((201, "{\"data\":{}}")), true),
        (Some((201, "{\"data\":{\"id\":7}}")), true),
    ]
}

#[test]
fn a_step_that_is_none_of_ours_is_not_judged() {
    let changed = |step: Step, change: fn(&mut Step)| {
        let mut step = step;
        change(&mut step);
        step
    };
    for step in [
        changed(open(), |step| {
            step.body = json!({ "type": "group", "memberIds": [NOOR] }).to_string()
        }),
        changed(message(), |step| {
            step.path = "/conversations/{{conversation}}/messages".to_owned()
        }),
        changed(message(), |step| {
            step.path = "/conversations/a/b/messages".to_owned()
        }),
        changed(share(), |step| step.body = step.body.replace(OWN, "../x")),
        changed(share(), |step| {
            step.body = step.body.replace("\"surfaceText\"", "\"text\"")
        }),
        changed(share(), |step| {
            step.body = step.body.replace("\"layer\":\"hint\"", "\"layer\":7")
        }),
        changed(share(), |step| {
            step.body = step
                .body
                .replace("\"visibility\":\"team\"", "\"visibility\":\"dm\"")
        }),
        changed(share(), |step| step.body.truncate(30)),
        changed(share(), |step| step.destination = "workspace".to_owned()),
        changed(share(), |step| step.method = Method::Put),
        changed(share(), |step| step.path = "/tez/share?x=1".to_owned()),
        changed(reply(), |step| step.path = "/tez/a b/reply".to_owned()),
        changed(email(), |step| step.destination = "tezit".to_owned()),
        changed(log(), |step| step.body = "{}".to_owned()),
    ] {
        let services = Services::default();
        let said = services.run(&all_set(), |ctx| ready(ctx, &step));
        assert!(
            matches!(said, Readiness::Unknown(_)),
            "{} {}",
            step.path,
            step.body
        );
        assert!(judged(&services, &step, None).starts_with("unknown"));
        assert!(services.rounds().is_empty());
    }
}
