//! `follow_up`: what it proposes, what it asks the CRM for that, and what it refuses.

mod common;

use common::*;
use crm_skill::actions::follow_up::follow_up;
use crm_skill::bindings::claw::skill::plan::{Plan, Timing};
use crm_skill::bindings::claw::skill::types::Failure;
use crm_skill::bindings::exports::claw::crm::propose::FollowUpRequest;
use serde_json::{Value, json};

const ROOTS: [&str; 4] = ["people", "companies", "opportunities", "workspaceMembers"];

fn request(about: &str) -> FollowUpRequest {
    FollowUpRequest {
        about: about.to_owned(),
        title: "Send the offer".to_owned(),
        note: None,
        due: "2026-03-20".to_owned(),
        assignee: None,
        handoff: None,
        idempotency_key: None,
    }
}

fn row_of_deal(id: &str, name: &str) -> Value {
    json!({ "id": id, "name": name, "stage": "MEETING", "closeDate": null, "company": { "name": "Acme" }, "ownerId": ME })
}

fn row_of_person(id: &str, first: &str, last: &str) -> Value {
    json!({
        "id": id, "name": { "firstName": first, "lastName": last }, "emails": { "primaryEmail": "ada@acme.example" },
        "company": { "name": "Acme", "accountOwnerId": null },
    })
}

fn crm(rows: Value) -> Crm {
    Crm::default().answers("follow_up", found(&ROOTS, rows))
}

fn known() -> Crm {
    crm(json!({ "opportunities": [row_of_deal(DEAL, "Big deal")], "workspaceMembers": [me()] }))
}

fn hits(hits: &[(&str, &str)]) -> Value {
    let edges: Vec<Value> = hits
        .iter()
        .map(|(kind, id)| json!({ "node": { "recordId": id, "objectNameSingular": kind, "tsRankCD": 0.1 } }))
        .collect();
    json!({ "search": { "edges": edges, "pageInfo": { "hasNextPage": false } } })
}

fn propose(crm: &Crm, request: &FollowUpRequest) -> Result<Plan, Failure> {
    at_noon(crm, &settings(), |ctx| follow_up(ctx, request))
}

#[test]
fn task_is_deleted_if_it_cannot_be_linked() {
    let crm = known();
    let plan = propose(&crm, &request(DEAL)).unwrap();
    assert_eq!(crm.asked(), ["follow_up"]);
    let [make, link, delete] = plan.steps.as_slice() else {
        panic!("{plan:?}")
    };
    let (document, variables) = body(make);
    assert_eq!(document, "create_task");
    let task = variables["id"].as_str().unwrap().to_owned();
    assert_eq!(
        variables,
        json!({ "id": task, "title": "Send the offer", "dueAt": "2026-03-20T23:59:59Z", "assigneeId": ME })
    );
    let (document, variables) = body(link);
    assert_eq!(document, "link_task_to_opportunity");
    assert_eq!(variables["taskId"], task.as_str());
    assert_eq!(variables["opportunityId"], DEAL);
    assert_ne!(variables["id"], task.as_str());
    assert_eq!(variables.as_object().unwrap().len(), 3);
    assert_eq!(body(delete), ("delete_task", json!({ "id": task })));
    assert!(matches!(&delete.timing, Timing::Compensates(id) if *id == link.id));
    for step in &plan.steps {
        assert_eq!(step.destination, "twenty");
        assert_eq!(step.path, "/graphql");
        assert!(step.id.len() <= 128 && step.slots.is_empty() && step.disclosures.is_empty());
    }
    assert!(make.id.ends_with("/create-task") && link.id.ends_with("/link-task"));
    assert_eq!(plan.about.len(), 1);
    assert_eq!(
        (plan.about[0].kind.as_str(), plan.about[0].id.as_str()),
        ("opportunity", DEAL)
    );
    assert!(plan.words.contains("Send the offer") && plan.words.contains("Mia Ek"));
    assert!(plan.warnings.is_empty());
    assert_eq!(task.as_bytes()[14], b'5', "a name-based id");
}

#[test]
fn note_selects_the_document_with_a_note() {
    for (note, expected) in [
        ("Ask for *Ada*\u{0}\u{202e}", "Ask for *Ada*"),
        (" \u{0}\n", ""),
    ] {
        let crm = known();
        let mut request = request(DEAL);
        request.note = Some(note.to_owned());
        let plan = propose(&crm, &request).unwrap();
        let (document, variables) = body(&plan.steps[0]);
        if expected.is_empty() {
            assert_eq!(document, "create_task");
        } else {
            assert_eq!(document, "create_task_with_note");
            assert_eq!(variables["markdown"], expected);
        }
    }
}

#[test]
fn same_proposal_gives_the_same_plan() {
    let plan = |request: &FollowUpRequest, settings: &FixedSettings| {
        at_noon(&known(), settings, |ctx| follow_up(ctx, request)).unwrap()
    };
    let task = |plan: &Plan| body(&plan.steps[0]).1["id"].clone();
    let first = plan(&request(DEAL), &settings());
    assert_eq!(bytes(&first), bytes(&plan(&request(DEAL), &settings())));
    let other_title = FollowUpRequest {
        title: "Call".to_owned(),
        ..request(DEAL)
    };
    assert_ne!(task(&first), task(&plan(&other_title, &settings())));
    let mut elsewhere = settings();
    elsewhere.0[0].1 = "https://other.example.com";
    assert_ne!(task(&first), task(&plan(&request(DEAL), &elsewhere)));

    // A key of the caller's own counts instead of what is asked; the steps are those of another
    // plan all the same.
    let keyed = |request: FollowUpRequest| FollowUpRequest {
        idempotency_key: Some("k1".to_owned()),
        ..request
    };
    let (one, two) = (
        plan(&keyed(request(DEAL)), &settings()),
        plan(&keyed(other_title), &settings()),
    );
    assert_eq!(task(&one), task(&two));
    assert_ne!(one.steps[0].id, two.steps[0].id);
    assert_ne!(task(&one), task(&first));
}

#[test]
fn name_is_resolved_in_two_requests() {
    for (name, hit, rows, document) in [
        (
            "big deal",
            ("opportunity", DEAL),
            json!({ "opportunities": [row_of_deal(DEAL, "Big deal")], "workspaceMembers": [me()] }),
            "link_task_to_opportunity",
        ),
        (
            "Lovelace",
            ("person", PERSON),
            json!({ "people": [row_of_person(PERSON, "Ada", "Lovelace")], "workspaceMembers": [me()] }),
            "link_task_to_person",
        ),
        (
            "ADA@acme.example",
            ("person", PERSON),
            json!({ "people": [row_of_person(PERSON, "Ada", "Lovelace")], "workspaceMembers": [me()] }),
            "link_task_to_person",
        ),
        (
            "acme.example",
            ("company", COMPANY),
            json!({
                "companies": [{ "id": COMPANY, "name": "Acme", "domainName": { "primaryLinkUrl": "https://acme.example" }, "accountOwnerId": null }],
                "workspaceMembers": [me()],
            }),
            "link_task_to_company",
        ),
    ] {
        let crm = crm(rows).answers("search", hits(&[hit]));
        let plan = propose(&crm, &request(name)).unwrap();
        assert_eq!(crm.asked(), ["search", "follow_up"], "{name}");
        assert_eq!(body(&plan.steps[1]).0, document, "{name}");
    }
}

#[test]
fn shared_or_partial_name_is_ambiguous() {
    let two = json!({
        "people": [row_of_person(PERSON, "Ada", "Lovelace")],
        "opportunities": [row_of_deal(DEAL, "Ada Lovelace")], "workspaceMembers": [me()],
    });
    let half =
        json!({ "opportunities": [row_of_deal(DEAL, "Big deal")], "workspaceMembers": [me()] });
    for (name, rows, candidates) in [("Ada Lovelace", two, 2), ("big fish", half, 1)] {
        let crm = crm(rows).answers("search", hits(&[("person", PERSON), ("opportunity", DEAL)]));
        match propose(&crm, &request(name)) {
            Err(Failure::Ambiguous(ambiguity)) => {
                assert_eq!(ambiguity.field, "about");
                assert_eq!(ambiguity.candidates.len(), candidates, "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let nothing = Crm::default().answers("search", hits(&[]));
    assert!(matches!(
        propose(&nothing, &request("Nobody")),
        Err(Failure::NotFound(_))
    ));
    // Deleted since it was found, or an id of nothing.
    let gone = || crm(json!({ "workspaceMembers": [me()] }));
    let found = gone().answers("search", hits(&[("person", PERSON)]));
    assert!(matches!(
        propose(&found, &request("Ada")),
        Err(Failure::NotFound(_))
    ));
    assert!(matches!(
        propose(&gone(), &request(DEAL)),
        Err(Failure::NotFound(_))
    ));
}

#[test]
fn an_assignee_is_a_member_or_refused() {
    let mut named = request(DEAL);
    named.assignee = Some(" Bob_1@Example.com ".to_owned());
    let bob = json!({ "id": OTHER, "name": null, "userEmail": "bob_1@example.com" });
    let crm = crm(
        json!({ "opportunities": [row_of_deal(DEAL, "Big deal")], "workspaceMembers": [me(), bob] }),
    );
    let plan = propose(&crm, &named).unwrap();
    assert_eq!(body(&plan.steps[0]).1["assigneeId"], OTHER);
    assert_eq!(crm.last()["assignee"], "bob\\_1@example.com");

    let failure = propose(&known(), &named).unwrap_err();
    assert!(
        matches!(&failure, Failure::InvalidInput(input) if input.field == "assignee"),
        "{failure:?}"
    );
}

#[test]
fn invalid_arguments_cause_no_request() {
    let with = |change: fn(&mut FollowUpRequest)| {
        let mut request = request(DEAL);
        change(&mut request);
        request
    };
    for (field, request) in [
        ("about", with(|r| r.about = " ".to_owned())),
        ("title", with(|r| r.title = "\u{200b}".to_owned())),
        ("title", with(|r| r.title = "x".repeat(201))),
        ("note", with(|r| r.note = Some("x".repeat(20_001)))),
        ("due", with(|r| r.due = "tomorrow".to_owned())),
        ("assignee", with(|r| r.assignee = Some("bob".to_owned()))),
    ] {
        let crm = Crm::default();
        let failure = propose(&crm, &request).unwrap_err();
        assert!(
            matches!(&failure, Failure::InvalidInput(input) if input.field == field && !input.next.is_empty()),
            "{failure:?}"
        );
        assert!(crm.asked().is_empty(), "{field}");
    }
    let crm = known();
    let empty_key = with(|r| r.idempotency_key = Some("  ".to_owned()));
    assert!(
        matches!(propose(&crm, &empty_key), Err(Failure::InvalidInput(input)) if input.field == "idempotencyKey")
    );
}

#[test]
fn nobody_proposes_without_a_name() {
    let anonymous = FixedSettings(vec![("twenty.base-url", "https://crm.example.com")]);
    let crm = Crm::default();
    let mut request = request(DEAL);
    request.assignee = Some("bob@example.com".to_owned());
    let failure = at_noon(&crm, &anonymous, |ctx| follow_up(ctx, &request)).unwrap_err();
    assert!(
        matches!(&failure, Failure::InvalidInput(input) if input.field == "caller" && input.next.contains("--caller-email")),
        "{failure:?}"
    );
    assert!(crm.asked().is_empty());
}

#[test]
fn a_due_date_in_the_past_is_allowed_and_said() {
    let mut late = request(DEAL);
    late.due = "2026-03-10T09:00:00+01:00".to_owned();
    let plan = propose(&known(), &late).unwrap();
    assert_eq!(plan.warnings.len(), 1);
    assert!(plan.warnings[0].contains("past"), "{:?}", plan.warnings);
    assert_eq!(body(&plan.steps[0]).1["dueAt"], "2026-03-10T08:00:00Z");
    let mut today = request(DEAL);
    today.due = "2026-03-11".to_owned();
    assert!(propose(&known(), &today).unwrap().warnings.is_empty());
}
