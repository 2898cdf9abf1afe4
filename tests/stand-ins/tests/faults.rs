//! Each fault does what it says, to the requests it is meant for, as often as it is meant to.

#[allow(dead_code, reason = "each test uses its part")]
mod client;

use std::time::{Duration, Instant};

use client::{Answer, send};
use crm_stand_in::Running;
use crm_stand_in::faults::{Fault, FaultKind};
use crm_stand_in::twenty::keys::FULL_KEY;
use crm_stand_in::twenty::{Options, TwentyStandIn};
use serde_json::{Value, json};

async fn start() -> Running {
    TwentyStandIn::start(Options {
        rate_limit: false,
        ..Options::default()
    })
    .await
    .unwrap()
}

const QUERY: &str = "query Both { people(first:1){ totalCount edges{node{id jobTitle}} } companies(first:1){ totalCount } }";

async fn ask(running: &Running) -> Result<Answer, hyper::Error> {
    send(
        running.addr(),
        "POST",
        "/graphql",
        Some(FULL_KEY),
        json!({"query": QUERY}).to_string(),
    )
    .await
}

/// The answer while this fault strikes.
async fn struck(fault: impl Into<Fault>) -> Result<Answer, hyper::Error> {
    let running = start().await;
    running.faults().add(fault);
    ask(&running).await
}

fn is_whole(answer: &Answer) -> bool {
    answer.status == 200
        && answer.json()["data"]["people"]["totalCount"] == 25
        && answer.json().get("errors").is_none()
}

#[tokio::test]
async fn without_a_fault_the_answer_is_whole() {
    assert!(is_whole(&ask(&start().await).await.unwrap()));
}

#[tokio::test]
async fn a_delay_comes_before_the_whole_answer() {
    let began = Instant::now();
    assert!(is_whole(
        &struck(FaultKind::Delay { ms: 120 }).await.unwrap()
    ));
    assert!(began.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn statuses_come_with_a_page() {
    for code in [500, 502, 503] {
        let answer = struck(FaultKind::Status { code }).await.unwrap();
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (code, Some("text/html; charset=utf-8"))
        );
        assert!(answer.text().contains("<html>"));
    }
}

#[tokio::test]
async fn too_many_requests_may_say_when_to_come_back() {
    let answer = struck(FaultKind::TooManyRequests {
        retry_after_seconds: Some(7),
    })
    .await
    .unwrap();
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (429, Some("7"))
    );
    let answer = struck(FaultKind::TooManyRequests {
        retry_after_seconds: None,
    })
    .await
    .unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (429, None));
}

#[tokio::test]
async fn the_limit_is_reached_for_one_root_or_for_all() {
    let all = struck(FaultKind::LimitReached { only: None })
        .await
        .unwrap()
        .json();
    assert_eq!(all["data"], json!({"people": null, "companies": null}));
    assert_eq!(all["errors"][1]["extensions"]["subCode"], "LIMIT_REACHED");
    let one = struck(FaultKind::LimitReached {
        only: Some("people".to_owned()),
    })
    .await
    .unwrap()
    .json();
    assert_eq!(
        (
            &one["data"]["people"],
            &one["data"]["companies"]["totalCount"]
        ),
        (&Value::Null, &json!(12))
    );
    assert_eq!(one["errors"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_reset_connection_gives_no_answer() {
    let error = struck(FaultKind::Reset).await.err().expect("no answer");
    assert!(!error.is_timeout());
}

#[tokio::test]
async fn truncated_response_ends_early() {
    assert!(struck(FaultKind::Truncated { bytes: None }).await.is_err());
    assert!(
        struck(FaultKind::Truncated { bytes: Some(0) })
            .await
            .is_err()
    );
}

#[tokio::test]
async fn what_is_not_json_comes_with_status_200() {
    let answer = struck(FaultKind::NotJson).await.unwrap();
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert!(serde_json::from_slice::<Value>(&answer.body).is_err());
}

#[tokio::test]
async fn huge_response_is_json_of_the_asked_length() {
    let answer = struck(FaultKind::Huge { bytes: None }).await.unwrap();
    assert_eq!(answer.body.len(), 10 * 1024 * 1024 + 1);
    assert!(is_whole(&answer));
    assert_eq!(
        struck(FaultKind::Huge {
            bytes: Some(50_000)
        })
        .await
        .unwrap()
        .body
        .len(),
        50_000
    );
}

#[tokio::test]
async fn dripping_response_comes_slowly_and_whole() {
    let began = Instant::now();
    let answer = struck(FaultKind::Drip {
        chunk: 40,
        every_ms: 15,
    })
    .await
    .unwrap();
    assert!(is_whole(&answer));
    let pieces = u32::try_from(answer.body.len().div_ceil(40)).unwrap();
    assert!(
        pieces > 2 && began.elapsed() >= Duration::from_millis(15) * pieces,
        "{pieces} pieces in {:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_partial_error_spares_the_other_roots() {
    let fault = FaultKind::PartialError {
        only: "companies".to_owned(),
        message: "Boom".to_owned(),
        code: "INTERNAL_SERVER_ERROR".to_owned(),
    };
    let answer = struck(fault).await.unwrap().json();
    assert_eq!(
        (
            &answer["data"]["companies"],
            &answer["data"]["people"]["totalCount"]
        ),
        (&Value::Null, &json!(25))
    );
    assert_eq!(
        answer["errors"],
        json!([{"message": "Boom", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}])
    );
}

#[tokio::test]
async fn a_promised_value_reads_null() {
    let pointer = "/data/people/edges/0/node/id".to_owned();
    let answer = struck(FaultKind::NullAt { pointer }).await.unwrap().json();
    assert_eq!(
        answer["data"]["people"]["edges"][0]["node"]["id"],
        Value::Null
    );
    assert!(answer["data"]["people"]["edges"][0]["node"]["jobTitle"].is_string());
}

#[tokio::test]
async fn a_redirect_names_where_to() {
    let answer = struck(FaultKind::Redirect {
        to: "http://127.0.0.1:9/elsewhere".to_owned(),
        code: 307,
    })
    .await
    .unwrap();
    assert_eq!(
        (answer.status, answer.header("location")),
        (307, Some("http://127.0.0.1:9/elsewhere"))
    );
}

#[tokio::test]
async fn fault_adds_headers_or_a_wrong_content_type() {
    let answer = struck(FaultKind::Header {
        name: "x-more".to_owned(),
        value: "yes".to_owned(),
    })
    .await
    .unwrap();
    assert!(is_whole(&answer) && answer.header("x-more") == Some("yes"));
    let answer = struck(FaultKind::ContentType {
        value: "image/png".to_owned(),
    })
    .await
    .unwrap();
    assert!(is_whole(&answer) && answer.header("content-type") == Some("image/png"));
}

#[tokio::test]
async fn fault_echoes_the_credential() {
    let plain = struck(FaultKind::EchoAuthorization { base64: false })
        .await
        .unwrap()
        .json();
    assert_eq!(plain["echo"], json!(format!("Bearer {FULL_KEY}")));
    let encoded = struck(FaultKind::EchoAuthorization { base64: true })
        .await
        .unwrap();
    assert!(encoded.json()["echo"].is_string() && !encoded.text().contains(FULL_KEY));
}

#[tokio::test]
async fn faults_strike_at_their_place_and_count() {
    let running = start().await;
    running.faults().add(
        Fault {
            times: Some(2),
            ..FaultKind::NotJson.into()
        }
        .on_root("companies"),
    );
    running
        .faults()
        .add(Fault::once(FaultKind::Status { code: 502 }).on_operation("Other"));
    running
        .faults()
        .add(Fault::once(FaultKind::Status { code: 503 }).on_root("notes"));
    assert!(!is_json(&ask(&running).await.unwrap()));
    assert!(!is_json(&ask(&running).await.unwrap()));
    assert!(is_whole(&ask(&running).await.unwrap()));
    assert_eq!(
        running.faults().all().len(),
        2,
        "those for other requests are still set"
    );
    running.reset();
    assert!(running.faults().all().is_empty() && running.requests().count() == 0);
}

fn is_json(answer: &Answer) -> bool {
    serde_json::from_slice::<Value>(&answer.body).is_ok()
}

#[tokio::test]
async fn faults_and_journal_work_over_http() {
    let running = start().await;
    let set = send(
        running.addr(),
        "POST",
        "/stand-in/faults",
        None,
        r#"{"fault": "status", "code": 500, "times": 1, "root": "people"}"#.to_owned(),
    )
    .await
    .unwrap();
    assert_eq!(
        (set.status, set.json()),
        (
            200,
            json!([{"fault": "status", "code": 500, "times": 1, "root": "people"}])
        )
    );
    let wrong = send(
        running.addr(),
        "POST",
        "/stand-in/faults",
        None,
        r#"{"fault": "sneeze"}"#.to_owned(),
    )
    .await
    .unwrap();
    assert_eq!(wrong.status, 400);
    assert_eq!(ask(&running).await.unwrap().status, 500);
    assert!(is_whole(&ask(&running).await.unwrap()));

    let received = send(
        running.addr(),
        "GET",
        "/stand-in/requests",
        None,
        String::new(),
    )
    .await
    .unwrap();
    assert!(!received.text().contains(FULL_KEY), "keys are not kept");
    let received = received.json();
    assert_eq!(
        received.as_array().map(Vec::len),
        Some(2),
        "control requests are not counted"
    );
    assert_eq!(
        (&received[0]["method"], &received[0]["path"]),
        (&json!("POST"), &json!("/graphql"))
    );
    assert!(
        received[0]["headers"]
            .as_array()
            .unwrap()
            .contains(&json!(["authorization", "<present>"]))
    );
    assert_eq!(
        received[0]["body"],
        json!(json!({"query": QUERY}).to_string())
    );

    send(
        running.addr(),
        "POST",
        "/stand-in/faults",
        None,
        r#"[{"fault": "not-json"}, {"fault": "reset"}]"#.to_owned(),
    )
    .await
    .unwrap();
    assert!(ask(&running).await.is_err());
    let cleared = send(
        running.addr(),
        "DELETE",
        "/stand-in/faults",
        None,
        String::new(),
    )
    .await
    .unwrap();
    assert_eq!(cleared.json(), json!([]));
    send(
        running.addr(),
        "POST",
        "/stand-in/reset",
        None,
        String::new(),
    )
    .await
    .unwrap();
    assert_eq!(running.requests().count(), 0);
    assert!(is_whole(&ask(&running).await.unwrap()));
}
