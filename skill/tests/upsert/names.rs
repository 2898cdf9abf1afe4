//! Names as people write them, addresses beside the first, and phone numbers.

use super::*;

const THIRD: &str = "77777777-7777-4777-8777-777777777777";

fn warned(plan: &Plan, id: &str) -> bool {
    plan.warnings.iter().any(|warning| warning.contains(id))
}

#[test]
fn similar_name_is_warned_about() {
    // Asked, held, and whether that is the same name to everybody: then it is the record.
    for (first, last, held_first, held_last, same) in [
        ("José", "Álvarez", "José", "Álvarez", true),
        ("Jose\u{301}", "A\u{301}lvarez", "José", "Álvarez", true),
        ("JOSÉ", "álvarez", "José", "Álvarez", true),
        ("Jose", "Alvarez", "José", "Álvarez", false),
        ("Álvarez", "José", "José", "Álvarez", false),
        ("Ｊosé", "Álvarez", "José", "Álvarez", false),
        ("Sean", "O\u{2019}Brien", "Sean", "O'Brien", false),
        ("Sean", "O\u{2bc}Brien", "Sean", "O'Brien", false),
        ("Ida", "Strauss", "Ida", "Strauß", false),
        ("Lodz", "Sorensen", "Łódź", "Sørensen", false),
    ] {
        let case = format!("{first} {last}, {held_first} {held_last}");
        let held = person(PERSON, held_first, held_last, "");
        let label = format!("{held_first} {held_last}");
        let crm = people(json!({ "people": [held] })).says(
            "search",
            200,
            &hits(&[("person", PERSON, &label)]).to_string(),
        );
        let set = UpsertRequest {
            job_title: some("CFO"),
            ..a_person(first, last, "")
        };
        let plan = propose(&crm, set, None).unwrap();
        let (document, data, _) = write(&plan);
        assert_eq!(
            crm.variables("upsert_person")["named"],
            json!([PERSON]),
            "{case}"
        );
        assert!(warned(&plan, PERSON), "{case}: {:?}", plan.warnings);
        if same {
            // The name that it was found by is no wish to write it otherwise.
            assert_eq!(
                (document, data),
                ("update_person", json!({ "jobTitle": "CFO" })),
                "{case}"
            );
        } else {
            assert_eq!(document, "create_person", "{case}");
        }
    }
}

#[test]
fn exact_name_precedes_a_similar_one() {
    let rows = json!({ "people": [person(PERSON, "José", "Álvarez", ""), person(OTHER, "Jose", "Alvarez", "")] });
    let crm = people(rows).says(
        "search",
        200,
        &hits(&[
            ("person", PERSON, "José Álvarez"),
            ("person", OTHER, "Jose Alvarez"),
        ])
        .to_string(),
    );
    let set = UpsertRequest {
        job_title: some("CFO"),
        ..a_person("Jose", "Alvarez", "")
    };
    let plan = propose(&crm, set, None).unwrap();
    assert_eq!(body(&plan.steps[0]).1["id"], OTHER);
    assert!(warned(&plan, PERSON), "{:?}", plan.warnings);
}

#[test]
fn companies_and_deals_are_compared_as_loosely() {
    let crm = companies(json!({ "companies": [company(COMPANY, "Söhne & Töchter GmbH", "")] }))
        .says(
            "search",
            200,
            &hits(&[("company", COMPANY, "Söhne & Töchter GmbH")]).to_string(),
        );
    let plan = propose(&crm, a_company("Sohne & Tochter GmbH", ""), None).unwrap();
    assert_eq!(write(&plan).0, "create_company");
    assert!(warned(&plan, COMPANY), "{:?}", plan.warnings);
    assert_eq!(crm.variables("search")["query"], "Sohne & Tochter GmbH");

    let crm = deals(json!({ "opportunities": [deal(DEAL, "Renewal – Łódź")] })).says(
        "search",
        200,
        &hits(&[("opportunity", DEAL, "Renewal – Łódź")]).to_string(),
    );
    let set = UpsertRequest {
        name: some("renewal - Lodz"),
        amount: some("1"),
        currency: some("EUR"),
        ..no_deal()
    };
    let plan = propose(&crm, set, None).unwrap();
    assert_eq!(write(&plan).0, "create_opportunity");
    assert!(warned(&plan, DEAL), "{:?}", plan.warnings);
}

#[test]
fn secondary_address_finds_and_stays() {
    let mut held = person(PERSON, "Lia", "Conti", "lia@work.example");
    held["emails"]["additionalEmails"] = json!(["Lia@Home.example"]);
    let rows =
        || json!({ "people": [held.clone(), person(THIRD, "Lia", "Conti", "other@work.example")] });
    let set = |email: &str| UpsertRequest {
        job_title: some("CFO"),
        ..a_person("Lia", "Conti", email)
    };
    let crm = people(rows());
    let plan = propose(&crm, set("lia@home.example"), None).unwrap();
    assert_eq!(
        crm.variables("upsert_person")["otherEmail"],
        "%lia@home.example%"
    );
    let (document, data, _) = write(&plan);
    assert_eq!(
        (document, data),
        ("update_person", json!({ "jobTitle": "CFO" }))
    );
    assert_eq!(body(&plan.steps[0]).1["id"], PERSON);
    // What becomes of the others when the first is changed is not known, so it is not changed.
    match propose(
        &people(rows()),
        a_person("", "", "new@work.example"),
        Some(PERSON),
    ) {
        Err(Failure::Conflict(problem)) => {
            assert!(problem.reason.contains("further e-mail addresses"))
        }
        other => panic!("{other:?}"),
    }
    // An address of somebody else is in the way.
    match propose(
        &people(rows()),
        a_person("", "", "lia@home.example"),
        Some(THIRD),
    ) {
        Err(Failure::Conflict(problem)) => assert!(problem.reason.contains(PERSON)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_phone_number_is_set_changed_and_taken_out() {
    let with = |phones: Value| {
        let mut held = person(PERSON, "Lia", "Conti", "lia@work.example");
        held["phones"] = phones;
        people(json!({ "people": [held] }))
    };
    let phone = |number: &str| UpsertRequest {
        phone: Some(number.to_owned()),
        ..nothing_of(Kind::Person)
    };
    let held = || json!({ "primaryPhoneCallingCode": "+852", "primaryPhoneNumber": "20334567" });
    for (phones, number, sent, before) in [
        (Value::Null, "+49 30 1234567", "+49301234567", None),
        (
            held(),
            "+49 (0)30 1234567",
            "+49301234567",
            Some("+852 20334567"),
        ),
        (held(), "", "", Some("+852 20334567")),
    ] {
        let plan = propose(&with(phones), phone(number), Some(PERSON)).unwrap();
        let (document, data, changes) = write(&plan);
        assert_eq!(document, "update_person");
        assert_eq!(data, json!({ "phones": { "primaryPhoneNumber": sent } }));
        let pointer = "/variables/data/phones/primaryPhoneNumber".to_owned();
        assert_eq!(changes, [(pointer, before.map(str::to_owned))]);
    }
    // It is there already, however it is written.
    match propose(&with(held()), phone("00852 2033 4567"), Some(PERSON)) {
        Err(Failure::Conflict(_)) => {}
        other => panic!("{other:?}"),
    }
    for wrong in ["030 1234567", "not a phone", "+1"] {
        let said = refused(propose(&with(held()), phone(wrong), Some(PERSON)), "phone");
        assert!(said.contains("+49301234567"), "{said}");
    }
    let set = UpsertRequest {
        phone: Some("+49301234567".to_owned()),
        ..a_person("Ines", "Roth", "ines@newcomer.example")
    };
    let plan = propose(&people(json!({})), set, None).unwrap();
    assert_eq!(
        write(&plan).1["phones"],
        json!({ "primaryPhoneNumber": "+49301234567" })
    );
}

#[test]
fn composite_field_is_refused_with_advice() {
    let field = |name: &str, kind: &str| json!({ "name": name, "type": kind, "isActive": true, "options": null });
    let types = json!({ "objects": list(vec![json!({ "nameSingular": "person", "fieldsList": [
        field("linkedinLink", "LINKS"), field("homeAddress", "ADDRESS"), field("tags", "MULTI_SELECT"), field("city", "TEXT"),
    ] })]) });
    let crm = || {
        people(json!({ "people": [person(PERSON, "Lia", "Conti", "lia@work.example")] }))
            .answers("field_types", types.clone())
    };
    let custom = |name: &str| UpsertRequest {
        custom: Some(vec![FieldValue {
            name: name.to_owned(),
            value: "x".to_owned(),
        }]),
        ..nothing_of(Kind::Person)
    };
    for (name, expected) in [
        (
            "linkedinLink",
            "a list of links, which cannot be set here. Set it in the CRM.",
        ),
        (
            "homeAddress",
            "a postal address, which cannot be set here. Set it in the CRM.",
        ),
        (
            "tags",
            "a list of values, which cannot be set here. Set it in the CRM.",
        ),
        ("phones", "Use the argument `phone`."),
        ("emails", "Use the argument `email`."),
        ("city", "Ask the operator to add person.city"),
    ] {
        let said = refused(
            propose(&crm(), custom(name), Some(PERSON)),
            &format!("custom.{name}"),
        );
        assert!(said.contains(expected), "{name}: {said}");
    }
}

#[test]
fn only_exact_amounts_are_written() {
    let set = |amount: &str| UpsertRequest {
        amount: some(amount),
        currency: some("IDR"),
        ..no_deal()
    };
    let crm = || deals(json!({ "opportunities": [deal(DEAL, "Big deal")] }));
    let plan = propose(&crm(), set("15000000000"), Some(DEAL)).unwrap();
    let (_, data, _) = write(&plan);
    assert_eq!(
        data["amount"],
        json!({ "amountMicros": 15_000_000_000_000_000_u64, "currencyCode": "IDR" })
    );
    assert!(
        plan.steps[0].body.contains(":15000000000000000,"),
        "{}",
        plan.steps[0].body
    );
    let said = refused(
        propose(&crm(), set("15000000000.000001"), Some(DEAL)),
        "amount",
    );
    assert!(
        said.contains("15000000000 and 15000000000.000002"),
        "{said}"
    );
}
