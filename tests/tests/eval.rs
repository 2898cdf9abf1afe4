//! `cargo xtask eval` against endpoints that say what a test wrote down: what scores, what does
//! not, and what is said of an endpoint that fails.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crm_tests::TestEnv;
use crm_tests::requests::ask::Endpoint;
use crm_tests::requests::eval::{self, Score};
use crm_tests::requests::{Case, Corpus, matching, read, run};
use serde_json::{Map, Value, json};

type Calls = Vec<(String, Value)>;
/// The key and the body of a request.
type Request = (Option<String>, Value);

/// A model that makes the calls that were written down for a request, one a message, and then
/// talks.
struct Scripted {
    url: String,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Scripted {
    fn start(script: BTreeMap<String, Calls>, status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<_>>>::default();
        let kept = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (path, key, body) = received(&stream);
                assert_eq!(path, "POST /v1/chat/completions HTTP/1.1");
                let message = next(&script, &body);
                kept.lock().unwrap().push((key, body));
                let answer = match status {
                    200 => json!({"choices": [{"message": message}]}),
                    _ => json!({"error": {"message": "not today"}}),
                };
                let answer = answer.to_string();
                write!(
                    stream,
                    "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
                    answer.len()
                )
                .unwrap();
            }
        });
        Self { url, asked }
    }

    fn endpoint(&self, key: Option<&str>) -> Endpoint {
        Endpoint::new(
            &self.url,
            Some("scripted".to_owned()),
            key.map(str::to_owned),
        )
        .unwrap()
    }
}

/// Request line, key and body of a request.
fn received(stream: &TcpStream) -> (String, Option<String>, Value) {
    let mut reader = BufReader::new(stream);
    let mut path = String::new();
    reader.read_line(&mut path).unwrap();
    let (mut length, mut key) = (0, None);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "authorization" => key = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (
        path.trim().to_owned(),
        key,
        serde_json::from_slice(&body).unwrap(),
    )
}

/// The message that comes after these: the request's next call, or words.
fn next(script: &BTreeMap<String, Calls>, body: &Value) -> Value {
    let messages = body["messages"].as_array().unwrap();
    let request = messages
        .iter()
        .rposition(|message| message["role"] == "user")
        .unwrap();
    let made = messages[request..]
        .iter()
        .filter(|message| message["role"] == "tool")
        .count();
    let calls = script.get(messages[request]["content"].as_str().unwrap());
    match calls.and_then(|calls| calls.get(made)) {
        None => json!({"role": "assistant", "content": "That is all."}),
        Some((tool, arguments)) => {
            let arguments = arguments
                .as_str()
                .map_or_else(|| arguments.to_string(), str::to_owned);
            json!({"role": "assistant", "content": null, "tool_calls": [
                {"id": format!("call-{made}"), "type": "function", "function": {"name": tool, "arguments": arguments}},
            ]})
        }
    }
}

fn corpus(requests: Value) -> Corpus {
    let whole = read().unwrap();
    let requests: Vec<Case> = serde_json::from_value(requests).unwrap();
    Corpus { requests, ..whole }
}

fn two_steps() -> Value {
    json!([{"request": "Who is Marta Keller?", "calls": [
        {"tool": "crm_search", "arguments": {"query": {"contains": ["marta"]}}, "free": ["kinds"], "example": {"query": "Marta Keller"}, "outcome": "ok"},
        {"tool": "crm_get", "arguments": {"kind": "person", "id": {"from": {"call": 0, "at": "/hits/0/id"}}}, "outcome": "ok"},
    ]}])
}

const MARTA: &str = "5a000003-0000-4000-8000-000000000001";

async fn score(requests: Value, calls: Value) -> Score {
    let corpus = corpus(requests);
    let calls: Calls = serde_json::from_value(calls).unwrap();
    let script = BTreeMap::from([(corpus.requests[0].request.clone(), calls)]);
    let model = Scripted::start(script, 200);
    eval::all(&corpus, &model.endpoint(None), usize::MAX)
        .await
        .unwrap()
}

#[tokio::test]
async fn expected_calls_score_full() {
    let mut corpus = read().unwrap();
    // The others have a workspace of their own, and with it plans that this script cannot know.
    corpus.requests.retain(|case| !case.changes());
    let env = TestEnv::whole().await;
    let mut script = BTreeMap::new();
    let mut expected = 0;
    for case in corpus.requests.iter().filter(|case| case.before.is_empty()) {
        let wanted = run::expected(&env, case, Vec::new()).await.unwrap();
        let calls = case.calls.iter().zip(wanted).map(|(call, wanted)| {
            let arguments = matching::arguments(&wanted, &call.example).unwrap();
            (call.tool.clone(), Value::Object(arguments))
        });
        script.insert(case.request.clone(), calls.collect());
        expected += case.calls.len();
    }
    corpus.requests.retain(|case| case.before.is_empty());
    let without = corpus
        .requests
        .iter()
        .filter(|case| case.calls.is_empty())
        .count();
    let model = Scripted::start(script, 200);
    let score = eval::all(&corpus, &model.endpoint(Some("sesame")), usize::MAX)
        .await
        .unwrap();
    let wrong: Vec<_> = score
        .rows
        .iter()
        .filter(|row| row.verdict != "right")
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let tools = expected + without;
    assert_eq!(
        score.line(),
        format!("tool {tools}/{tools}, arguments {expected}/{expected}")
    );

    let asked = model.asked.lock().unwrap();
    let (key, body) = &asked[0];
    assert_eq!(key.as_deref(), Some("Bearer sesame"));
    assert_eq!(body["model"], "scripted");
    assert_eq!(body["tools"].as_array().unwrap().len(), 15);
    assert_eq!(body["tools"][1]["function"]["name"], "crm_search");
    let system = body["messages"][0]["content"].as_str().unwrap();
    for told in ["# CRM", "Wednesday, 2026-03-11 09:30", "robin@example.com"] {
        assert!(system.contains(told), "{told}");
    }
    assert!(
        !system.contains("plugins.entries"),
        "the front matter is not for the model"
    );
}

#[tokio::test]
async fn wrong_tools_and_arguments_do_not_score() {
    for (calls, line, verdict) in [
        (
            json!([["crm_search", {"query": "Marta"}], ["crm_get", {"kind": "person", "id": MARTA}]]),
            "tool 2/2, arguments 2/2",
            "right",
        ),
        (
            json!([["crm_search", {"query": "Owen"}]]),
            "tool 1/2, arguments 0/2",
            "arguments of crm_search",
        ),
        (
            json!([["crm_search", {"query": "Marta", "limit": 3}]]),
            "tool 1/2, arguments 0/2",
            "arguments of crm_search",
        ),
        (
            json!([["crm_search", "no json"]]),
            "tool 1/2, arguments 0/2",
            "arguments of crm_search",
        ),
        (
            json!([["crm_search", {"query": "Marta"}], ["crm_get", {"kind": "company", "id": MARTA}]]),
            "tool 2/2, arguments 1/2",
            "arguments of crm_get",
        ),
        (
            json!([["crm_search", {"query": "Marta"}]]),
            "tool 1/2, arguments 1/2",
            "no call of crm_get",
        ),
        (
            json!([["crm_status", {}]]),
            "tool 0/2, arguments 0/2",
            "crm_status instead of crm_search",
        ),
        (
            json!([]),
            "tool 0/2, arguments 0/2",
            "no call of crm_search",
        ),
        (
            json!([["crm_search", {"query": "Marta"}], ["crm_get", {"kind": "person", "id": MARTA}], ["crm_upsert", {"kind": "person", "id": MARTA, "jobTitle": "x"}]]),
            "tool 1/2, arguments 2/2",
            "crm_upsert, where nothing of the kind was asked for",
        ),
    ] {
        let score = score(two_steps(), calls.clone()).await;
        assert_eq!(
            (score.line().as_str(), score.rows[0].verdict.as_str()),
            (line, verdict),
            "{calls}"
        );
        assert!(
            score.table().lines().nth(1).unwrap().ends_with(verdict),
            "{}",
            score.table()
        );
    }
}

#[tokio::test]
async fn unwanted_call_fails_and_detour_passes() {
    let none = json!([{"request": "Delete it.", "why": "No tool deletes.", "calls": [], "also": ["crm_search"]}]);
    let rename = json!([{"request": "Marta is COO now.", "also": ["crm_upsert"], "calls": [
        {"tool": "crm_search", "arguments": {"query": {"contains": ["marta"]}}, "example": {"query": "Marta Keller"}, "outcome": "ok"},
        {"tool": "crm_upsert", "arguments": {"kind": "person", "id": {"from": {"call": 0, "at": "/hits/0/id"}}, "jobTitle": "COO"}, "outcome": "waiting",
         "answer": {"/preview/steps/0/values/*/value": {"contains": ["\"COO\""]}}},
    ]}]);
    let named = |job: &str| json!([["crm_upsert", {"kind": "person", "firstName": "Marta", "lastName": "Keller", "jobTitle": job}]]);
    for (requests, calls, line) in [
        (&none, json!([]), "tool 1/1, arguments 0/0"),
        (
            &none,
            json!([["crm_search", {"query": "it"}]]),
            "tool 1/1, arguments 0/0",
        ),
        (
            &none,
            json!([["crm_search", {"query": "it"}], ["crm_upsert", {"kind": "task"}]]),
            "tool 0/1, arguments 0/0",
        ),
        (
            &none,
            json!([["crm_status", {}]]),
            "tool 0/1, arguments 0/0",
        ),
        (&rename, named("COO"), "tool 2/2, arguments 2/2"),
        (&rename, named("CTO"), "tool 2/2, arguments 0/2"),
    ] {
        let score = score(requests.clone(), calls.clone()).await;
        assert_eq!(score.line(), line, "{calls}: {:?}", score.rows);
    }
}

#[tokio::test]
async fn failing_endpoint_is_reported_with_a_fix() {
    for (status, fix) in [
        (401, "--key-env"),
        (404, "--model-url"),
        (429, "--limit"),
        (500, "log of the model's server"),
    ] {
        let model = Scripted::start(BTreeMap::new(), status);
        let failed = eval::all(&corpus(two_steps()), &model.endpoint(None), 1)
            .await
            .unwrap_err();
        for said in [
            "Who is Marta Keller?",
            &status.to_string(),
            "not today",
            fix,
        ] {
            assert!(failed.contains(said), "{said}: {failed}");
        }
    }
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let nobody = Endpoint::new(&format!("http://{closed}"), None, None).unwrap();
    let failed = eval::all(&corpus(two_steps()), &nobody, 1)
        .await
        .unwrap_err();
    assert!(
        failed.contains("cannot be reached") && failed.contains("--model-url"),
        "{failed}"
    );
    let Err(failed) = Endpoint::new("ftp://x", None, None) else {
        panic!("taken")
    };
    assert!(failed.contains("--model-url"), "{failed}");
}

#[test]
fn arguments_that_are_left_out_are_none() {
    let message = json!({"tool_calls": [
        {"id": "a", "function": {"name": "t", "arguments": ""}},
        {"id": "b", "function": {"name": "t", "arguments": {"x": 1}}},
        {"id": "c", "function": {"name": "t", "arguments": "[1]"}},
    ]});
    let wishes = crm_tests::requests::ask::wishes(&message);
    let given: Vec<Option<Map<String, Value>>> =
        wishes.into_iter().map(|wish| wish.arguments).collect();
    assert_eq!(given[0], Some(Map::new()));
    assert_eq!(given[1].as_ref().unwrap()["x"], 1);
    assert_eq!(given[2], None);
}
