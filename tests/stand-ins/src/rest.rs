//! Shared parts of the REST stand-ins: reading a request, answering in JSON, and applying faults.

use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::faults::{self, Asked, FaultKind, Faults, Struck};
use crate::percent;
use crate::reply::{self, Reply, ReplyBody};

const JSON: &str = "application/json; charset=utf-8";
/// The longest body that the services read.
const BODY_LIMIT: usize = 1024 * 1024;

/// The records at the start and after each reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seed {
    /// Nothing.
    Empty,
    /// The service's sample.
    #[default]
    Sample,
}

/// A parsed request target.
pub(crate) struct Target {
    segments: Vec<String>,
    query: Vec<(String, String)>,
}

impl Target {
    pub(crate) fn of(parts: &Parts) -> Self {
        let path = parts.uri.path().trim_matches('/');
        let segments = path.split('/').map(percent::decoded_segment);
        let pairs = parts.uri.query().unwrap_or_default().split('&');
        Self {
            segments: segments.collect(),
            query: pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (percent::decoded(name), percent::decoded(value))
                })
                .collect(),
        }
    }

    /// The path's segments, decoded.
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// A parameter of the query, decoded; one that is empty is as good as none.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.iter();
        let value = pairs.find_map(|(given, value)| (given == name).then_some(value.as_str()));
        value.filter(|value| !value.is_empty())
    }

    /// Returns the requested page size: `default` where that is not a number or 0, and at most
    /// `most`.
    pub(crate) fn limit(&self, name: &str, default: usize, most: usize) -> usize {
        let asked = self.parameter(name).and_then(|text| text.parse().ok());
        asked.filter(|n| *n > 0).unwrap_or(default).min(most)
    }
}

/// A reason that a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is longer than a mebibyte.
    TooLarge,
    /// It says that it is JSON, and is not.
    NotJson,
}

/// The body as the services see it: an empty object where nothing says that it is JSON.
pub(crate) fn body(parts: &Parts, body: &[u8]) -> Result<Value, Unread> {
    let content_type = parts.headers.get(CONTENT_TYPE);
    let says_json = content_type.is_some_and(|v| v.as_bytes().starts_with(b"application/json"));
    if !says_json || body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    if body.len() > BODY_LIMIT {
        return Err(Unread::TooLarge);
    }
    match serde_json::from_slice(body) {
        Ok(read @ (Value::Object(_) | Value::Array(_))) => Ok(read),
        _ => Err(Unread::NotJson),
    }
}

/// The token after `Bearer `, if there is one.
pub(crate) fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}

/// An answer in JSON.
pub(crate) fn answer(status: StatusCode, body: &Value) -> Response<ReplyBody> {
    reply::json(status, JSON, body.to_string())
}

/// A refusal in the service's own words.
#[derive(Clone, Debug)]
pub(crate) struct RestRefusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl RestRefusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", message)
    }

    pub(crate) fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", message)
    }

    pub(crate) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    pub(crate) fn unauthorized(code: &'static str, message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message)
    }

    pub(crate) fn internal(message: &str) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "INTERNAL_ERROR", message)
    }

    /// No such route.
    pub(crate) fn no_route() -> Self {
        Self::not_found("Route not found")
    }

    /// As it is sent.
    pub(crate) fn answer(&self) -> Response<ReplyBody> {
        let error = json!({"code": self.code, "message": self.message});
        answer(self.status, &json!({ "error": error }))
    }
}

/// The result of carrying out a request.
pub(crate) type Outcome = Result<Response<ReplyBody>, RestRefusal>;

/// `{"data": …}` with this status.
pub(crate) fn data(status: StatusCode, data: impl Serialize) -> Response<ReplyBody> {
    answer(status, &json!({ "data": data }))
}

/// A list with what `meta` says of it.
pub(crate) fn list(data: impl Serialize, meta: &Value) -> Response<ReplyBody> {
    answer(StatusCode::OK, &json!({"data": data, "meta": meta}))
}

/// Carries a request out, unless a fault takes its place, and does to the answer what faults ask
/// for.
pub(crate) async fn carry_out(
    faults: &Faults,
    parts: &Parts,
    run: impl FnOnce(&[Struck]) -> Response<ReplyBody> + Send,
) -> Reply {
    let struck = faults.take(&Asked::of(parts));
    let carried_out = if faults::hold_back(&struck).await {
        run(&struck)
    } else {
        answer(StatusCode::OK, &Value::Null)
    };
    let authorization = parts.headers.get(AUTHORIZATION);
    faults::strike(Reply::Answer(carried_out), &struck, authorization).await
}

/// Carries a request out, unless a fault has the service refuse it as one too many: before that, or
/// once it is done.
pub(crate) fn within_limit(
    faults: &[Struck],
    refusal: impl Fn() -> RestRefusal,
    run: impl FnOnce() -> Outcome,
) -> Outcome {
    let reached = |after: bool| {
        let mut faults = faults.iter().filter(|fault| fault.after == after);
        faults.any(|fault| matches!(fault.kind, FaultKind::LimitReached { .. }))
    };
    if reached(false) {
        return Err(refusal());
    }
    let outcome = run();
    if reached(true) {
        return Err(refusal());
    }
    outcome
}

/// Gives out ids: the same ones in the same order after every start.
#[derive(Clone, Default)]
pub(crate) struct Ids(u64);

impl Ids {
    /// One that was not given out before. `service` stands at its beginning.
    pub(crate) fn next(&mut self, service: u32) -> Uuid {
        self.0 += 1;
        let made = (u128::from(service) << 96) | (0x4000 << 64) | (0x8000 << 48);
        Uuid::from_u128(made | u128::from(self.0))
    }
}

/// Stored records as tests see them.
pub(crate) fn as_json<T: Serialize>(records: impl IntoIterator<Item = T>) -> Vec<Value> {
    records.into_iter().map(|record| json!(record)).collect()
}

/// The one of some records with this id.
pub(crate) fn with_id(records: Vec<Value>, id: &str) -> Option<Value> {
    let mut records = records.into_iter();
    records.find(|record| record.get("id").is_some_and(|found| found == id))
}
