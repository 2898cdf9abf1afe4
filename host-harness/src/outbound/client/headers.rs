//! Header policy: sets every header of a request, and strips those of a response that a guest may
//! not see.
//!
//! No header of the guest's leaves. Four free texts of 256 bytes in a read that nobody approves
//! would be a covert channel, and one `accept` is enough to get an answer in a form that nothing
//! here can read.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header};

use super::ClientError;
use crate::outbound::secrets::credentials::Ready;

/// Response headers that a guest may see; all others are stripped.
const RESPONSE_HEADERS: [HeaderName; 8] = [
    header::CONTENT_TYPE,
    header::CONTENT_LANGUAGE,
    header::DATE,
    header::ETAG,
    header::LAST_MODIFIED,
    header::LOCATION,
    header::RETRY_AFTER,
    HeaderName::from_static("x-request-id"),
];

/// The client's name, as every service sees it.
const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("crm-harness/", env!("CARGO_PKG_VERSION")));
/// The only media type of requests and answers.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Longest value of a response header that a guest may see, in bytes.
const VALUE_MAX: usize = 1024;
/// Maximum number of response headers that a guest may see.
const HEADERS_MAX: usize = 16;

/// Builds the request as it is sent: origin form, the host's own headers, the credential last.
pub(in crate::outbound) fn build(
    method: Method,
    uri: Uri,
    body: Bytes,
    credential: Option<Ready>,
) -> Result<Request<Bytes>, ClientError> {
    let reads = matches!(method, Method::GET | Method::HEAD);
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .body(body)
        .map_err(|error| ClientError::Protocol(error.to_string()))?;
    let headers = request.headers_mut();
    headers.insert(header::ACCEPT, JSON);
    headers.insert(header::USER_AGENT, USER_AGENT);
    if !reads {
        headers.insert(header::CONTENT_TYPE, JSON);
    }
    if let Some(ready) = credential {
        request.headers_mut().insert(ready.header, ready.value);
    }
    Ok(request)
}

/// Strips all response headers but those that a guest may see.
pub(in crate::outbound) fn bared(response: Response<Bytes>) -> Response<Bytes> {
    let (mut parts, body) = response.into_parts();
    let mut kept = HeaderMap::with_capacity(4);
    for (name, value) in &parts.headers {
        let known = RESPONSE_HEADERS.contains(name) || name.as_str().starts_with("x-ratelimit-");
        // A guest can keep them as long as it wants, in any number of copies.
        if known && value.len() <= VALUE_MAX && kept.len() < HEADERS_MAX {
            kept.append(name, value.clone());
        }
    }
    parts.headers = kept;
    Response::from_parts(parts, body)
}
