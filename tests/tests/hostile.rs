//! Components that misbehave, each through the real harness with a real record: stopped for the
//! right reason, on the record, and the host goes on. Without its offence each of them works.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use crm_harness::audit::Row;
use crm_harness::outbound::client::resolve::Resolver;
use crm_harness::outbound::client::tls::Tls;
use crm_harness::outbound::client::{Client, Dialler, Stream, TcpDialler};
use crm_harness::{CallError, CallOutcome, LoadError, StartError};
use crm_tests::hostile::{BEHAVIOURS, LOOT, Stopped, Trial, bodies};
use crm_tests::service::Service;
use serde_json::json;

use Stopped::{Broken, Denied, Failed, Unbuildable};

/// That the offence ended as it has to, and that the record says so.
fn judge(name: &str, stopped: Stopped, outcome: &Result<CallOutcome, CallError>, rows: &[Row]) {
    let of_this_call = |row: &&Row| rows.last().is_some_and(|last| last.call == row.call);
    let rows: Vec<_> = rows.iter().filter(of_this_call).cloned().collect();
    let rows = rows.as_slice();
    let refusals = bodies(rows, "refusal");
    let results = bodies(rows, "result");
    let said = match outcome {
        Ok(outcome) => outcome.result().expect_err(name)["case"].clone(),
        Err(error) => error.code().into(),
    };
    assert_eq!(results.last().unwrap()["outcome"], said, "{name}");
    match (stopped, outcome) {
        (Denied(code), Ok(outcome)) => {
            let failure = outcome.result().unwrap_err();
            assert_eq!(failure["case"], "denied", "{name}: {failure}");
            assert_eq!(failure["code"], code, "{name}: {failure}");
            assert!(
                refusals.iter().any(|body| body["code"] == code),
                "{name}: {refusals:?}"
            );
        }
        (Broken(code), Err(error)) => assert_eq!(error.code(), code, "{name}: {error}"),
        (Failed(code), Ok(_)) => {
            let ends = bodies(rows, "answer");
            assert_eq!(ends.last().unwrap()["end"], code, "{name}");
        }
        (Unbuildable, Ok(_)) => assert!(bodies(rows, "request").is_empty(), "{name}"),
        (_, outcome) => panic!("{name} should have been {stopped:?}: {outcome:?}"),
    }
}

#[tokio::test]
async fn every_offence_is_stopped_and_audited() {
    for (name, stopped, arriving) in BEHAVIOURS {
        let service = Service::start().await.unwrap();
        let trial = Trial::new(name, &service.origin(), None).unwrap();
        let outcome = trial.run(true).await;
        judge(name, stopped, &outcome, &trial.rows());
        assert_eq!(service.seen().len(), arriving, "{name}");
        trial.behave(name).await;
        // A second offence meets the same end: nothing was worn out.
        let again = trial.run(true).await;
        judge(name, stopped, &again, &trial.rows());
        trial.behave(name).await;
        let carried = service.seen().concat();
        assert!(!carried.contains(LOOT), "{name} carried it out");
    }
}

/// Returns the resident memory of this process, in MiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse::<u64>().unwrap() / 1024
}

#[tokio::test]
async fn what_the_host_holds_for_a_call_is_bounded() {
    let service = Service::start().await.unwrap();
    for name in [
        "giant_fields",
        "held_fields",
        "held_paths",
        "held_bodies",
        "giant_text",
    ] {
        let trial = Trial::new(name, &service.origin(), None).unwrap();
        let before = resident();
        let (calls, mut most) = (Arc::new(trial), before);
        let running = tokio::spawn({
            let trial = Arc::clone(&calls);
            async move { trial.run(true).await.map(|outcome| outcome.result()) }
        });
        while !running.is_finished() {
            most = most.max(resident());
            tokio::task::yield_now().await;
        }
        let error = running.await.unwrap().unwrap_err();
        println!(
            "{name}: {} after {} MiB more at most",
            error.code(),
            most - before
        );
        assert!(error.to_string().contains("Ask for less"), "{error}");
        // Its own memory is 32 MiB, what is held for it as much; other tests of this process have
        // some as well.
        assert!(most - before < 400, "{name}: {} MiB more", most - before);
    }
}

#[tokio::test]
async fn headers_are_the_hosts_own() {
    let service = Service::start().await.unwrap();
    let trial = Trial::new("data_in_usual_headers", &service.origin(), None).unwrap();
    let outcome = trial.run(true).await.unwrap();
    assert_eq!(outcome.result(), Ok(json!({ "status": 200 })));
    let seen = service.seen();
    assert_eq!(seen.len(), 3);
    let agent = format!("user-agent: crm-harness/{}", env!("CARGO_PKG_VERSION"));
    for request in &seen {
        assert!(!request.contains(LOOT), "{request}");
        let (head, _) = request.split_once("\r\n\r\n").unwrap();
        let mut headers: Vec<_> = head.lines().skip(1).map(str::to_lowercase).collect();
        headers.retain(|line| {
            !["host:", "content-length:", "authorization:"]
                .iter()
                .any(|own| line.starts_with(own))
        });
        headers.sort_unstable();
        let mut expected = vec!["accept: application/json", &agent];
        if request.starts_with("POST") {
            expected.insert(1, "content-type: application/json");
        }
        assert_eq!(headers, expected, "{request}");
    }
}

#[tokio::test]
async fn audit_of_ten_thousand_requests_is_bounded() {
    let service = Service::start().await.unwrap();
    let trial = Trial::new("many_requests", &service.origin(), None).unwrap();
    trial.run(true).await.unwrap();
    let rows = trial.rows();
    assert!(rows.len() < 100, "{} rows", rows.len());
    assert_eq!(bodies(&rows, "result")[0]["refused"], 10_000 - 8);
}

#[tokio::test]
async fn ungranted_import_is_refused_at_load() {
    let service = Service::start().await.unwrap();
    match Trial::new("burglar", &service.origin(), None) {
        Err(StartError::Component(LoadError::Import(name))) => {
            assert!(name.starts_with("wasi:random/random"), "{name}")
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was loaded"),
    }
    let twin = Trial::new("plain_reader", &service.origin(), None).unwrap();
    twin.behave("plain_reader").await;
    assert_eq!(service.seen().len(), 1);
}

/// A resolver with one answer after the other.
struct Moving(Mutex<VecDeque<IpAddr>>);

#[async_trait]
impl Resolver for Moving {
    async fn resolve(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        let mut answers = self.0.lock().unwrap();
        Ok(vec![answers.pop_front().expect("an answer")])
    }
}

/// Dials a service in place of a public address, another one in place of anything else, and notes
/// what was asked for.
struct Switchboard {
    public: SocketAddr,
    other: SocketAddr,
    dialled: Arc<Mutex<Vec<IpAddr>>>,
}

#[async_trait]
impl Dialler for Switchboard {
    async fn dial(&self, address: SocketAddr) -> io::Result<Box<dyn Stream>> {
        self.dialled.lock().unwrap().push(address.ip());
        let public = address.ip().to_string().starts_with("93.");
        TcpDialler
            .dial(if public { self.public } else { self.other })
            .await
    }
}

#[tokio::test]
async fn dns_rebinding_is_refused() {
    let (public, inside) = (
        Service::start().await.unwrap(),
        Service::start().await.unwrap(),
    );
    let port = public.address().port();
    let answers = [
        "93.184.216.34",
        "93.184.216.34",
        "10.0.0.7",
        "169.254.169.254",
        "93.184.216.34",
    ];
    let dialled = Arc::new(Mutex::new(Vec::new()));
    let client = Client::new(
        Arc::new(Moving(Mutex::new(
            answers.iter().map(|ip| ip.parse().unwrap()).collect(),
        ))),
        Arc::new(Switchboard {
            public: public.address(),
            other: inside.address(),
            dialled: Arc::clone(&dialled),
        }),
        Tls::default(),
    );
    // Plain http is for granted networks alone, so this name stands for a service in a private one.
    let trial = Trial::private(
        "plain_reader",
        &format!("http://service.internal:{port}"),
        client,
    );
    let mut ends = Vec::new();
    for _ in answers {
        ends.push(
            trial
                .run(false)
                .await
                .unwrap()
                .result()
                .map_err(|failure| failure["code"].clone()),
        );
    }
    let refused = Err(json!("address"));
    // Public over plain http is refused too: only the private address may be dialled, and only it
    // was.
    assert_eq!(
        ends,
        [
            refused.clone(),
            refused.clone(),
            Ok(json!({ "status": 200 })),
            refused.clone(),
            refused
        ]
    );
    assert_eq!(
        *dialled.lock().unwrap(),
        ["10.0.0.7".parse::<IpAddr>().unwrap()]
    );
    assert_eq!((public.seen().len(), inside.seen().len()), (0, 1));
    let failed: Vec<_> = bodies(&trial.rows(), "answer")
        .iter()
        .map(|body| body["end"].clone())
        .collect();
    assert_eq!(
        failed,
        ["address", "address", "answered", "address", "address"]
    );
}
