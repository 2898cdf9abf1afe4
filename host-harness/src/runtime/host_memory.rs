//! Bounds what the host holds for a call: fields, requests, bodies and all other resources that a component makes it keep.
//!
//! A component's own memory is limited by [`super::state::Limiter`]; what it makes the host hold is not in that memory. Nothing that is
//! passed in one host call is larger than the memory that the component may have (wasmtime's "hostcall fuel"), and before each host
//! call everything that is held is added up: with more than that memory, the call ends. Bodies of requests and answers are counted by the
//! call's ledger, against the same limit.

use http::HeaderMap;
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::FieldMap;
use wasmtime_wasi_http::p2::bindings::http::types::{Method, Scheme};
use wasmtime_wasi_http::p2::body::HostOutgoingBody;
use wasmtime_wasi_http::p2::types::{HostIncomingResponse, HostOutgoingRequest};

use crate::outbound::gate::{BODY_CHUNK, BODY_CHUNKS};

/// Most resources that a component has at once; a call with all its requests under way has about two hundred.
pub(super) const RESOURCES_MAX: usize = 1024;
/// Most handles of a component, those of its own resources and those that are lent included.
pub(super) const HANDLES_MAX: usize = 4 * RESOURCES_MAX;
/// Most bytes of one `fields` resource; the gate takes a few short headers.
pub(super) const FIELDS_MAX: usize = 16 << 10;
/// Bytes that a resource costs beside what it holds.
const ENTRY: usize = 512;

/// Adds up what the host holds in a table. It looks at each entry; there are at most [`RESOURCES_MAX`].
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
