//! The fields that are set: members, amounts, options, and those of the operator's.

use super::*;

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
fn field_of_another_kind_is_refused() {
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
            "firstName, lastName, email, phone, jobTitle, company, custom",
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
fn custom_fields_need_permission_and_type() {
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
fn mapped_custom_field_shows_its_old_value() {
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
