//! Figures of the gate: a decision, what gate and record add to a read, how soon a loop ends, and
//! memory under hostile calls.

use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crm_harness::Parts;
use crm_harness::audit::Audit;
use crm_harness::clock::SystemClock;
use crm_harness::events::{AuditSink, Began, CallId, Ended, Phase};
use crm_harness::outbound::body::variables::VariableType;
use crm_harness::outbound::call_context::{CallBudget, CallContext};
use crm_harness::outbound::client::resolve::SystemResolver;
use crm_harness::outbound::client::tls::Tls;
use crm_harness::outbound::client::{Client, Exchange, TcpDialler};
use crm_harness::outbound::outgoing::Outgoing;
use crm_harness::outbound::policy::addresses::Grants;
use crm_harness::outbound::policy::documents::{Declared, Document, Documents, Effect};
use crm_harness::outbound::policy::origin::Origin;
use crm_harness::outbound::policy::route::RoutePattern;
use crm_harness::outbound::policy::{Destination, Policy, PolicyDecision, Request, Route};
use crm_stand_in::twenty::sample::HEALTHY;
use crm_tests::hostile::{BEHAVIOURS, Trial};
use crm_tests::service::Service;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;

use super::peer::Peer;
use super::{RUNS, Table, WARM_UP, harness_with, median, micros, millis};

/// Set in the process whose memory is measured under hostile calls.
pub(crate) const HOSTILE_MEMORY: &str = "CRM_FIGURES_HOSTILE_MEMORY";

pub(crate) fn figures(runtime: &Runtime, peer: &Peer, table: &mut Table) {
    decision(table);
    added(runtime, peer, table);
    stopped(runtime, table);
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .arg("--bench")
        .env(HOSTILE_MEMORY, "1")
        .output()
        .expect("this program starts again");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (name, figure) = line.split_once('|').expect("a name and a figure");
        table.row(name, figure, "flat");
    }
}

/// A hundred rules: five services with fifteen routes and five documents each.
fn rules() -> Policy {
    let grants = Grants::default();
    let destination = |number: usize| {
        let documents = (0..5)
            .map(|index| Document {
                name: format!("find{index}"),
                sha256: Sha256::digest(text(index)).into(),
                effect: Effect::Query,
                variables: vec![(
                    "q".into(),
                    Declared::Scalar(VariableType::parse("String!").expect("a type")),
                )],
                cacheable_seconds: 0,
                cost: 1,
                acts: Vec::new(),
                refers: Vec::new(),
                options: None,
                records: Vec::new(),
                places: Arc::default(),
            })
            .collect();
        let route = |path: &str, method: Method, documents| Route {
            documents,
            ..Route::new(
                format!("service{number}: {method} {path}"),
                method,
                RoutePattern::parse(path).expect("a route"),
            )
        };
        let mut routes: Vec<_> = (0..14)
            .map(|index| route(&format!("/kind{index}/*?depth"), Method::GET, None))
            .collect();
        routes.push(route(
            "/query",
            Method::POST,
            Some(Documents::new(documents)),
        ));
        Destination {
            name: format!("service{number}"),
            title: format!("Service {number}"),
            origin: Some(
                Origin::parse(&format!("https://service{number}.example"), grants)
                    .expect("an origin"),
            ),
            grants,
            rate: None,
            routes,
            recipients: Vec::new(),
            origin_hint: String::new(),
        }
    };
    Policy {
        destinations: (0..5).map(destination).collect(),
    }
}

fn text(index: usize) -> String {
    format!("query Find{index}($q: String!) {{ find(q: $q) {{ id name createdAt updatedAt }} }}")
}

fn json_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers
}

/// The last rule of the last service is the one that decides.
fn decision(table: &mut Table) {
    let policy = rules();
    let headers = json_headers();
    let body = json!({"query": text(4), "variables": {"q": "depot"}}).to_string();
    let request = Request {
        method: &Method::POST,
        url: "https://service4.example/query",
        headers: &headers,
        body: body.as_bytes(),
    };
    let mut times = Vec::new();
    for _ in 0..2_000 {
        let begun = Instant::now();
        for _ in 0..10 {
            let decision = policy.decide(Phase::Read, black_box(&request));
            assert!(matches!(decision, PolicyDecision::Allow(_)));
        }
        times.push(begun.elapsed() / 10);
    }
    table.row(
        "one decision with 100 rules, document and variables checked",
        micros(median(times)),
        "2 us",
    );
}

/// One request of `blockers` through the gate, with all that is recorded of its call, and the same
/// through the bare client.
fn added(runtime: &Runtime, peer: &Peer, table: &mut Table) {
    let folder = tempfile::tempdir().expect("a directory");
    let audit = Arc::new(Audit::open(folder.path(), Arc::new(SystemClock)).expect("a record"));
    let parts = Parts {
        recorder: Arc::clone(&audit) as Arc<dyn AuditSink>,
        ..Parts::default()
    };
    let harness = harness_with(&peer.url, parts);
    let answer = super::call(
        runtime,
        &harness,
        "blockers",
        &json!({"opportunity": HEALTHY.to_string()}),
    );
    let answer = answer.result().expect("an answer");
    let document = crm_skill::twenty::documents::ALL
        .iter()
        .find(|document| document.name == "blockers")
        .expect("the document");
    let body = Bytes::from(
        json!({"query": document.text, "variables": {"id": HEALTHY.to_string()}}).to_string(),
    );
    let grants = Grants {
        loopback: true,
        private: false,
    };
    let origin = Origin::parse(&peer.url, grants).expect("an origin");
    let client = Client::new(
        Arc::new(SystemResolver),
        Arc::new(TcpDialler),
        Tls::default(),
    );
    let key = HeaderValue::from_str(&format!("Bearer {}", super::peer::KEY)).expect("a header");
    let (mut gated, mut bare) = (Vec::new(), Vec::new());
    for run in 0..WARM_UP + RUNS {
        let begun = Instant::now();
        let call = CallId::new();
        let beginning = Began {
            call,
            action: "crm_blockers",
            caller: Some("robin"),
            component: "0000000000000000000000000000000000000000000000000000000000000000",
            policy: "0000000000000000000000000000000000000000000000000000000000000000",
            permitted_by: &[],
        };
        audit.began(&beginning).expect("recorded");
        let limits = CallBudget {
            requests: 16,
            concurrent_requests: 8,
            request_bytes: 1 << 18,
            response_bytes: 4 << 20,
            body_bytes: 64 << 20,
        };
        let deadline = begun + Duration::from_secs(20);
        let ledger = CallContext::new(call, Phase::Read, None, deadline, limits);
        let outgoing = Outgoing {
            method: Method::POST,
            url: format!("{}/graphql", peer.url),
            headers: json_headers(),
            body: Some(body.clone()),
            connect: None,
            first_byte: None,
        };
        let response = runtime
            .block_on(harness.outbound().send(&ledger, outgoing))
            .expect("an answer");
        assert!(!harness.outbound().leaks(&answer));
        let end = Ended {
            call,
            outcome: "done",
            sources: &[],
            requests: 1,
            refused: 0,
            elapsed: begun.elapsed(),
        };
        audit.ended(&end).expect("recorded");
        let took = begun.elapsed();
        let begun = Instant::now();
        let mut request = http::Request::post("/graphql")
            .body(body.clone())
            .expect("a request");
        *request.headers_mut() = json_headers();
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, key.clone());
        let exchange = Exchange {
            deadline,
            connect: None,
            first_byte: None,
            response_bytes: 4 << 20,
            repeatable: true,
        };
        let plain = runtime
            .block_on(client.send(&origin, grants, request, exchange))
            .expect("an answer");
        let took_bare = begun.elapsed();
        assert_eq!(response.body().len(), plain.body().len());
        if run >= WARM_UP {
            gated.push(took);
            bare.push(took_bare);
        }
    }
    let (gated, bare) = (median(gated), median(bare));
    table.row(
        "a read's request, through gate and record",
        micros(gated),
        "",
    );
    table.row("the same through the bare client", micros(bare), "");
    table.row(
        "added by the whole gate, record included",
        micros(gated.saturating_sub(bare)),
        "60 us",
    );
}

/// Measures how long after its deadline a loop is stopped.
fn stopped(runtime: &Runtime, table: &mut Table) {
    let mut late = runtime.block_on(async {
        let service = Service::start().await.expect("a service");
        let trial = Trial::new("endless_loop", &service.origin(), None).expect("the component");
        let limit = Duration::from_millis(trial.harness.setup().limits.time_ms);
        let mut late = Vec::new();
        for _ in 0..20 {
            let begun = Instant::now();
            assert!(trial.run(true).await.is_err());
            late.push(begun.elapsed().saturating_sub(limit));
        }
        late
    });
    late.sort_unstable();
    let most = late.last().copied().unwrap_or_default();
    table.row(
        "looping guest, stopped after its deadline",
        millis(median(late)),
        "100 ms",
    );
    table.row("looping guest, the latest of 20", millis(most), "100 ms");
}

/// Calls of all behaviours in turn, in a process of its own.
pub(crate) fn hostile_memory(runtime: &Runtime) {
    runtime.block_on(async {
        let service = Service::start().await.expect("a service");
        let trials: Vec<_> = BEHAVIOURS
            .iter()
            .map(|(name, ..)| Trial::new(name, &service.origin(), None).expect("the component"))
            .collect();
        let mut calls = 0;
        for round in 0.. {
            for trial in &trials {
                // How each ends is what the tests are for.
                let _ = trial.run(true).await;
                calls += 1;
            }
            if round == 4 {
                println!(
                    "resident memory after {calls} hostile calls|{:.1} MiB",
                    super::resident_mib()
                );
            }
            if calls >= 1_000 {
                println!(
                    "resident memory after {calls} hostile calls|{:.1} MiB",
                    super::resident_mib()
                );
                break;
            }
        }
    });
}
