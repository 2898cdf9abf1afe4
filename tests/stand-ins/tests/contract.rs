//! The contract with the real service: recorded exchanges are replayed and must come out the same
//! in status, content type, fields, types, errors, and every value that the request itself decides.
//!
//! The real service's recordings are replayed where their folder is present beside the repository;
//! exchanges of the same shapes with names and values of the sample are in `fixtures/` and are
//! always replayed, by the same comparison.

#[allow(dead_code, reason = "each test uses its part")]
mod client;
#[path = "contract/compare.rs"]
mod compare;
#[path = "contract/exchange.rs"]
mod exchange;
#[path = "contract/recordings.rs"]
mod recordings;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use client::{ask, send};
use compare::Rules;
use crm_stand_in::Running;
use crm_stand_in::clock::ManualClock;
use crm_stand_in::twenty::keys::FULL_KEY;
use crm_stand_in::twenty::sample::{Size, deal_id, task_id};
use crm_stand_in::twenty::{Options, TwentyStandIn};
use exchange::Exchange;
use recordings::{
    At, BY_NAME, DATA_DECIDES, KEYS, LeftOut, NEWCOMER, OTHER_DATA, PLAYED, To, changes,
};
use serde_json::{Value, json};

/// Returns the reason that a recording is left out, if it is.
fn left_out(exchange: &Exchange) -> Option<LeftOut> {
    // Twenty-one roots are refused for their number, whatever they are.
    let roots = exchange.roots();
    let played = |root: &String| PLAYED.contains(&root.strip_suffix("GroupBy").unwrap_or(root));
    if roots.len() <= 20 && !roots.iter().all(played) {
        return Some(LeftOut::OtherRoots);
    }
    BY_NAME
        .iter()
        .find(|(name, _)| *name == exchange.name)
        .map(|(_, why)| *why)
}

async fn start(size: Size) -> Running {
    let clock = ManualClock::at("2026-11-22T20:30:00Z".parse().expect("a time"));
    TwentyStandIn::start(Options {
        clock: clock.clock(),
        size,
        rate_limit: false,
        ..Options::default()
    })
    .await
    .expect("it starts")
}

/// The request to send for an exchange, and what it changed in it.
async fn changed(
    addr: SocketAddr,
    exchange: &Exchange,
    answers: &BTreeMap<String, Value>,
) -> (Value, BTreeMap<String, String>) {
    let mut body = exchange.body.clone();
    let mut echoes = BTreeMap::new();
    note_strings(&exchange.body, &mut echoes);
    for (_, at, to) in changes()
        .into_iter()
        .filter(|(name, ..)| *name == exchange.name)
    {
        let value = match to {
            To::Is(value) => value,
            To::Deals(count) => (1..=count).map(|n| json!(deal_id(n).to_string())).collect(),
            To::LinkOf(task) => {
                let query =
                    "query($t:UUID!){ taskTargets(filter:{taskId:{eq:$t}}){ edges{node{id}} } }";
                let answer = ask(
                    addr,
                    FULL_KEY,
                    query,
                    json!({"t": task_id(task).to_string()}),
                )
                .await;
                answer
                    .pointer("/data/taskTargets/edges/0/node/id")
                    .cloned()
                    .expect("the task has a link")
            }
            To::From(other, pointer) => answers
                .get(other)
                .and_then(|a| a.pointer(pointer))
                .cloned()
                .unwrap_or_else(|| panic!("{other} has no {pointer}")),
        };
        match at {
            At::Answered(pointer) => {
                let recorded = exchange.response.as_ref().map(|r| &r.body);
                let from = recorded.and_then(|body| body.pointer(pointer)?.as_str());
                let from = from.unwrap_or_else(|| panic!("{} has no {pointer}", exchange.name));
                echoes.insert(from.to_owned(), value.as_str().expect("text").to_owned());
            }
            At::Pointer(pointer) => {
                let slot = body
                    .pointer_mut(pointer)
                    .unwrap_or_else(|| panic!("{} has no {pointer}", exchange.name));
                if let (Some(from), Some(to)) = (slot.as_str(), value.as_str()) {
                    echoes.insert(from.to_owned(), to.to_owned());
                }
                *slot = value;
            }
            At::Text(_) | At::Uuid => {
                let query = exchange.query();
                let from = match at {
                    At::Text(from) => from.to_owned(),
                    _ => query
                        .split('"')
                        .find(|part| uuid::Uuid::try_parse(part).is_ok())
                        .expect("a UUID in the query")
                        .to_owned(),
                };
                assert!(
                    query.contains(&from),
                    "{}: {from} is not in the query",
                    exchange.name
                );
                let to = value.as_str().expect("text").to_owned();
                let query = body
                    .get("query")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .replace(&from, &to);
                body["query"] = json!(query);
                echoes.insert(from, to);
            }
        }
    }
    (body, echoes)
}

/// Every string among the variables stands for itself until it is changed.
fn note_strings(value: &Value, echoes: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(k, _)| *k != "query")
            .for_each(|(_, v)| note_strings(v, echoes)),
        Value::String(text) => {
            echoes.insert(text.clone(), text.clone());
        }
        _ => {}
    }
}

/// Replays one exchange; the differences, and the answer for later exchanges to refer to.
async fn replay(
    addr: SocketAddr,
    exchange: &Exchange,
    answers: &BTreeMap<String, Value>,
) -> (Vec<String>, Value) {
    let (body, echoes) = changed(addr, exchange, answers).await;
    let named = KEYS
        .iter()
        .find(|(name, _)| *name == exchange.name)
        .map(|(_, key)| *key);
    let key = exchange
        .with_key
        .then(|| exchange.key.as_deref().or(named).unwrap_or(FULL_KEY));
    let sent = send(
        addr,
        &exchange.method,
        &exchange.path,
        key,
        body.to_string(),
    );
    let Some(recorded) = &exchange.response else {
        // Whoever never answers is not waited for longer than it takes to be sure that nothing
        // comes at once.
        return match tokio::time::timeout(Duration::from_millis(200), sent).await {
            Ok(answer) => (
                vec![format!(
                    "recorded no answer, answered {:?}",
                    answer.map(|a| a.text()).ok()
                )],
                Value::Null,
            ),
            Err(_) => (Vec::new(), Value::Null),
        };
    };
    let answer = sent
        .await
        .unwrap_or_else(|e| panic!("{}: {e}", exchange.name));
    let mut differences = Vec::new();
    if u64::from(answer.status) != recorded.status {
        differences.push(format!(
            "status: recorded {}, answered {}: {}",
            recorded.status,
            answer.status,
            answer.text()
        ));
        return (differences, Value::Null);
    }
    if answer.header("content-type") != Some(recorded.content_type.as_str()) {
        differences.push(format!(
            "content type: recorded {}, answered {:?}",
            recorded.content_type,
            answer.header("content-type")
        ));
    }
    let data_decides = DATA_DECIDES
        .iter()
        .filter(|(name, ..)| *name == exchange.name)
        .map(|(_, path, _)| *path)
        .collect();
    let rules = Rules {
        echoes,
        sizes: exchange.sizes(),
        data_decides,
        other_data: OTHER_DATA.contains(&exchange.name.as_str()),
    };
    let json = answer.json();
    differences.extend(rules.differences(&recorded.body, &json));
    (differences, json)
}

async fn replay_all(addr: SocketAddr, exchanges: &[&Exchange]) -> Vec<String> {
    let mut answers = BTreeMap::new();
    let mut failed = Vec::new();
    for exchange in exchanges {
        let (differences, answer) = replay(addr, exchange, &answers).await;
        failed.extend(
            differences
                .into_iter()
                .map(|d| format!("{}: {d}", exchange.name)),
        );
        answers.insert(exchange.name.clone(), answer);
    }
    failed
}

/// Adds the records that the recorded writes need and the sample lacks: more than 200 notes, and a
/// person without a history.
async fn add_for_writes(addr: SocketAddr) {
    let notes: Vec<Value> = (0..200)
        .map(|n| json!({"title": format!("Note {n}")}))
        .collect();
    let query = "mutation($n:[NoteCreateInput!]!,$p:PersonCreateInput!){ createNotes(data:$n){ id } createPerson(data:$p){ id } }";
    let answer = ask(
        addr,
        FULL_KEY,
        query,
        json!({"n": notes, "p": {"id": NEWCOMER}}),
    )
    .await;
    assert_eq!(answer.get("errors"), None);
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[tokio::test]
async fn real_recordings_replay_the_same() {
    let folder = repository().join("../shared/recordings/twenty");
    if !folder.is_dir() {
        println!(
            "skipped: no recordings at {} (they are not part of the repository)",
            folder.display()
        );
        return;
    }
    let all = Exchange::read_all(&folder);
    let (out, replayed): (Vec<&Exchange>, Vec<&Exchange>) =
        all.iter().partition(|e| left_out(e).is_some());
    let known: Vec<&str> = all.iter().map(|e| e.name.as_str()).collect();
    let named = changes()
        .into_iter()
        .map(|(n, ..)| n)
        .chain(KEYS.iter().map(|(n, _)| *n))
        .chain(DATA_DECIDES.iter().map(|(n, ..)| *n))
        .chain(OTHER_DATA.iter().copied());
    for name in named.chain(BY_NAME.iter().map(|(n, _)| *n)) {
        assert!(
            known.contains(&name),
            "{name} is in a table of this test, but there is no such recording"
        );
    }
    let running = start(Size {
        people: 1500,
        opportunities: 800,
        tasks: 2500,
    })
    .await;
    // What writes comes last, so that the others find the sample as it is.
    let (writes, mut replayed): (Vec<&Exchange>, Vec<&Exchange>) =
        replayed.into_iter().partition(|e| e.is_mutation());
    let reads = replayed.len();
    replayed.extend(writes);
    let (replayed_reads, replayed_writes) = replayed.split_at(reads);
    let mut failed = replay_all(running.addr(), replayed_reads).await;
    add_for_writes(running.addr()).await;
    failed.extend(replay_all(running.addr(), replayed_writes).await);
    println!("{} replayed, {} left out:", replayed.len(), out.len());
    for exchange in &out {
        println!(
            "  {}: {:?} {}",
            exchange.name,
            left_out(exchange).expect("left out"),
            exchange.roots().join(" ")
        );
    }
    assert!(
        failed.is_empty(),
        "{} differences:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert_eq!(
        (reads, replayed_writes.len(), out.len()),
        (106, 14, 18),
        "reads and writes replayed, and left out"
    );
}

#[tokio::test]
async fn fixtures_replay_the_same() {
    let all = Exchange::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"));
    // Those of writes go one after the other, each on top of what the ones before it stored.
    let (writes, reads): (Vec<&Exchange>, Vec<&Exchange>) =
        all.iter().partition(|e| e.name.starts_with("write-"));
    assert!(reads.len() >= 30, "only {} fixtures of reads", reads.len());
    assert!(
        writes.len() >= 20,
        "only {} fixtures of writes",
        writes.len()
    );
    let mut failed = Vec::new();
    for exchanges in [reads, writes] {
        let running = start(Size::default()).await;
        failed.extend(replay_all(running.addr(), &exchanges).await);
    }
    println!("{} replayed", all.len());
    assert!(
        failed.is_empty(),
        "{} differences:\n{}",
        failed.len(),
        failed.join("\n")
    );
}
