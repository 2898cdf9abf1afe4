//! The surroundings of an action inside the component: wasi:http, wasi:clocks and wasi:config.

use std::time::Duration;

use jiff::Timestamp;

use crate::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use crate::bindings::wasi::config::store;
use crate::bindings::wasi::http::outgoing_handler::{self, FutureIncomingResponse};
use crate::bindings::wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    Scheme,
};
use crate::bindings::wasi::io::streams::StreamError;
use crate::context::{Context, Settings};
use crate::transport::{self, Request, Response, Transport, TransportError};

/// Bytes read or written at a time.
const CHUNK: u64 = 64 * 1024;
/// Bytes that a stream takes in one call (wasi:io 0.2).
const WRITE: usize = 4096;

/// Runs an action in the component's surroundings.
pub fn run<T>(action: impl FnOnce(&Context<'_>) -> T) -> T {
    let now = wall_clock::now();
    let seconds = i64::try_from(now.seconds).unwrap_or(i64::MAX);
    let nanoseconds = i32::try_from(now.nanoseconds).unwrap_or(0);
    let now = Timestamp::new(seconds, nanoseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    action(&Context::new(&Http, &Config, now))
}

struct Config;

impl Settings for Config {
    fn get(&self, key: &str) -> Option<String> {
        store::get(key).ok().flatten()
    }
}

struct Http;

impl Transport for Http {
    fn send_all(&self, requests: &[Request]) -> Vec<Result<Response, TransportError>> {
        // All are under way before the first answer is waited for.
        let sent: Vec<_> = requests.iter().map(start).collect();
        sent.into_iter()
            .map(|sent| sent.and_then(|future| finish(&future)))
            .collect()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }

    fn wait(&self, time: Duration) {
        monotonic_clock::subscribe_duration(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
            .block();
    }
}

fn start(request: &Request) -> Result<FutureIncomingResponse, TransportError> {
    let unsendable = |reason: &str| TransportError::Unreachable {
        request_sent: false,
        reason: reason.to_owned(),
    };
    let (scheme, authority) = match request.base_url.split_once("://") {
        Some(("https", authority)) => (Scheme::Https, authority),
        Some(("http", authority)) => (Scheme::Http, authority),
        _ => return Err(unsendable("its address is no https:// or http:// address")),
    };
    let mut headers = vec![("accept".to_owned(), b"application/json".to_vec())];
    let method = match request.method {
        transport::Method::Get => Method::Get,
        transport::Method::Post => {
            headers.push(("content-type".to_owned(), b"application/json".to_vec()));
            let length = request.body.len().to_string().into_bytes();
            headers.push(("content-length".to_owned(), length));
            Method::Post
        }
    };
    let headers = Fields::from_list(&headers).map_err(|_| TransportError::Refused)?;
    let outgoing = OutgoingRequest::new(headers);
    outgoing
        .set_method(&method)
        .map_err(|()| unsendable("the request could not be made"))?;
    outgoing
        .set_scheme(Some(&scheme))
        .map_err(|()| unsendable("its address has a scheme that cannot be used"))?;
    outgoing
        .set_authority(Some(authority))
        .map_err(|()| unsendable("its address has a host that cannot be used"))?;
    outgoing
        .set_path_with_query(Some(&request.path))
        .map_err(|()| unsendable("the request's path cannot be used"))?;
    let body = outgoing
        .body()
        .map_err(|()| unsendable("the request could not be made"))?;
    let future = outgoing_handler::handle(outgoing, None).map_err(|error| failed(&error))?;
    // Where this fails the host has given up on the request; its answer says why.
    let _ = write(body, &request.body);
    Ok(future)
}

fn write(body: OutgoingBody, mut bytes: &[u8]) -> Result<(), StreamError> {
    let Ok(stream) = body.write() else {
        return Ok(());
    };
    while !bytes.is_empty() {
        let (now, later) = bytes.split_at(bytes.len().min(WRITE));
        stream.blocking_write_and_flush(now)?;
        bytes = later;
    }
    drop(stream);
    // Likewise.
    let _ = OutgoingBody::finish(body, None);
    Ok(())
}

fn finish(future: &FutureIncomingResponse) -> Result<Response, TransportError> {
    let broken = || TransportError::Unreachable {
        request_sent: true,
        reason: "its answer broke off".to_owned(),
    };
    let response = loop {
        match future.get() {
            Some(Ok(answer)) => break answer.map_err(|error| failed(&error))?,
            Some(Err(())) => return Err(broken()),
            None => future.subscribe().block(),
        }
    };
    let status = response.status();
    let retry_after = retry_after(&response);
    let body = response.consume().map_err(|()| broken())?;
    let bytes = read(&body)?;
    Ok(Response {
        status,
        retry_after,
        body: bytes,
    })
}

fn retry_after(response: &IncomingResponse) -> Option<u32> {
    let value = response.headers().get("retry-after").into_iter().next()?;
    String::from_utf8(value).ok()?.trim().parse().ok()
}

fn read(body: &IncomingBody) -> Result<Vec<u8>, TransportError> {
    let broken = |reason: &str| TransportError::Unreachable {
        request_sent: true,
        reason: reason.to_owned(),
    };
    let stream = body.stream().map_err(|()| broken("its answer broke off"))?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(CHUNK) {
            Ok(chunk) if bytes.is_empty() => bytes = chunk,
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(
                    match crate::bindings::wasi::http::types::http_error_code(&error) {
                        Some(code) => failed(&code),
                        None => broken("its answer broke off"),
                    },
                );
            }
        }
    }
}

/// Translates wasi:http's error codes. A refusal by the gate carries no reason: the host writes it
/// into the answer.
fn failed(error: &ErrorCode) -> TransportError {
    let (request_sent, reason) = match error {
        ErrorCode::HttpRequestDenied
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::HttpRequestBodySize(_) => {
            return TransportError::Refused;
        }
        ErrorCode::HttpResponseBodySize(_) => return TransportError::TooLarge,
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) => (false, "its name could not be resolved"),
        ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable => (false, "there is no way to its address"),
        ErrorCode::ConnectionRefused => (false, "nothing listens at its address"),
        ErrorCode::ConnectionLimitReached => (false, "too many connections are open"),
        ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_) => {
            (false, "its certificate or encryption was not accepted")
        }
        ErrorCode::ConnectionTimeout => (false, "it did not take the connection in time"),
        ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => (true, "it did not answer in time"),
        ErrorCode::ConnectionTerminated => (true, "it closed the connection"),
        ErrorCode::HttpResponseIncomplete => (true, "its answer broke off"),
        ErrorCode::HttpResponseContentCoding(_) => (
            true,
            "something answered with no JSON object, such as a web page",
        ),
        _ => (true, "the exchange failed"),
    };
    TransportError::Unreachable {
        request_sent,
        reason: reason.to_owned(),
    }
}
