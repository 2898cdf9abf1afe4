//! Sends trusted documents with their variables, waits where Twenty asks for patience, and reads
//! what comes back.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::custom;
use super::documents::{Document, Query};
use super::errors::{self, GraphQlError};
use super::hidden;
use super::members;
use super::mend::Mended;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::transport::{Method, Outcome, Request, Response, TransportError};

/// Retries after a rate limit.
const RETRIES: usize = 2;
/// Twenty gives one token back every 600 ms (100 per 60 s).
const TOKEN: Duration = Duration::from_millis(600);
/// The longest wait before a request is sent again.
const LONGEST_WAIT: Duration = Duration::from_secs(6);

/// A request ready to be sent.
#[derive(Debug, Clone)]
pub struct Prepared {
    document: &'static Document,
    request: Request,
}

impl Prepared {
    /// Its document.
    pub(super) fn document(&self) -> &'static Document {
        self.document
    }
}

/// An answer: its data, and the errors beside them. Twenty gives both at once.
#[derive(Debug)]
pub struct Reply<A> {
    /// The data; a root that failed is none in it.
    pub data: A,
    /// The errors.
    pub errors: Errors,
}

/// The errors of an answer.
#[derive(Debug)]
pub struct Errors {
    said: Vec<GraphQlError>,
    mended: Mended,
}

impl Errors {
    /// Checks that the CRM reported no error.
    pub fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// Describes the rows of a root that could not be read and are missing from the answer.
    pub fn lost(&self, root: &str) -> Option<String> {
        self.mended.lost(root)
    }

    /// Returns a root of the answer.
    ///
    /// # Errors
    /// What Twenty said about it, where it is missing.
    pub fn root<T>(&self, name: &str, root: Option<T>) -> Result<T, Failure> {
        root.ok_or_else(
            || match (self.mended.broken(name), errors::about(&self.said, name)) {
                (Some(failure), _) => failure.clone(),
                (None, Some(error)) => errors::failure(error),
                (None, None) => failure::schema_mismatch(
                    name,
                    format!("The CRM answered without \"{name}\" and without saying why."),
                ),
            },
        )
    }
}

#[derive(Deserialize)]
struct GraphQlResponse<A> {
    #[serde(default = "none")]
    data: Option<A>,
    #[serde(default)]
    errors: Vec<GraphQlError>,
}

fn none<A>() -> Option<A> {
    None
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
    let base_url = ctx.twenty_base_url().ok_or_else(|| {
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

/// Sends one query.
///
/// # Errors
/// Whatever kept it from giving data.
pub fn fetch<Q: Query>(ctx: &Context<'_>, query: &Q) -> Result<Reply<Q::Answer>, Failure> {
    decode::<Q>(send(ctx, query)?)
}

/// Sends one query about a deal, and reads beside its answer the field that the operator mapped, if
/// any.
///
/// # Errors
/// As [`fetch`]; that the field cannot be read is no failure.
pub fn fetch_deal<Q: Query>(
    ctx: &Context<'_>,
    query: &Q,
) -> Result<(Reply<Q::Answer>, custom::NextStep), Failure> {
    fetch_beside(ctx, query, custom::next_step)
}

/// Sends one query, and reads the field that the operator mapped of every deal in its answer.
///
/// # Errors
/// As [`fetch`]; that the field cannot be read is no failure.
pub fn fetch_mapped<Q: Query>(
    ctx: &Context<'_>,
    query: &Q,
) -> Result<(Reply<Q::Answer>, custom::Mapped), Failure> {
    fetch_beside(ctx, query, custom::mapped)
}

fn fetch_beside<Q: Query, T>(
    ctx: &Context<'_>,
    query: &Q,
    read: impl FnOnce(&Context<'_>, &[u8]) -> T,
) -> Result<(Reply<Q::Answer>, T), Failure> {
    let answer = send(ctx, query)?;
    let body = answer.as_ref().map_or(&[][..], |response| &response.body);
    let beside = read(ctx, body);
    Ok((decode::<Q>(answer)?, beside))
}

fn send<Q: Query>(
    ctx: &Context<'_>,
    query: &Q,
) -> Result<Result<Response, TransportError>, Failure> {
    let prepared = prepare(ctx, query)?;
    let document = prepared.document;
    fetch_all(ctx, &[prepared]).pop().ok_or_else(|| {
        failure::unavailable(
            false,
            format!("\"{}\" was not sent.", document.name),
            "Call again.",
        )
    })
}

/// Sends requests side by side; an answer that asks for patience is waited for and the request sent
/// again, twice at most.
pub fn fetch_all(
    ctx: &Context<'_>,
    prepared: &[Prepared],
) -> Vec<Result<Response, TransportError>> {
    fetch_all_beside(ctx, prepared, Vec::new()).0
}

/// Sends requests as [`fetch_all`] does, beside requests to other services; their answers come
/// second, and nothing is waited for on their account. Known members replace the ids that name them
/// in an answer (`members`).
pub fn fetch_all_beside(
    ctx: &Context<'_>,
    prepared: &[Prepared],
    others: Vec<Request>,
) -> (Vec<Outcome>, Vec<Outcome>) {
    let Some(asked) = members::beside(ctx, prepared) else {
        return exchange(ctx, prepared, others);
    };
    let mut all = prepared.to_vec();
    all.push(asked);
    let (mut answers, others) = exchange(ctx, &all, others);
    if let Some(told) = answers.pop() {
        members::resolve(ctx, prepared, &mut answers, told, &|requests| {
            exchange(ctx, requests, Vec::new()).0
        });
    }
    (answers, others)
}

/// Sends requests; what is refused for a field that the key may not read is sent again without it
/// (`hidden`).
fn exchange(
    ctx: &Context<'_>,
    prepared: &[Prepared],
    others: Vec<Request>,
) -> (Vec<Outcome>, Vec<Outcome>) {
    let without = |one: &Prepared| {
        let request = hidden::narrowed(ctx, one.document, &one.request)?;
        Some(Prepared {
            document: one.document,
            request,
        })
    };
    // What is known to be hidden is not asked for in the first place.
    let mut asked: Vec<Prepared> = prepared.to_vec();
    if !ctx.hidden().is_empty() {
        for one in &mut asked {
            if let Some(narrowed) = without(one) {
                *one = narrowed;
            }
        }
    }
    let (mut answers, others) = send_all(ctx, &asked, others);
    for _ in 0..hidden::ROUNDS {
        let mut again = Vec::new();
        for (at, answer) in answers.iter().enumerate() {
            let refused = hidden::refused_fields(answer);
            if !refused.is_empty() {
                ctx.hide(refused);
                again.push(at);
            }
        }
        let mut narrower = Vec::new();
        again.retain(|&at| {
            let narrowed = asked.get(at).and_then(without);
            let found = narrowed.is_some();
            narrower.extend(narrowed);
            found
        });
        if again.is_empty() {
            break;
        }
        let (found, _) = send_all(ctx, &narrower, Vec::new());
        for ((at, one), answer) in again.into_iter().zip(narrower).zip(found) {
            if let (Some(place), Some(slot)) = (asked.get_mut(at), answers.get_mut(at)) {
                *place = one;
                *slot = answer;
            }
        }
    }
    (answers, others)
}

/// Sends requests as they are.
fn send_all(
    ctx: &Context<'_>,
    prepared: &[Prepared],
    others: Vec<Request>,
) -> (Vec<Outcome>, Vec<Outcome>) {
    let mut requests: Vec<Request> = prepared.iter().map(|one| one.request.clone()).collect();
    requests.extend(others);
    let mut answers = ctx.transport.send_all(&requests);
    let others = answers.split_off(prepared.len().min(answers.len()));
    for _ in 0..RETRIES {
        let late: Vec<usize> = (0..answers.len())
            .filter(|&at| answers.get(at).is_some_and(errors::is_rate_limit))
            .collect();
        if late.is_empty() {
            break;
        }
        ctx.transport.wait(patience(prepared, &answers, &late));
        let again: Vec<Request> = late
            .iter()
            .filter_map(|&at| requests.get(at).cloned())
            .collect();
        for (at, answer) in late.into_iter().zip(ctx.transport.send_all(&again)) {
            if let Some(slot) = answers.get_mut(at) {
                *slot = answer;
            }
        }
    }
    (answers, others)
}

/// Returns the time to wait: as long as the service says, else until there are tokens for every
/// root field.
fn patience(
    prepared: &[Prepared],
    answers: &[Result<Response, TransportError>],
    late: &[usize],
) -> Duration {
    let tokens: u32 = late
        .iter()
        .filter_map(|&at| prepared.get(at))
        .map(|one| one.document.roots)
        .sum();
    let asked = late
        .iter()
        .filter_map(|&at| answers.get(at)?.as_ref().ok()?.retry_after)
        .max()
        .map(|seconds| Duration::from_secs(seconds.into()));
    asked.unwrap_or(TOKEN * tokens.max(1)).min(LONGEST_WAIT)
}

/// Reads the answer to a query. A value that cannot be read is taken out of its record; the others
/// stay.
///
/// # Errors
/// What the service said, or `schema-mismatch` where the answer is not what was promised, or
/// `unavailable` where it is no answer at all.
pub fn decode<Q: Query>(
    answer: Result<Response, TransportError>,
) -> Result<Reply<Q::Answer>, Failure> {
    let response = answer.map_err(errors::transport)?;
    if response.status != 200 {
        return Err(errors::status(&response));
    }
    let mut mended = Mended::default();
    let mut body = Cow::Borrowed(response.body.as_slice());
    let envelope: GraphQlResponse<Q::Answer> = loop {
        match serde_json::from_slice(&body) {
            Ok(envelope) => break envelope,
            Err(error) if error.is_data() => {
                body = Cow::Owned(mended.mend(Q::DOCUMENT, &body, &error)?);
            }
            Err(_) => return Err(errors::no_json(&response)),
        }
    };
    match (envelope.data, envelope.errors) {
        (Some(data), said) => Ok(Reply {
            data,
            errors: Errors { said, mended },
        }),
        (None, errors) => Err(match errors.first() {
            Some(error) => errors::failure(error),
            None => errors::no_json(&response),
        }),
    }
}
