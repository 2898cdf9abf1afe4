//! `log`: what it proposes, what it asks the CRM for that, and what it refuses.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

mod common;

use common::*;
use crm_skill::actions::log::log;
use crm_skill::bindings::claw::skill::plan::{Plan, Timing};
use crm_skill::bindings::claw::skill::types::Failure;
use crm_skill::bindings::exports::claw::crm::propose::{DealChange, LogRequest, TaskPart};
use serde_json::{Value, json};

const FOUND: [&str; 4] = ["people", "companies", "opportunities", "workspaceMembers"];
const DEALS: [&str; 4] = ["opportunities", "companies", "people", "workspaceMembers"];
const SECOND: &str = "77777777-7777-4777-8777-777777777777";

fn request(about: &[&str]) -> LogRequest {
    LogRequest {
        about: about.iter().map(|name| (*name).to_owned()).collect(),
        title: "Call with Ada".to_owned(),
        text: Some("They want **two** slots.\n- Tuesday".to_owned()),
        when: Some("2026-03-10".to_owned()),
        next: None,
        deal: None,
        idempotency_key: None,
    }
}

fn next() -> TaskPart {
    TaskPart {
        title: "Send the offer".to_owned(),
        due: "2026-03-20".to_owned(),
        note: None,
        assignee: None,
    }
}

fn to_proposal() -> DealChange {
    DealChange {
        stage: Some("offer sent".to_owned()),
        amount: None,
        currency: None,
        close_date: None,
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

fn row_of_company() -> Value {
    json!({ "id": COMPANY, "name": "Acme", "domainName": { "primaryLinkUrl": "https://acme.example" }, "accountOwnerId": null })
}

/// A deal, a person and a company, as a lookup and an upsert find them.
fn known() -> Crm {
    let rows = json!({
        "people": [row_of_person(PERSON, "Ada", "Lovelace")],
        "companies": [row_of_company()],
        "opportunities": [row_of_deal(DEAL, "Big deal"), row_of_deal(SECOND, "Small deal")],
        "workspaceMembers": [me()],
    });
    let deals = json!({ "opportunities": [deal(DEAL, "Big deal")] });
    Crm::default()
        .answers("follow_up", found(&FOUND, rows))
        .answers("upsert_opportunity", found(&DEALS, deals))
        .answers("field_types", field_types())
}

fn propose(crm: &Crm, request: &LogRequest) -> Result<Plan, Failure> {
    at_noon(crm, &settings(), |ctx| log(ctx, request))
}

fn documents(plan: &Plan) -> Vec<&'static str> {
    plan.steps.iter().map(|step| body(step).0).collect()
}

#[test]
fn note_is_deleted_if_any_link_fails() {
    let crm = known();
    let plan = propose(&crm, &request(&[DEAL, PERSON, COMPANY])).unwrap();
    assert_eq!(crm.asked(), ["follow_up"], "ids cost one request");
    assert_eq!(
        documents(&plan),
        [
            "create_note",
            "link_note_to_opportunity",
            "link_note_to_person",
            "link_note_to_company",
            "delete_note",
            "delete_note",
            "delete_note",
        ]
    );
    let (_, made) = body(&plan.steps[0]);
    let note = made["id"].as_str().unwrap();
    assert_eq!(
        made,
        json!({
            "id": note, "title": "Call with Ada",
            "text": "When: Tuesday 10 March 2026\n\nThey want **two** slots.\n- Tuesday",
        })
    );
    let mut links = Vec::new();
    for (step, (key, id)) in plan.steps[1..4].iter().zip([
        ("opportunityId", DEAL),
        ("personId", PERSON),
        ("companyId", COMPANY),
    ]) {
        let (_, variables) = body(step);
        assert_eq!(
            (&variables["noteId"], &variables[key]),
            (&json!(note), &json!(id))
        );
        assert_eq!(variables.as_object().unwrap().len(), 3);
        assert!(matches!(step.timing, Timing::InOrder));
        links.push(variables["id"].as_str().unwrap().to_owned());
    }
    links.extend([note.to_owned()]);
    links.sort();
    links.dedup();
    assert_eq!(links.len(), 4, "each record has an id of its own");
    for (link, delete) in plan.steps[1..4].iter().zip(&plan.steps[4..]) {
        assert_eq!(body(delete).1, json!({ "id": note }));
        assert!(matches!(&delete.timing, Timing::Compensates(id) if *id == link.id));
    }
    let about: Vec<&str> = plan.about.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(about, [DEAL, PERSON, COMPANY]);
    assert!(plan.warnings.is_empty());
}

#[test]
fn next_step_and_change_stand_alone() {
    let crm = known();
    let full = LogRequest {
        next: Some(next()),
        deal: Some(to_proposal()),
        ..request(&[PERSON, DEAL])
    };
    let plan = propose(&crm, &full).unwrap();
    assert_eq!(
        crm.asked(),
        ["field_types", "follow_up", "upsert_opportunity"]
    );
    assert_eq!(
        documents(&plan),
        [
            "create_note",
            "link_note_to_person",
            "link_note_to_opportunity",
            "delete_note",
            "delete_note",
            "update_opportunity",
            "create_task",
            "link_task_to_opportunity",
            "delete_task",
        ]
    );
    let after = |at: usize| match &plan.steps[at].timing {
        Timing::After(ids) => ids.clone(),
        other => panic!("{at}: {other:?}"),
    };
    let id = |at: usize| plan.steps[at].id.clone();
    // A note that was deleted again is linked to nothing more.
    assert_eq!(after(0), [""; 0]);
    assert_eq!(after(1), [id(0)]);
    assert_eq!(after(2), [id(0), id(1)]);
    for alone in [5, 6] {
        assert_eq!(after(alone), [""; 0], "{alone}");
    }
    assert_eq!(after(7), [id(6)]);
    let change = &plan.steps[5];
    assert_eq!(
        body(change).1,
        json!({ "id": DEAL, "data": { "stage": "PROPOSAL" } })
    );
    assert_eq!(change.changes.len(), 1);
    assert_eq!(change.changes[0].before.as_deref(), Some("MEETING"));
    assert_eq!(change.basis[0].ref_.id, DEAL);
    assert!(change.basis[0].updated_at.is_some());
    let (_, task) = body(&plan.steps[6]);
    assert_eq!(
        (&task["title"], &task["assigneeId"]),
        (&json!("Send the offer"), &json!(ME))
    );
    for said in ["Call with Ada", "Send the offer", "PROPOSAL", "Mia Ek"] {
        assert!(plan.words.contains(said), "{}", plan.words);
    }
    // Without a deal the next step is about the first record.
    let people = LogRequest {
        next: Some(next()),
        ..request(&[PERSON, COMPANY])
    };
    let plan = propose(&known(), &people).unwrap();
    assert!(documents(&plan).contains(&"link_task_to_person"));
}

#[test]
fn values_the_deal_holds_are_not_sent() {
    let same = LogRequest {
        deal: Some(DealChange {
            stage: Some("MEETING".to_owned()),
            amount: Some("1250.5".to_owned()),
            ..to_proposal()
        }),
        ..request(&[DEAL])
    };
    let plan = propose(&known(), &same).unwrap();
    assert!(!documents(&plan).contains(&"update_opportunity"));
    assert_eq!(plan.warnings.len(), 1);
    assert!(plan.warnings[0].contains("already"), "{:?}", plan.warnings);
    let half = LogRequest {
        deal: Some(DealChange {
            amount: Some("1250.50".to_owned()),
            currency: Some("EUR".to_owned()),
            close_date: Some("2026-03-01".to_owned()),
            ..to_proposal()
        }),
        ..request(&[DEAL])
    };
    let plan = propose(&known(), &half).unwrap();
    let change = plan
        .steps
        .iter()
        .find(|step| body(step).0 == "update_opportunity");
    let (_, sent) = body(change.unwrap());
    assert_eq!(
        sent["data"],
        json!({ "stage": "PROPOSAL", "closeDate": "2026-03-01T23:59:59Z" })
    );
    assert!(plan.warnings[0].contains("past"), "{:?}", plan.warnings);
}

#[test]
fn same_log_gives_the_same_plan() {
    let note = |plan: &Plan| body(&plan.steps[0]).1["id"].clone();
    let plan = |request: &LogRequest| propose(&known(), request).unwrap();
    let first = plan(&request(&[DEAL]));
    assert_eq!(bytes(&first), bytes(&plan(&request(&[DEAL]))));
    for other in [
        LogRequest {
            title: "Other".to_owned(),
            ..request(&[DEAL])
        },
        LogRequest {
            text: None,
            ..request(&[DEAL])
        },
        LogRequest {
            when: Some("2026-03-09".to_owned()),
            ..request(&[DEAL])
        },
        LogRequest {
            next: Some(next()),
            ..request(&[DEAL])
        },
        LogRequest {
            deal: Some(to_proposal()),
            ..request(&[DEAL])
        },
        request(&[PERSON]),
        request(&[DEAL, PERSON]),
    ] {
        assert_ne!(note(&first), note(&plan(&other)), "{other:?}");
    }
    let keyed = |request: LogRequest| LogRequest {
        idempotency_key: Some("k1".to_owned()),
        ..request
    };
    let one = plan(&keyed(request(&[DEAL])));
    let two = plan(&keyed(LogRequest {
        title: "Other".to_owned(),
        ..request(&[DEAL])
    }));
    assert_eq!(note(&one), note(&two));
    assert_ne!(one.steps[0].id, two.steps[0].id);
    // The deal has changed as proposed since: the note is the same one.
    let moved = LogRequest {
        deal: Some(to_proposal()),
        ..request(&[DEAL])
    };
    let mut row = deal(DEAL, "Big deal");
    row["stage"] = json!("PROPOSAL");
    let crm = known().answers(
        "upsert_opportunity",
        found(&DEALS, json!({ "opportunities": [row] })),
    );
    assert_eq!(note(&plan(&moved)), note(&propose(&crm, &moved).unwrap()));
}

#[test]
fn first_line_says_when_it_happened() {
    let line = |when: Option<&str>, text: Option<&str>| {
        let request = LogRequest {
            when: when.map(str::to_owned),
            text: text.map(str::to_owned),
            ..request(&[DEAL])
        };
        let plan = propose(&known(), &request)?;
        Ok(body(&plan.steps[0]).1["text"].as_str().unwrap().to_owned())
    };
    for (when, text, expected) in [
        (None, None, "When: Wednesday 11 March 2026"),
        (
            Some("2026-03-11"),
            Some(" \n"),
            "When: Wednesday 11 March 2026",
        ),
        (
            Some("2026-03-11T10:30:00+02:00"),
            Some("- one"),
            "When: Wednesday 11 March 2026, 08:30 (UTC)\n\n- one",
        ),
        // Clocks differ by some minutes.
        (
            Some("2026-03-11T12:04:00Z"),
            None,
            "When: Wednesday 11 March 2026, 12:04 (UTC)",
        ),
    ] {
        assert_eq!(line(when, text).unwrap(), expected);
    }
    for ahead in ["2026-03-12", "2026-03-11T12:06:00Z", "2027-03-11T09:00:00Z"] {
        let failure: Failure = line(Some(ahead), None).unwrap_err();
        assert!(
            matches!(&failure, Failure::InvalidInput(input)
                if input.field == "when" && input.reason.contains("ahead") && input.next.contains("crm_follow_up")),
            "{ahead}: {failure:?}"
        );
    }
}

#[test]
fn each_name_costs_one_search() {
    let hit = hits(&[
        ("opportunity", DEAL, "Big deal"),
        ("person", PERSON, "Ada Lovelace"),
    ]);
    let crm = known().says("search", 200, &hit.to_string());
    let plan = propose(&crm, &request(&["big deal", COMPANY, "Ada Lovelace"])).unwrap();
    assert_eq!(crm.asked(), ["search", "search", "follow_up"]);
    let about: Vec<&str> = plan.about.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(about, [DEAL, COMPANY, PERSON], "in the order of the names");
}

#[test]
fn misspelt_names_cost_two_searches_each() {
    let mut hit = hits(&[("opportunity", DEAL, "Big deal")]);
    let node = &mut hit["data"]["search"]["edges"][0]["node"];
    node["tsRankCD"] = json!(0.0);
    let crm = known().says("search", 200, &hit.to_string());
    let names = ["Bigg daeel"; 8];
    let failure = propose(&crm, &request(&names)).unwrap_err();
    // A similar name is offered, never taken.
    assert!(matches!(failure, Failure::Ambiguous(_)), "{failure:?}");
    let asked = crm.asked();
    assert_eq!(asked.len(), 17, "the most that the records take: {asked:?}");
    assert_eq!(asked.iter().filter(|name| **name == "search").count(), 16);
}

#[test]
fn many_hits_of_eight_names_fit_one_page() {
    let many: Vec<String> = (0..60)
        .map(|n| format!("88888888-8888-4888-8888-{n:012}"))
        .collect();
    let mut all: Vec<(&str, &str, &str)> = many
        .iter()
        .map(|id| ("opportunity", id.as_str(), "Big deal again"))
        .collect();
    all.push(("opportunity", DEAL, "Big deal"));
    let crm = known().says("search", 200, &hits(&all).to_string());
    let names = [
        "big deal", PERSON, COMPANY, SECOND, "big deal", "big deal", "big deal", "big deal",
    ];
    let failure = propose(&crm, &request(&names)).unwrap_err();
    assert!(matches!(&failure, Failure::InvalidInput(input) if input.reason.contains("twice")));
    let asked = crm.variables("follow_up");
    let ids: Vec<&str> = asked["opportunities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap())
        .collect();
    // The exact name comes first, however late the search shows it.
    assert!(ids.contains(&DEAL) && ids.len() <= 60, "{ids:?}");
}

#[test]
fn unfit_record_is_named_and_nothing_proposed() {
    let gone = "99999999-9999-4999-8999-999999999999";
    let failure = propose(&known(), &request(&[DEAL, PERSON, COMPANY, SECOND, gone])).unwrap_err();
    assert!(
        matches!(&failure, Failure::NotFound(problem) if problem.reason.contains(gone)),
        "{failure:?}"
    );
    let nothing = known().says("search", 200, &hits(&[]).to_string());
    let failure = propose(&nothing, &request(&[DEAL, "Nobody"])).unwrap_err();
    assert!(matches!(&failure, Failure::NotFound(problem) if problem.reason.contains("Nobody")));

    // Two of one name: the candidates are those of the name.
    let two = json!({
        "people": [row_of_person(PERSON, "Ada", "Lovelace"), row_of_person(OTHER, "Ada", "Lovelace")],
        "opportunities": [row_of_deal(DEAL, "Big deal")], "workspaceMembers": [me()],
    });
    let hit = hits(&[
        ("person", PERSON, "Ada Lovelace"),
        ("person", OTHER, "Ada Lovelace"),
    ]);
    let crm =
        known()
            .answers("follow_up", found(&FOUND, two))
            .says("search", 200, &hit.to_string());
    match propose(&crm, &request(&[DEAL, "Ada Lovelace"])) {
        Err(Failure::Ambiguous(ambiguity)) => {
            assert!(ambiguity.reason.contains("Ada Lovelace"));
            assert_eq!(ambiguity.candidates.len(), 2);
        }
        other => panic!("{other:?}"),
    }
}

/// A key that may not read companies: the one that is none of the others could be read.
#[test]
fn unreadable_record_is_named() {
    let mut data = found(
        &FOUND,
        json!({
            "people": [row_of_person(PERSON, "Ada", "Lovelace")],
            "opportunities": [row_of_deal(DEAL, "Big deal")],
        }),
    );
    data["companies"] = Value::Null;
    let error = json!({ "message": "no permission", "extensions": { "code": "FORBIDDEN" }, "path": ["companies"] });
    let said = json!({ "data": data, "errors": [error] });
    let crm = Crm::default().says("follow_up", 200, &said.to_string());
    let failure = propose(&crm, &request(&[DEAL, COMPANY, PERSON])).unwrap_err();
    assert!(
        matches!(&failure, Failure::Denied(denial) if denial.reason.contains(COMPANY) && !denial.reason.contains(DEAL)),
        "{failure:?}"
    );
}

#[test]
fn record_named_twice_is_refused() {
    let hit = hits(&[("opportunity", DEAL, "Big deal")]);
    for (about, says) in [
        (["big deal", DEAL], "same record"),
        ([DEAL, DEAL], "named twice"),
        (["big deal", "Big Deal"], "same record"),
    ] {
        let crm = known().says("search", 200, &hit.to_string());
        let failure = propose(&crm, &request(&about)).unwrap_err();
        assert!(
            matches!(&failure, Failure::InvalidInput(input) if input.field == "about" && input.reason.contains(says)),
            "{failure:?}"
        );
    }
}

#[test]
fn change_needs_exactly_one_deal() {
    for (about, says) in [
        (vec![PERSON, COMPANY], "no deal"),
        (vec![DEAL, SECOND], "2 deals"),
    ] {
        let crm = known();
        let asked = LogRequest {
            deal: Some(to_proposal()),
            ..request(&about)
        };
        let failure = propose(&crm, &asked).unwrap_err();
        assert!(
            matches!(&failure, Failure::InvalidInput(input) if input.field == "deal" && input.reason.contains(says)),
            "{failure:?}"
        );
        assert!(!crm.asked().contains(&"upsert_opportunity"));
    }
}

#[test]
fn invalid_arguments_cause_no_request() {
    let with = |change: fn(&mut LogRequest)| {
        let mut request = request(&[DEAL]);
        change(&mut request);
        request
    };
    let deal = |change: fn(&mut DealChange)| {
        let mut values = DealChange {
            stage: None,
            ..to_proposal()
        };
        change(&mut values);
        LogRequest {
            deal: Some(values),
            ..request(&[DEAL])
        }
    };
    for (field, request) in [
        ("about", with(|r| r.about.clear())),
        ("about", with(|r| r.about = vec![DEAL.to_owned(); 9])),
        ("about", with(|r| r.about.push(" ".to_owned()))),
        ("title", with(|r| r.title = "\u{200b}".to_owned())),
        ("title", with(|r| r.title = "x".repeat(201))),
        ("text", with(|r| r.text = Some("x".repeat(20_001)))),
        ("text", with(|r| r.text = Some("x".repeat(100_000)))),
        ("when", with(|r| r.when = Some("yesterday".to_owned()))),
        ("when", with(|r| r.when = Some(String::new()))),
        ("when", with(|r| r.when = Some("2026-03-12".to_owned()))),
        (
            "next.due",
            with(|r| {
                r.next = Some(TaskPart {
                    due: "soon".to_owned(),
                    ..next()
                })
            }),
        ),
        (
            "next.title",
            with(|r| {
                r.next = Some(TaskPart {
                    title: " ".to_owned(),
                    ..next()
                })
            }),
        ),
        (
            "next.assignee",
            with(|r| {
                r.next = Some(TaskPart {
                    assignee: Some("bob".to_owned()),
                    ..next()
                })
            }),
        ),
        ("deal", deal(|_| {})),
        ("deal.amount", deal(|d| d.amount = Some("1,000".to_owned()))),
        (
            "deal.currency",
            deal(|d| d.currency = Some("euro".to_owned())),
        ),
        (
            "deal.closeDate",
            deal(|d| d.close_date = Some("soon".to_owned())),
        ),
    ] {
        let crm = Crm::default();
        let failure = propose(&crm, &request).unwrap_err();
        assert!(
            matches!(&failure, Failure::InvalidInput(input) if input.field == field && !input.next.is_empty()),
            "{field}: {failure:?}"
        );
        assert!(crm.asked().is_empty(), "{field}");
    }
    // The workspace's own stages are known from its cached fields.
    let crm = known();
    let failure = propose(&crm, &deal(|d| d.stage = Some("Prposal".to_owned()))).unwrap_err();
    assert!(
        matches!(&failure, Failure::InvalidInput(input) if input.field == "deal.stage" && input.next.contains("PROPOSAL")),
        "{failure:?}"
    );
    assert_eq!(crm.asked(), ["field_types"]);
}

#[test]
fn hidden_characters_are_taken_out_and_said() {
    let hidden = LogRequest {
        title: "Call\u{202e} Ada".to_owned(),
        text: Some("one\u{e0041}\u{200b} two".to_owned()),
        next: Some(TaskPart {
            note: Some("a\u{2066}b".to_owned()),
            ..next()
        }),
        ..request(&[DEAL])
    };
    let plan = propose(&known(), &hidden).unwrap();
    assert_eq!(
        plan.warnings,
        [
            "1 hidden character was taken out of the title.",
            "2 hidden characters were taken out of the text.",
            "1 hidden character was taken out of the next step's note.",
        ]
    );
    let (_, made) = body(&plan.steps[0]);
    assert_eq!(made["title"], "Call Ada");
    assert!(made["text"].as_str().unwrap().ends_with("\n\none two"));
}

#[test]
fn longest_text_and_most_records_are_one_plan() {
    let ids: Vec<String> = (0..8)
        .map(|n| format!("88888888-8888-4888-8888-{n:012}"))
        .collect();
    let long = "long name ".repeat(20);
    let rows: Vec<Value> = ids.iter().map(|id| row_of_deal(id, &long)).collect();
    let rows = json!({ "opportunities": rows, "workspaceMembers": [me()] });
    let crm = known().answers("follow_up", found(&FOUND, rows));
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let full = LogRequest {
        title: "t".repeat(200),
        text: Some("x".repeat(20_000)),
        next: Some(TaskPart {
            title: "n".repeat(200),
            ..next()
        }),
        ..request(&ids)
    };
    let plan = propose(&crm, &full).unwrap();
    // The harness takes 32 steps, and 2,000 characters of words.
    assert_eq!(plan.steps.len(), 1 + 8 + 8 + 3);
    assert!(plan.words.chars().count() < 2_000, "{}", plan.words);
    let mut names: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), plan.steps.len());
}
