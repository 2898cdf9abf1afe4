//! The gate from end to end: over loopback, with an injected resolver and dialler.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]

mod common;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use crm_harness::Setup;
use crm_harness::config::{Flags, Operator};
use crm_harness::outbound::client::{Client, ClientError, Dialler, Stream, TcpDialler};
use crm_harness::outbound::denial::DenialCode;
use crm_harness::outbound::documents::hex;
use crm_harness::outbound::gate::Gate;
use crm_harness::outbound::ledger::{Ledger, LedgerLimits};
use crm_harness::outbound::policy::Phase;
use crm_harness::outbound::record::{
    Began, CallId, Decided, Ended, Finished, LogRecorder, Planned, RecordError, Recorder, Ruled,
    Shared,
};
use crm_harness::outbound::resolve::Resolver;
use crm_harness::outbound::sender::{Outbound, Outgoing, SendError};
use crm_harness::outbound::tls::Tls;
use http::{HeaderMap, HeaderValue, Method, header};
use http_body_util::{BodyExt, Full};
use sha2::{Digest, Sha256};
use wasmtime_wasi_http::{Error, WasiHttpHooks};

use common::server::{Answer, Server};

const QUERY: &str = "query Find($q: String!) { find(q: $q) { id } }";
const KEPT: &str = "query Stages { stages { value } }";
const WRITE: &str = "mutation Make($q: String!) { make(q: $q) { id } }";

/// Names that resolve to these addresses.
struct Names(Vec<IpAddr>);

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(self.0.clone())
    }
}

/// Dials one place whatever it is asked for, and notes what that was.
struct Redirect {
    to: SocketAddr,
    asked: Arc<Mutex<Vec<SocketAddr>>>,
}

#[async_trait]
impl Dialler for Redirect {
    async fn dial(&self, address: SocketAddr) -> std::io::Result<Box<dyn Stream>> {
        self.asked.lock().unwrap().push(address);
        TcpDialler.dial(self.to).await
    }
}

fn document(name: &str, text: &str, effect: &str, more: &str) -> String {
    let sha256 = hex(&Sha256::digest(text.as_bytes()));
    format!(
        "[[destinations.service.documents]]\nname = \"{name}\"\npath = \"/query\"\nsha256 = \"{sha256}\"\neffect = \"{effect}\"\n{more}\n"
    )
}

fn setup(origin: &str, grants: &str) -> Setup {
    let documents = [
        document("find", QUERY, "query", "variables = { q = \"String!\" }"),
        document("stages", KEPT, "query", "cacheable-seconds = 60"),
        document(
            "make",
            WRITE,
            "mutation",
            "variables = { q = \"String!\" }\nacts = [{ verb = \"create\", kind = \"item\", id = \"q\" }]",
        ),
    ];
    let manifest = common::manifest(&format!(
        "[destinations.service]\ntitle = \"Service\"\norigin-env = \"SERVICE_URL\"\nsecret-env = \"SERVICE_KEY\"\n\
         secret-prefix = \"Bearer \"\n\
         [[destinations.service.routes]]\nmethod = \"POST\"\npath = \"/query\"\ndocuments = true\n\
         [[destinations.service.routes]]\nmethod = \"GET\"\npath = \"/items/*\"\n\
         [[destinations.service.routes]]\nmethod = \"POST\"\npath = \"/items\"\n{}",
        documents.concat()
    ));
    let operator =
        format!("[destinations.service]\norigin = \"{origin}\"\nsecret = \"env:KEY\"\n{grants}\n");
    let operator = Operator::parse(&operator, std::path::Path::new("operator.toml")).unwrap();
    Setup::resolve(manifest, Some(&operator), Flags::default(), &|name| {
        (name == "KEY").then(|| "k-123".into())
    })
    .unwrap()
}

fn system() -> Client {
    Client::new(
        Arc::new(Names(Vec::new())),
        Arc::new(TcpDialler),
        Tls::default(),
    )
}

fn outbound(setup: Setup, client: Client) -> Outbound {
    Outbound::new(
        setup.policy,
        setup.credentials,
        client,
        Arc::new(LogRecorder),
    )
}

fn gate_to(server: &Server) -> Outbound {
    outbound(setup(&server.origin(), "allow-loopback = true"), system())
}

fn ledger_with(phase: Phase, time: Duration, response_bytes: usize) -> Ledger {
    Ledger::new(
        CallId::new(),
        phase,
        None,
        Instant::now() + time,
        LedgerLimits {
            requests: 4,
            concurrent_requests: 4,
            request_bytes: 4096,
            response_bytes,
        },
    )
}

fn ledger() -> Ledger {
    ledger_with(Phase::Read, Duration::from_secs(10), 1 << 20)
}

fn body(text: &str, variables: &serde_json::Value) -> Bytes {
    serde_json::json!({"query": text, "variables": variables})
        .to_string()
        .into()
}

fn post(server: &str, body: Bytes) -> Outgoing {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Outgoing {
        method: Method::POST,
        url: format!("{server}/query"),
        headers,
        body: Some(body),
        connect: None,
        first_byte: None,
    }
}

fn find(server: &str) -> Outgoing {
    post(server, body(QUERY, &serde_json::json!({"q": "x"})))
}

fn get(server: &str) -> Outgoing {
    let headers = HeaderMap::new();
    Outgoing {
        method: Method::GET,
        url: format!("{server}/items/1"),
        headers,
        body: Some(Bytes::new()),
        connect: None,
        first_byte: None,
    }
}

fn code(result: &Result<http::Response<Bytes>, SendError>) -> String {
    match result {
        Ok(response) => response.status().as_u16().to_string(),
        Err(SendError::Denied(denial)) => denial.code.as_str().to_owned(),
        Err(SendError::Client(error)) => error.code().to_owned(),
        Err(SendError::Rate { .. }) => "rate".to_owned(),
        Err(SendError::Record) => "record".to_owned(),
    }
}

#[tokio::test]
async fn a_trusted_document_arrives_with_the_credential_and_nothing_the_guest_did_not_say() {
    let server = Server::start(|_| Answer::json(r#"{"data":1}"#)).await;
    let gate = gate_to(&server);
    let ledger = ledger();
    let answer = gate.send(&ledger, find(&server.origin())).await.unwrap();
    assert_eq!(answer.body(), r#"{"data":1}"#);
    assert_eq!(ledger.requests(), 1);
    let seen = server.seen();
    assert_eq!(seen[0].line, "POST /query");
    assert_eq!(seen[0].headers["authorization"], "Bearer k-123");
    assert_eq!(
        seen[0].headers["host"],
        server.origin().trim_start_matches("http://")
    );
    let mut names: Vec<_> = seen[0]
        .headers
        .keys()
        .map(|name| name.as_str().to_owned())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["authorization", "content-length", "content-type", "host"]
    );
}

#[tokio::test]
async fn what_is_not_allowed_never_arrives() {
    let server = Server::start(|_| Answer::json("{}")).await;
    let origin = server.origin();
    let with_header = |name: &'static str, value: &'static str| {
        let mut request = find(&origin);
        request
            .headers
            .insert(name, HeaderValue::from_static(value));
        request
    };
    let variables = |variables: serde_json::Value| post(&origin, body(QUERY, &variables));
    for (request, expected) in [
        (
            post(&origin, body("{ everything }", &serde_json::json!({}))),
            "document",
        ),
        (variables(serde_json::json!({})), "variables"),
        (
            variables(serde_json::json!({"q": {"like": "%"}})),
            "variables",
        ),
        (
            post(&origin, body(WRITE, &serde_json::json!({"q": "x"}))),
            "write",
        ),
        (with_header("authorization", "Bearer stolen"), "header"),
        (with_header("cookie", "a=b"), "header"),
        (with_header("x-data", "abc"), "header"),
        (
            Outgoing {
                url: format!("{origin}/items"),
                ..find(&origin)
            },
            "write",
        ),
        (
            Outgoing {
                url: "http://127.0.0.1:1/query".into(),
                ..find(&origin)
            },
            "port",
        ),
        (
            Outgoing {
                url: "https://elsewhere.example/query".into(),
                ..find(&origin)
            },
            "host",
        ),
        (
            Outgoing {
                body: Some(Bytes::from_static(b"x")),
                ..get(&origin)
            },
            "body",
        ),
        (
            Outgoing {
                body: None,
                ..find(&origin)
            },
            "request-size",
        ),
    ] {
        let ledger = ledger();
        let result = outbound(setup(&origin, "allow-loopback = true"), system())
            .send(&ledger, request)
            .await;
        assert_eq!(code(&result), expected);
        assert_eq!(
            (ledger.denials().len(), ledger.requests()),
            (1, 0),
            "{expected}"
        );
    }
    assert_eq!(server.seen().len(), 0);
    assert_eq!(
        code(&gate_to(&server).send(&ledger(), get(&origin)).await),
        "200"
    );
}

#[tokio::test]
async fn the_host_itself_may_send_what_writes() {
    let server = Server::start(|_| Answer::json("{}")).await;
    let gate = gate_to(&server);
    for request in [
        post(
            &server.origin(),
            body(WRITE, &serde_json::json!({"q": "x"})),
        ),
        Outgoing {
            url: format!("{}/items", server.origin()),
            ..find(&server.origin())
        },
    ] {
        let ledger = ledger_with(Phase::Perform, Duration::from_secs(10), 1 << 20);
        assert_eq!(code(&gate.send(&ledger, request).await), "200");
    }
}

#[tokio::test]
async fn requests_beyond_the_limit_are_refused_and_refused_ones_count() {
    let server = Server::start(|_| Answer::json("{}")).await;
    let gate = gate_to(&server);
    let ledger = ledger();
    let bad = || Outgoing {
        url: format!("{}/other", server.origin()),
        ..find(&server.origin())
    };
    let mut codes = Vec::new();
    for request in [
        find(&server.origin()),
        bad(),
        bad(),
        find(&server.origin()),
        find(&server.origin()),
    ] {
        codes.push(code(&gate.send(&ledger, request).await));
    }
    assert_eq!(codes, ["200", "path", "path", "200", "request-limit"]);
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_redirect_is_handed_on_and_not_followed() {
    let server = Server::start(|_| Answer {
        status: 302,
        headers: vec![("location", "http://127.0.0.1:1/x")],
        ..Answer::json("")
    })
    .await;
    let response = gate_to(&server)
        .send(&ledger(), find(&server.origin()))
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (302, &HeaderValue::from_static("http://127.0.0.1:1/x"))
    );
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn headers_of_the_answer_that_concern_the_host_stay_with_it() {
    let server = Server::start(|_| Answer {
        headers: vec![
            ("set-cookie", "a=b"),
            ("retry-after", "7"),
            ("x-internal", "y"),
            ("x-ratelimit-limit", "100"),
        ],
        ..Answer::json("{}")
    })
    .await;
    let response = gate_to(&server)
        .send(&ledger(), find(&server.origin()))
        .await
        .unwrap();
    assert!(
        !response.headers().contains_key("set-cookie")
            && !response.headers().contains_key("x-internal")
    );
    assert!(
        response.headers().contains_key("retry-after")
            && response.headers().contains_key("x-ratelimit-limit")
    );
}

#[tokio::test]
async fn an_answer_over_the_limit_is_cut_with_an_error_and_one_at_the_limit_is_not() {
    for (bytes, chunked, expected) in [
        (1000, false, "200"),
        (1001, false, "response-size"),
        (1000, true, "200"),
        (1001, true, "response-size"),
    ] {
        let server = Server::start(move |_| Answer {
            body: "x".repeat(bytes),
            chunked,
            ..Answer::json("")
        })
        .await;
        let ledger = ledger_with(Phase::Read, Duration::from_secs(10), 1000);
        assert_eq!(
            code(&gate_to(&server).send(&ledger, find(&server.origin())).await),
            expected,
            "{bytes} {chunked}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_ends_at_the_deadline() {
    let server = Server::start(|_| Answer {
        silent: true,
        ..Answer::json("")
    })
    .await;
    let ledger = ledger_with(Phase::Read, Duration::from_millis(80), 1000);
    assert_eq!(
        code(&gate_to(&server).send(&ledger, find(&server.origin())).await),
        "timeout"
    );
    let patient = ledger_with(Phase::Read, Duration::from_secs(60), 1000);
    let hurried = Outgoing {
        first_byte: Some(Duration::from_millis(50)),
        ..find(&server.origin())
    };
    assert_eq!(
        code(&gate_to(&server).send(&patient, hurried).await),
        "timeout"
    );
}

#[tokio::test]
async fn connections_are_kept_and_a_dead_one_is_replaced_for_a_read() {
    let served = Arc::new(AtomicUsize::new(0));
    let count = served.clone();
    // The server closes after its second answer without saying so.
    let server = Server::start(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        Answer {
            close_after: number == 1,
            ..Answer::json("{}")
        }
    })
    .await;
    let gate = gate_to(&server);
    for _ in 0..4 {
        assert_eq!(
            code(&gate.send(&ledger(), find(&server.origin())).await),
            "200"
        );
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_cacheable_document_is_asked_once_and_an_answer_with_errors_again() {
    let server = Server::start(|number| {
        Answer::json(if number == 0 {
            r#"{"errors":[1]}"#
        } else {
            r#"{"data":1}"#
        })
    })
    .await;
    let gate = gate_to(&server);
    let stages = || post(&server.origin(), body(KEPT, &serde_json::json!({})));
    for _ in 0..4 {
        assert_eq!(code(&gate.send(&ledger(), stages()).await), "200");
    }
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_dialled_and_a_bad_answer_is_refused_whole() {
    let server = Server::start(|_| Answer::json("{}")).await;
    let address = |ip: &str| ip.parse::<IpAddr>().unwrap();
    for (answers, expected) in [
        (vec![address("10.1.2.3")], "200"),
        (vec![address("10.1.2.3"), address("127.0.0.1")], "address"),
        (
            vec![address("10.1.2.3"), address("169.254.169.254")],
            "address",
        ),
        (vec![address("93.184.216.34")], "address"),
        (vec![], "address"),
    ] {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let dialler = Redirect {
            to: server.address(),
            asked: asked.clone(),
        };
        let client = Client::new(Arc::new(Names(answers)), Arc::new(dialler), Tls::default());
        let gate = outbound(setup("http://service:8080", "allow-private = true"), client);
        let ledger = ledger();
        assert_eq!(
            code(&gate.send(&ledger, find("http://service:8080")).await),
            expected
        );
        let dialled: Vec<SocketAddr> = if expected == "200" {
            vec!["10.1.2.3:8080".parse().unwrap()]
        } else {
            vec![]
        };
        assert_eq!(*asked.lock().unwrap(), dialled);
        assert_eq!(
            ledger
                .denials()
                .iter()
                .any(|denial| denial.code == DenialCode::Address),
            expected == "address"
        );
    }
}

#[tokio::test]
async fn without_a_credential_nothing_is_sent_and_the_fix_names_what_to_set() {
    let server = Server::start(|_| Answer::json("{}")).await;
    let mut setup = setup(&server.origin(), "allow-loopback = true");
    let operator = format!(
        "[destinations.service]\norigin = \"{}\"\nallow-loopback = true",
        server.origin()
    );
    let operator = Operator::parse(&operator, std::path::Path::new("operator.toml")).unwrap();
    let other = Setup::resolve(
        setup.manifest.clone(),
        Some(&operator),
        Flags::default(),
        &|_| None,
    )
    .unwrap();
    setup.credentials = other.credentials;
    let result = outbound(setup, system())
        .send(&ledger(), find(&server.origin()))
        .await;
    let Err(SendError::Denied(denial)) = result else {
        panic!("{result:?}")
    };
    assert_eq!(denial.code, DenialCode::Credential);
    assert!(
        denial.fix.contains("destinations.service.secret")
            && !denial.reason.contains("operator.toml"),
        "{denial:?}"
    );
    assert_eq!(server.seen().len(), 0);
}

/// A record that cannot be written, from the given event on.
struct FailsAfter(usize, AtomicUsize);

impl FailsAfter {
    fn next(&self) -> Result<(), RecordError> {
        if self.1.fetch_add(1, Ordering::SeqCst) >= self.0 {
            Err(RecordError("disk full".into()))
        } else {
            Ok(())
        }
    }
}

impl Recorder for FailsAfter {
    fn decided(&self, _event: &Decided<'_>) -> Result<(), RecordError> {
        self.next()
    }

    fn finished(&self, _event: &Finished<'_>) -> Result<(), RecordError> {
        self.next()
    }

    fn began(&self, _event: &Began<'_>) -> Result<(), RecordError> {
        self.next()
    }

    fn ended(&self, _event: &Ended<'_>) -> Result<(), RecordError> {
        self.next()
    }

    fn ruled(&self, _event: &Ruled<'_>) -> Result<(), RecordError> {
        self.next()
    }

    fn planned(&self, _event: &Planned<'_>) -> Result<(), RecordError> {
        self.next()
    }

    fn shared(&self, _event: &Shared<'_>) -> Result<(), RecordError> {
        self.next()
    }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_sent_and_an_unrecorded_answer_is_withheld() {
    for (events, sent, expected) in [(0, 0, "record"), (1, 1, "record"), (2, 1, "200")] {
        let server = Server::start(|_| Answer::json("{}")).await;
        let setup = setup(&server.origin(), "allow-loopback = true");
        let recorder = Arc::new(FailsAfter(events, AtomicUsize::new(0)));
        let gate = Outbound::new(setup.policy, setup.credentials, system(), recorder);
        assert_eq!(
            code(&gate.send(&ledger(), find(&server.origin())).await),
            expected
        );
        assert_eq!(server.seen().len(), sent);
    }
}

#[tokio::test]
async fn the_hook_of_the_sandbox_reads_the_whole_body_before_it_refuses() {
    let server = Server::start(|_| Answer::json("{}")).await;
    let outbound = Arc::new(gate_to(&server));
    for (bytes, expected) in [(5000, "size"), (10, "denied")] {
        let ledger = Arc::new(ledger());
        let mut gate = Gate::new(outbound.clone(), ledger.clone());
        let body = Full::new(Bytes::from(vec![b'x'; bytes]))
            .map_err(|never| match never {})
            .boxed_unsync();
        let request = http::Request::post(format!("{}/query", server.origin()))
            .header("content-type", "application/json")
            .body(body)
            .unwrap();
        let sent =
            std::pin::Pin::from(gate.send_request(request, None, Box::new(async { Ok(()) }))).await;
        let found = match sent.err() {
            Some(Error::HttpRequestBodySize(_)) => "size",
            Some(Error::HttpRequestDenied) => "denied",
            other => panic!("{other:?}"),
        };
        assert_eq!(found, expected);
        assert_eq!(ledger.denials().len(), 1);
    }
}

#[test]
fn a_header_that_belongs_to_the_host_is_refused_while_it_is_built_and_noted_once() {
    let server_free = setup("https://service.example", "");
    let ledger = Arc::new(ledger());
    let mut gate = Gate::new(Arc::new(outbound(server_free, system())), ledger.clone());
    let forbidden = gate.forbidden_header_filter();
    for name in [
        "authorization",
        "cookie",
        "proxy-authorization",
        "proxy-x",
        "host",
        "x-api-key",
    ] {
        assert!(forbidden(&name.parse().unwrap()), "{name}");
    }
    assert!(!forbidden(&header::ACCEPT) && !forbidden(&header::CONTENT_TYPE));
    assert_eq!(ledger.denials().len(), 1);
}

#[tokio::test]
async fn tls_holds_the_peer_to_its_name_and_trusts_only_named_authorities() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let server = Server::start_tls("service.example", |_| Answer::json("{}"), &authority).await;
    let connect = |host: &'static str, authorities: Vec<std::path::PathBuf>| {
        let dialler = Redirect {
            to: server.address(),
            asked: Arc::default(),
        };
        let names = Names(vec!["93.184.216.34".parse().unwrap()]);
        let gate = outbound(
            setup(host, ""),
            Client::new(Arc::new(names), Arc::new(dialler), Tls::new(authorities)),
        );
        async move { gate.send(&ledger(), find(host)).await }
    };
    assert_eq!(
        code(&connect("https://service.example", vec![authority.clone()]).await),
        "200"
    );
    for (host, authorities) in [
        ("https://other.example", vec![authority.clone()]),
        ("https://service.example", vec![]),
    ] {
        let result = connect(host, authorities).await;
        assert!(
            matches!(
                result,
                Err(SendError::Client(
                    ClientError::Tls(_) | ClientError::Roots(_)
                ))
            ),
            "{host}: {result:?}"
        );
    }
    assert_eq!(server.seen().len(), 1);
}
