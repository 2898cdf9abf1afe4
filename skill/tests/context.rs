//! `context`: what sharing would send, what is left out, and that nothing else of a record is in
//! it.

mod common;
mod relay;
mod sharing;

use common::*;
use crm_skill::actions::context::context;
use crm_skill::bindings::claw::crm::types::Intent;
use crm_skill::bindings::claw::skill::types::{Failure, RecordRef};
use crm_skill::bindings::exports::claw::crm::read::{ContextAnswer, ContextRequest, LayerKind};
use relay::{Services, shown};
use serde_json::{Value, json};
use sharing::*;

fn all() -> Vec<RecordRef> {
    vec![
        reference("opportunity", DEAL),
        reference("person", PERSON),
        reference("task", TASK),
        reference("activity", ACTIVITY),
    ]
}

fn ask(
    services: &Services,
    refs: Vec<RecordRef>,
    fields: &[&str],
) -> Result<ContextAnswer, Failure> {
    let request = ContextRequest {
        refs,
        intent: Intent::Update,
        fields: Some(fields.iter().map(|&field| field.to_owned()).collect()),
    };
    services.run(&mapped(), |ctx| context(ctx, &request))
}

fn services() -> Services {
    relay(Crm::default().answers("context", records()))
}

fn envelopes(answer: &ContextAnswer) -> Vec<Value> {
    let artifacts = answer
        .layers
        .iter()
        .filter(|layer| layer.kind == LayerKind::Artifact);
    artifacts
        .map(|layer| serde_json::from_str(&layer.content).unwrap())
        .collect()
}

#[test]
fn default_fields_cost_one_request() {
    let services = services();
    let answer = ask(&services, all(), &[]).unwrap();
    assert_eq!(services.crm.asked(), ["context"]);
    assert_eq!(
        services.crm.last(),
        json!({ "people": [PERSON], "opportunities": [DEAL], "tasks": [TASK], "activities": [ACTIVITY] })
    );
    assert!(services.asked().is_empty(), "the relay is not asked");
    let found = envelopes(&answer);
    let origin = |object: &str, id: &str| {
        json!({
            "source": "twenty", "object": object, "recordId": id, "recordUpdatedAt": "2026-03-01T08:00:00Z",
            "fetchedAt": "2026-03-11T12:00:00Z", "skill": "crm/0.1.0",
        })
    };
    assert_eq!(
        found,
        [
            json!({
                "kind": "crm.opportunity", "id": DEAL,
                "fields": {
                    "name": "Difference engine", "stage": "MEETING", "valueBand": "10k to 50k EUR", "owner": "Johanna Lindqvist",
                    "nextStep": "Send the contract", "closeDate": "2026-03-16", "closing": "closes in 5 days",
                },
                "omitted": ["amount", "contact"], "provenance": origin("opportunity", DEAL),
            }),
            json!({
                "kind": "crm.contact", "id": PERSON,
                "fields": { "name": "Augusta Lovelace", "role": "Chief Analyst", "company": "Analytical Engines", "channels": ["email", "phone"] },
                "omitted": ["email", "phone"], "provenance": origin("person", PERSON),
            }),
            json!({
                "kind": "crm.task", "id": TASK,
                "fields": {
                    "title": "Draft the contract", "owner": "Johanna Lindqvist", "due": "2026-03-08T23:59:59Z", "status": "IN_PROGRESS",
                    "dependency": [{ "kind": "crm.opportunity", "id": DEAL, "name": "Difference engine" }],
                },
                "omitted": ["body"], "provenance": origin("task", TASK),
            }),
            json!({
                "kind": "crm.activity", "id": ACTIVITY,
                "fields": {
                    "timestamp": "2026-03-09T10:00:00Z", "kind": "linked-note.created",
                    "summary": "A note was linked: Minutes of the meeting", "source": "CRM timeline",
                },
                "omitted": [], "provenance": origin("timelineActivity", ACTIVITY),
            }),
        ]
    );
    let omitted: Vec<String> = answer
        .omitted
        .iter()
        .map(|one| format!("{} {}", one.ref_.kind, one.field))
        .collect();
    assert_eq!(
        omitted,
        [
            "crm.opportunity amount",
            "crm.opportunity contact",
            "crm.contact email",
            "crm.contact phone",
            "crm.task body"
        ]
    );
    assert_eq!(answer.provenance.len(), 4);
    for planted in [EMAIL, PHONE, BODY, CONTACT, "12345", "example.com"] {
        let text = format!("{:?} {}", answer.layers, answer.markdown);
        assert!(!text.contains(planted), "{planted}");
    }
}

#[test]
fn derived_layers_name_their_source() {
    let mut data = records();
    data["opportunities"]["edges"][0]["node"]["nextStep"] = json!("");
    let services = relay(Crm::default().answers("context", data));
    let answer = ask(&services, all(), &[]).unwrap();
    let other: Vec<String> = answer
        .layers
        .iter()
        .filter(|layer| layer.kind != LayerKind::Artifact)
        .map(|layer| {
            format!(
                "{:?} {:?} {:?} {}",
                layer.kind, layer.source, layer.confidence, layer.content
            )
        })
        .collect();
    assert_eq!(other.len(), 4, "{other:?}");
    assert!(other[0].contains("Fact") && other[0].contains("Verified Some(100)"));
    assert!(other[0].ends_with(&format!("crm.opportunity {DEAL}: it closes in 5 days.")));
    assert!(other[1].ends_with(&format!("crm.task {TASK}: it is overdue for 3 days.")));
    assert!(other[2].contains("Constraint") && other[2].contains("email, phone (crm.contact)"));
    assert!(other[3].contains("Hint") && other[3].contains("Inferred Some(50)"));
    assert!(
        answer
            .layers
            .iter()
            .all(|layer| layer.mime_type.is_some() == (layer.kind == LayerKind::Artifact))
    );
}

#[test]
fn requested_field_is_included() {
    let services = services();
    let answer = ask(
        &services,
        all(),
        &["amount", "email", "phone", "contact", "body"],
    )
    .unwrap();
    let found = envelopes(&answer);
    assert_eq!(found[0]["fields"]["amount"], "12345.67 EUR");
    assert_eq!(found[0]["fields"]["contact"], CONTACT);
    assert_eq!(found[1]["fields"]["email"], EMAIL);
    assert_eq!(found[1]["fields"]["phone"], format!("+49 {PHONE}"));
    assert_eq!(found[2]["fields"]["body"], BODY);
    assert!(answer.omitted.is_empty());
    assert!(answer.redacted.is_empty());
}

#[test]
fn empty_field_is_neither_given_nor_omitted() {
    let data = json!({
        "people": list(vec![json!({ "id": PERSON, "updatedAt": null, "name": null, "jobTitle": " ", "emails": null, "phones": { "primaryPhoneCallingCode": "+49", "primaryPhoneNumber": "" }, "company": null })]),
        "opportunities": list(vec![json!({ "id": DEAL, "updatedAt": null, "name": "", "stage": "NEW", "amount": { "amountMicros": null, "currencyCode": null }, "closeDate": null, "ownerId": null, "pointOfContact": null, "nextStep": null })]),
        "tasks": list(vec![json!({ "id": TASK, "updatedAt": null, "title": null, "bodyV2": null, "status": null, "dueAt": null, "assigneeId": null, "taskTargets": list(Vec::new()) })]),
        "timelineActivities": list(vec![json!({ "id": ACTIVITY, "updatedAt": UPDATED, "happensAt": "2026-03-09T10:00:00.000Z", "name": null, "linkedRecordCachedName": "", "targetOpportunity": null })]),
    });
    let services = relay(Crm::default().answers("context", data));
    let found = envelopes(&ask(&services, all(), &["amount", "email"]).unwrap());
    assert_eq!(found[0]["fields"], json!({ "stage": "NEW" }));
    assert_eq!(found[0]["omitted"], json!(["contact"]));
    assert_eq!(found[0]["provenance"].get("recordUpdatedAt"), None);
    assert_eq!(found[1]["fields"], json!({}));
    assert_eq!(found[1]["omitted"], json!(["phone"]));
    assert_eq!(found[2]["fields"], json!({}));
    assert_eq!(found[3]["fields"]["summary"], "Something happened");
}

#[test]
fn a_closed_deal_is_not_closing() {
    let mut data = records();
    data["opportunities"]["edges"][0]["node"]["stage"] = json!("CUSTOMER");
    let services = relay(Crm::default().answers("context", data));
    let answer = ask(&services, vec![reference("opportunity", DEAL)], &[]).unwrap();
    assert_eq!(envelopes(&answer)[0]["fields"].get("closing"), None);
    assert!(
        answer
            .layers
            .iter()
            .all(|layer| layer.kind != LayerKind::Fact)
    );
}

#[test]
fn free_text_is_redacted_and_reported() {
    let mut data = records();
    data["tasks"]["edges"][0]["node"]["title"] =
        json!("Call ada@example.com\n or +49 30 1234567\u{202e}");
    data["tasks"]["edges"][0]["node"]["bodyV2"]["markdown"] =
        json!("IBAN DE89 3704 0044 0532 0130 00\nthen more");
    let services = relay(Crm::default().answers("context", data));
    let answer = ask(&services, vec![reference("task", TASK)], &["body"]).unwrap();
    let fields = &envelopes(&answer)[0]["fields"];
    assert_eq!(fields["title"], "Call [e-mail address] or [phone number]");
    assert_eq!(fields["body"], "IBAN [account number]\nthen more");
    assert_eq!(
        answer.redacted,
        ["account number", "e-mail address", "phone number"]
    );
    assert!(
        answer
            .markdown
            .contains("Taken out of texts: account number")
    );
}

#[test]
fn twenty_records_leave_room_for_derived_layers() {
    let id = |at: usize| format!("11111111-1111-4111-8111-{at:012}");
    let deals: Vec<Value> = (0..20)
        .map(|at| {
            let mut deal = shared_deal(&id(at), "Deal");
            deal["nextStep"] = json!("");
            deal
        })
        .collect();
    let data = json!({ "people": list(Vec::new()), "opportunities": list(deals), "tasks": list(Vec::new()), "timelineActivities": list(Vec::new()) });
    let services = relay(Crm::default().answers("context", data));
    let refs = (0..20)
        .map(|at| reference("opportunity", &id(at)))
        .collect();
    let answer = ask(&services, refs, &[]).unwrap();
    assert_eq!(envelopes(&answer).len(), 20);
    assert_eq!(answer.layers.len(), 50);
}

#[test]
fn unshareable_is_refused_without_a_request() {
    let many: Vec<RecordRef> = (0..21).map(|_| reference("task", TASK)).collect();
    for (refs, fields, expected) in [
        (Vec::new(), vec![], "invalid-input refs"),
        (many, vec![], "invalid-input refs"),
        (
            vec![reference("company", COMPANY)],
            vec![],
            "invalid-input refs[0].kind",
        ),
        (
            vec![reference("note", COMPANY)],
            vec![],
            "invalid-input refs[0].kind",
        ),
        (
            vec![reference("task", "x")],
            vec![],
            "invalid-input refs[0].id",
        ),
        (all(), vec!["name"], "invalid-input fields[0]"),
        (all(), vec!["amount", "notes"], "invalid-input fields[1]"),
        (
            vec![reference("person", PERSON)],
            vec!["amount"],
            "invalid-input fields[0]",
        ),
    ] {
        let services = services();
        let failure = ask(&services, refs, &fields).unwrap_err();
        assert!(shown(&failure).starts_with(expected), "{failure:?}");
        assert!(services.crm.asked().is_empty());
    }
}

#[test]
fn a_record_that_is_not_there_is_named() {
    let mut data = records();
    data["tasks"] = list(Vec::new());
    let services = relay(Crm::default().answers("context", data));
    let failure = ask(&services, all(), &[]).unwrap_err();
    let shown = shown(&failure);
    assert!(
        shown.starts_with("not-found") && shown.contains(&format!("task {TASK}")),
        "{shown}"
    );
    assert!(!shown.contains(PERSON));
}

#[test]
fn unreadable_kind_matters_only_if_requested() {
    let mut data = records();
    data["timelineActivities"] = Value::Null;
    let answer = json!({
        "data": data,
        "errors": [{ "message": "no", "path": ["timelineActivities"], "extensions": { "code": "FORBIDDEN" } }],
    });
    let services = || relay(Crm::default().says("context", 200, &answer.to_string()));
    assert!(ask(&services(), vec![reference("person", PERSON)], &[]).is_ok());
    let failure = ask(&services(), all(), &[]).unwrap_err();
    assert!(shown(&failure).starts_with("denied"), "{failure:?}");
}
