//! Requests to the CRM: a trusted document and its variables, by `wasi:http`.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::bindings::claw::skill::types::{Failure, Mismatch, Outage};
use crate::bindings::wasi::config::store;
use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{
    Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use crate::bindings::wasi::io::streams::StreamError;

/// The path of its one route in skill.toml.
pub(crate) const PATH: &str = "/graphql";
/// Bytes that a stream takes in one call (wasi:io 0.2).
const WRITE: usize = 4096;
/// Bytes read at a time.
const READ: u64 = 64 * 1024;

/// A GraphQL answer. Its data are read by type only where there are no errors: beside one, any part
/// of them may be null.
#[derive(Deserialize)]
pub(crate) struct Response {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Vec<ServiceError>,
}

/// An entry of `errors`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ServiceError {
    pub(crate) message: String,
    extensions: Extensions,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Extensions {
    code: Option<String>,
    sub_code: Option<String>,
}

impl Response {
    /// Reads an answer.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Returns the first error.
    pub(crate) fn error(&self) -> Option<&ServiceError> {
        self.errors.first()
    }

    /// Returns the data of an answer without errors, if they are of this type.
    pub(crate) fn data<T: DeserializeOwned>(&self) -> Option<T> {
        let whole = self.errors.is_empty();
        whole.then(|| T::deserialize(&self.data).ok()).flatten()
    }
}

impl ServiceError {
    /// Returns true if the same request may succeed later.
    pub(crate) fn may_pass(&self) -> bool {
        let codes = [&self.extensions.code, &self.extensions.sub_code];
        let passing = ["LIMIT_REACHED", "UNAUTHENTICATED"];
        codes
            .into_iter()
            .flatten()
            .any(|code| passing.contains(&code.as_str()))
    }
}

/// Returns the body of a request: these two members and no other, else the gate refuses it.
pub(crate) fn body(document: &str, variables: &Value) -> String {
    json!({ "query": document, "variables": variables }).to_string()
}

/// Asks the CRM.
pub(crate) fn query<T: DeserializeOwned>(document: &str, variables: &Value) -> Result<T, Failure> {
    let (status, bytes) = post(body(document, variables).as_bytes())?;
    if status != 200 {
        return Err(outage(
            true,
            format!("The CRM answered with HTTP {status}."),
        ));
    }
    let unreadable = || {
        Failure::SchemaMismatch(Mismatch {
            field: "data".to_owned(),
            reason: "The CRM's answer does not have the shape that this skill reads.".to_owned(),
            next: "Ask the operator whether the CRM has another version.".to_owned(),
        })
    };
    let response = Response::read(&bytes).ok_or_else(unreadable)?;
    if let Some(error) = response.error() {
        return Err(outage(
            true,
            format!("The CRM refused the query: {}", error.message),
        ));
    }
    response.data().ok_or_else(unreadable)
}

/// Sends a body and returns status and body of the answer. A refusal by the gate needs no words:
/// the harness puts its own in their place.
fn post(body: &[u8]) -> Result<(u16, Vec<u8>), Failure> {
    let origin = store::get("crm.base-url")
        .ok()
        .flatten()
        .unwrap_or_default();
    let (scheme, authority) = match origin.split_once("://") {
        Some(("https", authority)) => (Scheme::Https, authority),
        Some(("http", authority)) => (Scheme::Http, authority),
        _ => return Err(outage(false, "The CRM has no address.".to_owned())),
    };
    let unmade = || outage(false, "The request could not be made.".to_owned());
    let json = ("content-type".to_owned(), b"application/json".to_vec());
    let headers = Fields::from_list(&[json]).map_err(|_| unmade())?;
    let request = OutgoingRequest::new(headers);
    request
        .set_method(&Method::Post)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(authority)))
        .and_then(|()| request.set_path_with_query(Some(PATH)))
        .map_err(|()| unmade())?;
    let outgoing = request.body().map_err(|()| unmade())?;
    let future = outgoing_handler::handle(request, None)
        .map_err(|code| outage(false, format!("The CRM could not be asked ({code:?}).")))?;
    // Where this fails the host has given up on the request; its answer says why.
    let _ = write(outgoing, body);
    let response = loop {
        match future.get() {
            Some(Ok(Ok(response))) => break response,
            Some(Ok(Err(code))) => {
                return Err(outage(true, format!("The CRM did not answer ({code:?}).")));
            }
            Some(Err(())) => return Err(broken()),
            None => future.subscribe().block(),
        }
    };
    Ok((response.status(), read(&response)?))
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), StreamError> {
    if let Ok(stream) = body.write() {
        for chunk in bytes.chunks(WRITE) {
            stream.blocking_write_and_flush(chunk)?;
        }
    }
    // Likewise.
    let _ = OutgoingBody::finish(body, None);
    Ok(())
}

fn read(response: &IncomingResponse) -> Result<Vec<u8>, Failure> {
    let body = response.consume().map_err(|()| broken())?;
    let stream = body.stream().map_err(|()| broken())?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(READ) {
            Ok(chunk) => bytes.extend(chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(_)) => return Err(broken()),
        }
    }
}

fn broken() -> Failure {
    outage(true, "The CRM's answer broke off.".to_owned())
}

fn outage(request_sent: bool, reason: String) -> Failure {
    Failure::Unavailable(Outage {
        request_sent,
        reason,
        next: "Call again in a moment; if it stays, ask the operator.".to_owned(),
    })
}
