//! `coordinate`: one plan over CRM, messages, e-mail and calendar, each part for itself, alone and
//! with every other.

mod common;
mod relay;
mod sharing;

use common::*;
use crm_skill::actions::coordinate::coordinate;
use crm_skill::bindings::claw::skill::plan::{Plan, Step, Timing};
use crm_skill::bindings::claw::skill::types::Failure;
use crm_skill::bindings::exports::claw::crm::propose::{
    CoordinateRequest, Email, Event, Handoff, TaskPart,
};
use relay::*;
use serde_json::{Value, json};
use sharing::*;

const CUSTOMER: &str = "buyer@customer.example";

fn task() -> TaskPart {
    TaskPart {
        title: "Send the offer".to_owned(),
        due: "2026-03-20".to_owned(),
        note: None,
        assignee: None,
    }
}

fn handoff() -> Handoff {
    Handoff {
        to: NOOR.to_owned(),
        message: None,
        ask: None,
        urgency: None,
    }
}

fn email() -> Email {
    Email {
        to: CUSTOMER.to_owned(),
        subject: None,
        body: None,
    }
}

fn event() -> Event {
    Event {
        summary: None,
        duration: Some(30),
    }
}

/// A request with these of the four parts: a bit for each.
fn request(parts: u8) -> CoordinateRequest {
    CoordinateRequest {
        about: DEAL.to_owned(),
        objective: "Agree on the price".to_owned(),
        task: (parts & 1 != 0).then(task),
        handoff: (parts & 2 != 0).then(handoff),
        email: (parts & 4 != 0).then(email),
        calendar: (parts & 8 != 0).then(event),
        idempotency_key: None,
    }
}

fn answer() -> Value {
    let mut deal = shared_deal(DEAL, "Difference engine");
    deal.as_object_mut().unwrap().remove("pointOfContact");
    deal["company"] = json!({ "name": "Analytical Engines" });
    let roots = ["people", "companies", "opportunities", "workspaceMembers"];
    found(
        &roots,
        json!({ "opportunities": [deal], "workspaceMembers": [me()] }),
    )
}

fn services() -> Services {
    relay(Crm::default().answers("follow_up", answer()))
}

fn propose(request: &CoordinateRequest) -> Result<Plan, Failure> {
    services().run(&mapped(), |ctx| coordinate(ctx, request))
}

/// Returns the names of the steps that a step waits for.
fn waits(step: &Step) -> Vec<&str> {
    match &step.timing {
        Timing::After(ids) => ids
            .iter()
            .map(|id| id.rsplit('/').next().unwrap())
            .collect(),
        Timing::Compensates(id) => vec!["failed", id.rsplit('/').next().unwrap()],
        Timing::InOrder => vec!["everything"],
    }
}

#[test]
fn parts_wait_only_for_their_own_steps() {
    let own: [&[(&str, &[&str])]; 4] = [
        &[
            ("create-task", &[]),
            ("link-task", &["create-task"]),
            ("delete-task", &["failed", "link-task"]),
        ],
        &[("open", &[]), ("message", &["open"])],
        &[("email", &[])],
        &[("calendar", &[])],
    ];
    for parts in 1..16_u8 {
        let services = services();
        let plan = services
            .run(&mapped(), |ctx| coordinate(ctx, &request(parts)))
            .unwrap();
        assert_eq!(services.crm.asked(), ["follow_up"]);
        assert_eq!(services.asked().is_empty(), parts & 2 == 0);
        let expected: Vec<_> = own
            .iter()
            .enumerate()
            .filter(|(at, _)| parts & (1 << at) != 0)
            .flat_map(|(_, steps)| steps.iter().copied())
            .collect();
        let steps: Vec<(&str, Vec<&str>)> = plan
            .steps
            .iter()
            .map(|step| (name(step), waits(step)))
            .collect();
        let expected: Vec<(&str, Vec<&str>)> = expected
            .into_iter()
            .map(|(name, waits)| (name, waits.to_vec()))
            .collect();
        assert_eq!(steps, expected, "{parts}");
        check(&plan, &[("follow_up", &answer())], "");
        assert_eq!(bytes(&plan), bytes(&propose(&request(parts)).unwrap()));
        for planted in [
            "12345",
            "johanna.lindqvist@",
            "Analytical",
            "me@example.com",
        ] {
            assert!(!sends(&plan, planted), "{planted}");
        }
    }
    let failure = propose(&request(0)).unwrap_err();
    assert!(
        shown(&failure).starts_with("invalid-input request"),
        "{failure:?}"
    );
}

#[test]
fn default_email_discloses_only_the_name() {
    let plan = propose(&request(4)).unwrap();
    let sent = step(&plan, "email");
    assert_eq!(
        (sent.destination.as_str(), sent.path.as_str()),
        ("workspace", "/api/email/send")
    );
    assert_eq!(
        json_body(sent),
        json!({
            "paEmail": "mia.pa@example.com", "to": CUSTOMER, "subject": "Agree on the price",
            "body": "Agree on the price\n\nThis is about the deal \u{201c}Difference engine\u{201d}.",
        })
    );
    assert_eq!(disclosed(sent), [format!("crm.opportunity {DEAL}: name")]);

    let mut own = request(4);
    own.email = Some(Email {
        subject: Some("Hello".to_owned()),
        body: Some("Call me at +49 30 1234567".to_owned()),
        ..email()
    });
    let plan = propose(&own).unwrap();
    let sent = step(&plan, "email");
    assert!(sent.disclosures.is_empty());
    assert_eq!(json_body(sent)["body"], "Call me at [phone number]");
    assert_eq!(plan.warnings, ["Taken out of the e-mail: phone number."]);
}

#[test]
fn calendar_entry_has_objective_and_duration() {
    let plan = propose(&request(8)).unwrap();
    let entry = step(&plan, "calendar");
    assert_eq!(
        json_body(entry),
        json!({ "paEmail": "mia.pa@example.com", "actionType": "crm_follow_up", "summary": "Agree on the price", "durationMs": 1_800_000 })
    );
    let mut own = request(8);
    own.calendar = Some(Event {
        summary: Some("A call".to_owned()),
        duration: None,
    });
    let plan = propose(&own).unwrap();
    let body = json_body(step(&plan, "calendar"));
    assert_eq!(
        (&body["summary"], body.get("durationMs")),
        (&json!("A call"), None)
    );
}

#[test]
fn handoff_has_record_and_objective_but_no_task() {
    let plan = propose(&request(3)).unwrap();
    let body = json_body(step(&plan, "message"));
    assert_eq!(
        body["surfaceText"],
        "Agree on the price\n\nIt is about the deal \u{201c}Difference engine\u{201d}."
    );
    let kinds: Vec<Value> = artifacts(&body)
        .iter()
        .map(|one| one["kind"].clone())
        .collect();
    assert_eq!(kinds, ["crm.opportunity"]);
}

#[test]
fn each_part_is_sent_once_per_call() {
    let names = |request: &CoordinateRequest| -> Vec<String> {
        let plan = propose(request).unwrap();
        plan.steps
            .iter()
            .filter_map(|step| step.once.clone())
            .collect()
    };
    let first = names(&request(15));
    assert_eq!(first.len(), 3);
    assert_eq!(first, names(&request(15)));
    let other = CoordinateRequest {
        objective: "Agree on the date".to_owned(),
        ..request(15)
    };
    assert!(names(&other).iter().all(|name| !first.contains(name)));
    let keyed = |objective: &str| CoordinateRequest {
        objective: objective.to_owned(),
        idempotency_key: Some("k".to_owned()),
        ..request(15)
    };
    assert_eq!(names(&keyed("One")), names(&keyed("Two")));
}

#[test]
fn every_part_is_checked_before_any_request() {
    let with = |change: &dyn Fn(&mut CoordinateRequest)| {
        let mut request = request(15);
        change(&mut request);
        request
    };
    let cases: Vec<(CoordinateRequest, &str)> = vec![
        (
            with(&|one| one.objective = " ".to_owned()),
            "invalid-input objective",
        ),
        (
            with(&|one| one.objective = "x".repeat(1_001)),
            "invalid-input objective",
        ),
        (
            with(&|one| one.task.as_mut().unwrap().title = String::new()),
            "invalid-input task.title",
        ),
        (
            with(&|one| one.task.as_mut().unwrap().due = "soon".to_owned()),
            "invalid-input task.due",
        ),
        (
            with(&|one| one.task.as_mut().unwrap().assignee = Some("x".to_owned())),
            "invalid-input task.assignee",
        ),
        (
            with(&|one| one.handoff.as_mut().unwrap().to = STRANGER.to_owned()),
            "invalid-input handoff.to",
        ),
        (
            with(&|one| one.email.as_mut().unwrap().to = "a@b.example, c@d.example".to_owned()),
            "invalid-input email.to",
        ),
        (
            with(&|one| one.email.as_mut().unwrap().subject = Some("x".repeat(301))),
            "invalid-input email.subject",
        ),
        (
            with(&|one| one.email.as_mut().unwrap().body = Some("x".repeat(10_001))),
            "invalid-input email.body",
        ),
        (
            with(&|one| one.calendar.as_mut().unwrap().duration = Some(0)),
            "invalid-input calendar.duration",
        ),
        (
            with(&|one| one.calendar.as_mut().unwrap().duration = Some(1_441)),
            "invalid-input calendar.duration",
        ),
        (
            with(&|one| one.calendar.as_mut().unwrap().summary = Some("x".repeat(301))),
            "invalid-input calendar.summary",
        ),
    ];
    for (request, expected) in cases {
        let services = relay(Crm::default());
        let failure = services
            .run(&mapped(), |ctx| coordinate(ctx, &request))
            .unwrap_err();
        assert!(shown(&failure).starts_with(expected), "{failure:?}");
        assert!(services.crm.asked().is_empty());
    }
    for (parts, without) in [
        (4, "workspace.base-url"),
        (8, "caller.pa-email"),
        (2, "tezit.team-id"),
        (2, "tezit.base-url"),
    ] {
        let failure = relay(Crm::default())
            .run(&all_but(&[without]), |ctx| coordinate(ctx, &request(parts)))
            .unwrap_err();
        assert!(shown(&failure).starts_with("unavailable"), "{failure:?}");
    }
    // A part that is not asked for needs nothing.
    let plan = services().run(&settings(), |ctx| coordinate(ctx, &request(1)));
    assert!(plan.is_ok(), "{plan:?}");
}
