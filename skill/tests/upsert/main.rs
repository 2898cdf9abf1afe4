//! `upsert`: what it makes, what it changes, how it finds what is there, and what it refuses.

mod fields;
mod names;

#[path = "../common/mod.rs"]
mod common;

use common::*;
use crm_skill::actions::upsert::upsert;
use crm_skill::bindings::claw::crm::types::Kind;
use crm_skill::bindings::claw::skill::plan::Plan;
use crm_skill::bindings::claw::skill::types::Failure;
use crm_skill::bindings::exports::claw::crm::propose::{FieldValue, UpsertRequest};
use serde_json::{Value, json};

const PERSON_ROOTS: [&str; 2] = ["people", "companies"];
const COMPANY_ROOTS: [&str; 2] = ["companies", "workspaceMembers"];
const DEAL_ROOTS: [&str; 4] = ["opportunities", "companies", "people", "workspaceMembers"];
const TASK_ROOTS: [&str; 2] = ["tasks", "workspaceMembers"];

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn a_person(first: &str, last: &str, email: &str) -> UpsertRequest {
    UpsertRequest {
        first_name: some(first),
        last_name: some(last),
        email: some(email),
        ..nothing_of(Kind::Person)
    }
}

fn a_company(name: &str, domain: &str) -> UpsertRequest {
    UpsertRequest {
        name: some(name),
        domain: some(domain),
        ..nothing_of(Kind::Company)
    }
}

fn no_deal() -> UpsertRequest {
    nothing_of(Kind::Opportunity)
}

fn no_task() -> UpsertRequest {
    nothing_of(Kind::Task)
}

fn propose(crm: &Crm, set: UpsertRequest, id: Option<&str>) -> Result<Plan, Failure> {
    let request = UpsertRequest {
        id: id.map(str::to_owned),
        ..set
    };
    at_noon(crm, &settings(), |ctx| upsert(ctx, &request))
}

fn people(rows: Value) -> Crm {
    Crm::default().answers("upsert_person", found(&PERSON_ROOTS, rows))
}

fn companies(rows: Value) -> Crm {
    Crm::default().answers("upsert_company", found(&COMPANY_ROOTS, rows))
}

fn deals(rows: Value) -> Crm {
    Crm::default()
        .answers("upsert_opportunity", found(&DEAL_ROOTS, rows))
        .answers("field_types", field_types())
}

/// The one step's document, its data, and what its values replace.
fn write(plan: &Plan) -> (&'static str, Value, Vec<(String, Option<String>)>) {
    let [step] = plan.steps.as_slice() else {
        panic!("{plan:?}")
    };
    let (document, variables) = body(step);
    let changes = step
        .changes
        .iter()
        .map(|change| (change.pointer.clone(), change.before.clone()))
        .collect();
    (document, variables["data"].clone(), changes)
}

fn refused(failure: Result<Plan, Failure>, wanted: &str) -> String {
    match failure {
        Err(Failure::InvalidInput(input)) => {
            assert_eq!(input.field, wanted, "{input:?}");
            format!("{}. {}", input.reason, input.next)
        }
        other => panic!("{wanted}: {other:?}"),
    }
}

#[test]
fn missing_person_is_made_with_a_derived_id() {
    let crm = people(json!({}));
    let plan = propose(&crm, a_person("Ada", "Lovelace", "Ada@Acme.Example"), None).unwrap();
    assert_eq!(crm.asked(), ["upsert_person"]);
    assert_eq!(crm.last()["email"], "ada@acme.example");
    let (document, data, changes) = write(&plan);
    assert_eq!(document, "create_person");
    let id = data["id"].as_str().unwrap();
    assert_eq!(
        data,
        json!({ "id": id, "name": { "firstName": "Ada", "lastName": "Lovelace" }, "emails": { "primaryEmail": "ada@acme.example" } })
    );
    assert!(changes.is_empty() && plan.steps[0].basis.is_empty());
    assert_eq!(plan.about[0].id, id);
    let again = propose(
        &people(json!({})),
        a_person("Ada", "Lovelace", "ada@acme.example"),
        None,
    );
    assert_eq!(bytes(&plan), bytes(&again.unwrap()));
}

#[test]
fn person_with_the_address_is_changed() {
    let crm = people(
        json!({ "people": [person(PERSON, "Ada", "Byron", "ADA@acme.example"), person(OTHER, "Ada", "Lovelace", "al@x.example")] }),
    );
    let plan = propose(&crm, a_person("Ada", "Lovelace", "ada@acme.example"), None).unwrap();
    let (document, data, changes) = write(&plan);
    assert_eq!(document, "update_person");
    assert_eq!(data, json!({ "name": { "lastName": "Lovelace" } }));
    assert_eq!(body(&plan.steps[0]).1["id"], PERSON);
    assert_eq!(
        changes,
        [(
            "/variables/data/name/lastName".to_owned(),
            Some("Byron".to_owned())
        )]
    );
    let basis = &plan.steps[0].basis[0];
    assert_eq!(basis.ref_.id, PERSON);
    assert_eq!(basis.updated_at.as_deref(), Some(UPDATED));
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
}

#[test]
fn full_name_alone_finds_a_person() {
    let crm = || people(json!({ "people": [person(PERSON, "Ada", "LOVELACE", "")] }));
    let plan = propose(
        &crm(),
        a_person("ada", "Lovelace", "ada@acme.example"),
        None,
    )
    .unwrap();
    let (document, data, _) = write(&plan);
    assert_eq!(document, "update_person");
    assert_eq!(
        data,
        json!({ "emails": { "primaryEmail": "ada@acme.example" } })
    );
    assert!(
        plan.warnings[0].contains("name alone"),
        "{:?}",
        plan.warnings
    );

    let namesake =
        people(json!({ "people": [person(PERSON, "Ada", "Lovelace", "other@x.example")] }));
    let plan = propose(
        &namesake,
        a_person("Ada", "Lovelace", "ada@acme.example"),
        None,
    )
    .unwrap();
    assert_eq!(write(&plan).0, "create_person");
    assert!(plan.warnings[0].contains(PERSON), "{:?}", plan.warnings);

    let two = people(
        json!({ "people": [person(PERSON, "Ada", "Lovelace", "a@x.example"), person(OTHER, "Ada", "Lovelace", "")] }),
    );
    match propose(&two, a_person("Ada", "Lovelace", ""), None) {
        Err(Failure::Ambiguous(ambiguity)) => assert_eq!(ambiguity.candidates.len(), 2),
        other => panic!("{other:?}"),
    }
    let plan = propose(&people(json!({})), a_person("Ada", "", ""), None).unwrap();
    assert!(plan.warnings[0].contains("Without an e-mail address"));
}

/// Sends values that no record has where a criterion is absent: an empty one would match empty
/// fields.
#[test]
fn absent_criteria_match_no_record() {
    let crm = people(json!({}));
    propose(&crm, a_person("Ada", "", ""), None).unwrap();
    for (variable, value) in crm.last().as_object().unwrap() {
        let value = value.as_str().or_else(|| value[0].as_str()).unwrap();
        assert!(
            value.ends_with("00000000-0000-4000-8000-000000000000"),
            "{variable}: {value}"
        );
    }
}

#[test]
fn an_id_changes_that_record_or_finds_none() {
    let crm = people(json!({ "people": [person(PERSON, "Ada", "Lovelace", "a@x.example")] }));
    let plan = propose(&crm, a_person("Augusta", "", ""), Some(PERSON)).unwrap();
    assert_eq!(
        write(&plan).1,
        json!({ "name": { "firstName": "Augusta" } })
    );
    assert!(matches!(
        propose(
            &people(json!({})),
            a_person("Augusta", "", ""),
            Some(PERSON)
        ),
        Err(Failure::NotFound(_))
    ));
    refused(
        propose(&Crm::default(), a_person("A", "", ""), Some("x")),
        "id",
    );
    let taken = people(
        json!({ "people": [person(PERSON, "Ada", "L", "a@x.example"), person(OTHER, "Bob", "B", "b@x.example")] }),
    );
    assert!(matches!(
        propose(&taken, a_person("", "", "b@x.example"), Some(PERSON)),
        Err(Failure::Conflict(_))
    ));
}

#[test]
fn what_is_so_already_is_no_change() {
    let crm = people(json!({ "people": [person(PERSON, "Ada", "Lovelace", "ada@acme.example")] }));
    let failure = propose(&crm, a_person("Ada", "Lovelace", "ada@acme.example"), None).unwrap_err();
    assert!(
        matches!(&failure, Failure::Conflict(problem) if problem.reason.contains("Nothing would change")),
        "{failure:?}"
    );
}

#[test]
fn company_is_found_by_its_bare_domain() {
    let crm = || {
        companies(
            json!({ "companies": [company(COMPANY, "ACME Inc", "https://www.acme.example/"), company(OTHER, "Shop", "shop.acme.example")] }),
        )
    };
    let plan = propose(&crm(), a_company("Acme", "http://acme.example/about"), None).unwrap();
    let (document, data, changes) = write(&plan);
    assert_eq!(
        (document, data),
        ("update_company", json!({ "name": "Acme" }))
    );
    assert_eq!(
        changes,
        [(
            "/variables/data/name".to_owned(),
            Some("ACME Inc".to_owned())
        )]
    );
    let asked = crm();
    propose(&asked, a_company("Acme", "acme.example"), None).unwrap();
    assert_eq!(asked.last()["domain"], "%acme.example%");

    let plan = propose(
        &companies(json!({})),
        a_company("Acme", "WWW.Acme.example"),
        None,
    )
    .unwrap();
    assert_eq!(
        write(&plan).1["domainName"],
        json!({ "primaryLinkUrl": "acme.example" })
    );
    refused(
        propose(&companies(json!({})), a_company("", "acme.example"), None),
        "name",
    );
}

#[test]
fn a_deal_is_found_by_name_within_its_company() {
    let rows = || json!({ "opportunities": [deal(DEAL, "Big deal")], "companies": [{ "id": COMPANY, "name": "Acme", "accountOwnerId": null }] });
    let set = |company: Option<&str>| UpsertRequest {
        name: some("big deal"),
        company: company.map(str::to_owned),
        close_date: some("2026-05-31"),
        ..no_deal()
    };
    let plan = propose(&deals(rows()), set(Some(COMPANY)), None).unwrap();
    let (document, data, changes) = write(&plan);
    assert_eq!(document, "update_opportunity");
    assert_eq!(data, json!({ "closeDate": "2026-05-31T23:59:59Z" }));
    assert!(changes.contains(&(
        "/variables/data/closeDate".to_owned(),
        Some("2026-04-01T00:00:00Z".to_owned())
    )));
    assert_eq!(
        write(&propose(&deals(rows()), set(None), None).unwrap()).0,
        "update_opportunity"
    );

    let elsewhere = json!({ "opportunities": [deal(DEAL, "Big deal")], "companies": [{ "id": OTHER, "name": "Other", "accountOwnerId": null }] });
    let plan = propose(&deals(elsewhere), set(Some(OTHER)), None).unwrap();
    assert_eq!(write(&plan).0, "create_opportunity");
    assert!(plan.warnings[0].contains(DEAL), "{:?}", plan.warnings);
}

#[test]
fn a_task_without_an_id_is_a_new_one() {
    let crm = Crm::default();
    let set = UpsertRequest {
        title: some("Call"),
        note: some("About *it*"),
        due: some("2026-03-12T09:00:00Z"),
        ..no_task()
    };
    let plan = propose(&crm, set, None).unwrap();
    assert!(crm.asked().is_empty());
    let (document, mut data, _) = write(&plan);
    assert_eq!(document, "create_task_from_fields");
    data.as_object_mut().unwrap().remove("id").unwrap();
    assert_eq!(
        data,
        json!({ "title": "Call", "bodyV2": { "markdown": "About *it*" }, "dueAt": "2026-03-12T09:00:00Z" })
    );
    let crm = Crm::default().answers(
        "upsert_task",
        found(&TASK_ROOTS, json!({ "workspaceMembers": [me()] })),
    );
    let mine = UpsertRequest {
        title: some("Call"),
        assignee: some("me"),
        ..no_task()
    };
    assert_eq!(
        write(&propose(&crm, mine, None).unwrap()).1["assigneeId"],
        ME
    );
    let untitled = UpsertRequest {
        due: some("2026-03-12"),
        ..no_task()
    };
    refused(propose(&Crm::default(), untitled, None), "title");
}

#[test]
fn new_record_state_makes_a_new_step() {
    let step = |updated: &str| {
        let mut row = deal(DEAL, "Big deal");
        row["updatedAt"] = json!(updated);
        let plan = propose(
            &deals(json!({ "opportunities": [row] })),
            UpsertRequest {
                name: some("New name"),
                ..no_deal()
            },
            Some(DEAL),
        );
        plan.unwrap().steps[0].id.clone()
    };
    assert_eq!(step(UPDATED), step(UPDATED));
    assert_ne!(step(UPDATED), step("2026-03-02T00:00:00.000Z"));
}

#[test]
fn a_full_page_of_look_alikes_is_said() {
    let rows: Vec<Value> = (0..60)
        .map(|_| company(OTHER, "Shop", "shop-acme.example"))
        .collect();
    let plan = propose(
        &companies(json!({ "companies": rows })),
        a_company("Acme", "acme.example"),
        None,
    );
    let warnings = plan.unwrap().warnings;
    assert!(warnings[0].contains("More than 60"), "{warnings:?}");
}
