//! The contract with the real service for the product's own documents: exchanges as the product
//! made them with Twenty 2.21, relations nested with and without `deletedAt`, owners who are gone,
//! and a key that may not read a field.
//!
//! The recordings are replayed where their folder is present beside the repository, matched by
//! operation and shape. Exchanges of the two shapes that matter most are among the fixtures of
//! `contract`, which are always replayed.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[allow(dead_code, reason = "each test uses its part")]
mod client;
#[path = "contract/compare.rs"]
mod compare;
#[path = "contract/exchange.rs"]
#[allow(dead_code, reason = "each test uses its part")]
mod exchange;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use client::send;
use compare::Rules;
use crm_stand_in::Running;
use crm_stand_in::clock::ManualClock;
use crm_stand_in::twenty::keys::{Access, ApiKey, FULL_KEY, READ_ONLY_KEY, Role, default_keys};
use crm_stand_in::twenty::sample::{
    BLOCKER_CASES, BlockerCase, HEALTHY, ROBIN, ROBIN_EMAIL, SAM, SAM_EMAIL, Size, company_id,
    deal_id, person_id, task_id,
};
use crm_stand_in::twenty::{Options, TwentyStandIn};
use exchange::Exchange;
use serde_json::Value;

/// A key that may not read the amounts of deals.
const WITHOUT_AMOUNTS: &str = "stand-in-key-without-amounts";

/// What stands in the sample for what was recorded: it is in the same relation to the rest.
fn case(code: &str) -> &'static BlockerCase {
    BLOCKER_CASES.iter().find(|case| case.code == code).unwrap()
}

fn stands_for() -> Vec<(&'static str, String)> {
    vec![
        ("20202020-0687-4c41-b707-ed1bfca972a7", ROBIN.to_string()),
        ("20202020-463f-435b-828c-107e007a2711", SAM.to_string()),
        ("339296a2-cb2d-53c6-b1eb-e41652f34dc7", HEALTHY.to_string()),
        ("e84ee225-fa90-44bd-bfb1-c448d2b31b92", HEALTHY.to_string()),
        (
            "04403f13-9767-5d57-917e-369ebed554b4",
            deal_id(31).to_string(),
        ),
        (
            "561224de-3198-5240-b984-85fc959ed388",
            person_id(1).to_string(),
        ),
        (
            "8ecee963-f4d9-50b8-a057-909a64906999",
            person_id(2).to_string(),
        ),
        (
            "48446ea5-942e-5603-adc9-c29797a3c731",
            company_id(1).to_string(),
        ),
        (
            "787b5414-8eeb-5285-820d-c57049cac02d",
            task_id(2).to_string(),
        ),
        // A deal whose owner is gone, and one that nobody owns.
        (
            "205f1447-47d3-4582-a465-55572ffce841",
            case("no-owner").unknown.to_string(),
        ),
        (
            "2f3cee22-4ca7-461a-8a8e-fb426ac9c9cf",
            case("no-owner").fires.to_string(),
        ),
        (
            "Northwind fleet renewal 2027",
            "Line 4 sensor retrofit".to_owned(),
        ),
        ("Helios", "Acme".to_owned()),
        ("northwind", "acme".to_owned()),
        ("tim@apple.dev", ROBIN_EMAIL.to_owned()),
        ("jane.austen@apple.dev", SAM_EMAIL.to_owned()),
    ]
}

/// Exchanges with a key that may not do what they ask.
const REFUSED: [&str; 2] = ["gql-CreateCompany-1", "gql-CreateCompany-2"];

/// Exchanges about what others have written; those come first.
const AFTER_WRITES: [&str; 5] = [
    "gql-RereadPerson-1",
    "gql-UpsertPerson-1-with-deletedAt",
    "gql-UpsertPerson-2",
    "gql-UpdatePerson",
    "gql-UpsertOpportunity-1-with-deletedAt",
];

/// Where the recorded workspace's data decided, and not the request: the exchange, the place, and
/// what differs there.
const OTHER_DATA: &[(&str, &str, &str)] = &[
    (
        "gql-Blockers",
        "/data/timelineActivities/edges/node/properties",
        "other changes had been recorded there",
    ),
    (
        "gql-Blockers-1",
        "/data/noteTargets/edges",
        "the deal has a note here",
    ),
    (
        "gql-GetOpportunity",
        "/data/noteTargets/edges",
        "the deal has a note here",
    ),
    (
        "gql-BlockersWiden",
        "/data/timelineActivities/edges",
        "contact and company have no history here",
    ),
    (
        "gql-BlockersWiden",
        "/data/noteTargets/edges",
        "contact and company have no notes here",
    ),
    (
        "gql-FollowUps-1",
        "/data/tasks/pageInfo/hasNextPage",
        "there are more tasks here",
    ),
    (
        "gql-GetCompany",
        "/data/timelineActivities/edges",
        "the company has no history here",
    ),
    (
        "gql-GetCompany",
        "/data/taskTargets",
        "the company has no task here",
    ),
    (
        "gql-GetPerson",
        "/data/timelineActivities/edges",
        "the person has no history here",
    ),
    (
        "gql-GetPerson",
        "/data/noteTargets/edges",
        "the person has no notes here",
    ),
    (
        "gql-GetTask",
        "/data/timelineActivities/edges",
        "the task has no history here",
    ),
    (
        "gql-Search-",
        "/data/search/pageInfo/hasNextPage",
        "there are more hits here",
    ),
    (
        "gql-SearchDetails-1",
        "/data/companies/edges",
        "other companies are in the sample",
    ),
    (
        "gql-SearchDetails-1",
        "/data/people/edges",
        "other people are in the sample",
    ),
];

/// Why a difference is none of the stand-in's, if it is not.
fn other_data(name: &str, difference: &str) -> Option<&'static str> {
    let fits = |(of, place, _): &&(&str, &str, &str)| {
        name.starts_with(of) && difference.starts_with(place)
    };
    OTHER_DATA.iter().find(fits).map(|(_, _, why)| *why)
}

async fn start() -> Running {
    let clock = ManualClock::at("2026-11-22T20:30:00Z".parse().expect("a time"));
    let mut keys = default_keys();
    keys.push(ApiKey {
        token: WITHOUT_AMOUNTS.to_owned(),
        access: Access::Role(Role::hiding(&["opportunity.amount"])),
    });
    TwentyStandIn::start(Options {
        clock: clock.clock(),
        size: Size {
            people: 300,
            opportunities: 200,
            tasks: 600,
        },
        keys,
        rate_limit: false,
        ..Options::default()
    })
    .await
    .expect("it starts")
}

/// An exchange in the sample's words, and which strings stand for which.
fn translated(exchange: &Exchange) -> (Value, BTreeMap<String, String>) {
    let mut text = exchange.body.to_string();
    let mut echoes = BTreeMap::new();
    for (from, to) in stands_for() {
        if text.contains(from) {
            text = text.replace(from, &to);
            echoes.insert(from.to_owned(), to);
        }
    }
    let body = serde_json::from_str(&text).expect("still JSON");
    (body, echoes)
}

async fn replay(addr: SocketAddr, exchange: &Exchange, key: &str) -> Vec<String> {
    let (body, echoes) = translated(exchange);
    let answer = send(
        addr,
        &exchange.method,
        &exchange.path,
        Some(key),
        body.to_string(),
    )
    .await
    .unwrap_or_else(|e| panic!("{}: {e}", exchange.name));
    let recorded = exchange.response.as_ref().expect("an answer");
    let json = answer.json();
    let mut differences = Vec::new();
    if u64::from(answer.status) != recorded.status {
        differences.push(format!("status {}: {}", answer.status, answer.text()));
    } else {
        let rules = Rules {
            echoes,
            sizes: Vec::new(),
            data_decides: Vec::new(),
            other_data: true,
        };
        differences.extend(rules.differences(&recorded.body, &json));
    }
    differences
}

fn shared() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings")
}

#[tokio::test]
async fn recordings_of_the_product_come_out_the_same() {
    if !shared().is_dir() {
        println!(
            "skipped: no recordings at {} (they are not part of the repository)",
            shared().display()
        );
        return;
    }
    let (mut replayed, mut excused, mut failed) = (Vec::new(), 0, Vec::new());
    for (folder, key) in [
        ("twenty-product", FULL_KEY),
        ("twenty-field-permission", WITHOUT_AMOUNTS),
        ("twenty-next", FULL_KEY),
    ] {
        let all = Exchange::read_all(&shared().join(folder));
        let running = start().await;
        let mut order: Vec<&Exchange> = all
            .iter()
            .filter(|exchange| folder != "twenty-next" || exchange.name.starts_with("owner-"))
            .collect();
        let late = |exchange: &&Exchange| {
            AFTER_WRITES
                .iter()
                .any(|name| exchange.name.starts_with(name))
        };
        order.sort_by_key(|exchange| (late(exchange), exchange.query().contains("mutation ")));
        let mut count = 0;
        for exchange in order {
            let key = if REFUSED.contains(&exchange.name.as_str()) {
                READ_ONLY_KEY
            } else {
                key
            };
            for difference in replay(running.addr(), exchange, key).await {
                match other_data(&exchange.name, &difference) {
                    Some(why) => {
                        excused += 1;
                        println!(
                            "{}: {why}: {}",
                            exchange.name,
                            difference.chars().take(100).collect::<String>()
                        );
                    }
                    None => failed.push(format!("{folder} {}: {difference}", exchange.name)),
                }
            }
            count += 1;
        }
        replayed.push(count);
    }
    println!("{replayed:?} replayed, none left out; {excused} differences of the data");
    assert!(
        failed.is_empty(),
        "{} differences:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert_eq!(replayed, [82, 15, 8]);
}
