//! `upsert`: what it makes, what it changes, how it finds what is there, and what it refuses.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

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
fn who_is_not_there_is_made_with_an_id_that_follows_from_what_is_asked() {
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
fn who_has_the_address_is_changed_and_the_values_before_are_told() {
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
fn a_full_name_alone_finds_and_says_so_and_a_namesake_with_another_address_does_not() {
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

#[test]
fn nothing_to_look_for_is_asked_for_as_what_nobody_has() {
    let crm = people(json!({}));
    propose(&crm, a_person("Ada", "", ""), None).unwrap();
    for (variable, value) in crm.last().as_object().unwrap() {
        let value = value.as_str().unwrap();
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
fn a_company_is_found_by_its_domain_whatever_is_around_it() {
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
    let rows = || json!({ "opportunities": [deal(DEAL, "Big deal")], "companies": [{ "id": COMPANY, "name": "Acme", "accountOwner": null }] });
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

    let elsewhere = json!({ "opportunities": [deal(DEAL, "Big deal")], "companies": [{ "id": OTHER, "name": "Other", "accountOwner": null }] });
    let plan = propose(&deals(elsewhere), set(Some(OTHER)), None).unwrap();
    assert_eq!(write(&plan).0, "create_opportunity");
    assert!(plan.warnings[0].contains(DEAL), "{:?}", plan.warnings);
}

#[test]
fn links_and_members_must_be_there() {
    for (field, fields) in [
        (
            "company",
            UpsertRequest {
                company: some(OTHER),
                ..no_deal()
            },
        ),
        (
            "contact",
            UpsertRequest {
                contact: some(OTHER),
                ..no_deal()
            },
        ),
    ] {
        let crm = deals(json!({ "opportunities": [deal(DEAL, "Big deal")] }));
        match propose(&crm, fields, Some(DEAL)) {
            Err(Failure::NotFound(problem)) => assert!(problem.reason.starts_with(field)),
            other => panic!("{field}: {other:?}"),
        }
    }
    let owned = |owner: &str| UpsertRequest {
        owner: some(owner),
        ..no_deal()
    };
    let crm = || {
        deals(
            json!({ "opportunities": [deal(DEAL, "Big deal")], "workspaceMembers": [{ "id": OTHER, "name": null, "userEmail": "Bob@Example.com" }] }),
        )
    };
    let plan = propose(&crm(), owned("bob@example.com"), Some(DEAL)).unwrap();
    let (_, data, changes) = write(&plan);
    assert_eq!(data, json!({ "ownerId": OTHER }));
    assert_eq!(
        changes[0].1.as_deref(),
        Some(format!("me@example.com ({ME})").as_str())
    );
    refused(
        propose(&crm(), owned("eve@example.com"), Some(DEAL)),
        "owner",
    );
    refused(propose(&crm(), owned("bob"), Some(DEAL)), "owner");
}

#[test]
fn an_amount_is_exact_and_has_a_currency() {
    let set = |amount: &str, currency: &str| UpsertRequest {
        name: some("Big deal"),
        amount: some(amount),
        currency: some(currency),
        ..no_deal()
    };
    let crm = || deals(json!({ "opportunities": [deal(DEAL, "Big deal")] }));
    let plan = propose(&crm(), set("9007199254.740992", ""), None).unwrap();
    let (_, data, changes) = write(&plan);
    assert_eq!(
        data,
        json!({ "amount": { "amountMicros": 9_007_199_254_740_992u64 } })
    );
    assert_eq!(changes[0].0, "/variables/data/amount/amountMicros");
    assert_eq!(changes[0].1.as_deref(), Some("1250.5"));
    for wrong in ["9007199254.740993", "1.0000001", "1e3", "12 EUR", "1,5"] {
        refused(propose(&crm(), set(wrong, ""), None), "amount");
    }
    refused(propose(&crm(), set("1", "eur"), None), "currency");
    // A record without money, and a new one.
    let mut poor = deal(DEAL, "Big deal");
    poor["amount"] = json!({ "amountMicros": null, "currencyCode": "" });
    let poor = || deals(json!({ "opportunities": [poor.clone()] }));
    refused(propose(&poor(), set("1", ""), None), "currency");
    refused(propose(&poor(), set("", "EUR"), None), "amount");
    refused(propose(&deals(json!({})), set("1", ""), None), "currency");
    refused(propose(&deals(json!({})), set("", "EUR"), None), "amount");
    assert!(propose(&poor(), set("1", "EUR"), None).is_ok());
}

#[test]
fn options_are_the_workspace_s_own() {
    let set = |stage: &str| UpsertRequest {
        stage: some(stage),
        ..no_deal()
    };
    let crm = || deals(json!({ "opportunities": [deal(DEAL, "Big deal")] }));
    for (given, stored) in [
        ("PROPOSAL", "PROPOSAL"),
        ("proposal", "PROPOSAL"),
        ("offer sent", "PROPOSAL"),
        ("Won", "CUSTOMER"),
    ] {
        let plan = propose(&crm(), set(given), Some(DEAL)).unwrap();
        assert_eq!(write(&plan).1, json!({ "stage": stored }), "{given}");
        assert_eq!(
            plan.warnings.len(),
            usize::from(stored == "CUSTOMER"),
            "{:?}",
            plan.warnings
        );
    }
    let said = refused(propose(&crm(), set("PROPOSALS"), Some(DEAL)), "stage");
    assert!(
        said.contains("NEW, MEETING, PROPOSAL, CUSTOMER") && said.contains("nearest is PROPOSAL"),
        "{said}"
    );

    let crm = Crm::default()
        .answers(
            "upsert_task",
            found(&TASK_ROOTS, json!({ "tasks": [task(TASK, "Call")] })),
        )
        .answers("field_types", field_types());
    let done = UpsertRequest {
        status: some("done"),
        ..no_task()
    };
    let plan = propose(&crm, done, Some(TASK)).unwrap();
    assert_eq!(write(&plan).1, json!({ "status": "DONE" }));
    assert_eq!(crm.asked(), ["field_types", "upsert_task"]);
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
fn setting_nothing_is_refused() {
    for set in [
        a_person("", "", ""),
        a_company("", ""),
        no_deal(),
        no_task(),
    ] {
        refused(propose(&Crm::default(), set, Some(DEAL)), "kind");
    }
}

#[test]
fn a_field_of_another_kind_is_refused_with_those_that_this_kind_has() {
    let deal = |set: UpsertRequest| UpsertRequest {
        kind: Kind::Opportunity,
        ..set
    };
    for (set, field, has) in [
        (
            UpsertRequest {
                name: some("Ada Lovelace"),
                ..a_person("", "", "ada@acme.example")
            },
            "name",
            "firstName, lastName, email, jobTitle, company, custom",
        ),
        (
            UpsertRequest {
                company: some(OTHER),
                ..a_company("Acme", "")
            },
            "company",
            "name, domain, owner, custom",
        ),
        (
            deal(a_person("", "", "ada@acme.example")),
            "email",
            "name, amount, currency, stage, closeDate, company, contact, owner, custom",
        ),
        (
            UpsertRequest {
                owner: some("me@example.com"),
                ..no_task()
            },
            "owner",
            "title, note, due, status, assignee, custom",
        ),
    ] {
        let crm = Crm::default();
        let said = refused(propose(&crm, set, None), field);
        assert!(said.contains(&format!(": {has}.")), "{said}");
        assert!(crm.asked().is_empty());
    }
}

fn custom(name: &str, value: &str) -> UpsertRequest {
    UpsertRequest {
        custom: Some(vec![FieldValue {
            name: name.to_owned(),
            value: value.to_owned(),
        }]),
        ..no_deal()
    }
}

#[test]
fn custom_fields_are_those_that_the_operator_named_in_types_that_a_text_says_exactly() {
    let crm = || deals(json!({ "opportunities": [deal(DEAL, "Big deal")] }));
    for (name, given, stored) in [
        ("nextStep", "Call\u{0} legal", json!("Call legal")),
        ("score", "12.5", json!(12.5)),
        ("score", "-3", json!(-3)),
        ("hot", "true", json!(true)),
        ("signed", "2026-04-01", json!("2026-04-01")),
        ("seen", "2026-04-01", json!("2026-04-01T23:59:59Z")),
        ("mood", "good", json!("GOOD")),
    ] {
        let plan = propose(&crm(), custom(name, given), Some(DEAL)).unwrap();
        let (_, data, changes) = write(&plan);
        assert_eq!(data, json!({ name: stored }), "{name}");
        assert!(changes.is_empty());
        assert!(plan.warnings[0].contains(name), "{:?}", plan.warnings);
    }
    for (name, given) in [
        ("nextStep", " "),
        ("score", "many"),
        ("hot", "yes"),
        ("signed", "soon"),
        ("mood", "so so"),
        ("tags", "A"),
        ("gone", "x"),
    ] {
        refused(
            propose(&crm(), custom(name, given), Some(DEAL)),
            &format!("custom.{name}"),
        );
    }
    let said = refused(
        propose(&crm(), custom("secret", "x"), Some(DEAL)),
        "custom.secret",
    );
    assert!(
        said.contains("opportunity.secret") && said.contains("custom-fields"),
        "{said}"
    );
    for name in ["stage", "ownerId", "id", "deletedAt", "x } people { id", ""] {
        assert!(
            matches!(
                propose(&crm(), custom(name, "x"), Some(DEAL)),
                Err(Failure::InvalidInput(_))
            ),
            "{name}"
        );
    }
}

#[test]
fn another_state_of_the_record_makes_another_step() {
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
fn the_custom_field_that_the_operator_mapped_is_shown_as_it_was() {
    let mut mapped = settings();
    mapped.0.push(("next-step-field", "nextStep"));
    let propose = |before: Value, next: &str| {
        let mut row = deal(DEAL, "Big deal");
        row["nextStep"] = before;
        let crm = deals(json!({ "opportunities": [row] }));
        let request = UpsertRequest {
            id: some(DEAL),
            ..custom("nextStep", next)
        };
        at_noon(&crm, &mapped, |ctx| upsert(ctx, &request))
    };
    let plan = propose(json!("Call legal"), "Send the offer").unwrap();
    let (_, data, changes) = write(&plan);
    assert_eq!(data, json!({ "nextStep": "Send the offer" }));
    assert_eq!(
        changes,
        [(
            "/variables/data/nextStep".to_owned(),
            Some("Call legal".to_owned())
        )]
    );
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    let plan = propose(Value::Null, "Send the offer").unwrap();
    assert_eq!(write(&plan).2[0].1, None);
    assert!(matches!(
        propose(json!("Send the offer"), "Send the offer"),
        Err(Failure::Conflict(_))
    ));
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
