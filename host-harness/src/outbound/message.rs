//! What is put into a request last and taken out of a response first.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, Response, Uri, header};

use super::client::ClientError;
use super::credentials::Ready;

/// Response headers that are handed on; everything else stays with the host.
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

/// The request as it leaves: origin form, the credential last.
pub(super) fn build(
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    credential: Option<Ready>,
) -> Result<Request<Bytes>, ClientError> {
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .body(body)
        .map_err(|error| ClientError::Protocol(error.to_string()))?;
    *request.headers_mut() = headers;
    if let Some(ready) = credential {
        request.headers_mut().insert(ready.header, ready.value);
    }
    Ok(request)
}

/// The response with only those headers that are handed on.
pub(super) fn bared(response: Response<Bytes>) -> Response<Bytes> {
    let (mut parts, body) = response.into_parts();
    let mut kept = HeaderMap::with_capacity(4);
    for (name, value) in &parts.headers {
        if RESPONSE_HEADERS.contains(name) || name.as_str().starts_with("x-ratelimit-") {
            kept.append(name, value.clone());
        }
    }
    parts.headers = kept;
    Response::from_parts(parts, body)
}
