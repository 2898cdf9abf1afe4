//! A plain HTTP client for the tests: one connection a request, whatever comes back is looked at as
//! it is.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName};
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("not JSON ({e}): {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }
}

/// Sends a request; an error is whatever the connection did instead of answering.
pub(crate) async fn send(
    addr: SocketAddr,
    method: &str,
    path: &str,
    key: Option<&str>,
    body: String,
) -> Result<Answer, hyper::Error> {
    let bearer = key.map(|key| format!("Bearer {key}"));
    let mut headers = vec![(CONTENT_TYPE, "application/json")];
    headers.extend(bearer.as_deref().map(|bearer| (AUTHORIZATION, bearer)));
    send_with(addr, method, path, &headers, body).await
}

/// The same, with just these headers.
pub(crate) async fn send_with(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(HeaderName, &str)],
    body: String,
) -> Result<Answer, hyper::Error> {
    let stream = TcpStream::connect(addr)
        .await
        .expect("the stand-in listens");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driving = tokio::spawn(connection);
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, addr.to_string());
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let response = sender
        .send_request(
            request
                .body(Full::new(Bytes::from(body)))
                .expect("a valid request"),
        )
        .await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    driving.abort();
    Ok(Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body,
    })
}

/// Asks `/graphql` and expects an answer.
pub(crate) async fn ask(addr: SocketAddr, key: &str, query: &str, variables: Value) -> Value {
    let body = json!({"query": query, "variables": variables}).to_string();
    let answer = send(addr, "POST", "/graphql", Some(key), body)
        .await
        .expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Asks a REST service as somebody and expects an answer.
pub(crate) async fn call(
    addr: SocketAddr,
    user: impl std::fmt::Display,
    method: &str,
    path: &str,
    body: Value,
) -> Answer {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let token = crm_stand_in::tokens::token(user);
    let answer = send(addr, method, path, Some(&token), body).await;
    answer.expect("an answer")
}
