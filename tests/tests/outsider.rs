//! A second skill on the same harness, one that is not to be trusted: what it may do works,
//! everything beside it is refused.

use crm_harness::{CallOutcome, Caller, Harness, Invocation, Parts};
use crm_stand_in::Running;
use crm_tests::outsider::outsider;
use serde_json::{Value, json};

/// The document that its manifest names.
const HELLO: &str = r#"{"query":"query Hello { people(first: 1) { totalCount } }","variables":{}}"#;

struct OutsiderEnv {
    harness: Harness,
    service: Running,
}

impl OutsiderEnv {
    async fn new() -> Self {
        let (harness, service) = outsider(Parts::default()).await;
        Self { harness, service }
    }

    async fn send(&self, origin: &str, path: &str, body: &str) -> CallOutcome {
        let arguments = json!({ "origin": origin, "path": path, "body": body });
        let invocation = Invocation {
            tool: "outsider_send".to_owned(),
            arguments,
            caller: Caller::default(),
            deadline: None,
        };
        self.harness.call(invocation).await.unwrap()
    }

    /// That the last thing refused was refused for this, and that nothing arrived.
    async fn refused(&self, origin: &str, path: &str, body: &str, code: &str) {
        let before = self.service.requests().count();
        let outcome = self.send(origin, path, body).await;
        let failure = outcome.result().expect_err("it was let through");
        assert_eq!(
            (&failure["case"], &failure["code"]),
            (&json!("denied"), &json!(code)),
            "{origin}{path} {body}: {failure:#}"
        );
        assert_eq!(outcome.denials.len(), 1);
        assert_eq!(self.service.requests().count(), before, "something arrived");
        self.works().await;
    }

    /// That the host goes on serving what is allowed.
    async fn works(&self) {
        let outcome = self.send(&self.service.url(), "/graphql", HELLO).await;
        assert_eq!(outcome.result(), Ok(json!({ "status": 200 })));
    }
}

#[tokio::test]
async fn listed_request_carries_the_host_credential() {
    let env = OutsiderEnv::new().await;
    env.works().await;
    let received = env.service.requests().all();
    assert_eq!(received.len(), 1);
    // The stand-in answers data to a known key only.
    assert_eq!(received[0].path, "/graphql");
}

#[tokio::test]
async fn another_host_port_scheme_or_route_is_refused() {
    let env = OutsiderEnv::new().await;
    let url = env.service.url();
    let port = env.service.addr().port();
    let other_port = if port == 65_535 { 1_024 } else { port + 1 };
    for (origin, path, code) in [
        (
            "https://collector.example.net".to_owned(),
            "/graphql",
            "host",
        ),
        (format!("http://127.0.0.1:{other_port}"), "/graphql", "port"),
        (format!("https://127.0.0.1:{port}"), "/graphql", "scheme"),
        (format!("http://localhost:{port}"), "/graphql", "host"),
        (url.clone(), "/rest/people", "path"),
        (url.clone(), "/graphql/", "path"),
        (url.clone(), "/graphql?leak=secret", "query"),
    ] {
        env.refused(&origin, path, HELLO, code).await;
    }
}

#[tokio::test]
async fn unlisted_document_is_refused() {
    let env = OutsiderEnv::new().await;
    let url = env.service.url();
    let cases: Vec<(Value, &str)> = vec![
        (
            json!({ "query": "query Hello { people(first: 200) { totalCount } }", "variables": {} }),
            "document",
        ),
        (
            json!({ "query": "mutation { deletePerson(id: \"x\") { id } }", "variables": {} }),
            "document",
        ),
        (
            json!({ "query": "query Hello { people(first: 1) { totalCount } } query B { people { totalCount } }", "variables": {} }),
            "document",
        ),
        (
            json!({ "query": "query Hello { people(first: 1) { totalCount } }", "variables": { "more": 1 } }),
            "variables",
        ),
    ];
    for (body, code) in cases {
        env.refused(&url, "/graphql", &body.to_string(), code).await;
    }
    for body in [
        "",
        "[]",
        "what it has read",
        r#"{"query":"query Hello { people(first: 1) { totalCount } }","variables":{},"operationName":"x"}"#,
    ] {
        env.refused(&url, "/graphql", body, "body").await;
    }
}
