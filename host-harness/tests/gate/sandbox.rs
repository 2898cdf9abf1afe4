//! Calls of the sandbox to the gate before a request exists.

use super::*;

#[tokio::test]
async fn hook_reads_the_whole_body_before_refusing() {
    let server = Server::start(|_| Answer::json("{}")).await;
    let outbound = Arc::new(gate_to(&server));
    for (bytes, expected) in [(5000, "size"), (10, "denied")] {
        let context = Arc::new(context());
        let mut gate = GateHook::new(outbound.clone(), context.clone());
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
        assert_eq!(context.denials().len(), 1);
    }
}

#[test]
fn host_header_is_refused_and_audited_once() {
    let server_free = setup("https://service.example", "");
    let context = Arc::new(context());
    let mut gate = GateHook::new(Arc::new(outbound(server_free, system())), context.clone());
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
    assert_eq!(context.denials().len(), 1);
}
