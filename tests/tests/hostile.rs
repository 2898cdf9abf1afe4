//! Components that misbehave, each through the real harness with a real record: stopped for the right reason, on the record,
//! and the host goes on. Without its offence each of them works.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use crm_harness::audit::store::Reader;
use crm_harness::audit::{Audit, Row};
use crm_harness::config::{Flags, Manifest};
use crm_harness::outbound::client::{Client, Dialler, Stream, TcpDialler};
use crm_harness::outbound::resolve::Resolver;
use crm_harness::outbound::tls::Tls;
use crm_harness::skill::clock::SystemClock;
use crm_harness::{CallError, Caller, Harness, Invocation, LoadError, Outcome, Parts, Setup};
use crm_tests::service::{PLANTED, Service};
use crm_tests::{guest, root};
use serde_json::{Value, json};

/// The credential; nobody but the service may ever see it.
const SECRET: &str = "planted-service-key-90e2";
/// What the guests try to carry out.
const LOOT: &str = "planted-loot-7f3a";

/// How an offence has to end.
#[derive(Debug, Clone, Copy)]
enum Stopped {
    /// Refused by the gate with this code; the action's result says so.
    Denied(&'static str),
    /// The call has no result, for this reason.
    Broken(&'static str),
    /// The exchange ended with this code, which the action reports.
    Failed(&'static str),
    /// The sandbox does not let it be built: no request exists.
    Unbuildable,
}
use Stopped::{Broken, Denied, Failed, Unbuildable};

/// Every behaviour: its component, how it ends, and how many of its requests may arrive.
const BEHAVIOURS: [(&str, Stopped, usize); 21] = [
    ("allocation_bomb", Broken("memory-limit"), 0),
    ("data_in_header", Denied("header"), 0),
    ("data_in_path", Denied("path"), 0),
    ("data_in_query", Denied("query"), 0),
    ("duplicate_host", Denied("header"), 0),
    ("endless_loop", Broken("deadline-exceeded"), 0),
    ("giant_request", Denied("request-size"), 0),
    ("giant_response", Failed("response-size"), 1),
    ("huge_headers", Denied("header"), 0),
    ("huge_response_headers", Failed("protocol"), 1),
    ("line_break_in_header", Unbuildable, 0),
    ("many_requests", Denied("request-limit"), 8),
    ("missing_variable", Denied("variables"), 0),
    ("mutation", Denied("write"), 0),
    ("object_for_scalar", Denied("variables"), 0),
    ("own_authorization", Denied("header"), 0),
    ("redirect", Denied("host"), 1),
    ("second_operation", Denied("document"), 0),
    ("slow_reader", Broken("deadline-exceeded"), 1),
    ("transfer_encoding", Denied("header"), 0),
    ("undeclared_document", Denied("document"), 0),
];

/// A harness around a hostile component, with its record.
struct Trial {
    harness: Harness,
    record: tempfile::TempDir,
    origin: String,
}

impl Trial {
    fn new(name: &str, origin: &str, client: Option<Client>) -> Result<Self, LoadError> {
        let path = root().join("tests/guests/hostile/skill.toml");
        let mut manifest = Manifest::read(&path).unwrap();
        if name == "endless_loop" || name == "slow_reader" {
            // These take all the time that they get.
            manifest.limits.time_ms = 200;
        }
        let environment = |variable: &str| match variable {
            "SERVICE_URL" => Some(origin.to_owned()),
            "SERVICE_KEY" => Some(SECRET.to_owned()),
            _ => None,
        };
        let flags = Flags {
            allow_loopback: true,
        };
        let setup = Setup::resolve(manifest, None, flags, &environment).unwrap();
        let record = tempfile::tempdir().unwrap();
        let audit = Audit::open(record.path(), Arc::new(SystemClock)).unwrap();
        let parts = Parts {
            recorder: Arc::new(audit),
            client,
            ..Parts::default()
        };
        let component = guest(&format!("hostile_{name}"));
        Ok(Self {
            harness: Harness::load(&component, setup, parts, None)?,
            record,
            origin: origin.to_owned(),
        })
    }

    async fn run(&self, offend: bool) -> Result<Outcome, CallError> {
        let invocation = Invocation {
            tool: "hostile_run".to_owned(),
            arguments: json!({ "origin": self.origin, "offend": offend }),
            caller: Caller::default(),
            deadline: None,
        };
        self.harness.call(invocation).await
    }

    /// Does the same without the offence, which has to succeed.
    async fn behave(&self, name: &str) {
        let outcome = self.run(false).await.unwrap();
        let status = if name == "redirect" { 302 } else { 200 };
        assert_eq!(outcome.result, Ok(json!({ "status": status })), "{name}");
        assert!(outcome.denials.is_empty(), "{name}: {:?}", outcome.denials);
    }

    fn rows(&self) -> Vec<Row> {
        rows(self.record.path())
    }
}

fn rows(folder: &Path) -> Vec<Row> {
    let reader = Reader::open(folder).unwrap();
    assert_eq!(reader.verify(None).unwrap().faults, []);
    reader.tail(100_000).unwrap()
}

/// The bodies of rows of this kind.
fn bodies(rows: &[Row], kind: &str) -> Vec<Value> {
    rows.iter()
        .filter(|row| row.kind == kind)
        .map(|row| serde_json::from_str(&row.body).unwrap())
        .collect()
}

/// That the offence ended as it has to, and that the record says so.
fn judge(name: &str, stopped: Stopped, outcome: &Result<Outcome, CallError>, rows: &[Row]) {
    let refusals = bodies(rows, "refusal");
    let results = bodies(rows, "result");
    let said = match outcome {
        Ok(outcome) => outcome.result.clone().expect_err(name)["case"].clone(),
        Err(error) => error.code().into(),
    };
    assert_eq!(results.last().unwrap()["outcome"], said, "{name}");
    match (stopped, outcome) {
        (Denied(code), Ok(outcome)) => {
            let failure = outcome.result.as_ref().unwrap_err();
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
async fn every_offence_is_stopped_and_recorded_and_the_host_goes_on() {
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

#[tokio::test]
async fn ten_thousand_requests_leave_a_bounded_record_that_counts_them_all() {
    let service = Service::start().await.unwrap();
    let trial = Trial::new("many_requests", &service.origin(), None).unwrap();
    trial.run(true).await.unwrap();
    let rows = trial.rows();
    assert!(rows.len() < 100, "{} rows", rows.len());
    assert_eq!(bodies(&rows, "result")[0]["refused"], 10_000 - 8);
}

#[tokio::test]
async fn an_import_that_is_not_granted_is_refused_before_anything_runs() {
    let service = Service::start().await.unwrap();
    match Trial::new("burglar", &service.origin(), None) {
        Err(LoadError::Import(name)) => assert!(name.starts_with("wasi:random/random"), "{name}"),
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

/// Dials a service in place of a public address, another one in place of anything else, and notes what was asked for.
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
async fn a_name_that_moves_to_a_forbidden_address_is_not_followed_not_even_over_a_kept_connection()
{
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
    let trial = private(
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
                .result
                .map_err(|failure| failure["code"].clone()),
        );
    }
    let refused = Err(json!("address"));
    // Public over plain http is refused too: only the private address may be dialled, and only it was.
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

/// A trial whose service may be in a private network.
fn private(name: &str, origin: &str, client: Client) -> Trial {
    let manifest = Manifest::read(&root().join("tests/guests/hostile/skill.toml")).unwrap();
    let operator = format!(
        "[destinations.service]\norigin = \"{origin}\"\nsecret = \"env:KEY\"\nallow-private = true\n"
    );
    let operator =
        crm_harness::config::Operator::parse(&operator, Path::new("operator.toml")).unwrap();
    let key = |name: &str| (name == "KEY").then(|| SECRET.to_owned());
    let mut setup = Setup::resolve(manifest, Some(&operator), Flags::default(), &key).unwrap();
    setup.trust = crm_harness::trust::Trust::NoOperator;
    let record = tempfile::tempdir().unwrap();
    let parts = Parts {
        recorder: Arc::new(Audit::open(record.path(), Arc::new(SystemClock)).unwrap()),
        client: Some(client),
        ..Parts::default()
    };
    Trial {
        harness: Harness::load(&guest(&format!("hostile_{name}")), setup, parts, None).unwrap(),
        record,
        origin: origin.to_owned(),
    }
}

/// Where the log of this test goes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_value_no_secret_and_no_refused_path_is_in_the_record_or_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    for (name, _, _) in BEHAVIOURS {
        let service = Service::start().await.unwrap();
        let trial = Trial::new(name, &service.origin(), None).unwrap();
        // How each ends is another test's.
        let _ = trial.run(true).await;
        trial.behave(name).await;
        let arrived = service.seen().concat();
        assert!(arrived.contains(SECRET), "{name} sent nothing");
        let mut kept =
            serde_json::to_string(&trial.rows().iter().map(Row::to_json).collect::<Vec<_>>())
                .unwrap();
        for file in trial.record.path().read_dir().unwrap() {
            kept.push_str(&String::from_utf8_lossy(
                &std::fs::read(file.unwrap().path()).unwrap(),
            ));
        }
        assert!(kept.contains("hostile_run"), "{name} left no record");
        for planted in [SECRET, LOOT, PLANTED, "planted", "destroyAll", "salary"] {
            assert!(
                !kept.contains(planted),
                "{planted} of {name} is in the record"
            );
        }
    }
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("request refused"), "nothing was logged: {log}");
    for planted in [SECRET, LOOT, PLANTED, "planted", "destroyAll", "salary"] {
        let line = log.lines().find(|line| line.contains(planted));
        assert_eq!(line, None, "{planted} is in the log");
    }
}
