//! The pipeline: what it asks for, and what it makes of answers that no stand-in gives.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

mod common;

use common::{Crm, DEAL, FixedSettings, ME, OTHER, UPDATED, settings};
use crm_skill::actions::deals::deals;
use crm_skill::bindings::exports::claw::crm::read::{
    DealsAnswer, DealsBy, DealsRequest, DealsSort,
};
use crm_skill::context::Context;
use crm_skill::failure::Failure;
use serde_json::{Value, json};

fn anything() -> DealsRequest {
    DealsRequest {
        stages: None,
        owner: None,
        closes_from: None,
        closes_to: None,
        changed_since: None,
        amount_from: None,
        amount_to: None,
        no_amount: None,
        company: None,
        by: None,
        sort: None,
        limit: None,
    }
}

/// A CRM with the stages of a new workspace.
fn crm() -> Crm {
    let stages = ["NEW", "SCREENING", "MEETING", "PROPOSAL", "CUSTOMER"];
    let stages = stages.map(|name| json!({ "name": name }));
    Crm::default().answers("stages", json!({ "__type": { "enumValues": stages } }))
}

fn group(key: Value, currency: Value, deals: u32, sum: Value) -> Value {
    json!({ "groupByDimensionValues": [key, currency], "totalCount": deals, "sumAmountAmountMicros": sum })
}

fn groups(groups: &[Value]) -> Value {
    json!({ "opportunitiesGroupBy": groups })
}

fn deal(number: u8, stage: &str) -> Value {
    json!({
        "id": format!("{}{number:02x}", &DEAL[..34]), "updatedAt": UPDATED, "name": format!("Deal {number}"), "stage": stage,
        "amount": { "amountMicros": 5_000_000, "currencyCode": "EUR" }, "closeDate": "2026-04-01T00:00:00.000Z",
        "ownerId": ME, "company": null,
    })
}

fn list(total: usize, deals: &[Value]) -> Value {
    let edges: Vec<Value> = deals.iter().map(|deal| json!({ "node": deal })).collect();
    json!({ "opportunities": { "totalCount": total, "edges": edges } })
}

fn ask(crm: &Crm, request: &DealsRequest) -> Result<DealsAnswer, Failure> {
    ask_in(crm, request, &[])
}

fn ask_in(
    crm: &Crm,
    request: &DealsRequest,
    given: &[(&'static str, &'static str)],
) -> Result<DealsAnswer, Failure> {
    let FixedSettings(mut all) = settings();
    all.retain(|(key, _)| !given.iter().any(|(other, _)| other == key));
    all.extend(given);
    let settings = FixedSettings(all);
    let now = "2026-03-11T13:30:00Z".parse().unwrap();
    deals(&Context::new(crm, &settings, now), request)
}

#[test]
fn one_list_and_one_group_are_asked_for() {
    let lists = [
        (DealsSort::Amount, "deals_by_amount"),
        (DealsSort::Changed, "deals_by_change"),
        (DealsSort::CloseDate, "deals_by_close"),
        (DealsSort::Name, "deals_by_name"),
        (DealsSort::Stage, "deals_by_stage"),
    ];
    let pipelines = [
        (DealsBy::Month, "pipeline_by_month", "2026-04-01"),
        (DealsBy::Owner, "pipeline_by_owner", ME),
        (DealsBy::Stage, "pipeline_by_stage", "NEW"),
    ];
    for (sort, in_order) in lists {
        for (by, pipeline, key) in pipelines {
            let sums = groups(&[group(json!(key), json!("EUR"), 1, json!(5_000_000))]);
            let crm = crm()
                .answers(in_order, list(1, &[deal(1, "NEW")]))
                .answers(pipeline, sums);
            let request = DealsRequest {
                by: Some(by),
                sort: Some(sort),
                ..anything()
            };
            let answer = ask(&crm, &request).unwrap();
            assert_eq!(crm.asked(), ["stages", in_order, pipeline]);
            assert_eq!(answer.missing, [""; 0]);
            assert_eq!((answer.total, answer.without_amount), (Some(1), Some(0)));
            assert_eq!(crm.variables(in_order)["limit"], 10);
            let zone = &crm.variables(pipeline)["zone"];
            assert_eq!(zone.is_string(), by == DealsBy::Month);
        }
    }
}

#[test]
fn currencies_are_never_added_up() {
    let sums = groups(&[
        group(json!("NEW"), json!("USD"), 2, json!(7_000_000)),
        group(json!("NEW"), json!("EUR"), 1, json!(5_500_000)),
        group(json!("MEETING"), json!("EUR"), 1, json!(1_000_000)),
        group(json!("MEETING"), json!(""), 1, json!(2_000_000)),
        group(json!("MEETING"), json!(null), 1, json!(4_000_000)),
    ]);
    let crm = crm()
        .answers("deals_by_close", list(9, &[deal(1, "NEW")]))
        .answers("pipeline_by_stage", sums);
    let answer = ask(&crm, &anything()).unwrap();
    let sums = |sums: &[crm_skill::bindings::exports::claw::crm::read::CurrencySum]| {
        let each = sums.iter().map(|one| {
            (
                one.currency.clone().unwrap_or_default(),
                one.deals,
                one.sum.clone(),
            )
        });
        each.collect::<Vec<_>>()
    };
    let of = |currency: &str, deals: u32, sum: &str| (currency.to_owned(), deals, sum.to_owned());
    assert_eq!(
        sums(&answer.sums),
        [of("EUR", 2, "6.5"), of("USD", 2, "7"), of("", 2, "6")]
    );
    let by: Vec<_> = answer
        .groups
        .iter()
        .map(|group| (group.label.as_str(), group.deals, sums(&group.sums)))
        .collect();
    assert_eq!(
        by,
        [
            ("NEW", 3, vec![of("EUR", 1, "5.5"), of("USD", 2, "7")]),
            ("MEETING", 3, vec![of("EUR", 1, "1"), of("", 2, "6")]),
        ]
    );
    assert_eq!(answer.without_amount, Some(3));
    for said in [
        "Together: 6.5 EUR in 2 deals, 7 USD in 2 deals, 6 without a currency in 2 deals.",
        "3 have no amount and are in no sum.",
        "And 8 more.",
    ] {
        assert!(answer.markdown.contains(said), "{}", answer.markdown);
    }
}

#[test]
fn rounded_sum_is_about_its_number() {
    for (first, second, said) in [
        (
            json!(15_000_000_000_000_000_i64),
            json!(1_000_000),
            "15000000001 IDR",
        ),
        (
            json!(15_000_000_000_000_002_i64),
            json!(1_000_000),
            "about 15000000001.000002 IDR",
        ),
        (json!(1.5e22), json!(1.5e22), "about 30000000000000000 IDR"),
    ] {
        let sums = groups(&[
            group(json!("NEW"), json!("IDR"), 1, first),
            group(json!("MEETING"), json!("IDR"), 1, second),
        ]);
        let crm = crm()
            .answers("deals_by_close", list(2, &[]))
            .answers("pipeline_by_stage", sums);
        let answer = ask(&crm, &anything()).unwrap();
        assert!(
            answer
                .markdown
                .contains(&format!("Together: {said} in 2 deals.")),
            "{}",
            answer.markdown
        );
    }
}

#[test]
fn sums_that_are_not_whole_say_so() {
    let many: Vec<Value> = (0..200)
        .map(|n| group(json!("NEW"), json!(format!("C{n}")), 1, json!(1_000_000)))
        .collect();
    let fraction = vec![
        group(json!("NEW"), json!("EUR"), 1, json!(0.5)),
        group(json!("NEW"), json!("USD"), 1, json!(1_000_000)),
    ];
    let more = vec![group(json!("NEW"), json!("EUR"), 500, json!(1_000_000))];
    for (groups_of, why) in [
        (many, "more groups than the 200"),
        (fraction, "those of 1 deals could not be read"),
        (more, "changed while they were counted"),
    ] {
        let crm = crm()
            .answers("deals_by_close", list(400, &[deal(1, "NEW")]))
            .answers("pipeline_by_stage", groups(&groups_of));
        let answer = ask(&crm, &anything()).unwrap();
        assert!(
            answer.missing.join("\n").contains(why),
            "{:?}",
            answer.missing
        );
        assert_eq!(answer.without_amount, None, "{why}");
        let partial = why.starts_with("more groups");
        assert_eq!(answer.sums.is_empty(), partial, "{why}");
        assert_eq!(answer.markdown.contains("Together"), !partial, "{why}");
        assert!(
            answer.markdown.contains("Not known: "),
            "{}",
            answer.markdown
        );
        assert_eq!(answer.deals.len(), 1);
    }
}

#[test]
fn month_is_named_by_its_first_day_alone() {
    for (key, label) in [
        (json!("2026-04-01"), Some("2026-04")),
        (json!(null), Some("no close date")),
        (json!("2026-04-02"), None),
        (json!("April"), None),
    ] {
        let sums = groups(&[group(key, json!("EUR"), 1, json!(1_000_000))]);
        let crm = crm()
            .answers("deals_by_close", list(1, &[deal(1, "NEW")]))
            .answers("pipeline_by_month", sums);
        let request = DealsRequest {
            by: Some(DealsBy::Month),
            ..anything()
        };
        let answer = ask(&crm, &request).unwrap();
        let labels: Vec<&str> = answer.groups.iter().map(|g| g.label.as_str()).collect();
        assert_eq!(labels, label.into_iter().collect::<Vec<_>>());
        assert_eq!(answer.missing.is_empty(), label.is_some());
    }
}

#[test]
fn owners_of_groups_are_named_or_unknown() {
    let gone = "99999999-9999-4999-8999-999999999999";
    let sums = groups(&[
        group(json!(ME), json!("EUR"), 1, json!(1_000_000)),
        group(json!(null), json!("EUR"), 1, json!(1_000_000)),
        group(json!(gone), json!("EUR"), 1, json!(1_000_000)),
    ]);
    let crm = crm()
        .answers("deals_by_close", list(3, &[]))
        .answers("pipeline_by_owner", sums);
    let mut request = DealsRequest {
        by: Some(DealsBy::Owner),
        ..anything()
    };
    let answer = ask(&crm, &request).unwrap();
    let labels: Vec<&str> = answer.groups.iter().map(|g| g.label.as_str()).collect();
    let unknown = format!("somebody unknown (member {gone})");
    assert_eq!(labels.len(), 3);
    assert_eq!(labels[2], "no owner, or one who has left");
    assert!(labels.contains(&unknown.as_str()), "{labels:?}");
    assert!(
        answer
            .groups
            .iter()
            .any(|g| g.key.as_deref() == Some("me@example.com"))
    );
    // Where nobody's are asked for, the filter has seen that they are.
    request.owner = Some("none".to_owned());
    let answer = ask(&crm, &request).unwrap();
    assert_eq!(answer.groups[2].label, "no owner");
    let filter = crm.variables("pipeline_by_owner");
    assert_eq!(filter["noOwner"], "1900-01-01T00:00:00Z");
    assert_eq!(filter["anyOwner"], "9999-01-01T00:00:00Z");
}

#[test]
fn stage_order_is_the_workspaces() {
    let by_letter = [deal(1, "MEETING"), deal(2, "NEW"), deal(3, "PROPOSAL")];
    let request = DealsRequest {
        sort: Some(DealsSort::Stage),
        ..anything()
    };
    for (total, deals, told) in [
        (3, &by_letter[..], true),
        (4, &by_letter[..], false),
        // In order, and still there may be new ones.
        (4, &by_letter[..1], false),
        (4, &by_letter[1..], true),
    ] {
        let sums = groups(&[group(json!("NEW"), json!("EUR"), 1, json!(1_000_000))]);
        let crm = crm()
            .answers("deals_by_stage", list(total, deals))
            .answers("pipeline_by_stage", sums);
        let answer = ask(&crm, &request).unwrap();
        let stages: Vec<&str> = answer.deals.iter().map(|d| d.stage.as_str()).collect();
        let mut sorted = stages.clone();
        sorted.sort_by_key(|stage| {
            ["NEW", "MEETING", "PROPOSAL"]
                .iter()
                .position(|s| s == stage)
        });
        assert_eq!(stages, sorted);
        let said = answer.missing.join("\n").contains("in an earlier stage");
        assert_eq!(said, !told, "{total} {stages:?}: {:?}", answer.missing);
    }
}

#[test]
fn one_part_that_fails_leaves_the_other() {
    let sums = || groups(&[group(json!("NEW"), json!("EUR"), 1, json!(5_000_000))]);
    let broken = crm()
        .breaks("deals_by_close")
        .answers("pipeline_by_stage", sums());
    let answer = ask(&broken, &anything()).unwrap();
    assert_eq!((answer.total, answer.without_amount), (None, None));
    assert_eq!(answer.groups.len(), 1);
    assert!(
        answer.markdown.contains("Not known: deals: "),
        "{}",
        answer.markdown
    );
    let broken = crm()
        .answers("deals_by_close", list(1, &[deal(1, "NEW")]))
        .breaks("pipeline_by_stage");
    let answer = ask(&broken, &anything()).unwrap();
    assert_eq!((answer.total, answer.without_amount), (Some(1), None));
    assert_eq!(answer.deals.len(), 1);
    assert!(
        answer.markdown.contains("Not known: sums: "),
        "{}",
        answer.markdown
    );
    let broken = crm().breaks("deals_by_close").breaks("pipeline_by_stage");
    let failure = ask(&broken, &anything()).unwrap_err();
    assert!(matches!(failure, Failure::Unavailable(_)), "{failure:?}");
}

#[test]
fn every_stage_closed_is_said() {
    let closed = [("closed-stages", "NEW,SCREENING,MEETING,PROPOSAL,CUSTOMER")];
    let failure = ask_in(&crm(), &anything(), &closed).unwrap_err();
    let Failure::InvalidInput(wrong) = failure else {
        panic!("{failure:?}")
    };
    assert_eq!(wrong.field, "stages");
    let all = DealsRequest {
        stages: Some(vec![" All ".to_owned()]),
        ..anything()
    };
    let crm = crm()
        .answers("deals_by_close", list(0, &[]))
        .answers("pipeline_by_stage", groups(&[]));
    let answer = ask_in(&crm, &all, &closed).unwrap();
    assert_eq!(answer.total, Some(0));
    assert!(
        answer
            .markdown
            .contains("Nothing meets this: deals in any stage."),
        "{}",
        answer.markdown
    );
}

#[test]
fn owner_that_cannot_be_read_is_no_nobody() {
    let mut odd = deal(1, "NEW");
    odd["ownerId"] = json!(7);
    odd["amount"] = json!({ "amountMicros": "much", "currencyCode": "EUR" });
    odd["closeDate"] = json!("soon");
    let mut none = deal(2, "NEW");
    none["ownerId"] = json!(null);
    none["amount"] = json!(null);
    none["closeDate"] = json!(null);
    let mut other = deal(3, "NEW");
    other["ownerId"] = json!(OTHER);
    let crm = crm()
        .answers("deals_by_close", list(3, &[odd, none, other]))
        .answers("pipeline_by_stage", groups(&[]));
    let answer = ask(&crm, &anything()).unwrap();
    let line = |number: usize| {
        let name = format!("- Deal {number}: ");
        let mut lines = answer.markdown.lines();
        lines
            .find(|line| line.starts_with(&name))
            .unwrap()
            .to_owned()
    };
    for said in ["no owner", "no amount", "no close date"] {
        assert!(!line(1).contains(said), "{}", line(1));
        assert!(line(2).contains(said), "{}", line(2));
        assert!(!line(3).contains(said), "{}", line(3));
    }
    assert!(line(1).contains("not readable"), "{}", line(1));
}
