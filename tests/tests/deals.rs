//! The pipeline through the built component: sums against a count of the records themselves, the
//! requests that it takes, and what is refused.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crm_stand_in::clock::ManualClock;
use crm_stand_in::faults::Fault;
use crm_stand_in::twenty::keys::{Access, ApiKey, FULL_KEY, Role};
use crm_stand_in::twenty::sample::{
    FORMER_MEMBER, HEALTHY, ROBIN, SAM, SAM_EMAIL, Size, company_id, deal_id, more_member_email,
    more_member_id,
};
use crm_stand_in::twenty::{Options, TwentyStandIn};
use crm_tests::{NOW, TestEnv, TestOptions};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

const OPEN: [&str; 4] = ["NEW", "SCREENING", "MEETING", "PROPOSAL"];
const CHANGE: &str = "mutation UpdateOpportunity($id: UUID!, $data: OpportunityUpdateInput!) {\n  updateOpportunity(id: $id, data: $data) { id }\n}";

/// A deal as the CRM keeps it.
#[derive(Clone)]
struct Kept {
    id: String,
    name: String,
    stage: String,
    micros: Option<i128>,
    currency: Option<String>,
    close: Option<Timestamp>,
    owner: Option<String>,
    company: Option<String>,
    updated: Timestamp,
}

impl Kept {
    /// All deals that are not deleted.
    fn all(env: &TestEnv) -> Vec<Self> {
        let records = env.twenty.records("opportunity").unwrap();
        let live = records.iter().filter(|deal| deal["deletedAt"].is_null());
        let text = |value: &Value| {
            value
                .as_str()
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let time = |value: &Value| value.as_str().map(|time| time.parse().unwrap());
        live.map(|deal| Self {
            id: text(&deal["id"]).unwrap(),
            name: text(&deal["name"]).unwrap(),
            stage: text(&deal["stage"]).unwrap(),
            micros: match &deal["amount"]["amountMicros"] {
                Value::Null => None,
                micros => Some(micros.to_string().trim_matches('"').parse().unwrap()),
            },
            currency: text(&deal["amount"]["currencyCode"]),
            close: time(&deal["closeDate"]),
            owner: text(&deal["ownerId"]),
            company: text(&deal["companyId"]),
            updated: time(&deal["updatedAt"]).unwrap(),
        })
        .collect()
    }

    fn is_open(&self) -> bool {
        OPEN.contains(&self.stage.as_str())
    }

    /// The day that is meant: midnight in UTC stands for that day, wherever somebody is.
    fn closes(&self) -> Option<Date> {
        let close = self.close?;
        let utc = TimeZone::UTC.to_datetime(close);
        let midnight = utc.time() == jiff::civil::Time::midnight();
        Some(if midnight { utc.date() } else { local(close) })
    }
}

fn zone() -> TimeZone {
    TimeZone::get("America/New_York").unwrap()
}

fn local(time: Timestamp) -> Date {
    zone().to_datetime(time).date()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn decimal(micros: i128) -> String {
    let (units, rest) = (micros / 1_000_000, micros % 1_000_000);
    match rest {
        0 => units.to_string(),
        rest => format!("{units}.{}", format!("{rest:06}").trim_end_matches('0')),
    }
}

/// A workspace with deals of every odd kind beside those of its size.
async fn workspace(opportunities: u32) -> TestEnv {
    let env = TestEnv::with(TestOptions {
        size: Size {
            people: 0,
            opportunities,
            tasks: 0,
        },
        ..TestOptions::default()
    })
    .await;
    for (number, data) in [
        (
            36,
            json!({ "amount": { "amountMicros": 2_500_000_000_i64, "currencyCode": "" } }),
        ),
        (
            37,
            json!({ "amount": { "amountMicros": null, "currencyCode": "EUR" } }),
        ),
        (38, json!({ "closeDate": "2026-04-01T00:00:00.000Z" })),
        (
            39,
            json!({ "amount": { "amountMicros": 15_000_000_000_000_000_i64, "currencyCode": "IDR" } }),
        ),
        (
            40,
            json!({ "amount": { "amountMicros": 1_250_500_001_i64, "currencyCode": "EUR" } }),
        ),
        (41, json!({ "closeDate": "2026-04-01T03:59:59.000Z" })),
    ] {
        let change = json!({ "id": deal_id(number), "data": data });
        env.beside(CHANGE, change).await;
    }
    env
}

type Fits = Box<dyn Fn(&Kept) -> bool>;

/// Filters as arguments, each with what meets it.
fn filters() -> Vec<(Value, Fits)> {
    let (robin, sam) = (ROBIN.to_string(), SAM.to_string());
    let acme = company_id(1).to_string();
    let owned = |id: String| move |deal: &Kept| deal.is_open() && deal.owner.as_ref() == Some(&id);
    let within = |deal: &Kept, from: &str, to: &str| {
        deal.closes()
            .is_some_and(|closes| day(from) <= closes && closes <= day(to))
    };
    let since = zone()
        .to_zoned(day("2026-02-20").at(0, 0, 0, 0))
        .unwrap()
        .timestamp();
    vec![
        (json!({}), Box::new(Kept::is_open)),
        (json!({ "stages": ["all"] }), Box::new(|_| true)),
        (
            json!({ "stages": ["proposal", "Customer", "PROPOSAL"] }),
            Box::new(|deal| ["PROPOSAL", "CUSTOMER"].contains(&deal.stage.as_str())),
        ),
        (json!({ "owner": "me" }), Box::new(owned(robin.clone()))),
        (
            json!({ "owner": SAM_EMAIL.to_uppercase() }),
            Box::new(owned(sam.clone())),
        ),
        (
            json!({ "owner": "none", "stages": ["all"] }),
            Box::new(|deal| deal.owner.is_none()),
        ),
        (
            json!({ "closesFrom": "2026-04-01", "closesTo": "2026-06-30" }),
            Box::new(move |deal| deal.is_open() && within(deal, "2026-04-01", "2026-06-30")),
        ),
        (
            json!({ "closesTo": "2026-03-31", "stages": ["all"] }),
            Box::new(move |deal| within(deal, "1900-01-01", "2026-03-31")),
        ),
        (
            json!({ "closesFrom": "2026-03-31" }),
            Box::new(move |deal| deal.is_open() && within(deal, "2026-03-31", "9000-01-01")),
        ),
        (
            json!({ "changedSince": "2026-02-20", "stages": ["all"] }),
            Box::new(move |deal| deal.updated >= since),
        ),
        (
            json!({ "amountFrom": "40000", "amountTo": "84000.5" }),
            Box::new(|deal| {
                let range = 40_000_000_000..=84_000_500_000;
                deal.is_open() && deal.micros.is_some_and(|micros| range.contains(&micros))
            }),
        ),
        (
            json!({ "amountFrom": "14000000000" }),
            Box::new(|deal| deal.is_open() && deal.micros >= Some(14_000_000_000_000_000)),
        ),
        (
            json!({ "noAmount": true }),
            Box::new(|deal| deal.is_open() && deal.micros.is_none()),
        ),
        (
            json!({ "noAmount": true, "owner": "me" }),
            Box::new(move |deal| {
                deal.is_open() && deal.micros.is_none() && deal.owner.as_ref() == Some(&robin)
            }),
        ),
        (
            json!({ "company": acme.to_uppercase() }),
            Box::new({
                let acme = acme.clone();
                move |deal| deal.is_open() && deal.company.as_ref() == Some(&acme)
            }),
        ),
        (
            json!({ "company": acme, "owner": SAM_EMAIL, "stages": ["NEW"], "closesTo": "2020-01-01" }),
            Box::new(|_| false),
        ),
    ]
}

/// Deals and sum by key and by currency.
type Sums = BTreeMap<(Option<String>, Option<String>), (u64, String)>;

/// The key that a deal is counted under.
type Key<'k> = &'k dyn Fn(&Kept) -> Option<String>;

/// Counts what the records say.
fn counted(deals: &[&Kept], key: Key<'_>) -> Sums {
    let mut sums: BTreeMap<_, (u64, i128)> = BTreeMap::new();
    for deal in deals {
        if let Some(micros) = deal.micros {
            let sum = sums.entry((key(deal), deal.currency.clone())).or_default();
            *sum = (sum.0 + 1, sum.1 + micros);
        }
    }
    let shown = |(key, (deals, sum))| (key, (deals, decimal(sum)));
    sums.into_iter().map(shown).collect()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Reads what the answer says.
fn said(answer: &Value) -> Sums {
    let mut sums = Sums::new();
    for group in answer["groups"].as_array().unwrap() {
        for sum in group["sums"].as_array().unwrap() {
            let shown = text(&sum["sum"]).unwrap();
            let known = sums.insert(
                (text(&group["key"]), text(&sum["currency"])),
                (sum["deals"].as_u64().unwrap(), shown),
            );
            assert!(known.is_none(), "twice: {answer:#}");
        }
    }
    sums
}

/// Puts records into the order of a sort.
fn in_order<'k>(deals: &[&'k Kept], sort: &str) -> Vec<&'k str> {
    let mut deals = deals.to_vec();
    let stage = |deal: &Kept| {
        OPEN.iter()
            .position(|stage| *stage == deal.stage)
            .unwrap_or(4)
    };
    deals.sort_by(|a, b| {
        let ordered = match sort {
            "close-date" => (a.close.is_none(), a.close).cmp(&(b.close.is_none(), b.close)),
            "amount" => b.micros.cmp(&a.micros),
            "changed" => b.updated.cmp(&a.updated),
            "stage" => stage(a).cmp(&stage(b)),
            _ => a.name.cmp(&b.name),
        };
        ordered.then_with(|| a.id.cmp(&b.id))
    });
    deals.into_iter().map(|deal| deal.id.as_str()).collect()
}

async fn agrees_with_its_records(env: &TestEnv) -> usize {
    let kept = Kept::all(env);
    let members = env.twenty.records("workspaceMember").unwrap();
    let emails: BTreeMap<String, String> = members
        .iter()
        .filter(|member| member["deletedAt"].is_null())
        .map(|member| {
            (
                text(&member["id"]).unwrap(),
                text(&member["userEmail"]).unwrap(),
            )
        })
        .collect();
    let month = |deal: &Kept| deal.close.map(|at| local(at).to_string()[..7].to_owned());
    let owner = |deal: &Kept| emails.get(deal.owner.as_ref()?).cloned();
    let stage = |deal: &Kept| Some(deal.stage.clone());
    let mut rows = 0;
    for (filter, fits) in filters() {
        let meet: Vec<&Kept> = kept.iter().filter(|deal| fits(deal)).collect();
        let sorts = ["close-date", "amount", "changed", "stage", "name"];
        let keys: [(&str, Key<'_>); 3] = [("stage", &stage), ("month", &month), ("owner", &owner)];
        for (nth, sort) in sorts.into_iter().enumerate() {
            let (by, key) = keys[nth % 3];
            let mut arguments = filter.clone();
            arguments["by"] = json!(by);
            arguments["sort"] = json!(sort);
            arguments["limit"] = json!(25);
            let answer = env.ok("crm_deals", arguments.clone()).await;
            let without = meet.iter().filter(|deal| deal.micros.is_none()).count();
            assert_eq!(answer["total"], meet.len(), "{arguments}");
            assert_eq!(answer["withoutAmount"], without, "{arguments}");
            assert_eq!(said(&answer), counted(&meet, key), "{arguments}");
            let together = json!({ "groups": [{ "sums": answer["sums"] }] });
            assert_eq!(said(&together), counted(&meet, &|_| None), "{arguments}");
            if filter["noAmount"] == true {
                let groups = answer["groups"].as_array().unwrap();
                let deals: u64 = groups
                    .iter()
                    .map(|group| group["deals"].as_u64().unwrap())
                    .sum();
                assert_eq!(deals, meet.len() as u64, "{arguments}");
            }
            let listed = answer["deals"].as_array().unwrap();
            let ids: Vec<&str> = listed
                .iter()
                .map(|row| row["id"].as_str().unwrap())
                .collect();
            let expected = in_order(&meet, sort);
            assert_eq!(ids, expected[..expected.len().min(25)], "{arguments}");
            let note = "deals: whether others are in an earlier stage than these";
            let missing = answer["missing"].as_array().unwrap();
            let others = missing.iter().filter(|missing| **missing != note);
            assert_eq!(others.count(), 0, "{arguments}: {missing:?}");
            rows += ids.len();
        }
    }
    rows
}

#[tokio::test]
async fn sums_of_the_sample_are_its_records() {
    let env = workspace(0).await;
    assert!(agrees_with_its_records(&env).await > 500);
}

#[tokio::test]
async fn sums_of_thousands_of_deals_are_theirs() {
    let env = workspace(5_000).await;
    assert!(Kept::all(&env).len() > 5_000);
    assert!(agrees_with_its_records(&env).await > 1_000);
}

/// The names of the operations that Twenty was asked, in order.
fn operations(env: &TestEnv) -> Vec<String> {
    let name = |body: Value| {
        let query = body["query"].as_str().unwrap().to_owned();
        let named = query
            .lines()
            .find_map(|line| line.strip_prefix("query "))
            .unwrap();
        named
            .split(|c: char| !c.is_alphanumeric())
            .next()
            .unwrap()
            .to_owned()
    };
    let requests = env.twenty.requests().all().into_iter();
    requests
        .filter_map(|request| request.json())
        .map(name)
        .collect()
}

#[tokio::test]
async fn two_requests_whatever_is_asked() {
    let env = TestEnv::with(TestOptions {
        size: Size {
            people: 0,
            opportunities: 300,
            tasks: 0,
        },
        ..TestOptions::default()
    })
    .await;
    let looked_up: BTreeSet<&str> = ["Members", "Stages", "FieldTypes"].into();
    let mut asked = BTreeSet::new();
    for sort in ["close-date", "amount", "changed", "stage", "name"] {
        for by in ["stage", "month", "owner"] {
            let arguments = json!({
                "owner": "me", "stages": ["Proposal"], "company": company_id(1), "by": by, "sort": sort,
                "closesFrom": "2026-01-01", "changedSince": "2025-01-01", "amountFrom": "1",
            });
            env.twenty.requests().clear();
            let (cost, outcome) = env.cost("crm_deals", arguments).await;
            outcome.result().unwrap();
            assert_eq!(cost, 2, "{by} {sort}");
            let names = operations(&env);
            let begin = |with: &str| names.iter().filter(|name| name.starts_with(with)).count();
            assert_eq!((begin("Deals"), begin("Pipeline")), (1, 1), "{names:?}");
            let others = names.len() - 2;
            // What is kept for some minutes is asked for once.
            assert_eq!(others, if asked.is_empty() { 2 } else { 0 }, "{names:?}");
            asked.extend(names);
        }
    }
    let own = |name: &&String| name.starts_with("Deals") || name.starts_with("Pipeline");
    assert_eq!(asked.iter().filter(own).count(), 8, "{asked:?}");
    assert!(
        asked
            .iter()
            .all(|name| own(&name) || looked_up.contains(name.as_str()))
    );
    // A name takes a search, and another for names that are written otherwise.
    let (cost, _) = env
        .cost("crm_deals", json!({ "company": "Bluefin Logistics" }))
        .await;
    assert_eq!(cost, 3);
    let (cost, _) = env
        .cost("crm_deals", json!({ "company": "Blufin Logistix" }))
        .await;
    assert!(cost <= 2, "{cost}");
}

#[tokio::test]
async fn wrong_arguments_name_field_and_fix() {
    let env = TestEnv::new().await;
    for (arguments, case, field, told) in [
        (
            json!({ "stages": [] }),
            "invalid-input",
            "stages",
            "at least one stage",
        ),
        (
            json!({ "stages": ["Proposel"] }),
            "invalid-input",
            "stages",
            "Give one of NEW, SCREENING, MEETING, PROPOSAL, CUSTOMER; the nearest is PROPOSAL.",
        ),
        (
            json!({ "stages": ["all", "NEW"] }),
            "invalid-input",
            "stages",
            "\"all\"",
        ),
        (
            json!({ "stages": "NEW" }),
            "invalid-input",
            "stages",
            "list",
        ),
        (
            json!({ "owner": "Sam" }),
            "invalid-input",
            "owner",
            "crm_status lists them",
        ),
        (
            json!({ "owner": "" }),
            "invalid-input",
            "owner",
            "e-mail address",
        ),
        (
            json!({ "owner": "who@example.com" }),
            "invalid-input",
            "owner",
            "nobody in this CRM",
        ),
        (
            json!({ "owner": "not an@address" }),
            "invalid-input",
            "owner",
            "no e-mail address",
        ),
        (
            json!({ "closesFrom": "2026-04-02", "closesTo": "2026-04-01" }),
            "invalid-input",
            "closesFrom",
            "2026-04-02 is after closesTo, 2026-04-01",
        ),
        (
            json!({ "closesFrom": "this quarter" }),
            "invalid-input",
            "closesFrom",
            "YYYY-MM-DD",
        ),
        (
            json!({ "closesTo": "2026-02-30" }),
            "invalid-input",
            "closesTo",
            "YYYY-MM-DD",
        ),
        (
            json!({ "changedSince": "yesterday" }),
            "invalid-input",
            "changedSince",
            "YYYY-MM-DD",
        ),
        (
            json!({ "amountFrom": "10k" }),
            "invalid-input",
            "amountFrom",
            "decimal",
        ),
        (
            json!({ "amountTo": "1,000" }),
            "invalid-input",
            "amountTo",
            "decimal",
        ),
        (
            json!({ "amountFrom": "2", "amountTo": "1.5" }),
            "invalid-input",
            "amountFrom",
            "2 is over amountTo, 1.5",
        ),
        (
            json!({ "noAmount": true, "amountTo": "5" }),
            "invalid-input",
            "noAmount",
            "either noAmount",
        ),
        (
            json!({ "company": " " }),
            "invalid-input",
            "company",
            "at least one word",
        ),
        (json!({ "by": "week" }), "invalid-input", "by", "month"),
        (json!({ "sort": "size" }), "invalid-input", "sort", "amount"),
        (json!({ "limit": 0 }), "invalid-input", "limit", "1 to 25"),
        (json!({ "limit": 26 }), "invalid-input", "limit", "1 to 25"),
        (
            json!({ "stage": "NEW" }),
            "invalid-input",
            "stage",
            "stages",
        ),
    ] {
        let failure = env.fails("crm_deals", arguments.clone(), case).await;
        assert_eq!(failure["field"], field, "{arguments}: {failure:#}");
        let words = format!(
            "{} {}",
            failure["reason"].as_str().unwrap(),
            failure["next"].as_str().unwrap()
        );
        assert!(words.contains(told), "{arguments}: {words}");
    }
    env.fails("crm_deals", json!({ "company": "Quuxwerk" }), "not-found")
        .await;
    let person = "https://crm.example.com/object/person/5a000003-0000-4000-8000-000000000001";
    env.fails("crm_deals", json!({ "company": person }), "not-found")
        .await;
    let failure = env
        .fails(
            "crm_deals",
            json!({ "company": "Blufin Logistics" }),
            "ambiguous",
        )
        .await;
    assert_eq!(
        failure["candidates"][0]["label"], "Bluefin Logistics",
        "{failure:#}"
    );
    // None of these has asked for deals.
    let asked = operations(&env);
    assert!(
        !asked.iter().any(|name| name.starts_with("Deals")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn filter_that_no_deal_meets_is_an_answer() {
    let env = TestEnv::new().await;
    for (arguments, words) in [
        (
            json!({ "closesFrom": "2031-01-01", "closesTo": "2031-03-31", "owner": "me" }),
            "Nothing meets this: open deals of Robin Hale, closing from 2031-01-01 to 2031-03-31.",
        ),
        (
            json!({ "changedSince": "2030-01-01", "stages": ["NEW", "MEETING"] }),
            "Nothing meets this: deals in NEW or MEETING, changed since 2030-01-01.",
        ),
        (
            json!({ "noAmount": true, "company": "Bluefin Logistics", "stages": ["CUSTOMER"] }),
            "Nothing meets this: deals in CUSTOMER without an amount with Bluefin Logistics.",
        ),
    ] {
        let answer = env.ok("crm_deals", arguments).await;
        assert_eq!(answer["total"], 0);
        assert_eq!(answer["withoutAmount"], 0);
        for empty in ["sums", "groups", "deals", "missing"] {
            assert_eq!(answer[empty], json!([]), "{answer:#}");
        }
        assert_eq!(answer["markdown"], format!("**No deals**\n{words}"));
    }
}

#[tokio::test]
async fn owner_who_has_left_is_not_nobody() {
    let env = TestEnv::new().await;
    let gone = FORMER_MEMBER.to_string();
    let theirs = env.with_value("opportunity", "ownerId", Some(&gone));
    let nobodys = env.with_value("opportunity", "ownerId", None);
    let answer = env
        .ok(
            "crm_deals",
            json!({ "stages": ["all"], "owner": "none", "by": "owner", "limit": 25 }),
        )
        .await;
    let rows = answer["deals"].as_array().unwrap();
    let ids: Vec<&Value> = rows.iter().map(|row| &row["id"]).collect();
    assert!(
        ids.contains(&&json!(nobodys)) && !ids.contains(&&json!(theirs)),
        "{ids:?}"
    );
    assert!(rows.iter().all(|row| row["owner"].is_null()));
    assert_eq!(answer["groups"][0]["label"], "no owner");

    let name = &env.twenty.record("opportunity", &theirs).unwrap()["companyId"];
    let all = json!({ "stages": ["all"], "company": name, "by": "owner", "limit": 25 });
    let answer = env.ok("crm_deals", all).await;
    let rows = answer["deals"].as_array().unwrap();
    let row = rows.iter().find(|row| row["id"] == theirs).unwrap();
    assert_eq!(row["owner"]["id"], gone);
    assert_eq!(
        row["owner"]["name"],
        format!("somebody unknown (member {gone})")
    );
    let labels: Vec<&str> = answer["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["label"].as_str().unwrap())
        .collect();
    assert_eq!(labels.last(), Some(&"no owner, or one who has left"));
}

#[tokio::test]
async fn member_beyond_the_first_page_is_found() {
    const LATE: u32 = 240;
    let twenty = TwentyStandIn::start(Options {
        clock: ManualClock::at(NOW.parse().unwrap()).clock(),
        members: 250,
        rate_limit: false,
        ..Options::default()
    })
    .await
    .unwrap();
    let env = TestEnv::with(TestOptions {
        twenty: Some(Arc::new(twenty)),
        ..TestOptions::default()
    })
    .await;
    let owner = json!({ "id": HEALTHY, "data": { "ownerId": more_member_id(LATE) } });
    env.beside(CHANGE, owner).await;
    let answer = env
        .ok(
            "crm_deals",
            json!({ "owner": more_member_email(LATE), "by": "owner" }),
        )
        .await;
    assert_eq!(answer["total"], 1);
    assert_eq!(answer["groups"][0]["key"], more_member_email(LATE));
    assert_eq!(answer["groups"][0]["label"], format!("Member {LATE}"));
    assert_eq!(
        answer["deals"][0]["owner"]["email"],
        more_member_email(LATE)
    );
    let unknown = json!({ "owner": "who@example.com" });
    let failure = env.fails("crm_deals", unknown, "invalid-input").await;
    assert_eq!(failure["field"], "owner");
}

#[tokio::test]
async fn part_that_is_refused_leaves_the_other() {
    let env = TestEnv::new().await;
    for (only, part, there) in [
        ("opportunitiesGroupBy", "sums", "deals"),
        ("opportunities", "deals", "groups"),
    ] {
        let fault = json!({ "fault": "partial-error", "only": only, "message": "Too busy", "code": "INTERNAL_SERVER_ERROR" });
        env.twenty
            .faults()
            .add(serde_json::from_value::<Fault>(fault).unwrap());
        let answer = env.ok("crm_deals", json!({})).await;
        env.twenty.faults().clear();
        assert!(!answer[there].as_array().unwrap().is_empty(), "{answer:#}");
        let missing = answer["missing"].as_array().unwrap();
        assert_eq!(missing.len(), 1, "{missing:?}");
        assert!(
            missing[0]
                .as_str()
                .unwrap()
                .starts_with(&format!("{part}: "))
        );
        assert!(answer["withoutAmount"].is_null());
    }
}

/// Whether the service lets a filter name a field that the key may not read is not recorded: the
/// stand-in refuses it, and then nothing is counted.
#[tokio::test]
async fn hidden_amount_is_refused_by_name() {
    let twenty = TwentyStandIn::start(Options {
        clock: ManualClock::at(NOW.parse().unwrap()).clock(),
        keys: vec![ApiKey {
            token: FULL_KEY.to_owned(),
            access: Access::Role(Role::hiding(&["opportunity.amount"])),
        }],
        rate_limit: false,
        ..Options::default()
    })
    .await
    .unwrap();
    let env = TestEnv::with(TestOptions {
        twenty: Some(Arc::new(twenty)),
        ..TestOptions::default()
    })
    .await;
    let failure = env.fails("crm_deals", json!({}), "denied").await;
    let reason = failure["reason"].as_str().unwrap();
    assert!(reason.contains("amount"), "{failure:#}");
}

#[tokio::test]
async fn text_of_a_pipeline() {
    let env = workspace(0).await;
    for (name, arguments) in [
        ("pipeline", json!({ "limit": 5 })),
        (
            "quarter",
            json!({ "closesFrom": "2026-04-01", "closesTo": "2026-06-30", "by": "month", "sort": "amount", "limit": 6 }),
        ),
        (
            "no_amount",
            json!({ "owner": "anyone", "noAmount": true, "by": "owner", "sort": "name" }),
        ),
        (
            "one_stage",
            json!({ "stages": ["Meeting"], "company": "Acme", "sort": "changed" }),
        ),
    ] {
        let answer = env.ok("crm_deals", arguments).await;
        insta::assert_snapshot!(name, answer["markdown"].as_str().unwrap());
    }
}
