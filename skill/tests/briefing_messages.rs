//! The briefing's sections that are not of the CRM: messages that wait and the day's events. Each stands or fails alone.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

mod common;
mod relay;

use common::{Crm, Set};
use crm_skill::actions::briefing::briefing;
use crm_skill::bindings::exports::claw::crm::read::{
    BriefingReport, BriefingRequest, RowKind, Section, SectionName, SectionStatus,
};
use crm_skill::failure::Failure;
use relay::*;
use serde_json::{Value, json};

fn of(
    services: &Services,
    settings: &Set,
    sections: &[SectionName],
) -> Result<BriefingReport, Failure> {
    let request = BriefingRequest {
        day: None,
        horizon_days: None,
        sections: Some(sections.to_vec()),
    };
    services.run(settings, |ctx| briefing(ctx, &request))
}

fn tez(services: &Services, settings: &Set) -> Section {
    of(services, settings, &[SectionName::Tez])
        .unwrap()
        .sections
        .remove(0)
}

fn calendar(services: &Services, settings: &Set) -> Section {
    of(services, settings, &[SectionName::Calendar])
        .unwrap()
        .sections
        .remove(0)
}

/// A row in short.
fn lines(section: &Section) -> Vec<String> {
    let line = |row: &crm_skill::bindings::exports::claw::crm::read::BriefingRow| {
        format!("{} | {}", row.label, row.details)
    };
    section.rows.iter().map(line).collect()
}

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

fn unread(team: u32, conversations: &[(&str, u32)]) -> Value {
    let teams = if team == 0 {
        json!([])
    } else {
        json!([{ "teamId": TEAM, "count": team }])
    };
    let conversations: Vec<Value> = conversations
        .iter()
        .map(|(id, count)| json!({ "conversationId": id, "count": count }))
        .collect();
    json!({ "teams": teams, "conversations": conversations, "total": 9 })
}

fn in_talk(mut row: Value, id: &str) -> Value {
    row["teamId"] = Value::Null;
    row["conversationId"] = json!(id);
    row
}

fn with(mut row: Value, field: &str, value: Value) -> Value {
    row[field] = value;
    row
}

/// A relay on which everybody has a name and nothing waits.
fn quiet() -> Services {
    Services::default()
        .answers("/unread", unread(0, &[]))
        .answers("/conversations", json!([]))
        .answers("/tez/stream", json!([]))
        .answers(&format!("/contacts/{NOOR}"), contact(NOOR, "Noor Aziz"))
        .answers(&format!("/contacts/{OLE}"), contact(OLE, "Ole Berg"))
}

#[test]
fn what_others_wrote_since_the_caller_last_read_waits() {
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

#[test]
fn the_relay_counts_the_callers_own_messages_and_they_do_not_wait() {
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
fn the_teams_messages_that_name_the_caller_or_answer_them_come_first() {
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
fn five_conversations_take_ten_requests_and_more_are_counted() {
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
fn a_sender_without_a_name_is_told_by_the_beginning_of_their_id() {
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
fn at_most_ten_rows_are_shown_and_long_text_is_cut() {
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
fn what_cannot_be_read_of_the_messages_is_said_and_the_rest_stands() {
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

/// Services whose CRM has nothing due.
fn nothing_due() -> Services {
    let none = || json!({ "totalCount": 0, "edges": [] });
    let data = json!({ "tasks": none(), "opportunities": none() });
    Services::beside(Crm::default().answers("briefing_today", data))
}

#[test]
fn a_relay_that_fails_leaves_the_other_sections_alone() {
    let sections = [
        SectionName::DueToday,
        SectionName::Tez,
        SectionName::Calendar,
    ];
    for (status, body, has) in [
        (
            401,
            refusal("INVALID_TOKEN", "Token verification failed"),
            "renew TEZIT_TOKEN",
        ),
        (
            429,
            refusal("RATE_LIMITED", "Too many requests"),
            "60 seconds",
        ),
        (200, "<html>".to_owned(), "web page"),
    ] {
        let services = nothing_due()
            .says("/unread", status, &body)
            .says("/conversations", status, &body)
            .says("/tez/stream", status, &body)
            .answers("/api/calendar/shared-events", json!([]));
        let report = of(&services, &all_set(), &sections).unwrap();
        let states: Vec<SectionStatus> = report
            .sections
            .iter()
            .map(|section| section.status)
            .collect();
        assert_eq!(
            states,
            [SectionStatus::Ok, SectionStatus::Failed, SectionStatus::Ok]
        );
        let why = report.sections[1].why.as_deref().unwrap();
        assert!(why.contains(has), "{why}");
        assert!(
            report
                .markdown
                .contains("### Messages\nCould not be read: "),
            "{}",
            report.markdown
        );
        assert_eq!(report.headline, "Not everything could be read.");
    }
    let services = Services::default()
        .breaks("/unread")
        .breaks("/conversations")
        .breaks("/tez/stream");
    assert!(matches!(
        of(&services, &all_set(), &[SectionName::Tez]),
        Err(Failure::Unavailable(_))
    ));
}

#[test]
fn a_crm_that_is_not_there_leaves_messages_and_events_alone() {
    let sections = [
        SectionName::DueToday,
        SectionName::Tez,
        SectionName::Calendar,
    ];
    let services = quiet().answers("/api/calendar/shared-events", json!([]));
    let report = of(&services, &all_but(&["twenty.base-url"]), &sections).unwrap();
    assert_eq!(report.sections[0].status, SectionStatus::Failed);
    assert_eq!(report.sections[1].status, SectionStatus::Ok);
    assert_eq!(report.sections[2].status, SectionStatus::Ok);
    // Nobody needs to be known to the CRM for what is not of it.
    let services = quiet();
    assert!(of(&services, &all_but(&["caller.email"]), &[SectionName::Tez]).is_ok());
    assert!(of(&services, &all_but(&["caller.email"]), &sections).is_err());
}

#[test]
fn all_services_are_asked_in_one_round() {
    let sections = [
        SectionName::DueToday,
        SectionName::Tez,
        SectionName::Calendar,
    ];
    let services = nothing_due()
        .answers("/unread", unread(0, &[]))
        .answers("/conversations", json!([]))
        .answers("/tez/stream", json!([]))
        .answers("/api/calendar/shared-events", json!([]));
    let report = of(&services, &all_set(), &sections).unwrap();
    assert_eq!(services.rounds(), [5]);
    assert_eq!(report.headline, "Nothing is pressing.");
}

#[test]
fn what_is_not_set_up_names_its_variable() {
    for (unset, name, variable) in [
        ("tezit.base-url", SectionName::Tez, "TEZIT_RELAY_URL"),
        (
            "workspace.base-url",
            SectionName::Calendar,
            "PA_WORKSPACE_API_URL",
        ),
        ("caller.pa-email", SectionName::Calendar, "PA_EMAIL"),
    ] {
        let services = Services::default();
        let report = of(&services, &all_but(&[unset]), &[name]).unwrap();
        assert_eq!(report.sections[0].status, SectionStatus::NotConfigured);
        assert!(
            report.sections[0]
                .why
                .as_deref()
                .unwrap()
                .contains(variable),
            "{unset}"
        );
        assert!(services.asked().is_empty());
        assert!(
            report.markdown.contains("Not set up: "),
            "{}",
            report.markdown
        );
    }
}

/// Mia's zone is five hours and a half ahead of UTC.
fn in_kolkata() -> Set {
    let mut settings = all_set();
    settings
        .0
        .extend([("time-zone", "Asia/Kolkata"), ("time-zone-data", KOLKATA)]);
    settings
}

/// A zone at a fixed offset (RFC 9636, version 2, no transitions), base64.
const KOLKATA: &str = "VFppZjIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAAAAQAAE1YAABJU1QAVFppZjIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAAAAQAAE1YAABJU1QACklTVC01OjMwCg==";

fn event(id: &str, summary: &str, start: &str, end: &str) -> Value {
    json!({ "eventId": id, "summary": summary, "start": start, "end": end, "description": "[Mia's own] Bring\nnotes", "htmlLink": "https://calendar.example.com/x" })
}

#[test]
fn the_days_events_are_those_of_the_callers_zone() {
    let events = json!([
        event(
            "early",
            "Yesterday's",
            "2026-03-10T18:00:00Z",
            "2026-03-10T18:30:00Z"
        ),
        event(
            "night",
            "Night shift",
            "2026-03-10T17:00:00Z",
            "2026-03-10T20:00:00Z"
        ),
        event(
            "noon",
            "Stand\u{202e}up *daily*",
            "2026-03-11T10:30:00+05:30",
            "2026-03-11T11:00:00+05:30"
        ),
        event(
            "noon",
            "Standup, again",
            "2026-03-11T10:30:00+05:30",
            "2026-03-11T11:00:00+05:30"
        ),
        event("fair", "Trade fair", "2026-03-10", "2026-03-12"),
        event("past", "Gone", "2026-03-10", "2026-03-11"),
        event("next", "Tomorrow", "2026-03-12", "2026-03-13"),
        event(
            "late",
            "Tomorrow's",
            "2026-03-11T18:30:00Z",
            "2026-03-11T19:00:00Z"
        ),
        event("open", "No end", "2026-03-11T15:00:00Z", ""),
    ]);
    let services = Services::default().answers("/api/calendar/shared-events", events);
    let section = calendar(&services, &in_kolkata());
    assert_eq!(
        lines(&section),
        [
            "Trade fair | all day, calendar Mia's own",
            "Night shift | 2026-03-10 22:30 to 01:30, calendar Mia's own",
            "Standup *daily* | 10:30 to 11:00, calendar Mia's own",
            "No end | 20:30, calendar Mia's own",
        ]
    );
    assert_eq!(section.total, 4);
    let row = &section.rows[2];
    assert_eq!(
        (row.kind, row.id.as_str(), row.date.as_deref()),
        (RowKind::Event, "noon", Some("2026-03-11T05:00:00Z"))
    );
    assert_eq!(section.rows[0].date.as_deref(), Some("2026-03-10"));
    assert_eq!(
        (
            row.provenance.source.as_str(),
            row.provenance.object.as_str()
        ),
        ("workspace", "event")
    );
    assert_eq!(
        services.asked(),
        [
            "/api/calendar/shared-events?paEmail=mia.pa%40example.com&from=2026-03-10T18%3A30%3A00Z&to=2026-03-11T18%3A30%3A00Z&maxResults=100"
        ]
    );
    let report = of(&services, &in_kolkata(), &[SectionName::Calendar]).unwrap();
    assert_eq!(report.headline, "4 events.");
    assert!(
        report
            .markdown
            .contains("- Standup \\*daily\\*: 10:30 to 11:00, calendar Mia's own (noon)"),
        "{}",
        report.markdown
    );
}

#[test]
fn a_calendar_that_fails_says_why_and_what_to_do() {
    for (status, body, has) in [
        (400, refusal("WORKSPACE_NOT_READY", "No workspace credentials for this PA"), "Google Workspace"),
        (403, refusal("FORBIDDEN", "You can only access your own PA"), "PA_EMAIL"),
        (401, refusal("AUTHENTICATION_REQUIRED", "Bearer token required"), "PA_WORKSPACE_SERVICE_TOKEN"),
        (500, refusal("CALENDAR_ERROR", "invalid_grant"), "invalid_grant"),
        (200, json!({ "data": [{ "eventId": "x", "summary": "y", "start": "soon", "end": "later" }] }).to_string(), "[0].start"),
    ] {
        let services = quiet().says("/api/calendar/shared-events", status, &body);
        let report = of(&services, &all_set(), &[SectionName::Tez, SectionName::Calendar]).unwrap();
        assert_eq!(report.sections[1].status, SectionStatus::Failed);
        let why = report.sections[1].why.as_deref().unwrap();
        assert!(why.contains(has), "{has}: {why}");
    }
}

#[test]
fn messages_and_events_are_counted_in_the_headline_and_carry_their_ids() {
    let services = Services::default()
        .answers("/unread", unread(1, &[]))
        .answers("/conversations", json!([]))
        .answers(
            "/tez/stream",
            json!([row(
                1,
                NOOR,
                "question",
                "Is [this](http://x.example) safe?",
                NOON
            )]),
        )
        .answers(
            &format!("/tez/{}", tez_id(1)),
            with(
                row(1, NOOR, "question", "x", NOON),
                "recipients",
                json!([{ "userId": MIA }]),
            ),
        )
        .answers(&format!("/contacts/{NOOR}"), contact(NOOR, "Noor Aziz"))
        .answers(
            "/api/calendar/shared-events",
            json!([event(
                "e1",
                "Standup",
                "2026-03-11T10:30:00Z",
                "2026-03-11T11:00:00Z"
            )]),
        );
    let report = of(
        &services,
        &all_set(),
        &[SectionName::Tez, SectionName::Calendar],
    )
    .unwrap();
    assert_eq!(report.headline, "1 message waiting, 1 event.");
    assert!(report.markdown.contains("### Messages (1)\n- Question from Noor Aziz: Is \\[this\\](http://x.example) safe?: to you and the team"), "{}", report.markdown);
    assert!(report.markdown.contains(&format!("({})", tez_id(1))));
    assert!(
        report
            .markdown
            .contains("1 team message addressed to you, never cleared by the relay."),
        "{}",
        report.markdown
    );
    assert!(report.markdown.contains("(e1)"));
}
