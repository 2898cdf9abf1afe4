//! The HTTP front under load, and with clients that stall, flood or go away: nobody else is harmed.

mod common;

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crm_harness::server::http::HttpLimits;
use crm_harness::server::mcp::Pace;
use http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use common::env::{TestEnv, scheme, token};
use common::server::{Answer, Server};
use common::web::{PATIENCE, Program, Served, Web};

/// Progress at once, so that a test knows that its guest runs.
fn quick() -> Pace {
    Pace {
        progress: Duration::from_millis(1),
        ..Pace::default()
    }
}

async fn served_env(limits: HttpLimits) -> (Server, TestEnv, Served) {
    let (service, env) = TestEnv::beside_a_service().await;
    let front = Served::new(&env, limits, quick()).await;
    (service, env, front)
}

/// Waits until a line of the metrics is there.
async fn counted(address: SocketAddr, line: &str) {
    let mut client = Web::nobody(address).await;
    let found = async {
        while !client
            .get("/metrics")
            .await
            .body
            .lines()
            .any(|found| found == line)
        {
            tokio::task::yield_now().await;
        }
    };
    assert!(timeout(PATIENCE, found).await.is_ok(), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_stops_its_guest() {
    let (_service, _env, front) = served_env(HttpLimits::default()).await;
    let mut robin = Web::begun(front.address, "robin", json!({})).await;
    let mut stream = robin
        .again()
        .await
        .call_open("proposer_spin", json!({}))
        .await;
    assert_eq!(
        stream.next().await.unwrap()["method"],
        "notifications/progress"
    );
    drop(stream);
    // Its limits are a minute each: nothing but the leaving can have ended it.
    counted(
        front.address,
        "crm_harness_calls_total{tool=\"proposer_spin\",outcome=\"cancelled\"} 1",
    )
    .await;
    counted(front.address, "crm_harness_requests 0").await;
    // The session is still there.
    assert_eq!(
        robin.call("proposer_count_up", json!({})).await["isError"],
        false
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_call_stops_its_guest() {
    let (_service, _env, front) = served_env(HttpLimits::default()).await;
    let mut robin = Web::begun(front.address, "robin", json!({})).await;
    let mut calling = robin.again().await;
    let mut stream = calling.call_open("proposer_spin", json!({})).await;
    stream.next().await.unwrap();
    // The number before the next one.
    let id = calling.message("ping", json!({}))["id"].as_u64().unwrap() - 1;
    let cancel =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
    assert_eq!(robin.post(&cancel).await.status, 202);
    counted(
        front.address,
        "crm_harness_calls_total{tool=\"proposer_spin\",outcome=\"cancelled\"} 1",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_sessionless_client_stops_its_guest() {
    let (_service, _env, front) = served_env(HttpLimits::default()).await;
    let mut robin = Web::of(front.address, "robin").await;
    robin.set("mcp-protocol-version", "2026-07-28");
    robin.set("mcp-method", "tools/call");
    robin.set("mcp-name", "proposer_spin");
    let message = robin.message(
        "tools/call",
        json!({
            "name": "proposer_spin",
            "arguments": {},
            "_meta": {
                "progressToken": "p",
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        }),
    );
    let response = robin.open(Method::POST, "/mcp", &message.to_string()).await;
    assert_eq!(response.status(), 200);
    drop((response, robin));
    counted(
        front.address,
        "crm_harness_calls_total{tool=\"proposer_spin\",outcome=\"cancelled\"} 1",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approved_plan_runs_after_the_client_left() {
    let (service, _env, mut front) = served_env(HttpLimits::default()).await;
    let mut robin = Web::begun(front.address, "robin", json!({"elicitation": {}})).await;
    let mut stream = robin
        .again()
        .await
        .call_open("proposer_scheme", scheme("a"))
        .await;
    let question = loop {
        let message = stream.next().await.unwrap();
        if message["method"] == "elicitation/create" {
            break message;
        }
    };
    let yes = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept"}});
    assert_eq!(robin.post(&yes).await.status, 202);
    // Once the write is on its way, leaving changes nothing.
    let sent = async {
        while service.seen().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, sent).await.unwrap();
    drop((stream, robin));
    counted(front.address, "crm_harness_plans{state=\"done\"} 1").await;
    front.stop();
    front.over().await;
    assert_eq!(service.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_approved_plan_survives_cancellation() {
    let (go_on, held) = std::sync::mpsc::channel::<()>();
    let held = Mutex::new(held);
    let service = Server::start(move |_| {
        held.lock().unwrap().recv().unwrap();
        Answer::json("{\"data\":{\"createTask\":{\"id\":\"1\"}}}")
    })
    .await;
    let env = TestEnv::new(&service.origin());
    let mut front = Served::new(&env, HttpLimits::default(), quick()).await;
    let bolt = Web::begun(front.address, "bolt", json!({})).await;
    let mut calling = bolt.again().await;
    let stream = calling.call_open("proposer_scheme", scheme("a")).await;
    let sent = async {
        while service.seen().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, sent).await.unwrap();
    // Its client has gone before the service has answered.
    drop((stream, calling, bolt));
    counted(front.address, "crm_harness_requests 0").await;
    go_on.send(()).unwrap();
    counted(front.address, "crm_harness_plans{state=\"done\"} 1").await;
    front.stop();
    front.over().await;
    assert_eq!(service.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn stalled_connections_make_room() {
    let (_service, _env, front) = served_env(HttpLimits {
        connections: 8,
        ..HttpLimits::default()
    })
    .await;
    let robin = Web::begun(front.address, "robin", json!({})).await;
    let mut spinning = robin.again().await;
    let mut running = spinning.call_open("proposer_spin", json!({})).await;
    running.next().await.unwrap();
    let mut stalling = Vec::new();
    for number in 0..40 {
        let mut stream = TcpStream::connect(front.address).await.unwrap();
        if number % 2 == 0 {
            // A head that never ends.
            let _ = stream.write_all(b"POST /mcp HTTP/1.1\r\nhost: ").await;
        }
        stalling.push(stream);
    }
    for _ in 0..5 {
        let mut client = robin.again().await;
        assert_eq!(
            client.call("proposer_count_up", json!({})).await["isError"],
            false
        );
    }
    // Who has a call under way was not in the way.
    assert_eq!(
        running.next().await.unwrap()["method"],
        "notifications/progress"
    );
    let mut ended = 0;
    for stream in &mut stalling {
        let mut byte = [0];
        // Those that had to go were closed.
        if let Ok(Ok(0) | Err(_)) = timeout(Duration::from_millis(20), stream.read(&mut byte)).await
        {
            ended += 1;
        }
    }
    assert!(ended >= 30, "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_heads_and_bodies_time_out() {
    let (_service, _env, front) = served_env(HttpLimits {
        head: Duration::from_millis(30),
        body: Duration::from_millis(30),
        ..HttpLimits::default()
    })
    .await;
    let mut stream = TcpStream::connect(front.address).await.unwrap();
    stream
        .write_all(b"POST /mcp HTTP/1.1\r\nhost: ")
        .await
        .unwrap();
    let mut text = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut text))
        .await
        .unwrap()
        .unwrap();
    let mut stream = TcpStream::connect(front.address).await.unwrap();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        front.address,
        token("robin")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut text))
        .await
        .unwrap()
        .unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn chunked_body_over_the_limit_is_cut_off() {
    let (_service, _env, front) = served_env(HttpLimits {
        body_bytes: 1_000,
        ..HttpLimits::default()
    })
    .await;
    let mut stream = TcpStream::connect(front.address).await.unwrap();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        front.address,
        token("robin")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
        .write_all(format!("7d0\r\n{}\r\n", " ".repeat(2_000)).as_bytes())
        .await
        .unwrap();
    let mut text = vec![0; 12];
    timeout(PATIENCE, stream.read_exact(&mut text))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(text, b"HTTP/1.1 413");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_floods_is_refused_alone() {
    let (_service, _env, front) = served_env(HttpLimits {
        requests_of_caller: 4,
        ..HttpLimits::default()
    })
    .await;
    let jo = Web::begun(front.address, "jo", json!({})).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut client = jo.again().await;
        let mut stream = client.call_open("proposer_spin", json!({})).await;
        stream.next().await.unwrap();
        held.push((client, stream));
    }
    let mut one_more = jo.again().await;
    let refused = one_more
        .post(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}))
        .await;
    assert_eq!(
        (
            refused.status,
            refused.headers["retry-after"].to_str().unwrap()
        ),
        (429, "1")
    );
    let mut robin = Web::begun(front.address, "robin", json!({})).await;
    for _ in 0..10 {
        assert_eq!(
            robin.call("proposer_count_up", json!({})).await["isError"],
            false
        );
    }
    drop(held);
    counted(
        front.address,
        "crm_harness_calls_total{tool=\"proposer_spin\",outcome=\"cancelled\"} 4",
    )
    .await;
    counted(front.address, "crm_harness_requests 0").await;
    assert_eq!(
        one_more.call("proposer_count_up", json!({})).await["isError"],
        false
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn session_flood_evicts_its_own_sessions() {
    let (_service, _env, front) = served_env(HttpLimits {
        sessions_of_caller: 3,
        ..HttpLimits::default()
    })
    .await;
    let mut robin = Web::begun(front.address, "robin", json!({})).await;
    let mut first = Web::begun(front.address, "jo", json!({})).await;
    for _ in 0..6 {
        Web::begun(front.address, "jo", json!({})).await;
    }
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    assert_eq!(first.post(&ping).await.status, 404);
    assert_eq!(robin.post(&ping).await.status, 200);
    counted(front.address, "crm_harness_sessions 4").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_drains_then_cuts_off() {
    let (_service, _env, mut front) = served_env(HttpLimits {
        finish: Duration::from_millis(100),
        ..HttpLimits::default()
    })
    .await;
    let mut robin = Web::begun(front.address, "robin", json!({"elicitation": {}})).await;
    let mut listening = robin.again().await;
    let listened = listening.open(Method::GET, "/mcp", "").await;
    assert_eq!(listened.status(), 200);
    let mut spinning = robin.again().await;
    let mut spun = spinning.call_open("proposer_spin", json!({})).await;
    spun.next().await.unwrap();
    let mut asked = robin.call_open("proposer_scheme", scheme("a")).await;
    while asked.next().await.unwrap()["method"] != "elicitation/create" {}
    front.stop();
    // Nobody is asked any more, and the plan waits.
    let told = loop {
        let message = asked.next().await.unwrap();
        if message.get("result").is_some() {
            break message;
        }
    };
    assert_eq!(told["result"]["structuredContent"]["state"], "waiting");
    // A guest that would run on is cut off.
    while spun
        .next()
        .await
        .is_some_and(|message| message.get("result").is_none())
    {}
    let address = front.address;
    front.over().await;
    assert!(TcpStream::connect(address).await.is_err());
}

/// So many clients with so many calls each; how long the calls took, in order.
async fn clients(address: SocketAddr, clients: usize, calls: usize) -> Vec<Duration> {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..clients {
        tasks.spawn(async move {
            let caller = ["robin", "jo", "bolt", "wanda"][number % 4];
            let mut client = Web::begun(address, caller, json!({})).await;
            let mut took = Vec::with_capacity(calls);
            for _ in 0..calls {
                let begun = Instant::now();
                let counted = client.call("proposer_count_up", json!({})).await;
                took.push(begun.elapsed());
                assert_eq!(counted["structuredContent"], json!({"value": 1}));
            }
            assert_eq!(client.request(Method::DELETE, "/mcp", "").await.status, 202);
            took
        });
    }
    let mut took: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    took.sort();
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_clients_at_once_are_all_served() {
    let (_service, _env, front) = served_env(HttpLimits::default()).await;
    let took = clients(front.address, 64, 8).await;
    assert_eq!(took.len(), 512);
    counted(
        front.address,
        "crm_harness_calls_total{tool=\"proposer_count_up\",outcome=\"done\"} 512",
    )
    .await;
}

/// `cargo xtask bench http`: the figures, against the program as it is built for release.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes long without optimisation"]
async fn ten_thousand_calls_keep_memory_flat() {
    let service = Server::start(|_| Answer::json("{}")).await;
    let env = TestEnv::new(&service.origin());
    let program = Program::new(&env);
    // What is kept from call to call (instances, pages, buffers) has its size after as many calls
    // as are then measured.
    clients(program.address, 64, 157).await;
    let before = program.resident();
    let begun = Instant::now();
    let took = clients(program.address, 64, 157).await;
    let (elapsed, after) = (begun.elapsed(), program.resident());
    let at = |part: usize| took[took.len() * part / 100];
    let millis = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    let mebibytes = |kib: u64| format!("{:.1} MiB", kib as f64 / 1024.0);
    let tail = at(99).as_secs_f64() / at(50).as_secs_f64();
    println!("\nMCP over HTTP, 64 clients at once");
    for (name, figure) in [
        // Whatever else came would have ended this test.
        ("calls, all answered rightly", took.len().to_string()),
        ("in all", format!("{:.1} s", elapsed.as_secs_f64())),
        ("p50", millis(at(50))),
        ("p99", millis(at(99))),
        ("p99 over p50", format!("{tail:.1}x")),
        ("slowest", millis(took[took.len() - 1])),
        ("memory before", mebibytes(before)),
        ("memory after", mebibytes(after)),
    ] {
        println!("{name:<27}  {figure:>10}");
    }
    assert!(at(99) < at(50) * 10);
    assert!(
        after < before + before / 4,
        "{before} KiB, then {after} KiB"
    );
}
