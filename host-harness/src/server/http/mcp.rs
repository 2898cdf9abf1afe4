//! Handles `/mcp`: authenticates a request, applies the limits, and passes it to the MCP service.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::Full;
use http_body_util::combinators::BoxBody;
use tokio_util::sync::CancellationToken;

use super::body::{Answering, ResponseGuards, collect};
use super::connections::ClientConnection;
use super::front::Front;
use super::message;
use super::refusal::Refusal;
use crate::config::{Caller, Scope};
use crate::server::mcp::{Leaving, OnBehalf};

/// Header with the session id.
const SESSION: &str = "mcp-session-id";

pub(super) async fn handle(State(front): State<Arc<Front>>, request: Request) -> Response {
    match answer(&front, request).await {
        Ok(response) => response,
        Err(refusal) => {
            front.mcp.metrics().refused(refusal.code());
            refusal.into_response()
        }
    }
}

async fn answer(front: &Arc<Front>, request: Request) -> Result<Response, Refusal> {
    if front.closing.is_cancelled() {
        return Err(Refusal::Closing);
    }
    let (mut parts, body) = request.into_parts();
    let (name, caller) = caller(front, &parts.headers).ok_or(Refusal::Token)?;
    // A session belongs to one scope: a question asked in a session that may approve must not be
    // answered with a token that may not.
    let holder = match caller.elicitation {
        Scope::Propose => name.clone(),
        Scope::Approve => format!("{name} (approve)"),
    };
    // The token is not needed any more, and cannot leak once it is removed.
    parts.headers.remove(header::AUTHORIZATION);
    let stream = match parts.method {
        Method::POST | Method::DELETE => false,
        Method::GET => true,
        _ => return Err(Refusal::Method),
    };
    let admitted = front.admission.admit(&name, stream)?;
    let busy = parts.extensions.remove::<ClientConnection>();
    let busy = busy.map(|connection| connection.busy());
    let session = match one(&parts.headers, SESSION)? {
        Some(id) => {
            let id = id.to_str().map_err(|_| Refusal::Session)?.to_owned();
            let in_use = front.sessions.enter(&id, &holder)?;
            Some((id, in_use))
        }
        None => None,
    };
    let body = match parts.method {
        Method::POST => {
            let limits = front.limits;
            collect(&parts.headers, body, limits.body_bytes, limits.body).await?
        }
        _ => Bytes::new(),
    };
    let json = is_json(&parts.headers);
    let mut begins = false;
    if parts.method == Method::POST && json {
        begins = message::look(&body)?.begins && session.is_none();
    }
    if begins {
        front.sessions.make_room(&holder).await?;
    }
    let leaving = CancellationToken::new();
    parts.extensions.insert(OnBehalf(caller));
    parts.extensions.insert(Leaving(leaving.clone()));
    let ends = parts.method == Method::DELETE;
    // Dropping this guard, here or with the response body, cancels the call.
    let leaving = leaving.drop_guard();
    let request = http::Request::from_parts(parts, Full::new(body));
    let response = front.service.handle(request).await;
    let (id, in_use) = session.unzip();
    if let Some(id) = &id
        && ((ends && response.status().is_success()) || response.status() == StatusCode::NOT_FOUND)
    {
        front.sessions.leave(id);
    }
    if begins && let Some(id) = response.headers().get(SESSION) {
        let id = id.to_str().map_err(|_| Refusal::Internal)?;
        front.sessions.begun(id, &holder);
    }
    let held = ResponseGuards {
        _leaving: leaving,
        _admitted: admitted,
        _busy: busy,
        _session: in_use,
    };
    told(response, json, id.is_some(), held)
}

/// Returns the response, or a refusal in place of an error that the library reports otherwise than
/// the protocol does.
fn told(
    response: http::Response<BoxBody<Bytes, Infallible>>,
    json: bool,
    in_session: bool,
    held: ResponseGuards,
) -> Result<Response, Refusal> {
    match response.status() {
        // The library could not parse the message, although it is JSON.
        StatusCode::UNSUPPORTED_MEDIA_TYPE if json => return Err(Refusal::Invalid),
        // Without a session this is an unknown method, and the response says so.
        StatusCode::NOT_FOUND if in_session => return Err(Refusal::Session),
        // The cause is not for the client.
        StatusCode::INTERNAL_SERVER_ERROR => {
            tracing::error!("the protocol's library could not answer a request");
            return Err(Refusal::Internal);
        }
        _ => {}
    }
    let (mut parts, inner) = response.into_parts();
    // Responses contain personal data, so no cache may store them.
    let no_store = HeaderValue::from_static("no-store");
    parts.headers.insert(header::CACHE_CONTROL, no_store);
    let answering = Answering {
        inner,
        held: Some(held),
    };
    Ok(Response::from_parts(parts, Body::new(answering)))
}

/// Authenticates a request by its bearer token, and returns the caller.
fn caller(front: &Front, headers: &HeaderMap) -> Option<(String, Arc<Caller>)> {
    let value = one(headers, header::AUTHORIZATION.as_str()).ok()??;
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let (name, scope) = front.tokens.caller(token.trim_start_matches(' '))?;
    let mut caller = front.mcp.harness().setup().callers.get(name)?.clone();
    caller.elicitation = scope;
    Some((name.to_owned(), Arc::new(caller)))
}

/// Returns the only header of this name. Several are refused, since a proxy could read another one
/// than this server.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(Refusal::Invalid),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}
