//! Sends trusted documents with their variables, waits where Twenty asks for patience, and reads
//! what comes back.

use std::time::Duration;

use super::documents::Query;
use super::request::{Prepared, prepare};
use super::response::{Reply, decode};
use super::{custom, errors, hidden, members};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::transport::{Outcome, Request, Response, TransportError};

/// Retries after a rate limit.
const RETRIES: usize = 2;
/// Twenty gives one token back every 600 ms (100 per 60 s).
const TOKEN: Duration = Duration::from_millis(600);
/// The longest wait before a request is sent again.
const LONGEST_WAIT: Duration = Duration::from_secs(6);

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
