//! The briefing's sections that are not of the CRM: messages that wait and the day's events. Each
//! stands or fails alone.

mod calendar;
mod messages;

#[path = "../common/mod.rs"]
mod common;
#[path = "../relay/mod.rs"]
mod relay;

use common::{Crm, FixedSettings};
use crm_skill::actions::briefing::briefing;
use crm_skill::bindings::exports::claw::crm::read::{
    BriefingReport, BriefingRequest, RowKind, Section, SectionName, SectionStatus,
};
use crm_skill::failure::Failure;
use relay::*;
use serde_json::{Value, json};

fn of(
    services: &Services,
    settings: &FixedSettings,
    sections: &[SectionName],
) -> Result<BriefingReport, Failure> {
    let request = BriefingRequest {
        day: None,
        horizon_days: None,
        sections: Some(sections.to_vec()),
    };
    services.run(settings, |ctx| briefing(ctx, &request))
}

fn tez(services: &Services, settings: &FixedSettings) -> Section {
    of(services, settings, &[SectionName::Tez])
        .unwrap()
        .sections
        .remove(0)
}

fn calendar(services: &Services, settings: &FixedSettings) -> Section {
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

fn event(id: &str, summary: &str, start: &str, end: &str) -> Value {
    json!({ "eventId": id, "summary": summary, "start": start, "end": end, "description": "[Mia's own] Bring\nnotes", "htmlLink": "https://calendar.example.com/x" })
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

/// Services whose CRM has nothing due.
fn nothing_due() -> Services {
    let none = || json!({ "totalCount": 0, "edges": [] });
    let data = json!({ "tasks": none(), "opportunities": none() });
    Services::beside(Crm::default().answers("briefing_today", data))
}

#[test]
fn failing_relay_spares_the_other_sections() {
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
fn failing_crm_spares_messages_and_events() {
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
    // First the statuses of tasks, and beside the others who the members are: the host answers both
    // from memory.
    assert_eq!(services.rounds(), [1, 6]);
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

#[test]
fn headline_counts_messages_and_events() {
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
