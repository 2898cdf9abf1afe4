//! The gate from end to end: over loopback, with an injected resolver and dialler.

mod answers;
mod connections;
mod recording;
mod sandbox;

#[path = "../common/mod.rs"]
mod common;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use crm_harness::Setup;
use crm_harness::config::{Flags, Operator};
use crm_harness::denial::DenialCode;
use crm_harness::digest::hex;
use crm_harness::events::{
    AuditSink, Began, CallId, Decided, DisclosureEvent, Ended, Finished, LogSink, Phase, Planned,
    Ruled, SinkError,
};
use crm_harness::outbound::call_context::{CallBudget, CallContext};
use crm_harness::outbound::client::resolve::Resolver;
use crm_harness::outbound::client::tls::Tls;
use crm_harness::outbound::client::{Client, ClientError, Dialler, Stream, TcpDialler};
use crm_harness::outbound::outgoing::{Outgoing, SendError};
use crm_harness::outbound::sender::Outbound;
use crm_harness::outbound::wasi_hook::GateHook;
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
    Outbound::new(setup.policy, setup.credentials, client, Arc::new(LogSink))
}

fn gate_to(server: &Server) -> Outbound {
    outbound(setup(&server.origin(), "allow-loopback = true"), system())
}

fn ledger_with(phase: Phase, time: Duration, response_bytes: usize) -> CallContext {
    CallContext::new(
        CallId::new(),
        phase,
        None,
        Instant::now() + time,
        CallBudget {
            requests: 4,
            concurrent_requests: 4,
            request_bytes: 4096,
            response_bytes,
            body_bytes: 1 << 20,
        },
    )
}

fn context() -> CallContext {
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
        Err(SendError::Denied(denial) | SendError::Withheld(denial)) => {
            denial.code.as_str().to_owned()
        }
        Err(SendError::Client(error)) => error.code().to_owned(),
        Err(SendError::Rate { .. }) => "rate".to_owned(),
        Err(SendError::Record) => "record".to_owned(),
    }
}

#[tokio::test]
async fn trusted_document_carries_the_host_headers() {
    let server = Server::start(|_| Answer::json(r#"{"data":1}"#)).await;
    let gate = gate_to(&server);
    let context = context();
    let answer = gate.send(&context, find(&server.origin())).await.unwrap();
    assert_eq!(answer.body(), r#"{"data":1}"#);
    assert_eq!(context.requests(), 1);
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
        [
            "accept",
            "authorization",
            "content-length",
            "content-type",
            "host",
            "user-agent"
        ]
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
        let context = context();
        let result = outbound(setup(&origin, "allow-loopback = true"), system())
            .send(&context, request)
            .await;
        assert_eq!(code(&result), expected);
        assert_eq!(
            (context.denials().len(), context.requests()),
            (1, 0),
            "{expected}"
        );
    }
    assert_eq!(server.seen().len(), 0);
    assert_eq!(
        code(&gate_to(&server).send(&context(), get(&origin)).await),
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
        let context = ledger_with(Phase::Perform, Duration::from_secs(10), 1 << 20);
        assert_eq!(code(&gate.send(&context, request).await), "200");
    }
}

#[tokio::test]
async fn refused_requests_count_towards_the_limit() {
    let server = Server::start(|_| Answer::json("{}")).await;
    let gate = gate_to(&server);
    let context = context();
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
        codes.push(code(&gate.send(&context, request).await));
    }
    assert_eq!(codes, ["200", "path", "path", "200", "request-limit"]);
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn missing_credential_sends_nothing() {
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
        .send(&context(), find(&server.origin()))
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
