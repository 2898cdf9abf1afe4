//! The contract with the real relay, its fork and the PA Workspace: recorded exchanges are replayed
//! in the order they were made and must come out the same in status, content type, fields, and
//! every value but ids and times that the services make.
//!
//! The real services' recordings are replayed where their folder is present beside the repository;
//! exchanges of the same shapes with names and values of their own are in `fixtures/` and are
//! always replayed, by the same comparison.

#[allow(dead_code, reason = "each test uses its part")]
mod client;
#[path = "tezit/compare.rs"]
mod compare;
#[path = "tezit/exchange.rs"]
mod exchange;
#[path = "tezit/replay.rs"]
mod replay;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crm_stand_in::Running;
use crm_stand_in::clock::ManualClock;
use crm_stand_in::pa_workspace::{self, WorkspaceStandIn};
use crm_stand_in::relay::{self, RelayStandIn, Seed, Variant};
use exchange::TezitExchange;
use replay::{Person, Stage};
use serde_json::{Value, json};

/// Those whose tokens the recordings were made with.
const RECORDED: [Person; 3] = [
    ("ALICE", "aaaaaaaa-0000-4000-8000-000000000001"),
    ("BOB", "bbbbbbbb-0000-4000-8000-000000000002"),
    ("CAROL", "cccccccc-0000-4000-8000-000000000003"),
];
/// Those whose tokens the repository's own exchanges were made with.
const OWN: [Person; 3] = [
    ("ROBIN", "7e000001-0000-4000-8000-000000000001"),
    ("SAM", "7e000001-0000-4000-8000-000000000002"),
    ("TOMAS", "7e000001-0000-4000-8000-000000000004"),
];
/// The user whose token the PA Workspace was asked with.
const ASKED_AS: [Person; 1] = [("USER", "8126219a-d25c-4391-b37a-1ea292fa5642")];

/// Recordings that are left out, and why.
const LEFT_OUT: [(&str, &str); 4] = [
    (
        "69-events-no-token",
        "server-sent events are not played: no flow uses them",
    ),
    (
        "sse-events",
        "server-sent events are not played: no flow uses them",
    ),
    (
        "70-contact-admin-upsert",
        "the synchronisation of contacts is the backend's, not a client's",
    ),
    (
        "71-contact-admin-upsert-denied",
        "the synchronisation of contacts is the backend's, not a client's",
    ),
];

fn clock() -> ManualClock {
    ManualClock::at("2026-11-22T19:54:04Z".parse().expect("a time"))
}

async fn start_relay(variant: Variant, host: &str, clock: &ManualClock) -> Running {
    RelayStandIn::start(relay::Options {
        variant,
        host: host.to_owned(),
        clock: clock.clock(),
        seed: Seed::Empty,
        ..relay::Options::default()
    })
    .await
    .expect("it starts")
}

async fn start_workspace(clock: &ManualClock, seed: Seed) -> Running {
    WorkspaceStandIn::start(pa_workspace::Options {
        clock: clock.clock(),
        seed,
        ..pa_workspace::Options::default()
    })
    .await
    .expect("it starts")
}

/// Reads the exchanges in a folder, and counts those left out.
fn recorded(folder: &Path) -> (Vec<TezitExchange>, usize) {
    let why = |exchange: &TezitExchange| {
        let mut all = LEFT_OUT.iter();
        all.find(|(file, _)| *file == exchange.file)
            .map(|(_, why)| *why)
    };
    let all = TezitExchange::read_all(folder, "");
    let (out, played): (Vec<TezitExchange>, Vec<TezitExchange>) =
        all.into_iter().partition(|e| why(e).is_some());
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    println!("{name}: {} replayed, {} left out", played.len(), out.len());
    for exchange in &out {
        println!("  {}: {}", exchange.file, why(exchange).unwrap_or_default());
    }
    (played, out.len())
}

async fn replay_all(stage: &mut Stage<'_>, exchanges: &[TezitExchange]) -> Vec<String> {
    let mut failed = Vec::new();
    for exchange in exchanges {
        failed.extend(stage.replay(exchange).await);
    }
    failed
}

/// Repeats requests between the recordings of a relay and those of its flows that were not written
/// down: the flows were walked through once before, in a team of their own.
async fn walk_through_once(stage: &mut Stage<'_>, flows: &[TezitExchange]) {
    let flow = |name: &str| {
        let mut flows = flows.iter();
        flows
            .find(|e| e.name() == name)
            .unwrap_or_else(|| panic!("there is no {name}"))
    };
    let team = stage
        .prepare("ALICE", "/teams", json!({"name": "Flows"}))
        .await;
    let team = team["data"]["id"].as_str().expect("an id").to_owned();
    let bob = json!({"userId": stage.people[1].1});
    stage
        .prepare("ALICE", &format!("/teams/{team}/members"), bob)
        .await;
    let handoff = flow("f1b-handoff-share");
    let recorded = handoff.body["teamId"].as_str().expect("a team");
    stage.names.learn(recorded, &team);
    let message = flow("f1-handoff-message");
    let path = stage.names.translated(&message.path);
    stage.prepare("ALICE", &path, message.body.clone()).await;
    for (name, id) in [
        ("f1b-handoff-share", "22222222-2222-4333-8444-001795377591"),
        ("f2-blockers-share", "0e000000-0000-4000-8000-000000000001"),
    ] {
        let mut body = flow(name).body.clone();
        body["id"] = json!(id);
        let body = stage.names.translated(&body.to_string());
        let body: Value = serde_json::from_str(&body).expect("JSON");
        stage.prepare("ALICE", "/tez/share", body).await;
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[tokio::test]
async fn real_recordings_replay_the_same() {
    let folder = repository().join("../shared/recordings/tezit");
    if !folder.is_dir() {
        println!(
            "skipped: no recordings at {} (they are not part of the repository)",
            folder.display()
        );
        return;
    }
    let (mut failed, mut replayed) = (Vec::new(), BTreeMap::new());
    for (variant, host, first, flows) in [
        (Variant::P, "relay.local", "relay", "flows-relay"),
        (Variant::M, "mypa.local", "mypa-relay", "flows-mypa-relay"),
    ] {
        let clock = clock();
        let running = start_relay(variant, host, &clock).await;
        let mut stage = Stage::new(running.addr(), &clock, &RECORDED, variant == Variant::P);
        let (exchanges, out) = recorded(&folder.join(first));
        failed.extend(replay_all(&mut stage, &exchanges).await);
        replayed.insert(first, (exchanges.len(), out));
        // The limit of the minute is used up by now, and what comes in between is not counted.
        clock.advance(std::time::Duration::from_secs(300));
        stage.counts_requests = false;
        let (exchanges, out) = recorded(&folder.join(flows));
        walk_through_once(&mut stage, &exchanges).await;
        failed.extend(replay_all(&mut stage, &exchanges).await);
        replayed.insert(flows, (exchanges.len(), out));
    }
    let clock = clock();
    let running = start_workspace(&clock, Seed::Empty).await;
    let mut stage = Stage::new(running.addr(), &clock, &ASKED_AS, false);
    let (exchanges, out) = recorded(&folder.join("pa-workspace"));
    // The first of the two entries of the log was made by the backend.
    let logged = exchanges.iter().find(|e| e.name() == "calendar-log-action");
    let logged = logged.expect("a logged action").body.clone();
    stage
        .prepare("USER", "/api/calendar/log-action", logged)
        .await;
    failed.extend(replay_all(&mut stage, &exchanges).await);
    replayed.insert("pa-workspace", (exchanges.len(), out));
    assert!(
        failed.is_empty(),
        "{} differences:\n{}",
        failed.len(),
        failed.join("\n")
    );
    let counts = BTreeMap::from([
        ("relay", (80, 0)),
        ("flows-relay", (17, 0)),
        ("mypa-relay", (84, 4)),
        ("flows-mypa-relay", (17, 0)),
        ("pa-workspace", (11, 0)),
    ]);
    assert_eq!(replayed, counts, "replayed and left out, by folder");
}

#[tokio::test]
async fn fixtures_replay_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut failed = Vec::new();
    let mut counts = Vec::new();
    for start in ["relay-p-", "relay-m-", "workspace-"] {
        let clock = clock();
        let running = match start {
            "relay-p-" => start_relay(Variant::P, "relay.example", &clock).await,
            "relay-m-" => start_relay(Variant::M, "relay.example", &clock).await,
            _ => start_workspace(&clock, Seed::Sample).await,
        };
        let mut stage = Stage::new(running.addr(), &clock, &OWN, false);
        let exchanges = TezitExchange::read_all(&folder, start);
        failed.extend(replay_all(&mut stage, &exchanges).await);
        counts.push(exchanges.len());
    }
    println!("{counts:?} replayed");
    assert!(
        failed.is_empty(),
        "{} differences:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert_eq!(counts, [58, 28, 25], "replayed, of each kind");
}
