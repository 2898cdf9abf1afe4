//! Limits and leaks at the gate: rate, requests side by side, and secrets in what comes back.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crm_harness::Setup;
use crm_harness::config::{Flags, Operator};
use crm_harness::denial::DenialCode;
use crm_harness::events::{CallId, LogSink, Phase};
use crm_harness::outbound::call_context::{CallBudget, CallContext};
use crm_harness::outbound::client::resolve::SystemResolver;
use crm_harness::outbound::client::tls::Tls;
use crm_harness::outbound::client::{Client, TcpDialler};
use crm_harness::outbound::outgoing::{Outgoing, SendError};
use crm_harness::outbound::sender::Outbound;
use http::{HeaderMap, Method};

use common::server::{Answer, Server};

const SECRET: &str = "planted-service-key";

fn setup(origin: &str, more: &str, secret: &str) -> Setup {
    let manifest = common::manifest(
        "[destinations.service]\ntitle = \"Service\"\norigin-env = \"SERVICE_URL\"\nsecret-env = \"SERVICE_KEY\"\n\
         secret-prefix = \"Bearer \"\nrate = { requests = 10, seconds = 3600 }\n\
         [[destinations.service.routes]]\nmethod = \"GET\"\npath = \"/items/*\"\n",
    );
    let operator = format!(
        "[destinations.service]\norigin = \"{origin}\"\nsecret = \"{secret}\"\nallow-loopback = true\n{more}\n"
    );
    let operator = Operator::parse(&operator, Path::new("operator.toml")).unwrap();
    Setup::resolve(manifest, Some(&operator), Flags::default(), &|name| {
        (name == "KEY").then(|| SECRET.into())
    })
    .unwrap()
}

fn gate(setup: Setup) -> Outbound {
    let client = Client::new(
        Arc::new(SystemResolver),
        Arc::new(TcpDialler),
        Tls::default(),
    );
    Outbound::new(setup.policy, setup.credentials, client, Arc::new(LogSink))
}

fn context(side_by_side: u32) -> CallContext {
    let limits = CallBudget {
        requests: 100,
        concurrent_requests: side_by_side,
        request_bytes: 1000,
        response_bytes: 1 << 20,
        body_bytes: 64 << 20,
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    CallContext::new(CallId::new(), Phase::Read, None, deadline, limits)
}

fn get(origin: &str) -> Outgoing {
    Outgoing {
        method: Method::GET,
        url: format!("{origin}/items/1"),
        headers: HeaderMap::new(),
        body: Some(Bytes::new()),
        connect: None,
        first_byte: None,
    }
}

#[tokio::test]
async fn rate_limit_spans_all_calls() {
    let server = Server::start(|_| Answer::json("{}")).await;
    let origin = server.origin();
    let gate = gate(setup(
        &origin,
        "rate = { requests = 3, seconds = 3600 }",
        "env:KEY",
    ));
    for number in 0..5 {
        let context = context(4);
        match (number, gate.send(&context, get(&origin)).await) {
            (0..3, Ok(_)) => {}
            (3.., Err(SendError::Rate { retry_after })) => {
                assert!(
                    retry_after > Duration::from_secs(60)
                        && retry_after <= Duration::from_secs(1200)
                );
                // It is no denial: the same request passes later.
                assert!(context.denials().is_empty());
            }
            (_, other) => panic!("request {number}: {other:?}"),
        }
    }
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn an_operator_lowers_a_rate_and_never_raises_it() {
    for rate in [
        "{ requests = 20, seconds = 3600 }",
        "{ requests = 5, seconds = 60 }",
    ] {
        let operator =
            format!("[destinations.service]\norigin = \"https://a.example\"\nrate = {rate}\n");
        let operator = Operator::parse(&operator, Path::new("operator.toml")).unwrap();
        let manifest = setup("https://a.example", "", "env:KEY").manifest;
        let error = Setup::resolve(manifest, Some(&operator), Flags::default(), &|_| None)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("destinations.service.rate")
                && error.contains("at most 10 requests in 3600"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn requests_over_the_concurrency_limit_wait() {
    static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    /// Counts who has been let through to the dialler and is not done.
    struct Counting;
    #[async_trait::async_trait]
    impl crm_harness::outbound::client::Dialler for Counting {
        async fn dial(
            &self,
            _address: std::net::SocketAddr,
        ) -> std::io::Result<Box<dyn crm_harness::outbound::client::Stream>> {
            MOST.fetch_max(
                UNDER_WAY.fetch_add(1, Ordering::SeqCst) + 1,
                Ordering::SeqCst,
            );
            // Everybody who may be here comes before the first one leaves.
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
            Err(std::io::ErrorKind::ConnectionRefused.into())
        }
    }
    let setup = setup("http://127.0.0.1:9", "", "env:KEY");
    let client = Client::new(Arc::new(SystemResolver), Arc::new(Counting), Tls::default());
    let gate = Outbound::new(setup.policy, setup.credentials, client, Arc::new(LogSink));
    let context = context(2);
    let send = || gate.send(&context, get("http://127.0.0.1:9"));
    let ended = tokio::join!(send(), send(), send(), send(), send(), send());
    let ended: [_; 6] = ended.into();
    assert!(
        ended
            .iter()
            .all(|end| matches!(end, Err(SendError::Client(_))))
    );
    assert_eq!(MOST.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn response_with_the_credential_is_withheld() {
    let url: String = SECRET.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let json: String = SECRET
        .bytes()
        .map(|byte| format!("\\u{byte:04x}"))
        .collect();
    let bodies = [
        format!("{{\"you\":\"Bearer {SECRET}\"}}"),
        url,
        json,
        STANDARD.encode(SECRET),
        STANDARD.encode(format!("x{SECRET}y")),
        STANDARD.encode(format!("xy{SECRET}z")),
    ];
    for chunked in [false, true] {
        for body in &bodies {
            let answer = Answer {
                chunked,
                ..Answer::json(body)
            };
            let server = Server::start(move |_| answer.clone()).await;
            let gate = gate(setup(&server.origin(), "", "env:KEY"));
            let context = context(4);
            let result = gate.send(&context, get(&server.origin())).await;
            let Err(SendError::Withheld(denial)) = result else {
                panic!("{body}: {result:?}")
            };
            assert_eq!(denial.code, DenialCode::Leak);
            assert!(!format!("{denial:?}").contains(SECRET));
            assert_eq!(context.denials().len(), 1);
        }
    }
}

#[tokio::test]
async fn header_with_the_credential_is_withheld() {
    for (name, withheld) in [("etag", true), ("location", true), ("x-debug", false)] {
        let server = Server::start(move |_| Answer {
            headers: vec![(name, SECRET)],
            ..Answer::json("{}")
        })
        .await;
        let gate = gate(setup(&server.origin(), "", "env:KEY"));
        let result = gate.send(&context(4), get(&server.origin())).await;
        match result {
            Err(SendError::Withheld(denial)) => {
                assert!(withheld && denial.code == DenialCode::Leak)
            }
            Ok(response) => {
                assert!(!withheld && !format!("{:?}", response.headers()).contains(SECRET));
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn replaced_secret_is_still_withheld() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let write = |text: &str, later: u64| {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(std::time::SystemTime::now() + Duration::from_secs(later))
            .unwrap();
    };
    write("the-first-key", 0);
    let answers = ["{}", "the-first-key", "the-second-key", "neither"];
    let server = Server::start(move |number| Answer::json(answers[number])).await;
    let source = format!("file:{}", path.display());
    let gate = gate(setup(&server.origin(), "", &source));
    let mut withheld = Vec::new();
    for number in 0..4 {
        withheld.push(gate.send(&context(4), get(&server.origin())).await.is_err());
        if number == 0 {
            write("the-second-key", 60);
        }
    }
    assert_eq!(withheld, [false, true, true, false]);
    let sent: Vec<_> = server
        .seen()
        .iter()
        .map(|seen| seen.headers["authorization"].clone())
        .collect();
    assert_eq!(sent[0], "Bearer the-first-key");
    assert_eq!(sent[1], "Bearer the-second-key");
}
