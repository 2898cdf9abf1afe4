//! Requests that carry a trusted document with its variables.

use serde::Serialize;

use super::custom;
use super::documents::{Document, Query};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::transport::{Method, Request};

/// A request ready to be sent.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub(super) document: &'static Document,
    pub(super) request: Request,
}

/// Makes the request for a query.
///
/// # Errors
/// `unavailable` where Twenty is not set up.
pub fn prepare<Q: Query>(ctx: &Context<'_>, query: &Q) -> Result<Prepared, Failure> {
    #[derive(Serialize)]
    struct Body<'a, Q> {
        query: &'a str,
        variables: &'a Q,
    }
    let base_url = ctx.crm_base_url().ok_or_else(|| {
        failure::unavailable(
            false,
            "Twenty is not set up: no address is known for it.",
            "Ask the operator to set TWENTY_API_URL, or the origin of \"twenty\" in the operator file.",
        )
    })?;
    let document = Q::DOCUMENT;
    let text = custom::extended(ctx, document)?;
    let body = serde_json::to_vec(&Body {
        query: &text,
        variables: query,
    })
    .map_err(|error| {
        failure::invalid_input(
            "request",
            error.to_string(),
            "Call again with simpler arguments.",
        )
    })?;
    Ok(Prepared {
        document,
        request: Request {
            method: Method::Post,
            base_url,
            path: document.path.to_owned(),
            body,
        },
    })
}
