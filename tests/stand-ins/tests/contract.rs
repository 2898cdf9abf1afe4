//! The contract with the real service: recorded exchanges are replayed and must come out the same in status, content type,
//! fields, types, errors, and every value that the request itself decides.
//!
//! The real service's recordings are replayed where their folder is present beside the repository; exchanges of the same
//! shapes with names and values of the sample are in `fixtures/` and are always replayed, by the same comparison.

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
mod exchange;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use client::{ask, send};
use compare::Rules;
use crm_stand_in::Running;
use crm_stand_in::clock::ManualClock;
use crm_stand_in::twenty::keys::{FULL_KEY, NARROW_KEY, READ_ONLY_KEY, REVOKED_KEY};
use crm_stand_in::twenty::sample::{
    FORMER_PERSON, HEALTHY, ROBIN, ROBIN_EMAIL, Size, company_id, deal_id, person_id, task_id,
};
use crm_stand_in::twenty::{Options, TwentyStandIn};
use exchange::Exchange;
use serde_json::{Value, json};

/// What stands in the recorded request's place.
enum To {
    /// This value.
    Is(Value),
    /// Ids of the sample's first so many deals.
    Deals(u32),
    /// The id of the link that this task has.
    LinkOf(u32),
    /// What an earlier exchange answered at this place.
    From(&'static str, &'static str),
}

/// Changes of recorded requests: the recorded ids, addresses and search words are not in the sample; these stand in the
/// same relation to its data. `at` is a JSON pointer into the request body, or `"query"` and the text to replace.
fn changes() -> Vec<(&'static str, At, To)> {
    use At::{Answered, Pointer, Text, Uuid};
    let id = |id: uuid::Uuid| To::Is(json!(id.to_string()));
    let text = |text: &str| To::Is(json!(text));
    let person_and_company = |id: uuid::Uuid| To::Is(json!(id.to_string()));
    vec![
        (
            "gql-blockers-4-roots",
            Pointer("/variables/id"),
            id(HEALTHY),
        ),
        ("gql-briefing-1of2", Pointer("/variables/me"), id(ROBIN)),
        (
            "gql-briefing-1of2",
            Pointer("/variables/since"),
            text("2026-10-21T20:00:00Z"),
        ),
        (
            "gql-briefing-2of2-openTasks-and-lastActivity-per-opportunity",
            Pointer("/variables/ids"),
            To::Deals(50),
        ),
        (
            "gql-create-upsert-changes-user-edit",
            Pointer("/variables/d/id"),
            id(task_id(2)),
        ),
        (
            "gql-cursor-null-sort-page2",
            Pointer("/variables/a"),
            To::From(
                "gql-cursor-null-sort-page1",
                "/data/opportunities/pageInfo/endCursor",
            ),
        ),
        (
            "gql-cursor-order-field-not-selected-page2",
            Pointer("/variables/a"),
            To::From(
                "gql-cursor-order-field-not-selected-page1",
                "/data/people/pageInfo/endCursor",
            ),
        ),
        (
            "gql-cursor-order-field-selected-page2",
            Pointer("/variables/a"),
            To::From(
                "gql-cursor-order-field-selected-page1",
                "/data/people/pageInfo/endCursor",
            ),
        ),
        (
            "gql-daily-briefing-4-roots-big-workspace",
            Pointer("/variables/me"),
            id(ROBIN),
        ),
        (
            "gql-daily-briefing-4-roots-big-workspace",
            Pointer("/variables/since"),
            text("2026-10-21T20:00:00Z"),
        ),
        (
            "gql-daily-briefing-one-request",
            Pointer("/variables/me"),
            id(ROBIN),
        ),
        (
            "gql-daily-briefing-one-request",
            Pointer("/variables/since"),
            text("2026-10-21T20:00:00Z"),
        ),
        ("gql-delete-soft", Pointer("/variables/id"), id(task_id(3))),
        ("gql-destroy", Pointer("/variables/i"), text(NEWCOMER)),
        (
            "gql-error-create-duplicate",
            Pointer("/variables/d/emails/primaryEmail"),
            text("marta.keller@acme.example"),
        ),
        (
            "gql-error-create-duplicate",
            Answered("/errors/0/extensions/conflictingRecordId"),
            id(person_id(1)),
        ),
        (
            "gql-error-create-duplicate-id",
            Pointer("/variables/d/id"),
            id(task_id(2)),
        ),
        (
            "gql-list-soft-deleted",
            Pointer("/variables/i"),
            id(FORMER_PERSON),
        ),
        (
            "gql-mutation-task-and-targets-retry",
            Pointer("/variables/t/id"),
            id(task_id(4)),
        ),
        (
            "gql-mutation-task-and-targets-retry",
            Pointer("/variables/t/assigneeId"),
            id(ROBIN),
        ),
        (
            "gql-mutation-task-and-targets-retry",
            Pointer("/variables/l/0/taskId"),
            id(task_id(4)),
        ),
        (
            "gql-mutation-task-and-targets-retry",
            Pointer("/variables/l/0/targetOpportunityId"),
            id(HEALTHY),
        ),
        (
            "gql-mutation-task-and-targets-retry",
            Pointer("/variables/l/1/taskId"),
            id(task_id(4)),
        ),
        (
            "gql-mutation-task-and-targets-retry",
            Pointer("/variables/l/1/targetPersonId"),
            id(person_id(25)),
        ),
        (
            "gql-neq-and-null",
            Pointer("/variables/i"),
            id(task_id(207)),
        ),
        (
            "gql-nested-args-filter",
            Pointer("/variables/i"),
            id(deal_id(4)),
        ),
        ("gql-nested-first-500", Pointer("/variables/i"), id(HEALTHY)),
        (
            "gql-opportunity-blockers-one-request",
            Pointer("/variables/id"),
            id(HEALTHY),
        ),
        (
            "gql-person-one",
            Pointer("/variables/f/id/eq"),
            id(person_id(25)),
        ),
        (
            "gql-readonly-key-search-included",
            Text("nakamura"),
            text("acme"),
        ),
        (
            "gql-relation-neq-null",
            Pointer("/variables/i"),
            id(deal_id(57)),
        ),
        (
            "gql-root-taskTargets-filter-through-relation",
            Pointer("/variables/i"),
            id(HEALTHY),
        ),
        ("gql-search", Pointer("/variables/q"), text("ac")),
        (
            "gql-search-email",
            Pointer("/variables/q"),
            text("marta.keller@acme.example"),
        ),
        (
            "gql-search-email-part",
            Pointer("/variables/q"),
            text("@acme"),
        ),
        (
            "gql-search-filter-updatedAt",
            Text("2026-11-22T19:58:00Z"),
            text("2026-08-22T19:58:00Z"),
        ),
        ("gql-search-not-throttled", Text("jeff"), text("marta")),
        ("gql-search-page1", Pointer("/variables/q"), text("a")),
        ("gql-search-page2", Pointer("/variables/q"), text("a")),
        (
            "gql-search-page2",
            Pointer("/variables/a"),
            To::From("gql-search-page1", "/data/search/pageInfo/endCursor"),
        ),
        (
            "gql-search-two-words-or",
            Pointer("/variables/q"),
            text("Declan Alba"),
        ),
        (
            "gql-taskTarget-of-soft-deleted-opportunity",
            Pointer("/variables/i"),
            To::LinkOf(216),
        ),
        (
            "gql-taskTarget-of-soft-deleted-opportunity-2",
            Pointer("/variables/i"),
            id(task_id(216)),
        ),
        (
            "gql-taskTargets-of-soft-deleted-task",
            Pointer("/variables/i"),
            id(deal_id(34)),
        ),
        (
            "gql-taskTargets-of-soft-deleted-task",
            Uuid,
            id(task_id(217)),
        ),
        (
            "gql-taskTargets-open-of-many-opportunities",
            Pointer("/variables/ids"),
            To::Deals(20),
        ),
        (
            "gql-timeline-or-targets",
            Pointer("/variables/o"),
            id(HEALTHY),
        ),
        (
            "gql-timeline-or-targets",
            Pointer("/variables/p"),
            person_and_company(person_id(25)),
        ),
        (
            "gql-timeline-or-targets",
            Pointer("/variables/c"),
            person_and_company(company_id(12)),
        ),
        (
            "gql-timelineActivitiesGroupBy-last-per-opportunity",
            Pointer("/variables/ids"),
            To::Deals(20),
        ),
        ("gql-update", Pointer("/variables/id"), id(task_id(5))),
        (
            "gql-updateNotes-with-filter",
            Pointer("/variables/f/title/eq"),
            text("Note 7"),
        ),
        (
            "gql-workspaceMembers-me-by-email",
            Text("tim@apple.dev"),
            text(ROBIN_EMAIL),
        ),
    ]
}

/// Where a request is changed.
enum At {
    Pointer(&'static str),
    /// This text within the query.
    Text(&'static str),
    /// The first UUID within the query.
    Uuid,
    /// Not at all; but what was answered at this place is another in the sample.
    Answered(&'static str),
}

/// A person that is there to be destroyed: one without a history.
const NEWCOMER: &str = "2c9e6b1a-4d7f-4a38-9b50-6f1e8d3c7a24";

/// The key that a recording was made with, where it is not one with every right.
const KEYS: &[(&str, &str)] = &[
    ("gql-error-bad-key", "a key that nobody gave out"),
    ("gql-error-revoked-key", REVOKED_KEY),
    ("gql-error-no-read-permission-partial", NARROW_KEY),
    ("gql-error-readonly-key-create", READ_ONLY_KEY),
    ("gql-readonly-key-metadata-objects", READ_ONLY_KEY),
    ("gql-readonly-key-search", READ_ONLY_KEY),
    ("gql-readonly-key-search-all", READ_ONLY_KEY),
    ("gql-readonly-key-search-included", READ_ONLY_KEY),
    ("gql-readonly-key-workspaceMembers", READ_ONLY_KEY),
];

/// Where the recorded workspace's data, not the request, decided something that the comparison would insist on.
const DATA_DECIDES: &[(&str, &str, &str)] = &[
    (
        "gql-daily-briefing-one-request",
        "/data/opportunities/edges/node/owner/id",
        "the filter says nothing of owners; only the member who asked had such deals",
    ),
    (
        "gql-person-null-when-soft-deleted",
        "/data/people/edges",
        "nobody was soft-deleted there; one person is here",
    ),
];

/// Recordings whose optional fields happen to be filled differently here; in all others null must meet null.
const OTHER_DATA: &[&str] = &[
    "gql-blockers-4-roots",
    "gql-daily-briefing-4-roots-big-workspace",
    "gql-daily-briefing-one-request",
    "gql-opportunity-blockers-one-request",
    "gql-opps-with-nested-everything-60",
    "gql-tasks-orderby-nested-args",
    "gql-tasksGroupBy",
];

/// Root fields that the stand-in plays, beside the aliases and misspellings that some recordings are about.
const PLAYED: &[&str] = &[
    "people",
    "person",
    "companies",
    "company",
    "opportunities",
    "opportunity",
    "tasks",
    "task",
    "notes",
    "note",
    "taskTargets",
    "taskTarget",
    "noteTargets",
    "noteTarget",
    "timelineActivities",
    "timelineActivity",
    "workspaceMembers",
    "workspaceMember",
    "attachments",
    "search",
    "__type",
    "objects",
    "nope",
    "createPerson",
    "createTask",
    "createTaskTargets",
    "updateTask",
    "updateNotes",
    "deleteTask",
    "destroyPerson",
];

/// Why a recording is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LeftOut {
    /// Its root fields raced, and it went the other way than it always does here.
    Race,
    /// It asks for something that the stand-in does not play: the roots are named in the recording.
    OtherRoots,
    /// It asks for a custom field before it was made, or for one of choices; the sample workspace has made one, of text. The
    /// fixture `custom-field-by-its-own-name` shows both that one and one that nobody made.
    OtherCustomFields,
}

const BY_NAME: &[(&str, LeftOut)] = &[
    ("gql-custom-field-after", LeftOut::OtherCustomFields),
    ("gql-custom-field-before", LeftOut::OtherCustomFields),
    ("gql-mutation-fk-race", LeftOut::Race),
];

/// Why a recording is left out, if it is.
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
        // Whoever never answers is not waited for longer than it takes to be sure that nothing comes at once.
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

/// What the recorded writes are about and the sample does not have: more than 200 notes, and a person without a history.
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
async fn recordings_of_the_real_service_come_out_the_same() {
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
async fn exchanges_of_the_samples_own_come_out_the_same() {
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
