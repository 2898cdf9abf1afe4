//! One rule for what is overdue, in every action and every zone; and tasks whose statuses a
//! workspace has made for itself.

mod common;

use base64::Engine as _;
use common::{Crm, DEAL, FixedSettings, ME, TASK, UPDATED, list, settings};
use crm_skill::actions::{blockers, briefing, context, follow_ups, get, status};
use crm_skill::bindings::claw::crm::types::{Intent, Kind};
use crm_skill::bindings::claw::skill::types::RecordRef;
use crm_skill::bindings::exports::claw::crm::read::{
    BlockerCode, BlockersRequest, BriefingRequest, ContextRequest, FollowUpsRequest, GetRequest,
    RecordFields, SectionName,
};
use crm_skill::context::Context;
use crm_skill::failure::Failure;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

/// A zone's rules as a TZif file (RFC 9636) that has nothing but the rule for all times.
fn rules(posix: &str) -> String {
    let block = |version: u8| {
        let mut block = b"TZif".to_vec();
        block.push(version);
        block.extend([0; 15]);
        // No transitions, one type of local time, four letters of abbreviation.
        for count in [0_u32, 0, 0, 0, 1, 4] {
            block.extend(count.to_be_bytes());
        }
        block.extend([0; 6]);
        block.extend(b"LMT\0");
        block
    };
    let mut file = block(b'2');
    file.extend(block(b'2'));
    file.extend(format!("\n{posix}\n").bytes());
    base64::engine::general_purpose::STANDARD.encode(file)
}

/// Zones by name and rule.
const ZONES: [(&str, &str); 7] = [
    ("Etc/UTC", "UTC0"),
    ("America/New_York", "EST5EDT,M3.2.0,M11.1.0"),
    ("Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3"),
    ("Asia/Kolkata", "IST-5:30"),
    ("Asia/Tokyo", "JST-9"),
    ("Pacific/Kiritimati", "<+14>-14"),
    ("Etc/GMT+12", "<-12>12"),
];

fn zone(posix: &str) -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::posix(posix).unwrap()
}

/// Lists due times: the instant, and the day if it means that as a whole.
fn dues(zone: &jiff::tz::TimeZone) -> Vec<(Timestamp, Option<Date>)> {
    let mut dues = Vec::new();
    for day in ["2026-03-07", "2026-03-08", "2026-03-09"] {
        let day: Date = day.parse().unwrap();
        let at = |hour, minute, second| {
            day.at(hour, minute, second, 0)
                .to_zoned(zone.clone())
                .unwrap()
                .timestamp()
        };
        for whole in [at(0, 0, 0), at(23, 59, 0), at(23, 59, 59)] {
            dues.push((whole, Some(day)));
        }
        let utc: Timestamp = format!("{day}T00:00:00Z").parse().unwrap();
        dues.push((utc, Some(day)));
        for timed in [at(9, 17, 0), at(17, 43, 30), at(23, 58, 59)] {
            dues.push((timed, None));
        }
    }
    dues
}

/// Instants at which somebody looks.
fn nows(zone: &jiff::tz::TimeZone) -> Vec<Timestamp> {
    let mut nows = Vec::new();
    for day in ["2026-03-08", "2026-03-09"] {
        let day: Date = day.parse().unwrap();
        for (hour, minute, second, nano) in [
            (0, 0, 0, 0),
            (0, 0, 0, 1),
            (9, 16, 59, 999_000_000),
            (9, 17, 0, 0),
            (23, 59, 0, 0),
            (23, 59, 59, 999_999_999),
        ] {
            nows.push(
                day.at(hour, minute, second, nano)
                    .to_zoned(zone.clone())
                    .unwrap()
                    .timestamp(),
            );
        }
    }
    nows
}

/// The rule, in the words of the issue: what is due on a day as a whole is overdue from the next
/// day on.
fn expected(
    zone: &jiff::tz::TimeZone,
    (due, whole): (Timestamp, Option<Date>),
    now: Timestamp,
) -> bool {
    match whole {
        Some(day) => now.to_zoned(zone.clone()).date() > day,
        None => now >= due,
    }
}

fn in_zone(name: &'static str, posix: &str) -> FixedSettings {
    let mut settings = settings();
    let data: &'static str = Box::leak(rules(posix).into_boxed_str());
    settings
        .0
        .extend([("time-zone", name), ("time-zone-data", data)]);
    settings
}

fn task(due: Timestamp) -> Value {
    json!({
        "id": TASK, "createdAt": UPDATED, "updatedAt": UPDATED, "title": "Call", "status": "TODO", "dueAt": due.to_string(),
        "bodyV2": { "markdown": "" }, "assigneeId": ME, "assignee": common::me(), "taskTargets": list(Vec::new()),
    })
}

fn deal(close: Option<Timestamp>, stage: &str) -> Value {
    json!({
        "id": DEAL, "createdAt": UPDATED, "updatedAt": UPDATED, "name": "Acme", "stage": stage, "amount": null,
        "closeDate": close.map(|close| close.to_string()), "ownerId": ME, "owner": common::me(), "company": null,
        "pointOfContactId": null, "pointOfContact": null,
    })
}

fn counted(rows: Vec<Value>) -> Value {
    let mut list = list(rows.clone());
    list["totalCount"] = json!(rows.len());
    list
}

/// A CRM that has this task, linked to this deal.
fn crm(task: &Value, deal: &Value) -> Crm {
    let link = json!({ "task": task, "targetPerson": null, "targetCompany": null, "targetOpportunity": null });
    let page = json!({
        "totalCount": 1, "pageInfo": { "endCursor": null, "hasNextPage": false }, "edges": [{ "node": task }],
    });
    Crm::default()
        .answers("follow_ups", json!({ "tasks": page, "tasksGroupBy": [{ "totalCount": 4 }, { "totalCount": 3 }] }))
        .answers("follow_ups_about", json!({ "taskTargets": counted(vec![link.clone()]) }))
        .answers("get_task", json!({ "task": task, "timelineActivities": list(Vec::new()) }))
        .answers(
            "get_opportunity",
            json!({ "opportunity": deal, "taskTargets": counted(vec![link.clone()]), "noteTargets": list(Vec::new()), "timelineActivities": list(Vec::new()) }),
        )
        .answers(
            "blockers",
            json!({
                "opportunity": deal, "taskTargets": counted(vec![link]), "noteTargets": list(Vec::new()),
                "timelineActivities": counted(Vec::new()), "taskTargetsGroupBy": [],
            }),
        )
        .answers(
            "context",
            json!({ "people": list(Vec::new()), "opportunities": list(Vec::new()), "tasks": list(vec![task.clone()]), "timelineActivities": list(Vec::new()) }),
        )
        .answers("stages", json!({ "__type": { "enumValues": [{ "name": "NEW" }, { "name": "CUSTOMER" }] } }))
        .answers("briefing_overdue", json!({ "tasks": counted(Vec::new()), "opportunities": counted(Vec::new()) }))
        .answers("briefing_today", json!({ "tasks": counted(Vec::new()), "opportunities": counted(vec![deal.clone()]) }))
        .answers("briefing_coming", json!({ "tasks": counted(Vec::new()), "people": counted(Vec::new()) }))
        .answers("briefing_risk", json!({ "taskTargetsGroupBy": [{ "groupByDimensionValues": [DEAL], "totalCount": 1 }], "timelineActivitiesGroupBy": [] }))
}

fn follow_ups_of(
    ctx: &Context<'_>,
    about: bool,
) -> crm_skill::bindings::exports::claw::crm::read::FollowUpsPage {
    let about = about.then(|| RecordRef {
        kind: "opportunity".to_owned(),
        id: DEAL.to_owned(),
    });
    let request = FollowUpsRequest {
        assignee: None,
        until: None,
        about,
        cursor: None,
    };
    follow_ups::follow_ups(ctx, &request).unwrap()
}

fn report(ctx: &Context<'_>) -> crm_skill::bindings::exports::claw::crm::read::BlockersReport {
    let request = BlockersRequest {
        opportunity: DEAL.to_owned(),
        stale_days: None,
        widen: None,
    };
    blockers::blockers(ctx, &request).unwrap()
}

fn view(
    ctx: &Context<'_>,
    kind: Kind,
    id: &str,
) -> crm_skill::bindings::exports::claw::crm::read::RecordView {
    let request = GetRequest {
        kind,
        id: id.to_owned(),
    };
    get::get(ctx, &request).unwrap()
}

fn brief(ctx: &Context<'_>) -> crm_skill::bindings::exports::claw::crm::read::BriefingReport {
    let request = BriefingRequest {
        day: None,
        horizon_days: Some(7),
        sections: None,
    };
    briefing::briefing(ctx, &request).unwrap()
}

/// The sections of a briefing in which the CRM would put something that is due then, by the bounds
/// that it was asked with.
fn sections(crm: &Crm, due: Timestamp) -> Vec<&'static str> {
    let time = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
    let among = |list: &Value| list.as_array().unwrap().iter().any(|one| time(one) == due);
    let mut sections = Vec::new();
    let overdue = crm.variables("briefing_overdue");
    if due < time(&overdue["before"]) && !among(&overdue["wholeDays"]) {
        sections.push("overdue");
    }
    for (document, name) in [("briefing_today", "today"), ("briefing_coming", "coming")] {
        let asked = crm.variables(document);
        let within =
            due >= time(&asked["from"]) && due < time(&asked["until"]) && !among(&asked["after"]);
        if within || among(&asked["on"]) {
            sections.push(name);
        }
    }
    sections
}

#[test]
fn what_is_overdue_is_so_in_every_action() {
    let (mut cases, mut late) = (0, 0);
    for (name, posix) in ZONES {
        let zone = zone(posix);
        let settings = in_zone(name, posix);
        for due in dues(&zone) {
            for now in nows(&zone) {
                let case = format!("{name}: due {} ({:?}), now {now}", due.0, due.1);
                let expected = expected(&zone, due, now);
                let crm = crm(&task(due.0), &deal(None, "NEW"));
                let ctx = Context::new(&crm, &settings, now);
                assert_eq!(ctx.zone().name(), name);
                for about in [false, true] {
                    let page = follow_ups_of(&ctx, about);
                    assert_eq!(page.tasks[0].overdue, expected, "follow_ups, {case}");
                    let of_all = if about { u32::from(expected) } else { 7 };
                    assert_eq!(page.overdue, of_all, "follow_ups, {case}");
                }
                let RecordFields::Task(fields) = view(&ctx, Kind::Task, TASK).fields else {
                    panic!("no task")
                };
                assert_eq!(fields.overdue, expected, "get, {case}");
                let tasks = view(&ctx, Kind::Opportunity, DEAL).open_tasks;
                assert_eq!(tasks[0].overdue, expected, "get a deal, {case}");
                let found = report(&ctx).findings;
                let fires = found
                    .iter()
                    .any(|finding| finding.code == BlockerCode::OverdueTask);
                assert_eq!(fires, expected, "blockers, {case}");
                let request = ContextRequest {
                    refs: vec![RecordRef {
                        kind: "task".to_owned(),
                        id: TASK.to_owned(),
                    }],
                    intent: Intent::Update,
                    fields: None,
                };
                let told = context::context(&ctx, &request).unwrap().markdown;
                assert_eq!(
                    told.contains("overdue"),
                    expected,
                    "context, {case}: {told}"
                );

                brief(&ctx);
                let today = now.to_zoned(zone.clone()).date();
                let day = due.1.unwrap_or_else(|| due.0.to_zoned(zone.clone()).date());
                let section = if expected {
                    "overdue"
                } else if day == today {
                    "today"
                } else {
                    "coming"
                };
                assert_eq!(sections(&crm, due.0), [section], "briefing, {case}");
                // What follow_ups counts among all of them is what the briefing calls overdue.
                let counted = crm.variables("follow_ups");
                let asked = crm.variables("briefing_overdue");
                assert_eq!(counted["before"], asked["before"]);
                assert_eq!(counted["wholeDays"], asked["wholeDays"]);
                cases += 1;
                late += u32::from(expected);
            }
        }
    }
    println!("{cases} cases in 7 actions, {late} of them overdue");
    assert!(cases > 1_500 && late > 500 && late < cases - 500);
}

#[test]
fn open_deal_past_its_close_date_is_at_risk() {
    let now: Timestamp = "2026-03-11T12:00:00Z".parse().unwrap();
    let next_week: Timestamp = "2026-04-11T12:00:00Z".parse().unwrap();
    for (close, passed) in [
        ("2026-03-10T23:59:59Z", true),
        ("2026-03-10T00:00:00Z", true),
        ("2026-03-11T00:00:00Z", false),
        ("2026-03-11T09:00:00Z", false),
        ("2026-03-12T09:00:00Z", false),
    ] {
        let settings = settings();
        let crm = crm(&task(next_week), &deal(Some(close.parse().unwrap()), "NEW"));
        let ctx = Context::new(&crm, &settings, now);
        let report = brief(&ctx);
        let at_risk = report
            .sections
            .iter()
            .find(|section| section.name == SectionName::AtRisk)
            .unwrap();
        assert_eq!(at_risk.total, u32::from(passed), "{close}: {at_risk:?}");
        if passed {
            assert!(
                at_risk.rows[0]
                    .details
                    .starts_with("close date passed 1 day ago"),
                "{at_risk:?}"
            );
            assert!(
                report.headline.contains("1 deal at risk"),
                "{}",
                report.headline
            );
        }
    }
}

#[test]
fn a_closed_deal_has_no_findings_about_open_ones() {
    let now: Timestamp = "2026-03-11T12:00:00Z".parse().unwrap();
    let settings = settings();
    let codes = |stage: &str| {
        let mut deal = deal(Some("2026-03-01T00:00:00Z".parse().unwrap()), stage);
        deal["ownerId"] = Value::Null;
        deal["owner"] = Value::Null;
        let crm = crm(&task("2026-03-01T09:17:00Z".parse().unwrap()), &deal);
        let ctx = Context::new(&crm, &settings, now);
        let report = report(&ctx);
        let found: Vec<BlockerCode> = report.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(
            report.findings.len() + report.unknown.len() + report.clear.len(),
            13
        );
        (found, report.unknown.len())
    };
    let (open, _) = codes("NEW");
    assert!(
        open.contains(&BlockerCode::NoOwner) && open.contains(&BlockerCode::CloseDatePassed),
        "{open:?}"
    );
    // The task is late, whatever became of the deal.
    assert_eq!(codes("CUSTOMER"), (vec![BlockerCode::OverdueTask], 0));
}

fn statuses(names: &[&str]) -> Value {
    let values: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
    json!({ "__type": { "enumValues": values } })
}

fn with_done(done: &'static str) -> FixedSettings {
    let mut settings = settings();
    settings.0.push(("done-statuses", done));
    settings
}

#[test]
fn open_statuses_are_those_not_done() {
    let now: Timestamp = "2026-03-11T12:00:00Z".parse().unwrap();
    let due: Timestamp = "2026-03-01T09:17:00Z".parse().unwrap();
    for (all, done, open) in [
        (
            &["TODO", "IN_PROGRESS", "DONE"][..],
            None,
            &["TODO", "IN_PROGRESS"][..],
        ),
        (
            &["BACKLOG", "DOING", "FINISHED", "CANCELLED"],
            Some("FINISHED, CANCELLED"),
            &["BACKLOG", "DOING"],
        ),
        (
            &["TODO", "DONE", "CANCELLED"],
            Some("DONE,CANCELLED,DROPPED"),
            &["TODO"],
        ),
        // Nobody knows which of them means done.
        (&["BACKLOG", "FINISHED"], None, &["BACKLOG", "FINISHED"]),
    ] {
        let settings = done.map_or_else(settings, with_done);
        let crm = crm(&task(due), &deal(None, "NEW")).answers("task_statuses", statuses(all));
        let ctx = Context::new(&crm, &settings, now);
        follow_ups_of(&ctx, false);
        follow_ups_of(&ctx, true);
        view(&ctx, Kind::Opportunity, DEAL);
        report(&ctx);
        brief(&ctx);
        for document in [
            "follow_ups",
            "follow_ups_about",
            "get_opportunity",
            "blockers",
            "briefing_overdue",
            "briefing_today",
            "briefing_coming",
            "briefing_risk",
        ] {
            assert_eq!(
                crm.variables(document)["open"],
                json!(open),
                "{document} {all:?}"
            );
        }
    }
}

#[test]
fn a_cancelled_task_is_not_overdue() {
    let now: Timestamp = "2026-03-11T12:00:00Z".parse().unwrap();
    let mut cancelled = task("2026-03-01T09:17:00Z".parse().unwrap());
    cancelled["status"] = json!("CANCELLED");
    for (settings, overdue) in [(settings(), true), (with_done("DONE,CANCELLED"), false)] {
        let crm = crm(&cancelled, &deal(None, "NEW"));
        let ctx = Context::new(&crm, &settings, now);
        let view = view(&ctx, Kind::Task, TASK);
        let RecordFields::Task(fields) = view.fields else {
            panic!("no task")
        };
        assert_eq!(fields.overdue, overdue);
        assert_eq!(view.markdown.contains("overdue"), overdue);
    }
}

#[test]
fn status_names_what_is_wrong_with_the_statuses() {
    for (all, done, said) in [
        (&["TODO", "DONE"][..], "DONE", None),
        (
            &["BACKLOG", "FINISHED"],
            "DONE",
            Some("No status of tasks is known to mean done"),
        ),
        (&["BACKLOG", "FINISHED"], "FINISHED", None),
        (
            &["BACKLOG", "FINISHED"],
            "FINISHED,DROPPED",
            Some("names DROPPED, which tasks of this CRM do not have"),
        ),
        (
            &["BACKLOG", "FINISHED"],
            "FINISHED,BACKLOG",
            Some("Every status of tasks counts as done"),
        ),
    ] {
        let options: Vec<Value> = all
            .iter()
            .map(|value| json!({ "value": value, "label": value }))
            .collect();
        let field = json!({ "name": "status", "isActive": true, "options": options });
        let objects = list(vec![
            json!({ "nameSingular": "task", "fieldsList": [field] }),
        ]);
        let roots = [
            "people",
            "companies",
            "opportunities",
            "tasks",
            "notes",
            "taskTargets",
            "noteTargets",
            "timelineActivities",
            "workspaceMembers",
        ];
        let crm = Crm::default()
            .answers("access", common::found(&roots, json!({})))
            .answers("metadata", json!({ "objects": objects }));
        let settings = with_done(done);
        let ctx = Context::new(&crm, &settings, "2026-03-11T12:00:00Z".parse().unwrap());
        let report = status::status(&ctx).unwrap();
        assert_eq!(report.task_statuses.len(), all.len());
        match said {
            Some(said) => assert!(
                report.markdown.contains(said) && report.markdown.contains("done-statuses"),
                "{}",
                report.markdown
            ),
            None => assert!(
                !report.markdown.contains("done-statuses"),
                "{}",
                report.markdown
            ),
        }
    }
}

#[test]
fn unknown_statuses_hide_open_tasks() {
    let now: Timestamp = "2026-03-11T12:00:00Z".parse().unwrap();
    let due: Timestamp = "2026-03-01T09:17:00Z".parse().unwrap();
    let denied = json!({ "data": null, "errors": [{ "message": "no", "extensions": { "code": "FORBIDDEN" } }] });
    let crm = crm(&task(due), &deal(None, "NEW")).says("task_statuses", 200, &denied.to_string());
    let settings = settings();
    let ctx = Context::new(&crm, &settings, now);
    let request = FollowUpsRequest {
        assignee: None,
        until: None,
        about: None,
        cursor: None,
    };
    assert!(matches!(
        follow_ups::follow_ups(&ctx, &request),
        Err(Failure::Denied(_))
    ));
    let view = view(&ctx, Kind::Opportunity, DEAL);
    assert!(view.open_tasks.is_empty() && view.open_task_total.is_none());
    assert!(
        view.missing[0].starts_with("open tasks: "),
        "{:?}",
        view.missing
    );
    let report = report(&ctx);
    let unknown = |code| report.unknown.iter().any(|unjudged| unjudged.code == code);
    assert!(unknown(BlockerCode::OverdueTask) && unknown(BlockerCode::NoNextStep));
    // Every status named as done is a mistake that is named.
    let all = with_done("TODO,IN_PROGRESS,DONE");
    let crm = self::crm(&task(due), &deal(None, "NEW"));
    let ctx = Context::new(&crm, &all, now);
    let failure = follow_ups::follow_ups(&ctx, &request).unwrap_err();
    assert!(
        format!("{failure:?}").contains("done-statuses"),
        "{failure:?}"
    );
}
