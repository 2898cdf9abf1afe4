//! Responses: host headers stripped, size limits kept, cacheable ones asked for once.

use super::*;

#[tokio::test]
async fn a_redirect_is_handed_on_and_not_followed() {
    let server = Server::start(|_| Answer {
        status: 302,
        headers: vec![("location", "http://127.0.0.1:1/x")],
        ..Answer::json("")
    })
    .await;
    let response = gate_to(&server)
        .send(&context(), find(&server.origin()))
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (302, &HeaderValue::from_static("http://127.0.0.1:1/x"))
    );
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn host_headers_are_stripped_from_the_response() {
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
        .send(&context(), find(&server.origin()))
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
async fn response_over_the_size_limit_is_cut() {
    for (bytes, chunked, expected) in [
        (1000, false, "200"),
        (1001, false, "response-size"),
        (1000, true, "200"),
        (1001, true, "response-size"),
    ] {
        let server = Server::start(move |_| Answer {
            body: format!("{{{}}}", " ".repeat(bytes - 2)),
            chunked,
            ..Answer::json("")
        })
        .await;
        let context = ledger_with(Phase::Read, Duration::from_secs(10), 1000);
        assert_eq!(
            code(
                &gate_to(&server)
                    .send(&context, find(&server.origin()))
                    .await
            ),
            expected,
            "{bytes} {chunked}"
        );
    }
}

#[tokio::test]
async fn missing_response_ends_at_the_deadline() {
    let server = Server::start(|_| Answer {
        silent: true,
        ..Answer::json("")
    })
    .await;
    let context = ledger_with(Phase::Read, Duration::from_millis(80), 1000);
    assert_eq!(
        code(
            &gate_to(&server)
                .send(&context, find(&server.origin()))
                .await
        ),
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
async fn response_that_is_no_object_is_withheld() {
    let stream = "event: next\ndata: {\"data\":{\"name\":\"planted\"}}\n\n";
    for (status, body, expected) in [
        (200, stream, "no-object"),
        (200, "<html>planted</html>", "no-object"),
        (200, "[{\"data\":\"planted\"}]", "no-object"),
        (204, "", "no-object"),
        (502, "<html>planted</html>", "502"),
        (200, "{\"data\":{}}", "200"),
    ] {
        let server = Server::start(move |_| Answer {
            status,
            ..Answer::json(body)
        })
        .await;
        let gate = gate_to(&server);
        for text in [QUERY, KEPT] {
            let variables = match text {
                QUERY => serde_json::json!({"q": "x"}),
                _ => serde_json::json!({}),
            };
            let sent = gate
                .send(
                    &context(),
                    post(&server.origin(), self::body(text, &variables)),
                )
                .await;
            assert_eq!(code(&sent), expected, "{status} {body}");
            if let Ok(response) = sent {
                assert!(!response.body().windows(7).any(|part| part == b"planted"));
            }
        }
        // Other routes answer in whatever form they have.
        let item = gate.send(&context(), get(&server.origin())).await;
        assert_eq!(code(&item), status.to_string(), "{body}");
    }
}

#[tokio::test]
async fn errors_are_not_cached() {
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
        assert_eq!(code(&gate.send(&context(), stages()).await), "200");
    }
    assert_eq!(server.seen().len(), 2);
}
