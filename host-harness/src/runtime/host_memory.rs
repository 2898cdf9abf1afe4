//! Bounds the memory that the host holds for a call: header fields, requests, bodies and all other
//! resources that a guest creates.
//!
//! A guest's linear memory is limited by [`super::state::Limiter`]; memory that it makes the host
//! allocate is not part of that. Nothing passed in one host call may be larger than the guest's
//! memory limit (wasmtime's host-call fuel), and before each host call everything held is added up:
//! above the same limit, the call ends. Bodies of requests and responses are counted in the call's
//! context, against the same limit.

use http::HeaderMap;
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::FieldMap;
use wasmtime_wasi_http::p2::bindings::http::types::{Method, Scheme};
use wasmtime_wasi_http::p2::body::HostOutgoingBody;
use wasmtime_wasi_http::p2::types::{HostIncomingResponse, HostOutgoingRequest};

use crate::outbound::wasi_hook::{BODY_CHUNK, BODY_CHUNKS};

/// Most resources that a guest may hold at once; a call with all its requests in flight has about
/// two hundred.
pub(super) const RESOURCES_MAX: usize = 1024;
/// Most handles of a guest, its own resources and borrowed ones included.
pub(super) const HANDLES_MAX: usize = 4 * RESOURCES_MAX;
/// Most bytes of one `fields` resource; the gate accepts only a few short headers.
pub(super) const FIELDS_MAX: usize = 16 << 10;
/// Bytes charged for a resource in addition to its content.
const ENTRY: usize = 512;

/// Adds up the bytes that the host holds in a resource table. Visits each entry; there are at most
/// [`RESOURCES_MAX`].
pub(super) fn bytes(table: &mut ResourceTable) -> usize {
    table
        .iter_mut()
        .map(|entry| {
            let held = if let Some(fields) = entry.downcast_ref::<FieldMap>() {
                of_headers(fields)
            } else if let Some(request) = entry.downcast_ref::<HostOutgoingRequest>() {
                of_request(request)
            } else if let Some(response) = entry.downcast_ref::<HostIncomingResponse>() {
                of_headers(&response.headers)
            } else if entry.is::<HostOutgoingBody>() {
                (BODY_CHUNKS + 1) * BODY_CHUNK
            } else {
                0
            };
            ENTRY + held
        })
        .sum()
}

fn of_headers(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 64)
        .sum()
}

fn of_request(request: &HostOutgoingRequest) -> usize {
    let method = match &request.method {
        Method::Other(name) => name.len(),
        _ => 0,
    };
    let scheme = match &request.scheme {
        Some(Scheme::Other(name)) => name.len(),
        _ => 0,
    };
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    method
        + scheme
        + length(&request.authority)
        + length(&request.path_with_query)
        + of_headers(&request.headers)
}
