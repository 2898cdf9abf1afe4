//! The judge of what is sent to people: messages, e-mail and the calendar's log. None of these services is idempotent, so what
//! cannot be told is said and never sent again.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

mod common;
mod relay;

use crm_skill::bindings::claw::skill::plan::{Method, Slot, Step, Timing};
use crm_skill::judge::{Readiness, ServiceAnswer, Verdict, answer, ready};
use relay::*;
use serde_json::{Value, json};

const TEXT: &str = "Handover: call Vera — by Friday";
const OWN: &str = "50000000-0000-4000-8000-000000000001";
const PARENT: &str = "60000000-0000-4000-8000-000000000001";
/// When the records in the context were read; the message can have been sent from five minutes before on.
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
fn a_conversation_in_doubt_is_opened_again_and_one_without_a_usable_id_too() {
    let odd = json!({ "data": { "id": "not-a-uuid" } }).to_string();
    let cases = unclear()
        .into_iter()
        .map(|(said, _)| said)
        .chain([Some((201, odd.as_str()))]);
    for said in cases {
        let services = Services::default();
        assert!(
            judged(&services, &open(), said).starts_with("again"),
            "{said:?}"
        );
        assert!(services.rounds().is_empty());
    }
}

#[test]
fn an_email_in_doubt_stays_in_doubt() {
    for (said, _) in unclear() {
        let services = Services::default();
        let verdict = judged(&services, &email(), said);
        assert!(
            verdict.starts_with("unknown") && verdict.contains("sent mail"),
            "{said:?}: {verdict}"
        );
        assert!(services.rounds().is_empty());
    }
    let failed = refusal("SEND_FAILED", "boom");
    assert!(judged(&Services::default(), &email(), Some((500, &failed))).starts_with("unknown"));
}

#[test]
fn a_team_message_in_doubt_is_looked_for_by_its_id() {
    let path = format!("/tez/{OWN}");
    let own = |context: Value| with(stored(1, context), "id", json!(OWN));
    let half = json!([artifact("Call Vera")]);
    let gone = refusal("NOT_FOUND", "Tez not found");
    for (said, over) in unclear() {
        for (services, expected) in [
            (Services::default().answers(&path, own(context())), "done"),
            (
                Services::default().answers(&path, own(half.clone())),
                "failed: The message was stored without its context",
            ),
            (
                Services::default().answers(&path, own(json!([]))),
                "failed: The message was stored without its context",
            ),
            (
                Services::default().answers(&path, with(own(context()), "surfaceText", json!("x"))),
                "failed: A message with this id",
            ),
            (
                Services::default().answers(&path, with(own(context()), "type", json!("note"))),
                "failed: A message with this id",
            ),
            (
                Services::default().says(&path, 404, &gone).says(
                    "/tez/stream",
                    200,
                    &page(&[], false),
                ),
                "again",
            ),
            (
                Services::default().says(&path, 403, &refusal("FORBIDDEN", "Access denied")),
                "unknown",
            ),
            (Services::default().says(&path, 500, "<html>"), "unknown"),
            (Services::default().says(&path, 404, "<html>"), "unknown"),
            (Services::default().says(&path, 401, ""), "unknown"),
            (Services::default().breaks(&path), "unknown"),
            (
                Services::default().answers(&path, json!({ "id": OWN })),
                "unknown",
            ),
        ] {
            let verdict = judged(&services, &share(), said);
            assert!(
                verdict.starts_with(expected),
                "{said:?}: {expected}: {verdict}"
            );
            assert_eq!(services.waited().is_zero(), over, "{said:?}");
        }
    }
}

#[test]
fn context_that_was_still_on_its_way_is_waited_for_once() {
    let path = format!("/tez/{OWN}");
    let own = |context: Value| with(stored(1, context), "id", json!(OWN));
    let services = || {
        Services::default()
            .answers(&path, own(json!([])))
            .answers(&path, own(context()))
    };
    assert_eq!(judged(&services(), &share(), None), "done");
    let verdict = judged(&services(), &share(), Some((500, "{}")));
    assert!(verdict.starts_with("failed"), "{verdict}");
}

#[test]
fn a_team_message_that_got_another_id_is_found_by_what_it_says_and_carries() {
    let same = stored(1, context());
    let services = |rows: &[Value], more: bool, whole: Value| {
        Services::default()
            .says(
                &format!("/tez/{OWN}"),
                404,
                &refusal("NOT_FOUND", "Tez not found"),
            )
            .says("/tez/stream", 200, &page(rows, more))
            .answers(&one_id(), whole)
    };
    let older = with(same.clone(), "createdAt", json!("2026-03-11T11:24:59Z"));
    let stranger = with(same.clone(), "senderUserId", json!(NOOR));
    let note = with(same.clone(), "type", json!("note"));
    let swapped = json!([context()[1], context()[0]]);
    let hidden = with(
        same.clone(),
        "surfaceText",
        json!(format!("\u{200b}{TEXT}\u{2069}")),
    );
    for (rows, more, whole, expected) in [
        (vec![same.clone()], false, same.clone(), "done"),
        (vec![same.clone()], true, same.clone(), "done"),
        (vec![hidden.clone()], false, hidden, "done"),
        (vec![same.clone()], false, stored(1, swapped), "done"),
        (
            vec![same.clone()],
            false,
            stored(1, json!([])),
            "failed: The message was stored without",
        ),
        (
            vec![same.clone()],
            false,
            stored(1, json!([artifact("Another")])),
            "again",
        ),
        (
            vec![same.clone()],
            false,
            stored(1, json!([artifact("A"), artifact("B")])),
            "again",
        ),
        (vec![older.clone()], false, same.clone(), "again"),
        (vec![stranger], false, same.clone(), "again"),
        (vec![note], false, same.clone(), "again"),
        (vec![], false, same.clone(), "again"),
        // A page that does not reach back to when it can have been sent tells nothing; one that does, does.
        (
            vec![with(stored(2, json!([])), "surfaceText", json!("x"))],
            true,
            same.clone(),
            "unknown",
        ),
        (vec![older], true, same.clone(), "again"),
        (
            vec![same.clone(); 4],
            false,
            stored(1, json!([artifact("Another")])),
            "unknown",
        ),
    ] {
        let verdict = judged(&services(&rows, more, whole), &share(), None);
        assert!(
            verdict.starts_with(expected),
            "{rows:?}: {expected}: {verdict}"
        );
    }
    let broken = Services::default()
        .says(
            &format!("/tez/{OWN}"),
            404,
            &refusal("NOT_FOUND", "Tez not found"),
        )
        .says("/tez/stream", 200, &page(&[same], false))
        .breaks(&one_id());
    assert!(judged(&broken, &share(), None).starts_with("unknown"));
}

#[test]
fn a_direct_message_in_doubt_is_looked_for_in_its_conversation() {
    let path = format!("/conversations/{TALK}/messages");
    let same = stored(1, context());
    for (said, over) in unclear() {
        for (rows, more, whole, expected) in [
            (vec![same.clone()], false, context(), "done"),
            (
                vec![same.clone()],
                false,
                json!([]),
                "failed: The message was stored without",
            ),
            (vec![], false, context(), "again"),
            (
                vec![with(same.clone(), "senderUserId", json!(NOOR))],
                false,
                context(),
                "again",
            ),
            (
                vec![with(
                    same.clone(),
                    "createdAt",
                    json!("2026-03-11T11:24:59Z"),
                )],
                false,
                context(),
                "again",
            ),
            (
                vec![with(same.clone(), "surfaceText", json!("x"))],
                true,
                context(),
                "unknown",
            ),
        ] {
            let services = Services::default()
                .says(&path, 200, &page(&rows, more))
                .answers(&one_id(), stored(1, whole));
            let verdict = judged(&services, &message(), said);
            assert!(
                verdict.starts_with(expected),
                "{said:?} {rows:?}: {expected}: {verdict}"
            );
            assert_eq!(services.waited().is_zero(), over);
            assert_eq!(services.asked()[0], format!("{path}?limit=100"));
        }
    }
    for (status, body) in [
        (403, refusal("FORBIDDEN", "Not a member")),
        (500, String::new()),
        (200, "{}".to_owned()),
    ] {
        let services = Services::default().says(&path, status, &body);
        assert!(judged(&services, &message(), None).starts_with("unknown"));
    }
}

#[test]
fn a_message_without_a_time_of_its_own_is_told_only_from_recent_ones() {
    let path = format!("/conversations/{TALK}/messages");
    for (at, rows, expected) in [
        ("2026-03-11T11:00:00Z", 1, "done"),
        ("2026-03-01T11:00:00Z", 1, "unknown"),
        ("2026-03-01T11:00:00Z", 0, "again"),
    ] {
        let tez = with(stored(1, json!([])), "createdAt", json!(at));
        let services = Services::default()
            .says(&path, 200, &page(&vec![tez.clone(); rows], false))
            .answers(&one_id(), tez);
        let verdict = judged(&services, &bare(message()), None);
        assert!(verdict.starts_with(expected), "{at}: {verdict}");
    }
    let services = Services::default().says(&path, 200, &page(&[], true));
    assert!(judged(&services, &bare(message()), None).starts_with("unknown"));
}

#[test]
fn letters_that_the_relay_may_have_composed_leave_a_team_message_in_doubt() {
    let composed = |text: &str, step: Step| {
        let mut step = step;
        let mut body: Value = serde_json::from_str(&step.body).unwrap();
        body["surfaceText"] = json!(text);
        step.body = body.to_string();
        step
    };
    let services = Services::default()
        .says(
            &format!("/tez/{OWN}"),
            404,
            &refusal("NOT_FOUND", "Tez not found"),
        )
        .says("/tez/stream", 200, &page(&[], false))
        .says(
            &format!("/tez/{PARENT}/thread"),
            200,
            "{\"data\":{\"messages\":[]}}",
        )
        .says(
            &format!("/conversations/{TALK}/messages"),
            200,
            &page(&[], false),
        );
    for (text, expected) in [
        ("Zoë – 12 €, 東京 서울 Київ 🚀", "again"),
        ("Zoe\u{308}", "unknown"),
        ("\u{212b}", "unknown"),
    ] {
        assert!(
            judged(&services, &composed(text, share()), None).starts_with(expected),
            "{text}"
        );
        assert!(
            judged(&services, &composed(text, reply()), None).starts_with(expected),
            "{text}"
        );
        // Conversations keep what they get.
        assert!(
            judged(&services, &composed(text, message()), None).starts_with("again"),
            "{text}"
        );
    }
}

#[test]
fn a_reply_in_doubt_is_looked_for_in_its_thread() {
    let path = format!("/tez/{PARENT}/thread");
    let ours = with(stored(1, context()), "parentTezId", json!(PARENT));
    let thread = |rows: &[Value]| json!({ "threadId": PARENT, "messages": rows, "messageCount": rows.len() });
    for (rows, whole, expected) in [
        (vec![ours.clone()], context(), "done"),
        (
            vec![ours.clone()],
            json!([]),
            "failed: The message was stored without",
        ),
        (
            vec![with(ours.clone(), "parentTezId", json!(OWN))],
            context(),
            "again",
        ),
        (vec![], context(), "again"),
    ] {
        let services = Services::default()
            .answers(&path, thread(&rows))
            .answers(&one_id(), stored(1, whole));
        let verdict = judged(&services, &reply(), Some((502, "")));
        assert!(
            verdict.starts_with(expected),
            "{rows:?}: {expected}: {verdict}"
        );
    }
    let services = Services::default().says(&path, 404, &refusal("NOT_FOUND", "Tez not found"));
    assert!(judged(&services, &reply(), None).starts_with("unknown"));
}

#[test]
fn an_entry_in_doubt_is_looked_for_in_the_calendars_log() {
    let entry = |summary: &str, duration: Value, at: &str| json!({ "id": OWN, "paEmail": "mia.pa@example.com", "actionType": "crm_follow_up", "summary": summary, "timestamp": at, "durationMs": duration, "cardId": null, "calendarSyncStatus": "pending" });
    let today = "2026-03-11T11:59:58.000Z";
    for (entries, expected) in [
        (vec![entry("Call Vera", json!(900_000), today)], "done"),
        (
            vec![
                entry("Call Vera", json!(900_000), "2026-03-01T10:00:00.000Z"),
                entry("Call Vera", json!(900_000), today),
            ],
            "done",
        ),
        (
            vec![entry(
                "Call Vera",
                json!(900_000),
                "2026-03-01T10:00:00.000Z",
            )],
            "unknown",
        ),
        (vec![entry("Call Vera", Value::Null, today)], "again"),
        (vec![entry("Call Noor", json!(900_000), today)], "again"),
        (vec![], "again"),
    ] {
        let services = Services::default().answers("/api/calendar/timesheet", json!(entries));
        let verdict = judged(&services, &log(), None);
        assert!(
            verdict.starts_with(expected),
            "{entries:?}: {expected}: {verdict}"
        );
        assert_eq!(
            services.asked(),
            ["/api/calendar/timesheet?paEmail=mia.pa%40example.com"]
        );
    }
    for (status, body) in [
        (404, refusal("NOT_FOUND", "PA not found")),
        (401, String::new()),
        (500, "<html>".to_owned()),
    ] {
        let services = Services::default().says("/api/calendar/timesheet", status, &body);
        assert!(judged(&services, &log(), Some((500, ""))).starts_with("unknown"));
    }
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
