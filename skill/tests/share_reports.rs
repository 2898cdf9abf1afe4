//! `share` of what blocks a deal and of the caller's day: what their sentences may tell, and what
//! they cost.

mod common;
mod relay;
mod sharing;

use common::*;
use crm_skill::actions::share::share;
use crm_skill::bindings::claw::skill::plan::Plan;
use crm_skill::bindings::claw::skill::types::Failure;
use crm_skill::bindings::exports::claw::crm::propose::ShareRequest;
use relay::*;
use serde_json::{Value, json};
use sharing::*;

fn request(what: ShareRequest, to: &str) -> ShareRequest {
    ShareRequest {
        to: vec![to.to_owned()],
        ..what
    }
}

fn propose(services: &Services, request: &ShareRequest) -> Result<Plan, Failure> {
    services.run(&mapped(), |ctx| share(ctx, request))
}

fn counted(rows: Vec<Value>) -> Value {
    let mut counted = list(rows);
    counted["totalCount"] = json!(counted["edges"].as_array().unwrap().len());
    counted
}

/// A task as the rules about a deal see it.
fn open_task(id: &str, title: &str, due: Value, mine: bool) -> Value {
    json!({ "task": {
        "id": id, "createdAt": UPDATED, "updatedAt": UPDATED, "title": title, "dueAt": due, "bodyV2": { "markdown": BODY },
        "assigneeId": if mine { json!(OTHER) } else { Value::Null },
    }})
}

/// A deal with much in its way: overdue and unassigned tasks, a date that passed, one contact, a
/// note that says so.
fn blocked() -> Value {
    let mut deal = shared_deal(DEAL, "Difference engine");
    deal["createdAt"] = json!("2025-06-01T00:00:00.000Z");
    deal["closeDate"] = json!("2026-03-01T00:00:00.000Z");
    deal["nextStep"] = json!("");
    deal["amount"]["amountMicros"] = json!(99_123_000_000u64);
    deal["pointOfContactId"] = json!(PERSON);
    let contact = json!({ "id": DEAL, "pointOfContact": deal.as_object_mut().unwrap().remove("pointOfContact") });
    deal["company"] = json!({ "id": COMPANY, "name": "Analytical Engines", "people": counted(vec![json!({ "id": PERSON })]) });
    json!({
        "opportunity": deal,
        "opportunities": list(vec![contact]),
        "taskTargets": counted(vec![
            open_task(TASK, "Send the drawings", json!("2026-03-01T12:00:00.000Z"), true),
            open_task(OTHER, "Call the foundry", Value::Null, false),
        ]),
        "noteTargets": list(vec![json!({ "note": {
            "id": COMPANY, "createdAt": "2026-03-02T12:00:00.000Z", "updatedAt": UPDATED, "title": "Secret talk",
            "bodyV2": { "markdown": "We are stuck because Charles refuses" },
        }})]),
        "timelineActivities": counted(Vec::new()),
        "taskTargetsGroupBy": [{ "maxCreatedAt": "2026-01-02T12:00:00.000Z" }],
    })
}

fn stages() -> Value {
    let names = ["NEW", "SCREENING", "MEETING", "PROPOSAL", "CUSTOMER"];
    json!({ "__type": { "enumValues": names.map(|name| json!({ "name": name })) } })
}

fn deal_fields() -> Value {
    json!({ "__type": { "fields": [{ "name": "nextStep" }] } })
}

fn with_blockers(data: &Value) -> Services {
    let crm = Crm::default()
        .answers("blockers", data.clone())
        .answers("stages", stages())
        .answers("deal_fields", deal_fields());
    relay(crm)
}

#[test]
fn blockers_say_no_more_than_is_disclosed() {
    let data = blocked();
    let services = with_blockers(&data);
    let plan = propose(&services, &request(blockers_of(DEAL), NOOR)).unwrap();
    assert_eq!(services.crm.asked(), ["blockers"]);
    let message = step(&plan, "message");
    let body = json_body(message);
    let pieces = body["context"].as_array().unwrap();
    let of = |layer: &str| {
        let pieces = pieces.iter().filter(|piece| piece["layer"] == layer);
        pieces
            .map(|piece| (piece["content"].as_str().unwrap().to_owned(), piece.clone()))
            .collect::<Vec<_>>()
    };
    let (facts, hints) = (of("fact"), of("hint"));
    let titles: Vec<Value> = artifacts(&body)
        .iter()
        .filter(|artifact| artifact["item_type"] == "blocker")
        .map(|artifact| artifact["title"].clone())
        .collect();
    assert_eq!(
        titles,
        [
            "Overdue task",
            "Close date passed",
            "Noted blocker",
            "One contact",
            "Unassigned task"
        ]
    );
    assert_eq!((facts.len(), hints.len()), (5, 5));
    assert_eq!(
        facts[0].0,
        "The task \"Send the drawings\" is overdue for 10 days."
    );
    assert_eq!(
        facts[1].0,
        "Its close date, 2026-03-01, passed 10 days ago and it is still in MEETING."
    );
    assert_eq!(
        (&facts[0].1["source"], &facts[0].1["confidence"]),
        (&json!("verified"), &json!(100))
    );
    assert_eq!(
        (&facts[2].1["source"], &facts[2].1["confidence"]),
        (&json!("inferred"), &json!(50))
    );
    let first = artifacts(&body)
        .into_iter()
        .find(|one| one["item_type"] == "blocker")
        .unwrap();
    assert_eq!(
        (&first["status"], &first["priority"]),
        (&json!("pending"), &json!("high"))
    );
    assert_eq!(first["blocker"]["description"], facts[0].0.as_str());
    assert!(body["surfaceText"].as_str().unwrap().starts_with(
        "5 things are in the way of the deal \u{201c}Difference engine\u{201d}:\n- The task"
    ));
    assert_eq!(
        disclosed(message),
        [
            format!("crm.opportunity {DEAL}: closeDate closing name owner stage valueBand"),
            format!("crm.task {TASK}: title"),
            format!("crm.task {OTHER}: title"),
        ]
    );
    check(&plan, &[("blockers", &data)], "");
    for planted in [
        BODY,
        CONTACT,
        "stuck",
        "Charles",
        "Secret talk",
        "99123",
        "Analytical",
        "johanna.lindqvist@",
    ] {
        assert!(!sends(&plan, planted), "{planted}");
    }
}

#[test]
fn a_name_costs_one_request_more() {
    let data = blocked();
    let mut services = with_blockers(&data);
    services.crm = std::mem::take(&mut services.crm).says(
        "search",
        200,
        &hits(&[("opportunity", DEAL, "Difference engine")]).to_string(),
    );
    let plan = propose(&services, &request(blockers_of("difference"), "team"));
    let plan = plan.unwrap();
    // The name that was found tells it, so that no record is read beside the deal itself.
    assert_eq!(services.crm.asked(), ["search", "blockers"]);
    assert_eq!(plan.about[0].id, DEAL);
    check(&plan, &[("blockers", &data)], "difference");
}

#[test]
fn address_in_a_title_is_redacted() {
    let mut data = blocked();
    data["taskTargets"]["edges"][0]["node"]["task"]["title"] =
        json!("Write to charles@example.com");
    let plan = propose(&with_blockers(&data), &request(blockers_of(DEAL), NOOR)).unwrap();
    assert!(!sends(&plan, "charles@example.com") && sends(&plan, "[e-mail address]"));
    assert!(
        plan.warnings
            .iter()
            .any(|warning| warning.contains("e-mail address"))
    );
    check(&plan, &[("blockers", &data)], "");
}

#[test]
fn deal_without_blockers_is_not_shared() {
    let mut data = blocked();
    data["opportunity"]["closeDate"] = json!("2026-06-01T00:00:00.000Z");
    data["opportunity"]["createdAt"] = json!("2026-03-01T00:00:00.000Z");
    data["opportunity"]["amount"]["amountMicros"] = json!(1_000_000u64);
    data["taskTargets"] = counted(vec![open_task(
        TASK,
        "Send it",
        json!("2026-03-20T12:00:00.000Z"),
        true,
    )]);
    data["noteTargets"]["edges"][0]["node"]["note"]["bodyV2"]["markdown"] = json!("All is well");
    let failure = propose(&with_blockers(&data), &request(blockers_of(DEAL), NOOR)).unwrap_err();
    let shown = shown(&failure);
    assert!(
        shown.starts_with("not-found: Nothing was found in the way"),
        "{shown}"
    );
    assert!(shown.contains("nothing to send. That is good"), "{shown}");
}

fn day_task(id: &str, title: &str, due: &str) -> Value {
    let mut task = shared_task(title);
    task["id"] = json!(id);
    task["dueAt"] = json!(due);
    task["assigneeId"] = json!(ME);
    task.as_object_mut().unwrap().remove("bodyV2");
    task
}

fn day_deal(id: &str, name: &str) -> Value {
    let mut deal = shared_deal(id, name);
    let fields = deal.as_object_mut().unwrap();
    fields.remove("pointOfContact");
    fields.remove("nextStep");
    deal["ownerId"] = json!(ME);
    deal["company"] = json!({ "name": "Analytical Engines" });
    deal
}

/// The answers to the four requests of a day.
fn day() -> Vec<(&'static str, Value)> {
    vec![
        (
            "briefing_overdue",
            json!({
                "tasks": counted(vec![day_task(TASK, "Send the drawings", "2026-03-08T12:00:00.000Z")]),
                "opportunities": counted(vec![day_deal(DEAL, "Difference engine")]),
            }),
        ),
        (
            "briefing_today",
            json!({
                "tasks": counted(Vec::new()),
                "opportunities": counted(vec![day_deal(DEAL, "Difference engine"), day_deal(DEAL_2, "Loom of cards")]),
            }),
        ),
        (
            "briefing_coming",
            json!({
                "tasks": counted(vec![day_task(OTHER, "Call the foundry", "2026-03-13T12:00:00.000Z")]),
                "people": counted(vec![json!({ "id": PERSON, "createdAt": UPDATED, "updatedAt": UPDATED, "name": { "firstName": "Augusta", "lastName": "Lovelace" }, "jobTitle": "Chief Analyst", "company": null })]),
            }),
        ),
        (
            "briefing_risk",
            json!({
                "taskTargetsGroupBy": [{ "groupByDimensionValues": [DEAL], "totalCount": 1 }],
                "timelineActivitiesGroupBy": [{ "groupByDimensionValues": [DEAL], "maxHappensAt": "2026-03-10T00:00:00.000Z" }],
            }),
        ),
    ]
}

fn with_day(day: &[(&'static str, Value)]) -> Services {
    let mut crm = Crm::default().answers("stages", stages());
    for (document, data) in day {
        crm = crm.answers(document, data.clone());
    }
    relay(crm)
}

#[test]
fn sharing_the_day_costs_four_requests() {
    let day = day();
    let services = with_day(&day);
    let plan = propose(&services, &request(the_day(), "team")).unwrap();
    let asked: Vec<&str> = services
        .crm
        .asked()
        .into_iter()
        .filter(|document| *document != "stages")
        .collect();
    assert_eq!(
        asked,
        [
            "briefing_overdue",
            "briefing_today",
            "briefing_coming",
            "briefing_risk"
        ]
    );
    let tez = step(&plan, "tez");
    let body = json_body(tez);
    assert_eq!(
        body["surfaceText"],
        "My day, 2026-03-11 (UTC): 1 task overdue, 1 deal closing soon, 1 deal at risk."
    );
    let ids: Vec<Value> = artifacts(&body)
        .iter()
        .map(|one| one["id"].clone())
        .collect();
    assert_eq!(ids, [TASK, DEAL, DEAL_2, OTHER]);
    let deal = envelope(&body, DEAL);
    assert_eq!(deal["fields"]["valueBand"], "10k to 50k EUR");
    assert_eq!(deal["fields"]["closing"], "closes in 5 days");
    assert_eq!(deal["omitted"], json!(["nextStep", "amount", "contact"]));
    assert_eq!(envelope(&body, TASK)["fields"]["owner"], "Mia Ek");
    let facts: Vec<&Value> = body["context"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|piece| piece["layer"] == "fact")
        .map(|piece| &piece["content"])
        .collect();
    assert_eq!(
        facts,
        [
            "Overdue: 1.",
            "Closing soon: 1.",
            "At risk: 1.",
            "Coming up: 1."
        ]
    );
    assert_eq!(plan.about.len(), 4);
    let answers: Vec<(&str, &Value)> = day.iter().map(|(name, data)| (*name, data)).collect();
    check(&plan, &answers, "");
    assert!(!sends(&plan, "Lovelace") && !sends(&plan, "12345"));
}

#[test]
fn partly_read_day_is_shared_with_a_warning() {
    let day = day();
    let mut services = with_day(&day);
    services.crm = std::mem::take(&mut services.crm).breaks("briefing_coming");
    let plan = propose(&services, &request(the_day(), NOOR)).unwrap();
    assert!(plan.warnings[0].starts_with("Not all of the day could be read"));
    assert!(sends(&plan, "not everything could be read"));

    let crm = Crm::default()
        .answers("stages", stages())
        .breaks("briefing_overdue")
        .breaks("briefing_today")
        .breaks("briefing_coming");
    let failure = propose(&relay(crm), &request(the_day(), NOOR)).unwrap_err();
    assert!(shown(&failure).starts_with("unavailable"), "{failure:?}");
}

#[test]
fn a_long_day_is_cut_at_what_a_message_holds() {
    let id = |kind: u32, at: usize| format!("{kind}1111111-1111-4111-8111-{at:012}");
    let many = |kind: u32, due: &str| {
        (0..10)
            .map(|at| day_task(&id(kind, at), "Do it", due))
            .collect::<Vec<_>>()
    };
    let deals = |kind: u32| {
        (0..10)
            .map(|at| day_deal(&id(kind, at), "Deal"))
            .collect::<Vec<_>>()
    };
    let day = vec![
        (
            "briefing_overdue",
            json!({ "tasks": counted(many(1, "2026-03-08T12:00:00.000Z")), "opportunities": counted(deals(2)) }),
        ),
        (
            "briefing_today",
            json!({ "tasks": counted(many(3, "2026-03-11T12:00:00.000Z")), "opportunities": counted(deals(4)) }),
        ),
        (
            "briefing_coming",
            json!({ "tasks": counted(many(5, "2026-03-13T12:00:00.000Z")), "people": counted(Vec::new()) }),
        ),
        (
            "briefing_risk",
            json!({ "taskTargetsGroupBy": [], "timelineActivitiesGroupBy": [] }),
        ),
    ];
    let plan = propose(&with_day(&day), &request(the_day(), NOOR)).unwrap();
    let body = json_body(step(&plan, "message"));
    assert_eq!(artifacts(&body).len(), 40);
    assert!(body["context"].as_array().unwrap().len() <= 50);
    assert!(
        plan.warnings[0].contains("10 more are only counted"),
        "{:?}",
        plan.warnings
    );
}
