//! The messages that wait.

use super::*;

/// A conversation with somebody that Mia has read up to a time.
fn talk(id: &str, with: &str, read: Option<&str>, last: &str) -> Value {
    json!({
        "id": id, "type": "dm", "name": null, "createdBy": with, "createdAt": "2026-03-01T09:00:00.000Z", "updatedAt": last,
        "members": [
            { "conversationId": id, "userId": MIA, "joinedAt": "2026-03-01T09:00:00.000Z", "lastReadAt": read },
            { "conversationId": id, "userId": with, "joinedAt": "2026-03-01T09:00:00.000Z", "lastReadAt": null },
        ],
        "lastMessage": { "surfaceText": "x", "senderUserId": with, "createdAt": last }, "unreadCount": 1,
    })
}

fn talk_id(number: u32) -> String {
    format!("e0e00000-0000-4000-8000-{number:012}")
}

#[test]
fn messages_since_the_last_read_are_waiting() {
    let path = format!("/conversations/{TALK}/messages");
    let read = "2026-03-11T08:00:00.000Z";
    let rows = json!([
        in_talk(
            row(5, MIA, "note", "My own answer", "2026-03-11T11:00:00.000Z"),
            TALK
        ),
        in_talk(
            row(
                4,
                NOOR,
                "handoff",
                "Call\u{202e} Vera\nby Friday",
                "2026-03-11T10:00:00.000Z"
            ),
            TALK
        ),
        in_talk(
            row(3, NOOR, "note", "By the way", "2026-03-11T09:00:00.000Z"),
            TALK
        ),
        in_talk(row(2, NOOR, "question", "Seen already", read), TALK),
    ]);
    let services = Services::default()
        .answers("/unread", unread(0, &[(TALK, 3)]))
        .answers(
            "/conversations",
            json!([talk(TALK, NOOR, Some(read), "2026-03-11T11:00:00.000Z")]),
        )
        .answers("/tez/stream", json!([]))
        .answers(&path, rows)
        .answers(&format!("/contacts/{NOOR}"), contact(NOOR, "Noor Aziz"));
    let section = tez(&services, &all_set());
    assert_eq!(
        lines(&section),
        [
            "Handoff from Noor Aziz: Call Vera by Friday | to you, sent 2026-03-11 10:00",
            "Message from Noor Aziz: By the way | to you, sent 2026-03-11 09:00",
        ]
    );
    assert_eq!(
        (section.total, section.examined, section.why),
        (2, None, None)
    );
    let row = &section.rows[0];
    assert_eq!((row.kind, row.id.clone()), (RowKind::Tez, tez_id(4)));
    assert_eq!(row.date.as_deref(), Some("2026-03-11T10:00:00Z"));
    assert_eq!(
        (
            row.provenance.source.as_str(),
            row.provenance.object.as_str()
        ),
        ("tezit", "tez")
    );
    assert_eq!(services.rounds(), [3, 2]);
}

/// Drops the caller's own messages, which the relay counts as unread.
#[test]
fn own_messages_are_not_waiting() {
    let services = Services::default()
        .answers("/unread", unread(0, &[(TALK, 2)]))
        .answers("/conversations", json!([talk(TALK, NOOR, None, NOON)]))
        .answers("/tez/stream", json!([]))
        .answers(&format!("/contacts/{NOOR}"), contact(NOOR, "Noor Aziz"))
        .answers(
            &format!("/conversations/{TALK}/messages"),
            json!([in_talk(row(1, MIA, "note", "Mine", NOON), TALK)]),
        );
    let section = tez(&services, &all_set());
    assert_eq!(
        (section.total, section.rows.len(), section.why),
        (0, 0, None)
    );
    let report = of(&services, &all_set(), &[SectionName::Tez]).unwrap();
    assert_eq!(report.headline, "Nothing is pressing.");
}

#[test]
fn messages_to_the_caller_come_first() {
    let rows = json!([
        row(9, OLE, "update", "Fresh news", "2026-03-11T11:30:00.000Z"),
        with(
            row(8, NOOR, "note", "Sure", "2026-03-11T11:00:00.000Z"),
            "parentTezId",
            json!(tez_id(1))
        ),
        row(
            7,
            NOOR,
            "question",
            "Who knows?",
            "2026-03-11T10:00:00.000Z"
        ),
        with(
            with(
                row(
                    6,
                    OLE,
                    "handoff",
                    "Take it over",
                    "2026-03-10T10:00:00.000Z"
                ),
                "urgency",
                json!("critical")
            ),
            "actionRequested",
            json!("Call Vera")
        ),
        row(1, MIA, "handoff", "My own", "2026-03-09T10:00:00.000Z"),
        row(2, OLE, "handoff", "Long ago", "2026-03-04T11:59:00.000Z"),
    ]);
    let named = |number: u32, kind: &str, who: &str| {
        let tez = with(
            row(number, OLE, kind, "x", NOON),
            "recipients",
            json!([{ "tezId": tez_id(number), "userId": who, "readAt": null }]),
        );
        with(tez, "context", json!([]))
    };
    let services = Services::default()
        .answers("/unread", unread(5, &[]))
        .answers("/conversations", json!([]))
        .answers("/tez/stream", rows)
        .answers(&format!("/contacts/{NOOR}"), contact(NOOR, "Noor Aziz"))
        .answers(&format!("/contacts/{OLE}"), contact(OLE, "Ole Berg"))
        .answers(&format!("/tez/{}", tez_id(6)), named(6, "handoff", MIA))
        .answers(&format!("/tez/{}", tez_id(7)), named(7, "question", OLE))
        .says(&format!("/tez/{}", tez_id(9)), 500, "");
    let section = tez(&services, &all_set());
    assert_eq!(
        lines(&section),
        [
            "Handoff from Ole Berg: Take it over | to you and the team, critical, asks: Call Vera, sent 2026-03-10 10:00",
            "Message from Noor Aziz: Sure | answers yours, to the team, sent 2026-03-11 11:00",
            "Question from Noor Aziz: Who knows? | to the team, sent 2026-03-11 10:00",
            "Update from Ole Berg: Fresh news | to the team, sent 2026-03-11 11:30",
        ]
    );
    assert_eq!(
        section.why.as_deref(),
        Some(
            "5 team messages addressed to you, never cleared by the relay; 4 of them could not be listed or told from others."
        )
    );
    assert_eq!(services.rounds(), [3, 5]);
}

#[test]
fn opens_five_conversations_in_ten_requests() {
    let ids: Vec<String> = (1..=8).map(talk_id).collect();
    let counted: Vec<(&str, u32)> = ids.iter().map(|id| (id.as_str(), 1)).collect();
    let talks: Vec<Value> = (1..=8)
        .map(|at| {
            talk(
                &talk_id(at),
                &format!("user-{at}"),
                None,
                &format!("2026-03-1{}T10:00:00.000Z", at % 2),
            )
        })
        .collect();
    let team = json!([
        row(50, OLE, "handoff", "Team", NOON),
        row(51, NOOR, "handoff", "Team", NOON)
    ]);
    for (settings, asked) in [
        (all_set(), [3, 7]),
        (all_but(&["caller.relay-user"]), [4, 6]),
    ] {
        let mut services = Services::default()
            .answers("/unread", unread(3, &counted))
            .answers("/conversations", json!(talks))
            .answers("/contacts/me", contact(MIA, "Mia Ek"))
            .answers("/tez/stream", team.clone())
            .answers(
                &format!("/tez/{}", tez_id(50)),
                with(
                    row(50, OLE, "handoff", "Team", NOON),
                    "recipients",
                    json!([{ "userId": MIA }]),
                ),
            );
        for at in 1..=8 {
            let path = format!("/conversations/{}/messages", talk_id(at));
            let rows = json!([in_talk(
                row(
                    at,
                    &format!("user-{at}"),
                    "question",
                    "Well?",
                    "2026-03-10T10:00:00.000Z"
                ),
                &talk_id(at)
            )]);
            services = services.answers(&path, rows).answers(
                &format!("/contacts/user-{at}"),
                contact(&format!("user-{at}"), &format!("User {at}")),
            );
        }
        let section = tez(&services, &settings);
        assert_eq!(services.rounds(), asked);
        assert_eq!((section.total, section.rows.len()), (7, 7));
        assert_eq!(section.examined, Some(7));
        let why = section.why.unwrap();
        assert!(
            why.contains("3 more conversations with unread messages not opened."),
            "{why}"
        );
        assert!(
            why.contains("3 team messages addressed to you, never cleared by the relay; 2 of them"),
            "{why}"
        );
        // Those of the newest messages are opened: all four of the later day, and one more.
        let opened: Vec<String> = services
            .asked()
            .into_iter()
            .filter(|path| path.contains("/messages"))
            .collect();
        for at in [1, 3, 5, 7] {
            assert!(
                opened.iter().any(|path| path.contains(&talk_id(at))),
                "{opened:?}"
            );
        }
    }
}

#[test]
fn unnamed_sender_is_shown_by_id_prefix() {
    let services = Services::default()
        .answers("/unread", unread(0, &[]))
        .answers("/conversations", json!([]))
        .answers("/tez/stream", json!([row(1, NOOR, "update", "News", NOON)]))
        .says(
            &format!("/contacts/{NOOR}"),
            404,
            &refusal("NOT_FOUND", "Contact not found"),
        );
    assert_eq!(
        lines(&tez(&services, &all_set())),
        ["Update from user b0b00000: News | to the team, sent 2026-03-11 12:00"]
    );
}

#[test]
fn shows_ten_rows_and_cuts_long_text() {
    let rows: Vec<Value> = (0..100)
        .map(|at| row(at, NOOR, "note", &"x".repeat(9000), NOON))
        .collect();
    let services = Services::default()
        .answers("/unread", unread(0, &[]))
        .answers("/conversations", json!([]))
        .says("/tez/stream", 200, &json!({ "data": rows }).to_string())
        .answers(&format!("/contacts/{NOOR}"), contact(NOOR, "Noor Aziz"));
    let section = tez(&services, &all_set());
    assert_eq!(
        (section.rows.len(), section.total, section.examined),
        (10, 100, Some(100))
    );
    assert!(
        section
            .rows
            .iter()
            .all(|row| row.truncated && row.label.chars().count() == 200)
    );
    assert!(section.why.unwrap().contains("more in seven days"));
}

#[test]
fn unreadable_messages_are_reported() {
    let team = json!([row(1, NOOR, "update", "News", NOON)]);
    let forbidden = refusal("FORBIDDEN", "Not a member of this team");
    let direct = || {
        Services::default()
            .answers("/unread", unread(0, &[(TALK, 1)]))
            .answers("/conversations", json!([talk(TALK, NOOR, None, NOON)]))
            .answers(&format!("/contacts/{NOOR}"), contact(NOOR, "Noor Aziz"))
    };
    let messages = json!([in_talk(row(2, NOOR, "note", "Hello", NOON), TALK)]);
    let path = format!("/conversations/{TALK}/messages");

    let services = direct()
        .answers(&path, messages.clone())
        .says("/tez/stream", 403, &forbidden);
    let section = tez(&services, &all_set());
    assert_eq!((section.status, section.total), (SectionStatus::Ok, 1));
    let why = section.why.unwrap();
    assert!(
        why.starts_with("The team's messages could not be read: ") && why.contains("TEZIT_TEAM_ID"),
        "{why}"
    );

    let services = direct().answers(&path, messages.clone());
    let section = tez(&services, &all_but(&["tezit.team-id"]));
    assert_eq!(section.total, 1);
    assert!(section.why.unwrap().contains("TEZIT_TEAM_ID"));

    let services = direct()
        .says(&path, 500, "<html>")
        .answers("/tez/stream", team.clone());
    let section = tez(&services, &all_set());
    assert_eq!(section.total, 1);
    assert!(
        section
            .why
            .unwrap()
            .starts_with("A conversation could not be read: ")
    );

    let services = Services::default()
        .says("/unread", 500, "<html>")
        .answers("/conversations", json!([]))
        .answers("/tez/stream", team)
        .answers(&format!("/contacts/{NOOR}"), contact(NOOR, "Noor Aziz"));
    let section = tez(&services, &all_set());
    assert_eq!(section.total, 1);
    assert!(
        section
            .why
            .unwrap()
            .starts_with("Direct messages could not be read: The Tezit relay failed (HTTP 500)")
    );
}
