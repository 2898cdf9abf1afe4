//! The protocol over HTTP: who comes in, what they get, and that nothing leaks to those who do not.

mod common;

use crm_harness::config::Scope;
use crm_harness::config::tokens::stored;
use crm_harness::server::http::HttpLimits;
use crm_harness::server::mcp::Pace;
use http::Method;
use serde_json::{Value, json};

use common::env::{TestEnv, scheme, token};
use common::web::{Program, Served, Web, initialize};

async fn served(env: &TestEnv) -> Served {
    Served::new(env, HttpLimits::default(), Pace::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_begun_lists_calls_fails_and_ends() {
    let (_service, env) = TestEnv::beside_a_service().await;
    let program = Program::new(&env);
    let mut robin = Web::begun(program.address, "robin", json!({})).await;
    let list = robin.message("tools/list", json!({}));
    let listed = robin.post(&list).await.message();
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 5);
    assert_eq!(
        listed["result"]["tools"][0]["annotations"]["readOnlyHint"],
        true
    );
    let counted = robin.call("proposer_count_up", json!({})).await;
    assert_eq!(counted["structuredContent"], json!({"value": 1}));
    let failed = robin.call("proposer_nothing_found", json!({})).await;
    assert_eq!(
        (
            &failed["isError"],
            &failed["structuredContent"]["failure"]["next"]
        ),
        (&json!(true), &json!("look elsewhere"))
    );
    let unknown = robin.message("tools/call", json!({"name": "nothing", "arguments": {}}));
    assert_eq!(
        robin.post(&unknown).await.message()["error"]["code"],
        -32602
    );
    assert_eq!(robin.request(Method::DELETE, "/mcp", "").await.status, 202);
    let gone = robin.message("ping", json!({}));
    assert_eq!(robin.post(&gone).await.status, 404);
    program.terminate();
    assert!(program.ended());
    // The caller on record is the one of the token.
    let record = env.record();
    let text = record
        .iter()
        .map(ToString::to_string)
        .find(|row| row.contains("proposer_nothing_found"))
        .unwrap();
    assert!(text.contains("\"robin\""), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_client_gets_only_a_status() {
    let (_service, env) = TestEnv::beside_a_service().await;
    let front = served(&env).await;
    let right = format!("Bearer {}", token("robin"));
    let robin = Web::begun(front.address, "robin", json!({})).await;
    let session = robin.headers["mcp-session-id"].to_str().unwrap().to_owned();
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}).to_string();
    let huge = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{{\"a\":\"{}\"}}}}",
        "x".repeat(1 << 20)
    );
    let none: &[(&'static str, &str)] = &[];
    let jo = format!("Bearer {}", token("jo"));
    /// A label, the changed headers, the body, and the expected status and error code.
    type Case<'a> = (&'a str, &'a [(&'static str, &'a str)], &'a str, u16, i64);
    let cases: &[Case<'_>] = &[
        ("no token", &[("authorization", "")], &list, 401, -32000),
        (
            "another scheme",
            &[("authorization", &right.replace("Bearer", "Basic"))],
            &list,
            401,
            -32000,
        ),
        (
            "a wrong token",
            &[("authorization", "Bearer ch_wrong")],
            &list,
            401,
            -32000,
        ),
        (
            "a token and more",
            &[("authorization", &format!("{right}x"))],
            &list,
            401,
            -32000,
        ),
        (
            "what the file keeps",
            &[(
                "authorization",
                &format!("Bearer {}", stored(&token("robin"), Scope::Propose)),
            )],
            &list,
            401,
            -32000,
        ),
        (
            "a forged host",
            &[("host", "evil.example")],
            &list,
            403,
            -32000,
        ),
        (
            "another port",
            &[("host", "127.0.0.1:1")],
            &list,
            403,
            -32000,
        ),
        (
            "a forged origin",
            &[("origin", "https://evil.example")],
            &list,
            403,
            -32000,
        ),
        (
            "no origin of a page",
            &[("origin", "null")],
            &list,
            403,
            -32000,
        ),
        (
            "somebody else's session",
            &[("authorization", &jo)],
            &list,
            404,
            -32001,
        ),
        (
            "no such session",
            &[("mcp-session-id", "0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001")],
            &list,
            404,
            -32001,
        ),
        ("too long", none, &huge, 413, -32000),
        ("no JSON", none, "{\"jsonrpc\": tell-nobody", 400, -32700),
        ("nothing", none, "", 400, -32700),
        ("no message", none, "{\"tell-nobody\": 1}", 400, -32600),
        (
            "no message of the protocol",
            none,
            "{\"jsonrpc\":\"2.0\",\"id\":{\"a\":1},\"method\":\"ping\"}",
            400,
            -32600,
        ),
        (
            "too deep",
            none,
            &format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{}{}}}",
                "[".repeat(9_999),
                "]".repeat(9_999)
            ),
            400,
            -32600,
        ),
        ("several at once", none, &format!("[{list}]"), 400, -32600),
    ];
    for (what, headers, body, status, code) in cases {
        let mut client = robin.again().await;
        for (name, value) in *headers {
            if value.is_empty() {
                client.headers.remove(*name);
            } else {
                client.set(name, value);
            }
        }
        let answer = client.request(Method::POST, "/mcp", body).await;
        assert_eq!(answer.status, *status, "{what}: {answer:?}");
        assert_eq!(
            answer.message()["error"]["code"],
            *code,
            "{what}: {answer:?}"
        );
        for secret in [
            &token("robin"),
            &session,
            "proposer",
            "robin",
            "tell-nobody",
            "sha256",
        ] {
            assert!(!answer.body.contains(secret), "{what}: {answer:?}");
        }
        assert!(answer.body.len() < 200, "{what}");
    }
    for (method, path, status) in [
        (Method::PUT, "/mcp", 405),
        (Method::OPTIONS, "/mcp", 405),
        (Method::POST, "/", 404),
        (Method::POST, "/mcp/", 404),
    ] {
        let mut client = robin.again().await;
        assert_eq!(
            client.request(method.clone(), path, "").await.status,
            status,
            "{method} {path}"
        );
    }
    // Of other kinds of content, and without a session.
    let mut client = robin.again().await;
    client.set("content-type", "text/plain");
    assert_eq!(
        client.request(Method::POST, "/mcp", &list).await.status,
        415
    );
    let mut client = Web::of(front.address, "robin").await;
    assert_eq!(
        client.request(Method::POST, "/mcp", &list).await.status,
        400
    );
    // After all that robin's session is as it was.
    let mut client = robin.again().await;
    assert_eq!(
        client.call("proposer_count_up", json!({})).await["isError"],
        false
    );
    let counted = client.get("/metrics").await.body;
    for code in [
        "token",
        "host",
        "origin",
        "session",
        "too-large",
        "malformed",
        "invalid",
        "batch",
        "method",
    ] {
        assert!(
            counted.contains(&format!("refusals_total{{code=\"{code}\"}}")),
            "{code}: {counted}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_belong_to_their_caller() {
    let (service, env) = TestEnv::beside_a_service().await;
    let front = served(&env).await;
    let mut robin = Web::begun(front.address, "robin", json!({"elicitation": {}})).await;
    for (said, state, sent) in [
        ("accept", "done", 1),
        ("decline", "denied", 1),
        ("cancel", "waiting", 1),
    ] {
        let mut stream = robin.call_open("proposer_scheme", scheme(said)).await;
        let question = stream.next().await.unwrap();
        assert_eq!(question["method"], "elicitation/create");
        assert!(
            question["params"]["message"]
                .as_str()
                .unwrap()
                .contains(said)
        );
        let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": said}});
        assert_eq!(robin.again().await.post(&answer).await.status, 202);
        let result = stream.next().await.unwrap()["result"].clone();
        assert_eq!(result["structuredContent"]["state"], state, "{result}");
        assert_eq!(service.seen().len(), sent);
        assert!(stream.next().await.is_none());
        let plan = json!({"plan": result["structuredContent"]["plan"]});
        assert_eq!(
            robin.call("proposer_plan", plan.clone()).await["structuredContent"]["state"],
            state
        );
        let mut jo = Web::begun(front.address, "jo", json!({})).await;
        let theirs = jo.call("proposer_plan", plan).await;
        let none = jo
            .call("proposer_plan", json!({"plan": "f".repeat(64)}))
            .await;
        assert_eq!(theirs, none);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn token_to_propose_approves_nothing() {
    let (service, env) = TestEnv::beside_a_service().await;
    let front = served(&env).await;
    // It declares that it can ask, and is not asked.
    let mut agent = Web::begun(front.address, "robin-agent", json!({"elicitation": {}})).await;
    let proposed = agent.call("proposer_scheme", scheme("a")).await;
    let told = proposed["content"][0]["text"].as_str().unwrap();
    assert_eq!(proposed["structuredContent"]["state"], "waiting", "{told}");
    assert!(
        told.contains("does not count as approval") && told.contains("they approve plan"),
        "{told}"
    );
    // In a session of the same caller's that may approve, it is as unknown as a stranger.
    let mut robin = Web::begun(front.address, "robin", json!({"elicitation": {}})).await;
    let mut stream = robin.call_open("proposer_scheme", scheme("b")).await;
    let question = stream.next().await.unwrap();
    assert_eq!(question["method"], "elicitation/create");
    let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept"}});
    assert_eq!(agent.post(&answer).await.status, 202);
    let session = robin.headers["mcp-session-id"].to_str().unwrap().to_owned();
    agent.set("mcp-session-id", &session);
    assert_eq!(agent.post(&answer).await.status, 404);
    assert_eq!(service.seen().len(), 0);
    assert_eq!(robin.again().await.post(&answer).await.status, 202);
    let done = stream.next().await.unwrap();
    assert_eq!(done["result"]["structuredContent"]["state"], "done");
    assert_eq!(service.seen().len(), 1);
}

/// Lets a client speak the revision without sessions, for calls of the tool that proposes.
fn speak_newest(client: &mut Web) {
    client.set("mcp-protocol-version", "2026-07-28");
    client.set("mcp-method", "tools/call");
    client.set("mcp-name", "proposer_scheme");
}

/// Returns the parameters of such a call, by a client that can ask its person.
fn newest_call() -> Value {
    json!({
        "name": "proposer_scheme",
        "arguments": scheme("a"),
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn propose_token_cannot_approve() {
    let (service, env) = TestEnv::beside_a_service().await;
    let front = served(&env).await;
    let mut robin = Web::of(front.address, "robin").await;
    let mut agent = Web::of(front.address, "robin-agent").await;
    for client in [&mut robin, &mut agent] {
        speak_newest(client);
    }
    let mut params = newest_call();
    let message = agent.message("tools/call", params.clone());
    let proposed = agent.post(&message).await.message();
    let told = &proposed["result"]["structuredContent"];
    assert_eq!(told["state"], "waiting", "{proposed}");
    let message = robin.message("tools/call", params.clone());
    let asked = robin.post(&message).await.message();
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    params["requestState"] = asked["result"]["requestState"].clone();
    params["inputResponses"] = json!({"approval": {"action": "accept"}});
    let message = agent.message("tools/call", params.clone());
    assert_eq!(
        agent.post(&message).await.message()["error"]["code"],
        -32602
    );
    assert_eq!(service.seen().len(), 0);
    let message = robin.message("tools/call", params);
    let done = robin.post(&message).await.message();
    assert_eq!(done["result"]["structuredContent"]["state"], "done");
    assert_eq!(service.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_caller_cannot_answer_an_elicitation() {
    let (service, env) = TestEnv::beside_a_service().await;
    let front = served(&env).await;
    let mut robin = Web::begun(front.address, "robin", json!({"elicitation": {}})).await;
    let mut jo = Web::begun(front.address, "jo", json!({"elicitation": {}})).await;
    let mut stream = robin.call_open("proposer_scheme", scheme("a")).await;
    let question = stream.next().await.unwrap();
    let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept"}});
    // In a session of their own the number means nothing.
    assert_eq!(jo.post(&answer).await.status, 202);
    let session = robin.headers["mcp-session-id"].to_str().unwrap().to_owned();
    jo.set("mcp-session-id", &session);
    assert_eq!(jo.post(&answer).await.status, 404);
    assert_eq!(service.seen().len(), 0);
    let no = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}});
    robin.again().await.post(&no).await;
    assert_eq!(
        stream.next().await.unwrap()["result"]["structuredContent"]["state"],
        "denied"
    );
    assert_eq!(service.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn open_session_stays_with_its_caller() {
    let (_service, env) = TestEnv::beside_a_service().await;
    let front = served(&env).await;
    let mut robin = Web::begun(front.address, "robin", json!({})).await;
    let mut ending = robin.again().await;
    ending.set("mcp-protocol-version", "nonsense");
    assert_eq!(ending.request(Method::DELETE, "/mcp", "").await.status, 400);
    assert_eq!(
        robin.call("proposer_count_up", json!({})).await["isError"],
        false
    );
    let metrics = robin.get("/metrics").await.body;
    assert!(
        metrics.lines().any(|line| line == "crm_harness_sessions 1"),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_method_without_session_is_reported() {
    let (_service, env) = TestEnv::beside_a_service().await;
    let front = served(&env).await;
    let mut robin = Web::of(front.address, "robin").await;
    robin.set("mcp-protocol-version", "2026-07-28");
    for method in ["resources/list", "plans/approve"] {
        robin.set("mcp-method", method);
        let message = robin.message(
            method,
            json!({"_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            }}),
        );
        let told = robin.post(&message).await.message();
        assert_eq!(told["error"]["code"], -32601, "{told}");
        assert_eq!(told["id"], message["id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_protocol_works_without_sessions() {
    let (service, env) = TestEnv::beside_a_service().await;
    let front = served(&env).await;
    let mut robin = Web::of(front.address, "robin").await;
    speak_newest(&mut robin);
    let mut params = newest_call();
    let message = robin.message("tools/call", params.clone());
    let asked = robin.post(&message).await.message();
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    params["requestState"] = asked["result"]["requestState"].clone();
    params["inputResponses"] = json!({"approval": {"action": "accept"}});
    // Somebody else's answer is none.
    let mut jo = robin.again().await;
    jo.set("authorization", &format!("Bearer {}", token("jo")));
    let message = jo.message("tools/call", params.clone());
    assert_eq!(jo.post(&message).await.message()["error"]["code"], -32602);
    assert_eq!(service.seen().len(), 0);
    let message = robin.message("tools/call", params);
    let done = robin.post(&message).await.message();
    assert_eq!(
        done["result"]["structuredContent"]["state"], "done",
        "{done}"
    );
    assert_eq!(service.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_pages_hold_counts_and_no_names() {
    let (_service, env) = TestEnv::beside_a_service().await;
    let front = served(&env).await;
    let mut robin = Web::begun(front.address, "robin", json!({})).await;
    robin
        .call("proposer_scheme", scheme("a-value-of-somebody"))
        .await;
    robin.call("proposer_nothing_found", json!({})).await;
    let mut nobody = Web::nobody(front.address).await;
    assert_eq!(nobody.get("/healthz").await.body, "ok\n");
    assert_eq!(nobody.get("/readyz").await.status, 200);
    let metrics = nobody.get("/metrics").await.body;
    for line in [
        "crm_harness_calls_total{tool=\"proposer_scheme\",outcome=\"done\"} 1",
        "crm_harness_calls_total{tool=\"proposer_nothing_found\",outcome=\"not-found\"} 1",
        "crm_harness_call_duration_seconds_count{tool=\"proposer_scheme\"} 1",
        "crm_harness_plans{state=\"waiting\"} 1",
        "crm_harness_sessions 1",
        "crm_harness_requests 0",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line}: {metrics}"
        );
    }
    for secret in [
        "robin",
        "example.com",
        "a-value-of-somebody",
        &token("robin"),
    ] {
        assert!(!metrics.contains(secret), "{metrics}");
    }
    nobody.set("host", "evil.example");
    assert_eq!(nobody.get("/metrics").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn token_is_shown_once_and_stored_hashed() {
    let (_service, env) = TestEnv::beside_a_service().await;
    let made = env.run(&["token", "new", "--caller", "jo"]);
    assert!(made.status.success(), "{made:?}");
    let drawn = String::from_utf8(made.stdout).unwrap();
    let said = String::from_utf8(made.stderr).unwrap();
    let kept = stored(drawn.trim(), Scope::Propose);
    assert!(
        said.contains("[callers.jo]") && said.contains(&format!("[\"{kept}\"]")),
        "{said}"
    );
    assert!(!said.contains(drawn.trim()));
    let made = env.run(&["token", "new", "--caller", "jo", "--scope", "approve"]);
    assert!(made.status.success(), "{made:?}");
    let (approving, said) = (
        String::from_utf8(made.stdout).unwrap(),
        String::from_utf8(made.stderr).unwrap(),
    );
    let kept = stored(approving.trim(), Scope::Approve);
    assert!(
        said.contains(&format!("[\"{kept}\"]")) && said.contains("APPROVE"),
        "{said}"
    );
    let strange = env.run(&["token", "new", "--caller", "jo", "--scope", "all"]);
    assert_eq!(strange.status.code(), Some(2));
    assert_eq!(
        env.run(&["token", "new", "--caller", "joe"]).status.code(),
        Some(2)
    );
    assert_eq!(env.run(&["token", "new"]).status.code(), Some(2));
    // Without any token nobody could come in; beyond this machine only by a second word.
    let operator = env.read("operator.toml");
    let without: Vec<&str> = operator
        .lines()
        .filter(|line| !line.starts_with("tokens"))
        .collect();
    env.write("operator.toml", &without.join("\n"));
    let refused = env.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        String::from_utf8(refused.stderr)
            .unwrap()
            .contains("token new")
    );
    let open = env.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(open.status.code(), Some(2));
    assert!(
        String::from_utf8(open.stderr)
            .unwrap()
            .contains("--beyond-loopback")
    );
    env.write(
        "operator.toml",
        &operator.replace(&stored(&token("jo"), Scope::Approve), drawn.trim()),
    );
    let mistaken = env.run(&["serve", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8(mistaken.stderr).unwrap();
    assert!(
        mistaken.status.code() == Some(2) && !said.contains(drawn.trim()),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn session_belongs_to_the_caller_of_its_token() {
    let (_service, env) = TestEnv::beside_a_service().await;
    let front = served(&env).await;
    let mut wanda = Web::of(front.address, "wanda").await;
    // What a client says of itself makes it nobody else.
    let mut first = initialize(&json!({}));
    first["params"]["clientInfo"] = json!({"name": "robin", "version": "1"});
    first["params"]["_meta"] = json!({"caller": "robin"});
    let answer = wanda.post(&first).await;
    let session = answer.headers["mcp-session-id"]
        .to_str()
        .unwrap()
        .to_owned();
    wanda.set("mcp-session-id", &session);
    let proposed = wanda.call("proposer_scheme", scheme("a")).await;
    assert_eq!(
        proposed["structuredContent"]["preview"]["proposer"],
        "wanda"
    );
    let stream: Value = json!({"jsonrpc": "2.0", "id": 5, "method": "tools/list"});
    assert_eq!(wanda.post(&stream).await.status, 200);
}
