//! `follow_up` with a hand-over: the task first, then the message that holds it and what it is
//! about.

mod common;
mod relay;
mod sharing;

use common::*;
use crm_skill::actions::follow_up::follow_up;
use crm_skill::bindings::claw::crm::types::Urgency;
use crm_skill::bindings::claw::skill::plan::{Plan, Timing};
use crm_skill::bindings::claw::skill::types::Failure;
use crm_skill::bindings::exports::claw::crm::propose::{FollowUpRequest, Handoff};
use relay::*;
use serde_json::{Value, json};
use sharing::*;

const JOHANNA: &str = "johanna.lindqvist@example.com";

fn handoff(to: &str) -> Handoff {
    Handoff {
        to: to.to_owned(),
        message: None,
        ask: None,
        urgency: None,
    }
}

fn request(about: &str, to: &str) -> FollowUpRequest {
    FollowUpRequest {
        about: about.to_owned(),
        title: "Send the offer".to_owned(),
        note: Some("Not for the colleague".to_owned()),
        due: "2026-03-20".to_owned(),
        assignee: None,
        handoff: Some(handoff(to)),
        idempotency_key: None,
    }
}

fn deal() -> Value {
    let mut deal = shared_deal(DEAL, "Difference engine");
    deal.as_object_mut().unwrap().remove("pointOfContact");
    deal["company"] = json!({ "name": "Analytical Engines" });
    deal
}

fn answer(rows: Value) -> Value {
    let roots = ["people", "companies", "opportunities", "workspaceMembers"];
    found(&roots, rows)
}

fn about_deal() -> Value {
    answer(json!({ "opportunities": [deal()], "workspaceMembers": [me()] }))
}

fn propose(data: &Value, request: &FollowUpRequest) -> Result<Plan, Failure> {
    let services = relay(Crm::default().answers("follow_up", data.clone()));
    services.run(&mapped(), |ctx| follow_up(ctx, request))
}

#[test]
fn task_is_made_before_its_message() {
    let data = about_deal();
    let mut asked = request(DEAL, "Noor Aziz");
    asked.handoff = Some(Handoff {
        message: Some("Please take this.".to_owned()),
        ask: Some("Send it by Friday.".to_owned()),
        urgency: Some(Urgency::High),
        ..handoff("Noor Aziz")
    });
    let plan = propose(&data, &asked).unwrap();
    let names: Vec<&str> = plan.steps.iter().map(name).collect();
    assert_eq!(
        names,
        ["create-task", "link-task", "delete-task", "open", "message"]
    );
    let message = step(&plan, "message");
    assert!(matches!(message.timing, Timing::InOrder));
    let body = json_body(message);
    assert_eq!(
        (&body["type"], &body["urgency"]),
        (&json!("handoff"), &json!("high"))
    );
    assert_eq!(
        body["surfaceText"],
        "Please take this.\n\nTask: \u{201c}Send the offer\u{201d}, due 2026-03-20, assigned to the sender.\n\nIt is about the deal \u{201c}Difference engine\u{201d}.\n\nAsked of you: Send it by Friday."
    );
    let task = common::body(step(&plan, "create-task")).1["id"].clone();
    let made = envelope(&body, task.as_str().unwrap());
    assert_eq!(
        made,
        json!({
            "kind": "crm.task", "id": task,
            "fields": { "title": "Send the offer", "due": "2026-03-20T23:59:59Z", "dependency": [{ "kind": "crm.opportunity", "id": DEAL, "name": "Difference engine" }] },
            "omitted": ["owner", "status", "body"],
            "provenance": { "source": "twenty", "object": "task", "recordId": task, "created": true, "fetchedAt": "2026-03-11T12:00:00Z", "skill": "crm/0.1.0" },
        })
    );
    let about = envelope(&body, DEAL);
    assert_eq!(about["fields"]["nextStep"], "Send the contract");
    assert_eq!(about["omitted"], json!(["amount", "contact"]));
    assert!(plan.words.contains("hand it over to Noor Aziz"));
    check(&plan, &[("follow_up", &data)], "");
    for planted in [
        "Not for the colleague",
        "12345",
        JOHANNA,
        "me@example.com",
        "Analytical",
    ] {
        assert!(!sends(&plan, planted), "{planted}");
    }
}

#[test]
fn planning_by_name_costs_two_crm_requests() {
    let data = about_deal();
    let hits = json!({ "search": { "edges": [{ "node": { "recordId": DEAL, "objectNameSingular": "opportunity", "label": "Difference engine" } }], "pageInfo": { "hasNextPage": false } } });
    let crm = Crm::default()
        .answers("search", hits)
        .answers("follow_up", data);
    let services = relay(crm);
    let plan = services
        .run(&mapped(), |ctx| {
            follow_up(ctx, &request("difference engine", NOOR))
        })
        .unwrap();
    assert_eq!(services.crm.asked(), ["search", "follow_up"]);
    assert_eq!(services.asked(), [format!("/teams/{TEAM}/members")]);
    let to = |destination: &str| {
        let steps = plan
            .steps
            .iter()
            .filter(|step| step.destination == destination);
        steps
            .filter(|step| !matches!(step.timing, Timing::Compensates(_)))
            .count()
    };
    assert_eq!((to("twenty"), to("tezit")), (2, 2));
}

#[test]
fn handoff_does_not_change_the_task() {
    let data = about_deal();
    let alone = FollowUpRequest {
        handoff: None,
        ..request(DEAL, NOOR)
    };
    let (alone, handed) = (
        propose(&data, &alone).unwrap(),
        propose(&data, &request(DEAL, NOOR)).unwrap(),
    );
    assert_eq!(alone.steps[0].body, handed.steps[0].body);
    assert_ne!(alone.steps[0].id, handed.steps[0].id);
    assert_eq!(
        bytes(&handed),
        bytes(&propose(&data, &request(DEAL, NOOR)).unwrap())
    );
    let once = |request: &FollowUpRequest| {
        let plan = propose(&data, request).unwrap();
        plan.steps.last().unwrap().once.clone().unwrap()
    };
    let other = FollowUpRequest {
        handoff: Some(Handoff {
            message: Some("Now".to_owned()),
            ..handoff(NOOR)
        }),
        ..request(DEAL, NOOR)
    };
    assert_eq!(once(&request(DEAL, NOOR)), once(&request(DEAL, NOOR)));
    assert_ne!(once(&request(DEAL, NOOR)), once(&other));
    assert_ne!(once(&request(DEAL, NOOR)), once(&request(DEAL, OLE)));
}

#[test]
fn assignee_is_described_without_a_name() {
    let johanna = || colleague(OTHER, "Johanna", "Lindqvist", JOHANNA);
    // The deal's owner does it, and her name is told with the deal.
    let data = answer(json!({ "opportunities": [deal()], "workspaceMembers": [johanna()] }));
    let mut asked = request(DEAL, NOOR);
    asked.assignee = Some(JOHANNA.to_owned());
    let plan = propose(&data, &asked).unwrap();
    let body = json_body(step(&plan, "message"));
    let task = common::body(&plan.steps[0]).1["id"].clone();
    let task = envelope(&body, task.as_str().unwrap());
    assert_eq!(task["fields"]["owner"], "Johanna Lindqvist");
    check(&plan, &[("follow_up", &data)], "");

    // Somebody else does it: the message goes without the name.
    let mut other = deal();
    other["ownerId"] = json!(ME);
    let data = answer(json!({ "opportunities": [other], "workspaceMembers": [johanna()] }));
    let plan = propose(&data, &asked).unwrap();
    assert!(!sends(&plan, "Lindqvist") && !sends(&plan, "assigned to"));
    check(&plan, &[("follow_up", &data)], "");

    // She gets it herself.
    let noor = "noor@example.com";
    let data = answer(
        json!({ "opportunities": [deal()], "workspaceMembers": [colleague(OTHER, "Noor", "Aziz-Lindqvist", noor)] }),
    );
    asked.assignee = Some(noor.to_owned());
    asked.handoff = Some(handoff(noor));
    let mut user = contact(NOOR, "Noor Aziz");
    user["email"] = json!(noor);
    let services = Services::beside(Crm::default().answers("follow_up", data))
        .answers(&format!("/teams/{TEAM}/members"), members(&[MIA, NOOR]))
        .answers("/contacts/search", json!([user]));
    let plan = services
        .run(&mapped(), |ctx| follow_up(ctx, &asked))
        .unwrap();
    assert!(sends(&plan, "assigned to you"));
}

#[test]
fn handoff_shares_default_fields_only() {
    let data = answer(json!({ "people": [shared_person()], "workspaceMembers": [me()] }));
    let plan = propose(&data, &request(PERSON, "team")).unwrap();
    let body = json_body(step(&plan, "tez"));
    assert_eq!(
        envelope(&body, PERSON)["omitted"],
        json!(["email", "phone"])
    );
    assert!(!sends(&plan, EMAIL) && !sends(&plan, PHONE));
    assert!(plan.warnings[0].contains("whole team"));
    check(&plan, &[("follow_up", &data)], "");

    let row = json!({ "id": COMPANY, "name": "Analytical Engines", "domainName": { "primaryLinkUrl": "https://engines.example" }, "accountOwnerId": OTHER });
    let data = answer(json!({ "companies": [row], "workspaceMembers": [me()] }));
    let plan = propose(&data, &request(COMPANY, NOOR)).unwrap();
    assert!(sends(&plan, &format!("about the company {COMPANY}")));
    assert!(!sends(&plan, "Analytical") && !sends(&plan, "engines.example"));
    check(&plan, &[("follow_up", &data)], "");

    // The caller's own words are theirs to give.
    let hits = json!({ "search": { "edges": [{ "node": { "recordId": COMPANY, "objectNameSingular": "company" } }], "pageInfo": { "hasNextPage": false } } });
    let services = relay(
        Crm::default()
            .answers("search", hits)
            .answers("follow_up", data.clone()),
    );
    let plan = services
        .run(&mapped(), |ctx| {
            follow_up(ctx, &request("analytical engines", NOOR))
        })
        .unwrap();
    assert!(sends(&plan, "company \u{201c}Analytical Engines\u{201d}"));
    check(&plan, &[("follow_up", &data)], "analytical engines");
}

#[test]
fn invalid_handoff_is_refused_without_the_crm() {
    let mut long = request(DEAL, NOOR);
    long.handoff = Some(Handoff {
        message: Some("x".repeat(20_001)),
        ..handoff(NOOR)
    });
    for (request, expected) in [
        (request(DEAL, STRANGER), "invalid-input handoff.to"),
        (request(DEAL, MIA), "invalid-input handoff.to"),
        (request(DEAL, " "), "invalid-input handoff.to"),
        (long, "invalid-input handoff.message"),
    ] {
        let services = relay(Crm::default());
        let failure = services
            .run(&mapped(), |ctx| follow_up(ctx, &request))
            .unwrap_err();
        assert!(shown(&failure).starts_with(expected), "{failure:?}");
        assert!(services.crm.asked().is_empty());
    }
    let failure = relay(Crm::default())
        .run(&settings(), |ctx| follow_up(ctx, &request(DEAL, NOOR)))
        .unwrap_err();
    assert!(shown(&failure).starts_with("unavailable"), "{failure:?}");
}

#[test]
fn a_text_that_the_relay_would_refuse_is_no_plan() {
    let mut long = request(DEAL, NOOR);
    long.handoff = Some(Handoff {
        message: Some("word ".repeat(1_100)),
        ..handoff(NOOR)
    });
    let failure = propose(&about_deal(), &long).unwrap_err();
    assert!(
        shown(&failure).starts_with("invalid-input message"),
        "{failure:?}"
    );
}
