//! The contract with the real service for the product's own documents: exchanges as the product
//! made them with Twenty 2.21, those that found its quirks out, and exchanges of the repository's
//! own of the same shapes.
//!
//! The recordings are replayed where their folder is present beside the repository, matched by
//! operation and shape; then every one of them must also have a fixture of its shape. The fixtures
//! are always replayed.

#[allow(dead_code, reason = "each test uses its part")]
mod client;
#[path = "contract/compare.rs"]
mod compare;
#[path = "product/documents.rs"]
mod documents;
#[path = "contract/exchange.rs"]
#[allow(dead_code, reason = "each test uses its part")]
mod exchange;
#[path = "product/fixtures.rs"]
mod fixtures;
#[path = "product/quirks.rs"]
mod quirks;
#[path = "product/recorded.rs"]
mod recorded;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use client::{ask, send};
use compare::Rules;
use crm_stand_in::twenty::keys::FULL_KEY;
use crm_stand_in::twenty::sample::Size;
use documents::{Documents, Operation};
use exchange::Exchange;
use fixtures::{Fixture, Source, start, without_key_names};
use quirks::{NO_EXCHANGE, NOT_YET, NotYet, QUIRKS};
use recorded::{FOLDERS, other_data, shared, translated};
use serde_json::{Value, json};

/// Folders of fixtures, each with how many exchanges are in it.
const FIXTURES: [(&str, usize); 5] = [
    ("product", 64),
    ("hidden-field", 14),
    ("probes", 61),
    ("sent", 60),
    ("limited", 1),
];

async fn replay(addr: SocketAddr, folder: &recorded::Folder, exchange: &Exchange) -> Vec<String> {
    let (body, echoes) = translated(folder.name, exchange);
    let answer = send(
        addr,
        &exchange.method,
        &exchange.path,
        Some(folder.key(&exchange.name)),
        body.to_string(),
    )
    .await
    .unwrap_or_else(|e| panic!("{}: {e}", exchange.name));
    let recorded = exchange.response.as_ref().expect("an answer");
    if u64::from(answer.status) != recorded.status {
        return vec![format!("status {}: {}", answer.status, answer.text())];
    }
    let rules = Rules {
        echoes,
        other_data: true,
        ..Rules::default()
    };
    let named = |value: &Value| {
        serde_json::from_str::<Value>(&without_key_names(&value.to_string())).expect("still JSON")
    };
    rules.differences(&named(&recorded.body), &named(&answer.json()))
}

/// The recordings that the stand-in does not play, as folder and name, each with the reason.
fn not_played() -> BTreeMap<&'static str, &'static str> {
    NOT_YET
        .iter()
        .flat_map(|one| one.like.iter().map(|like| (*like, one.why)))
        .collect()
}

fn no_recordings() -> bool {
    let absent = !shared().is_dir();
    if absent {
        println!(
            "skipped: no recordings at {} (they are not part of the repository)",
            shared().display()
        );
    }
    absent
}

#[tokio::test]
async fn recordings_of_the_product_come_out_the_same() {
    if no_recordings() {
        return;
    }
    let not_played = not_played();
    let (mut replayed, mut left_out) = (Vec::new(), 0);
    let (mut excused, mut failed) = (0, Vec::new());
    for folder in &FOLDERS {
        let size = Size {
            people: 300,
            opportunities: 200,
            tasks: 600,
        };
        let running = start(size, false).await;
        let mut count = 0;
        for exchange in folder.in_order() {
            let name = format!("{}/{}", folder.name, exchange.name);
            if let Some(why) = not_played.get(name.as_str()) {
                println!("{name} left out: {why}");
                left_out += 1;
                continue;
            }
            for difference in replay(running.addr(), folder, &exchange).await {
                match other_data(&exchange.name, &difference) {
                    Some(why) => {
                        excused += 1;
                        println!(
                            "{name}: {why}: {}",
                            difference.chars().take(100).collect::<String>()
                        );
                    }
                    None => failed.push(format!("{name}: {difference}")),
                }
            }
            count += 1;
        }
        replayed.push(count);
    }
    println!("{replayed:?} replayed, {left_out} left out; {excused} differences of the data");
    assert!(
        failed.is_empty(),
        "{} differences:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert_eq!(
        (replayed.as_slice(), left_out),
        ([82, 15, 43].as_slice(), 8)
    );
}

/// The exchanges of a folder, those that read before those that write.
async fn replay_fixtures(
    addr: [SocketAddr; 2],
    folder: &str,
    all: &[Fixture],
    failed: &mut Vec<String>,
) {
    let [for_reads, for_writes] = addr;
    for fixture in all {
        let name = &fixture.exchange.name;
        let addr = if name.starts_with("write-") {
            for_writes
        } else {
            for_reads
        };
        let differences = fixture.replay(addr).await;
        failed.extend(
            differences
                .into_iter()
                .map(|d| format!("{folder}/{name}: {d}")),
        );
    }
}

#[tokio::test]
async fn fixtures_of_the_product_come_out_the_same() {
    let (mut counted, mut failed) = (Vec::new(), Vec::new());
    for (folder, _) in FIXTURES.iter().filter(|(name, _)| *name != "limited") {
        let all = Fixture::read_all(folder);
        let running = [
            start(Size::default(), false).await,
            start(Size::default(), false).await,
        ];
        replay_fixtures(
            running.each_ref().map(|r| r.addr()),
            folder,
            &all,
            &mut failed,
        )
        .await;
        counted.push((*folder, all.len()));
    }
    println!("replayed: {counted:?}");
    assert!(
        failed.is_empty(),
        "{} differences:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[tokio::test]
async fn a_reached_limit_comes_out_the_same() {
    let all = Fixture::read_all("limited");
    let mut failed = Vec::new();
    for fixture in &all {
        let running = start(Size::default(), true).await;
        for _ in 0..100 {
            let query = "{ people(first: 1) { totalCount } }";
            let answer = ask(running.addr(), FULL_KEY, query, json!({})).await;
            assert_eq!(answer.get("errors"), None);
        }
        let differences = fixture.replay(running.addr()).await;
        let name = &fixture.exchange.name;
        failed.extend(differences.into_iter().map(|d| format!("{name}: {d}")));
    }
    println!("{} replayed with an empty bucket", all.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// All fixtures of this test.
fn all_fixtures() -> Vec<(&'static str, Fixture)> {
    let folders = FIXTURES.iter().map(|(folder, _)| *folder);
    folders
        .flat_map(|folder| {
            Fixture::read_all(folder)
                .into_iter()
                .map(move |f| (folder, f))
        })
        .collect()
}

#[tokio::test]
async fn every_quirk_has_an_exchange_or_a_reason() {
    let known: BTreeSet<&str> = QUIRKS.iter().map(|(id, _)| *id).collect();
    assert_eq!(known.len(), QUIRKS.len(), "each stands there once");
    let mut shown: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut note = |quirk: &str, by: &str| {
        assert!(
            known.contains(quirk),
            "{by} shows {quirk}, which is no quirk"
        );
        shown
            .entry(quirk.to_owned())
            .or_default()
            .push(by.to_owned());
    };
    let all = all_fixtures();
    for (folder, fixture) in &all {
        for quirk in &fixture.shows {
            note(quirk, &format!("{folder}/{}", fixture.exchange.name));
        }
    }
    for (quirk, by) in fixtures::shown_by_those_of_the_sample() {
        note(&quirk, &by);
    }
    let by_fixtures = shown.len();
    for one in NOT_YET {
        for quirk in one.shows {
            assert!(
                !shown.contains_key(*quirk),
                "{quirk} is shown, and not yet: {}",
                one.why
            );
        }
    }
    let not_yet: BTreeSet<&str> = NOT_YET
        .iter()
        .flat_map(|one| one.shows.iter().copied())
        .collect();
    let never: BTreeSet<&str> = NO_EXCHANGE.iter().map(|(id, _)| *id).collect();
    for (id, sentence) in QUIRKS {
        match shown.get(*id) {
            Some(by) => println!("{id} {sentence}: {}", by.join(" ")),
            None => assert!(
                not_yet.contains(id) || never.contains(id),
                "no exchange shows {id}: {sentence}"
            ),
        }
    }
    println!(
        "{} quirks: {by_fixtures} shown, {} not yet, {} never",
        QUIRKS.len(),
        not_yet.len(),
        never.len()
    );
    assert_eq!(by_fixtures + not_yet.len() + never.len(), QUIRKS.len());
}

/// Checks that the stand-in does not know what is asked; what it answered, if it does.
async fn is_unknown(addr: SocketAddr, one: &NotYet) -> Result<(), String> {
    let answer = send(
        addr,
        one.method,
        one.path,
        Some(FULL_KEY),
        one.body.to_owned(),
    )
    .await
    .expect("an answer");
    let json = answer.json();
    let said = |at: &str| json.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let unknown = match answer.status {
        501 => said("/error").starts_with("not implemented by this stand-in: "),
        404 => said("/message").starts_with("Cannot "),
        _ => said("/errors/0/message").starts_with("Cannot query field "),
    };
    if unknown { Ok(()) } else { Err(answer.text()) }
}

#[tokio::test]
async fn what_is_not_played_yet_is_not_answered() {
    let running = start(Size::default(), false).await;
    for one in NOT_YET {
        if let Err(answered) = is_unknown(running.addr(), one).await {
            panic!(
                "{} {} {} is answered by now: {answered}\nGive it a fixture and take it out of NOT_YET.",
                one.method, one.path, one.body
            );
        }
        println!(
            "{} {}: {}",
            one.shows.join(" "),
            one.like.join(" "),
            one.why
        );
    }
    println!("{} not played yet", NOT_YET.len());
    assert_eq!(NOT_YET.len(), 13);
}

#[test]
fn documents_of_the_product_are_sent_by_name() {
    let all = all_fixtures();
    let sent: BTreeSet<String> = all
        .iter()
        .filter(|(_, fixture)| fixture.source == Source::Product)
        .map(|(_, fixture)| Operation::of(fixture.exchange.query()).name)
        .collect();
    let product = Documents::of_the_product();
    let without: Vec<&str> = product
        .names()
        .filter(|name| !sent.contains(*name))
        .collect();
    println!(
        "{} documents are sent by fixtures, without one: {without:?}",
        sent.len()
    );
    let counts: Vec<(&str, usize)> = FIXTURES
        .iter()
        .map(|(folder, _)| (*folder, all.iter().filter(|(of, _)| of == folder).count()))
        .collect();
    println!("{counts:?}");
    assert_eq!(counts, FIXTURES);
}

/// Gathers strings of two sets of variables that stand at the same place; true if both sets are of
/// one shape.
fn stand_for(recorded: &Value, own: &Value, echoes: &mut BTreeMap<String, String>) -> bool {
    match (recorded, own) {
        (Value::Object(recorded), Value::Object(own)) => {
            recorded.keys().eq(own.keys())
                && recorded
                    .iter()
                    .all(|(name, value)| stand_for(value, &own[name], echoes))
        }
        (Value::Array(recorded), Value::Array(own)) => {
            recorded.is_empty() == own.is_empty()
                && recorded
                    .iter()
                    .zip(own)
                    .all(|(a, b)| stand_for(a, b, echoes))
        }
        (Value::String(recorded), Value::String(own)) => {
            echoes.insert(recorded.clone(), own.clone());
            true
        }
        _ => std::mem::discriminant(recorded) == std::mem::discriminant(own),
    }
}

/// The differences in shape between a recording and a fixture that is like it.
fn unlike(recorded: &Exchange, fixture: &Fixture) -> Vec<String> {
    let own = &fixture.exchange;
    let mut found = Vec::new();
    let roots = |exchange: &Exchange| exchange.roots().into_iter().collect::<BTreeSet<_>>();
    if roots(recorded) != roots(own) {
        found.push(format!("it asks for {:?}", own.roots()));
    }
    let variables =
        |exchange: &Exchange| exchange.body.get("variables").cloned().unwrap_or_default();
    let mut echoes = BTreeMap::new();
    let (theirs, ours) = (variables(recorded), variables(own));
    let none = |value: &Value| value.as_object().is_none_or(serde_json::Map::is_empty);
    let both_none = none(&theirs) && none(&ours);
    if !both_none && !stand_for(&theirs, &ours, &mut echoes) {
        found.push(format!("its variables are {ours}, recorded {theirs}"));
    }
    let (Some(theirs), Some(ours)) = (&recorded.response, &own.response) else {
        found.push("one of them has no answer".to_owned());
        return found;
    };
    if theirs.status != ours.status {
        found.push(format!(
            "its status is {}, recorded {}",
            ours.status, theirs.status
        ));
    }
    let named = |value: &Value| {
        serde_json::from_str::<Value>(&without_key_names(&value.to_string())).expect("still JSON")
    };
    let rules = Rules {
        echoes,
        other_data: true,
        ..Rules::default()
    };
    let differences = rules.differences(&named(&theirs.body), &named(&ours.body));
    found.extend(
        differences
            .into_iter()
            .filter(|difference| other_data(&recorded.name, difference).is_none()),
    );
    found
}

#[test]
fn every_recording_has_a_fixture_of_its_shape() {
    if no_recordings() {
        return;
    }
    let fixtures = all_fixtures();
    let not_played = not_played();
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for folder in &FOLDERS {
        let mut count = 0;
        for recorded in Exchange::read_all(&folder.path()) {
            let name = format!("{}/{}", folder.name, recorded.name);
            if not_played.contains_key(name.as_str()) {
                continue;
            }
            let like: Vec<&Fixture> = fixtures
                .iter()
                .map(|(_, fixture)| fixture)
                .filter(|fixture| fixture.like.contains(&name))
                .collect();
            if like.is_empty() {
                failed.push(format!("{name} has no fixture"));
            }
            for fixture in like {
                let own = &fixture.exchange.name;
                let differences = unlike(&recorded, fixture).into_iter();
                failed.extend(differences.map(|d| format!("{own} is not like {name}: {d}")));
            }
            count += 1;
        }
        found.push(count);
    }
    println!(
        "{found:?} recordings have a fixture, {} are not played",
        not_played.len()
    );
    assert!(
        failed.is_empty(),
        "{} differences:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert_eq!(found, [82, 15, 43]);
}
