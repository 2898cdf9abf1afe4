//! Steps with an unknown outcome are looked up at their service.

use super::*;

#[test]
fn uncertain_conversation_is_reopened() {
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
fn uncertain_team_message_is_found_by_id() {
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
fn late_context_is_awaited_once() {
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
fn renumbered_team_message_is_found_by_content() {
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
        // A page that does not reach back to when it can have been sent tells nothing; one that
        // does, does.
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

/// Looks for the message in its conversation.
#[test]
fn uncertain_direct_message_is_looked_up() {
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
fn untimed_message_matches_only_recent_ones() {
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
fn composed_letters_leave_messages_uncertain() {
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
fn uncertain_entry_is_found_in_the_timesheet() {
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
