//! The promised figures as one table: the component beside the same code run natively, start-up,
//! memory and size.
//!
//! Run it with `cargo xtask bench`, which builds what it measures. The stand-in is a process of its
//! own and answers at once; what is compared is measured alternately, so that the machine's moods
//! meet both.

#![allow(
    missing_docs,
    reason = "a benchmark that cannot go on has nothing to tell"
)]

mod gate;
mod native;
mod peer;
mod plans;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crm_harness::config::{Flags, Manifest};
use crm_harness::{Caller, Harness, Invocation, Parts, Setup};
use crm_stand_in::twenty::sample::{HEALTHY, ROBIN_EMAIL as ROBIN, ROBIN_TIME_ZONE as ZONE};
use crm_tests::{component, root};
use native::Native;
use peer::Peer;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// Set in the process whose memory is measured: the stand-in's URL.
const MEMORY_OF: &str = "CRM_FIGURES_MEMORY_OF";
/// Counted runs of a call.
const RUNS: usize = 1_500;
/// Runs before counting.
const WARM_UP: usize = 200;

fn main() {
    // `cargo test --benches` builds and starts benchmarks too; figures are only of use from
    // `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("skipped: figures are measured with `cargo xtask bench`");
        return;
    }
    if let Some(url) = std::env::var_os(MEMORY_OF) {
        return resident(&runtime(), url.to_str().expect("a URL"));
    }
    if std::env::var_os(gate::HOSTILE_MEMORY).is_some() {
        return gate::hostile_memory(&runtime());
    }
    let mut table = Table::default();
    let runtime = runtime();
    let peer = Peer::start(&["--no-rate-limit"]);
    calls(&runtime, &peer, &mut table);
    gate::figures(&runtime, &peer, &mut table);
    plans::figures(&runtime, &peer, &mut table);
    briefings(&runtime, &mut table);
    table.row(
        "component size",
        format!("{} KB", component().len() / 1000),
        "600 KB",
    );
    processes(&peer, &mut table);
    memory(&peer, &mut table);
    table.print();
    std::fs::remove_dir_all(peer::cache()).expect("the cache can be removed");
}

/// One thread: a call is mostly waiting.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Rows of name, figure and aim.
#[derive(Default)]
struct Table(Vec<[String; 3]>);

impl Table {
    fn row(&mut self, name: &str, figure: impl Into<String>, aim: &str) {
        self.0
            .push([name.to_owned(), figure.into(), aim.to_owned()]);
        eprintln!("measured: {name}");
    }

    fn print(&self) {
        let width = |column: usize| {
            self.0
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let (names, figures) = (width(0), width(1));
        println!(
            "{:names$}  {:>figures$}  aim",
            "figure (median)", "measured"
        );
        for [name, figure, aim] in &self.0 {
            println!("{name:names$}  {figure:>figures$}  {aim}");
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn micros(time: Duration) -> String {
    format!("{:.1} us", time.as_secs_f64() * 1e6)
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn harness(url: &str) -> Harness {
    harness_with(url, Parts::default())
}

fn harness_with(url: &str, parts: Parts) -> Harness {
    let environment = |name: &str| match name {
        "TWENTY_API_URL" => Some(url.to_owned()),
        "TWENTY_API_KEY" => Some(peer::KEY.to_owned()),
        _ => None,
    };
    let mut manifest = Manifest::read(&root().join("manifests/skill.toml")).expect("the manifest");
    // What is measured is how long calls take, not how long they have to wait.
    for destination in manifest.destinations.values_mut() {
        destination.rate = None;
    }
    let setup = Setup::resolve(
        manifest,
        None,
        Flags {
            allow_loopback: true,
        },
        &environment,
    )
    .expect("a set-up");
    Harness::load(&component(), setup, parts, Some(&peer::cache())).expect("the component")
}

fn caller() -> Caller {
    Caller {
        email: Some(ROBIN.to_owned()),
        time_zone: Some(ZONE.to_owned()),
        ..Caller::default()
    }
}

fn invocation(tool: &str, arguments: Value) -> Invocation {
    Invocation {
        tool: tool.to_owned(),
        arguments,
        caller: caller(),
        deadline: None,
    }
}

fn call(
    runtime: &Runtime,
    harness: &Harness,
    tool: &str,
    arguments: &Value,
) -> crm_harness::CallOutcome {
    let outcome = runtime
        .block_on(harness.call(invocation(tool, arguments.clone())))
        .expect("an outcome");
    assert!(outcome.result().is_ok(), "{tool}: {:?}", outcome.result());
    outcome
}

/// An action to compare.
struct Case<'c> {
    name: &'c str,
    arguments: Value,
    /// The number of requests it must cost.
    requests: u32,
    natively: &'c dyn Fn() -> usize,
    aim: &'c str,
}

/// Search and blockers, through the component and natively in turn; and what a fresh instance
/// costs.
fn calls(runtime: &Runtime, peer: &Peer, table: &mut Table) {
    let harness = harness(&peer.url);
    let native = Native::new(runtime, &peer.url);
    let deal = HEALTHY.to_string();
    let search = || native.search("depot");
    let blockers = || native.blockers(&deal);
    let mut instantiate = Vec::new();
    let mut dispose = Vec::new();
    let cases = [
        Case {
            name: "search",
            arguments: json!({ "query": "depot" }),
            requests: 2,
            natively: &search,
            aim: "170 us",
        },
        Case {
            name: "blockers",
            arguments: json!({ "opportunity": deal }),
            requests: 1,
            natively: &blockers,
            aim: "135 us",
        },
    ];
    for Case {
        name,
        arguments,
        requests,
        natively,
        aim,
    } in cases
    {
        let (mut sandboxed, mut native) = (Vec::new(), Vec::new());
        for run in 0..WARM_UP + RUNS {
            let begun = Instant::now();
            let outcome = call(runtime, &harness, name, &arguments);
            let took = begun.elapsed();
            assert_eq!(outcome.requests, requests, "{name}");
            let begun = Instant::now();
            assert!(natively() > 0, "{name} found nothing");
            let took_natively = begun.elapsed();
            if run >= WARM_UP {
                sandboxed.push(took);
                native.push(took_natively);
                instantiate.push(outcome.timings.instantiate);
                dispose.push(outcome.timings.dispose);
            }
        }
        let (sandboxed, native) = (median(sandboxed), median(native));
        table.row(
            &format!("{name}, through the component"),
            micros(sandboxed),
            "",
        );
        table.row(&format!("{name}, same code natively"), micros(native), "");
        table.row(
            &format!("{name}, added by the sandbox"),
            micros(sandboxed.saturating_sub(native)),
            aim,
        );
    }
    table.row(
        "fresh instance: store and instantiate",
        micros(median(instantiate)),
        "tens of us",
    );
    table.row(
        "fresh instance: drop",
        micros(median(dispose)),
        "tens of us",
    );
}

/// The briefing in a small and in a large workspace, in turn.
fn briefings(runtime: &Runtime, table: &mut Table) {
    let sizes = [1_000, 100_000];
    let worlds = sizes.map(|tasks| {
        let tasks = tasks.to_string();
        let peer = Peer::start(&[
            "--no-rate-limit",
            "--tasks",
            &tasks,
            "--people",
            "20000",
            "--opportunities",
            "20000",
        ]);
        let harness = harness(&peer.url);
        (peer, harness)
    });
    let mut times = [Vec::new(), Vec::new()];
    let mut requests = [0, 0];
    for run in 0..220 {
        for (at, (_, harness)) in worlds.iter().enumerate() {
            let begun = Instant::now();
            requests[at] = call(runtime, harness, "briefing", &json!({})).requests;
            if run >= 20 {
                times[at].push(begun.elapsed());
            }
        }
    }
    assert_eq!(
        requests[0], requests[1],
        "the number of requests grew with the workspace"
    );
    let [small, large] = times.map(median);
    for (tasks, time) in sizes.into_iter().zip([small, large]) {
        table.row(
            &format!(
                "briefing at {tasks} tasks, {} requests (1 from memory)",
                requests[0]
            ),
            millis(time),
            "",
        );
    }
    let ratio = large.as_secs_f64() / small.as_secs_f64();
    table.row(
        "briefing, 100000 tasks over 1000",
        format!("{ratio:.2} times"),
        "1.5 times",
    );
}

/// A whole process from its start to its first answer.
fn processes(peer: &Peer, table: &mut Table) {
    let program = PathBuf::from(
        std::env::var_os("CRM_HARNESS_BIN").expect("CRM_HARNESS_BIN: run `cargo xtask bench`"),
    );
    let start = |cache: &std::path::Path| {
        let begun = Instant::now();
        let output = Command::new(&program)
            .current_dir(root())
            .args([
                "--json",
                "--allow-loopback",
                "--caller-email",
                ROBIN,
                "--time-zone",
                ZONE,
                "--cache-dir",
            ])
            .arg(cache)
            .arg("--data-dir")
            .arg(cache.join("data"))
            .args(["call", "search", r#"{"query":"depot"}"#])
            .env("TWENTY_API_URL", &peer.url)
            .env("TWENTY_API_KEY", peer::KEY)
            .env(
                "CRM_HARNESS_COMPONENT",
                std::env::var_os("CRM_COMPONENT").expect("CRM_COMPONENT"),
            )
            .output()
            .expect("crm-harness starts");
        let took = begun.elapsed();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        took
    };
    let mut cold = Vec::new();
    for _ in 0..3 {
        let fresh = peer::fresh_cache();
        cold.push(start(&fresh));
        std::fs::remove_dir_all(fresh).expect("the cache can be removed");
    }
    let warm_cache = peer::fresh_cache();
    start(&warm_cache);
    let warm: Vec<Duration> = (0..30).map(|_| start(&warm_cache)).collect();
    std::fs::remove_dir_all(warm_cache).expect("the cache can be removed");
    table.row(
        "process start to first answer, warm",
        millis(median(warm)),
        "20 ms",
    );
    table.row(
        "process start to first answer, cold",
        millis(median(cold)),
        "",
    );
}

/// Resident memory of a process that does nothing but call; a process of its own, which loads
/// compiled code.
fn memory(peer: &Peer, table: &mut Table) {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .arg("--bench")
        .env(MEMORY_OF, &peer.url)
        .env(peer::CACHE, peer::cache())
        .output();
    let output = output.expect("this program starts again");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (name, figure) = line.split_once('|').expect("a name and a figure");
        table.row(name, figure, "40 MiB, flat");
    }
}

fn resident(runtime: &Runtime, url: &str) {
    let harness = harness(url);
    for run in 1..=10_000 {
        call(runtime, &harness, "search", &json!({ "query": "depot" }));
        if run == 1_000 || run == 10_000 {
            println!(
                "resident memory after {run} calls|{:.1} MiB",
                resident_mib()
            );
        }
    }
}

/// Resident memory of this process in MiB.
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("VmRSS");
    let kib: f64 = line
        .split_whitespace()
        .nth(1)
        .and_then(|number| number.parse().ok())
        .expect("a number");
    kib / 1024.0
}
