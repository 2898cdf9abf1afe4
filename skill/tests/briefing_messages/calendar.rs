//! The day's events.

use super::*;

/// Mia's zone is five hours and a half ahead of UTC.
fn in_kolkata() -> FixedSettings {
    let mut settings = all_set();
    settings
        .0
        .extend([("time-zone", "Asia/Kolkata"), ("time-zone-data", KOLKATA)]);
    settings
}

/// A zone at a fixed offset (RFC 9636, version 2, no transitions), base64.
const KOLKATA: &str = "VFppZjIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAAAAQAAE1YAABJU1QAVFppZjIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAAAAQAAE1YAABJU1QACklTVC01OjMwCg==";

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
