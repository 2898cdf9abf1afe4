//! Looks at what plans would send as the harness does: each body against the manifest, and each
//! value in it that came from the CRM against what its step discloses. The harness has its own
//! tests; here it is what the skill makes that is held against the rules.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "helpers of tests may fail like tests, and not every test needs all of them"
)]

use std::collections::BTreeSet;

use crm_skill::bindings::claw::crm::types::Intent;
use crm_skill::bindings::claw::skill::plan::{Method, Plan, Step};
use crm_skill::bindings::claw::skill::types::RecordRef;
use crm_skill::bindings::exports::claw::crm::propose::{ShareRequest, Wanted};
use crm_skill::twenty::documents;
use serde_json::{Value, json};

use crate::common::*;
use crate::relay::*;

/// Ids of records that tests share.
pub const DEAL_2: &str = "11111111-1111-4111-8111-222222222222";
pub const ACTIVITY: &str = "77777777-7777-4777-8777-777777777777";

/// An address that may stand in no message unless it was asked for.
pub const EMAIL: &str = "secret.ada@acme.example";
pub const PHONE: &str = "301234567";
pub const BODY: &str = "Planted words of a body";
pub const CONTACT: &str = "Grace Brewster Hopper";

/// A record by its kind and id.
pub fn reference(kind: &str, id: &str) -> RecordRef {
    RecordRef {
        kind: kind.to_owned(),
        id: id.to_owned(),
    }
}

/// A request that names nothing to share, and nobody.
pub fn nothing() -> ShareRequest {
    ShareRequest {
        records: None,
        blockers_of: None,
        briefing: None,
        asking: None,
        to: Vec::new(),
        intent: Intent::Update,
        message: None,
        ask: None,
        urgency: None,
        fields: None,
        idempotency_key: None,
    }
}

pub fn of_records(refs: Vec<RecordRef>) -> ShareRequest {
    ShareRequest {
        records: Some(refs),
        ..nothing()
    }
}

pub fn blockers_of(deal: &str) -> ShareRequest {
    ShareRequest {
        blockers_of: Some(deal.to_owned()),
        ..nothing()
    }
}

pub fn the_day() -> ShareRequest {
    ShareRequest {
        briefing: Some(true),
        ..nothing()
    }
}

pub fn asking(wanted: Vec<Wanted>) -> ShareRequest {
    ShareRequest {
        asking: Some(wanted),
        ..nothing()
    }
}

/// The relay with its team, and a search that finds Noor.
pub fn relay(crm: Crm) -> Services {
    let services = Services::beside(crm);
    services
        .answers(
            &format!("/teams/{TEAM}/members"),
            members(&[MIA, NOOR, OLE]),
        )
        .answers("/contacts/search", json!([contact(NOOR, "Noor Aziz")]))
}

pub fn colleague(id: &str, first: &str, last: &str, email: &str) -> Value {
    json!({ "id": id, "name": { "firstName": first, "lastName": last }, "userEmail": email })
}

pub fn shared_person() -> Value {
    json!({
        "id": PERSON, "updatedAt": UPDATED, "name": { "firstName": "Augusta", "lastName": "Lovelace" },
        "jobTitle": "Chief Analyst", "emails": { "primaryEmail": EMAIL },
        "phones": { "primaryPhoneCallingCode": "+49", "primaryPhoneNumber": PHONE },
        "company": { "name": "Analytical Engines", "accountOwnerId": OTHER },
    })
}

pub fn shared_deal(id: &str, name: &str) -> Value {
    json!({
        "id": id, "updatedAt": UPDATED, "name": name, "stage": "MEETING",
        "amount": { "amountMicros": 12_345_670_000u64, "currencyCode": "EUR" }, "closeDate": "2026-03-16T00:00:00.000Z",
        "ownerId": OTHER,
        "pointOfContact": { "id": PERSON, "name": { "firstName": "Grace", "lastName": "Brewster Hopper" } },
        "nextStep": "Send the contract",
    })
}

pub fn shared_task(title: &str) -> Value {
    json!({
        "id": TASK, "updatedAt": UPDATED, "title": title, "bodyV2": { "markdown": BODY }, "status": "IN_PROGRESS",
        "dueAt": "2026-03-08T23:59:59.000Z", "assigneeId": OTHER,
        "taskTargets": list(vec![json!({ "targetPerson": null, "targetCompany": null, "targetOpportunity": { "id": DEAL, "name": "Difference engine" } })]),
    })
}

pub fn shared_activity() -> Value {
    json!({
        "id": ACTIVITY, "updatedAt": UPDATED, "happensAt": "2026-03-09T10:00:00.000Z", "name": "linked-note.created",
        "linkedRecordCachedName": "Minutes of the meeting", "targetOpportunity": { "ownerId": OTHER },
    })
}

/// Records as the document that shares them answers: with the planted values.
pub fn records() -> Value {
    json!({
        "people": list(vec![shared_person()]),
        "opportunities": list(vec![shared_deal(DEAL, "Difference engine")]),
        "tasks": list(vec![shared_task("Draft the contract")]),
        "timelineActivities": list(vec![shared_activity()]),
    })
}

/// The settings, with a field for the next step.
pub fn mapped() -> FixedSettings {
    let mut settings = all_set();
    settings.0.push(("next-step-field", "nextStep"));
    settings
}

/// A step's body.
pub fn json_body(step: &Step) -> Value {
    serde_json::from_str(&step.body).unwrap()
}

/// The name of a step in its plan.
pub fn name(step: &Step) -> &str {
    step.id.rsplit('/').next().unwrap()
}

/// The step of that name.
pub fn step<'p>(plan: &'p Plan, wanted: &str) -> &'p Step {
    let found = plan.steps.iter().find(|step| name(step) == wanted);
    found.unwrap_or_else(|| panic!("no {wanted} in {plan:?}"))
}

/// The pieces of context of a body that are JSON.
pub fn artifacts(body: &Value) -> Vec<Value> {
    let pieces = body["context"].as_array().cloned().unwrap_or_default();
    let contents = pieces
        .iter()
        .map(|piece| piece["content"].as_str().unwrap().to_owned());
    contents
        .filter(|content| content.starts_with('{'))
        .map(|content| serde_json::from_str(&content).unwrap())
        .collect()
}

/// The envelope of a record in a body.
pub fn envelope(body: &Value, id: &str) -> Value {
    let found = artifacts(body)
        .into_iter()
        .find(|artifact| artifact["id"] == id && artifact["provenance"].is_object());
    found.unwrap_or_else(|| panic!("no envelope of {id} in {body}"))
}

/// Returns the disclosures of a step as `kind id: fields`.
pub fn disclosed(step: &Step) -> Vec<String> {
    step.disclosures
        .iter()
        .map(|one| {
            format!(
                "{} {}: {}",
                one.ref_.kind,
                one.ref_.id,
                one.fields.join(" ")
            )
        })
        .collect()
}

/// Checks whether anything that a plan would send outside the CRM contains this text.
pub fn sends(plan: &Plan, text: &str) -> bool {
    let outside = plan
        .steps
        .iter()
        .filter(|step| step.destination != "twenty");
    outside
        .map(|step| normal(&step.body))
        .any(|body| body.contains(&normal(text)))
}

fn manifest() -> toml::Table {
    include_str!("../../../manifests/skill.toml")
        .parse()
        .unwrap()
}

/// Holds every step of a plan that leaves the CRM against the manifest and against the CRM's own
/// answers in this call.
pub fn check(plan: &Plan, answers: &[(&str, &Value)], arguments: &str) {
    let manifest = manifest();
    let mut once = BTreeSet::new();
    for step in &plan.steps {
        assert!(!step.words.is_empty() && step.id.len() <= 128);
        if step.destination == "twenty" {
            assert!(step.disclosures.is_empty() && step.once.is_none());
            continue;
        }
        assert!(matches!(step.method, Method::Post) && step.body.len() < 256 * 1024);
        assert_eq!(step.once.is_none(), name(step) == "open", "{step:?}");
        if let Some(name) = &step.once {
            assert!(name.len() == 36 && once.insert(name.clone()), "{name}");
        }
        let body = json_body(step);
        fits(&manifest, step, &body);
        for (document, data) in answers {
            leaks(&manifest, step, document, data, arguments);
        }
    }
}

/// A body holds nothing but what its route takes.
fn fits(manifest: &toml::Table, step: &Step, body: &Value) {
    let routes = manifest["destinations"][&step.destination]["routes"]
        .as_array()
        .unwrap();
    let segments = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let is = |route: &&toml::Value| {
        let (pattern, path) = (
            segments(route["path"].as_str().unwrap()),
            segments(&step.path),
        );
        route["method"].as_str() == Some("POST")
            && pattern.len() == path.len()
            && pattern.iter().zip(&path).all(|(a, b)| a == "*" || a == b)
    };
    let route = routes
        .iter()
        .find(is)
        .unwrap_or_else(|| panic!("no route for {}", step.path));
    let shape = route["write"]["body"].as_table().unwrap();
    for (pointer, value) in leaves(body) {
        let ty = shape
            .get(&pointer)
            .unwrap_or_else(|| panic!("{pointer} may not stand in {}", step.path));
        of_type(manifest, step, ty.as_str().unwrap(), &pointer, &value);
    }
}

/// The values of a body by their pointers; every item of a list is `*`.
fn leaves(value: &Value) -> Vec<(String, Value)> {
    let below = |name: &str, value: &Value| {
        let inner = leaves(value);
        inner
            .into_iter()
            .map(|(pointer, value)| (format!("/{name}{pointer}"), value))
            .collect::<Vec<_>>()
    };
    match value {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| below(name, value))
            .collect(),
        Value::Array(items) => items.iter().flat_map(|item| below("*", item)).collect(),
        plain => vec![(String::new(), plain.clone())],
    }
}

fn of_type(manifest: &toml::Table, step: &Step, ty: &str, pointer: &str, value: &Value) {
    let words: Vec<&str> = ty.split(' ').collect();
    let text = || {
        value
            .as_str()
            .unwrap_or_else(|| panic!("{pointer}: {value}"))
    };
    let most = |number: &str| number.parse::<usize>().unwrap();
    match words.as_slice() {
        ["text", number] => {
            assert!(text().chars().count() <= most(number), "{pointer}");
            clean(text());
        }
        ["content", number] => {
            assert!(text().chars().count() <= most(number), "{pointer}");
            content(manifest, step, text());
        }
        ["id"] => assert!(
            text().len() <= 64
                && text()
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        ),
        ["uuid"] => assert!(is_uuid(text()), "{pointer}"),
        ["email"] => assert!(text().contains('@'), "{pointer}"),
        ["int", range] => {
            let (low, high) = range.split_once("..").unwrap();
            let number = value.as_i64().unwrap();
            assert!((low.parse().unwrap()..=high.parse().unwrap()).contains(&number));
        }
        ["setting", key] => {
            let settings = all_set();
            let set = settings.0.iter().find(|(known, _)| known == key).unwrap();
            assert_eq!(text(), set.1);
        }
        [one] => assert!(
            one.split('|').any(|known| known == text()),
            "{pointer}: {value}"
        ),
        other => panic!("{other:?}"),
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

/// The harness finds nothing to take out of a text.
fn clean(text: &str) {
    assert_eq!(redaction::redact(text).text, text);
}

/// A text that is JSON is the envelope of a record or fits a shape.
fn content(manifest: &toml::Table, step: &Step, text: &str) {
    if !text.starts_with('{') {
        clean(text);
        return;
    }
    let json: Value = serde_json::from_str(text).unwrap();
    let kinds = manifest["kinds"].as_table().unwrap();
    let kind = json["kind"].as_str().and_then(|kind| kinds.get(kind));
    if let Some(kind) = kind {
        let list = |name: &str| {
            let fields = kind.get(name).and_then(toml::Value::as_array);
            let fields = fields.into_iter().flatten();
            fields
                .map(|field| field.as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let known = [list("default"), list("on-request")].concat();
        let record = step
            .disclosures
            .iter()
            .find(|one| one.ref_.kind == json["kind"] && one.ref_.id == json["id"])
            .unwrap_or_else(|| panic!("{json} is not disclosed"));
        for field in json["fields"].as_object().unwrap().keys() {
            assert!(
                known.contains(field) && record.fields.contains(field),
                "{field}"
            );
            if !list("exact").contains(field) {
                for (pointer, value) in leaves(&json["fields"][field]) {
                    if let (Some(text), false) = (value.as_str(), pointer.ends_with("/id")) {
                        clean(text);
                    }
                }
            }
        }
        for field in json["omitted"].as_array().unwrap() {
            assert!(known.contains(&field.as_str().unwrap().to_owned()));
            assert!(json["fields"].get(field.as_str().unwrap()).is_none());
        }
        assert_eq!(
            json["provenance"]["object"],
            *kind["record"].as_str().unwrap()
        );
        assert_eq!(json["provenance"]["recordId"], json["id"]);
        assert_eq!(json.as_object().unwrap().len(), 5);
        return;
    }
    let shapes = manifest["shapes"].as_table().unwrap();
    let fits = shapes.values().any(|shape| {
        leaves(&json)
            .iter()
            .all(|(pointer, _)| shape.get(pointer).is_some())
    });
    assert!(fits, "{text}");
}

/// Every value of an answer that stands in a body is of a field that the step discloses, or what
/// the caller said.
fn leaks(manifest: &toml::Table, step: &Step, document: &str, data: &Value, arguments: &str) {
    let body = normal(&step.body.replace("\\\"", "\""));
    let allowed = disclosed_values(manifest, step, document, data);
    for (pointer, value) in leaves(data) {
        let value = match value {
            Value::String(text) if text.chars().count() >= 6 && !is_uuid(&text) => normal(&text),
            Value::Number(number) if number.to_string().len() >= 4 => number.to_string(),
            _ => continue,
        };
        if !body.contains(&value) || normal(arguments).contains(&value) {
            continue;
        }
        // What stands in a disclosed value, as a company in the name of a deal, is disclosed with
        // it.
        assert!(
            allowed.iter().any(|known| known.contains(&value)),
            "{document} {pointer}: {value:?} stands in {} and is not disclosed: {:?}",
            step.id,
            disclosed(step)
        );
    }
}

fn disclosed_values(
    manifest: &toml::Table,
    step: &Step,
    document: &str,
    data: &Value,
) -> Vec<String> {
    let mut all = documents::ALL.iter();
    let document = all.find(|one| one.name == document).unwrap();
    let mut values = Vec::new();
    for place in directives(document, "record") {
        let kind = place.text("kind");
        let owners = place.texts("owner").unwrap_or_default();
        for record in at(data, place.text("at").unwrap()) {
            for one in &step.disclosures {
                let shared = &manifest["kinds"][one.ref_.kind.as_str()];
                if shared["record"].as_str() != kind || record["id"] != one.ref_.id {
                    continue;
                }
                for field in &one.fields {
                    let from = shared["from"].get(field).and_then(toml::Value::as_array);
                    let places = from
                        .into_iter()
                        .flatten()
                        .map(|place| place.as_str().unwrap());
                    for place in places {
                        let pointer = place.replace("{next-step-field}", "nextStep");
                        let members = workspace_members();
                        let within = match pointer.strip_prefix("owner:") {
                            None => at(record, &pointer),
                            Some(pointer) => {
                                let id = owners
                                    .iter()
                                    .find_map(|owner| at(record, owner).first().copied());
                                let all = at(&members, "/workspaceMembers/edges/*/node");
                                let named =
                                    all.into_iter().filter(|member| Some(&member["id"]) == id);
                                named.flat_map(|member| at(member, pointer)).collect()
                            }
                        };
                        let found = within.into_iter().flat_map(leaves);
                        values.extend(found.filter_map(|(_, value)| match value {
                            Value::String(text) => Some(normal(&text)),
                            Value::Number(number) => Some(number.to_string()),
                            _ => None,
                        }));
                    }
                }
            }
        }
    }
    values
}

/// All values at a pointer in which `*` is every item.
fn at<'v>(value: &'v Value, pointer: &str) -> Vec<&'v Value> {
    let mut found = vec![value];
    for segment in pointer.split('/').skip(1) {
        found = found
            .into_iter()
            .flat_map(|value| match (segment, value) {
                ("*", Value::Array(items)) => items.iter().collect(),
                (name, value) => value.get(name).into_iter().collect::<Vec<_>>(),
            })
            .collect();
    }
    found
}

/// In lower case, with one space for each run of white space.
pub fn normal(text: &str) -> String {
    text.to_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
