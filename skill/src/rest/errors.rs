//! Translates errors of services with plain routes. A body may be JSON, a web page or nothing, so
//! the status counts first.

use serde_json::Value;

use super::json::parse;
use super::service::Service;
use crate::bindings::claw::skill::types::{Mismatch, Problem};
use crate::failure::{self, Failure};
use crate::text;
use crate::transport::{Response, TransportError};

/// The relay's rate-limit window in seconds. The relay sends no `Retry-After`.
const WINDOW: u32 = 60;

/// The error code of a 429 by the harness itself: its own limit, not the service's.
const HARNESS_RATE: &str = "HARNESS_RATE";

/// Checks whether a 429 comes from the harness itself.
pub fn is_of_harness(response: &Response) -> bool {
    Refusal::of(&response.body).is_some_and(|refusal| refusal.code == HARNESS_RATE)
}

/// Builds the failure for a 429 of the harness; `destination` is the service's name in skill.toml.
pub fn harness_limit(name: &str, destination: &str, response: &Response) -> Failure {
    failure::rate_limited(
        response.retry_after.unwrap_or(WINDOW),
        format!(
            "The harness sends {name} no more requests for now: its own limit is reached (`rate` under [destinations.{destination}] in skill.toml or the operator file)."
        ),
    )
}

/// The error object of a service's answer.
#[derive(Debug, Default)]
struct Refusal {
    code: String,
    message: String,
    /// The field that it is about, where it names one.
    field: Option<String>,
}

impl Refusal {
    fn of(body: &[u8]) -> Option<Self> {
        let body = parse(body)?;
        let error = body.get("error")?;
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let (code, message) = (text("code").to_owned(), text("message"));
        // What is wrong with a request may stand in the message as JSON of its own: the issues that
        // zod found.
        let issues = parse(message.as_bytes());
        let Some(first) = issues.as_ref().and_then(|issues| issues.get(0)) else {
            return Some(Self {
                code,
                message: message.to_owned(),
                field: None,
            });
        };
        let said = first.get("message").and_then(Value::as_str);
        Some(Self {
            code,
            message: said.unwrap_or_default().to_owned(),
            field: first.get("path").map(place),
        })
    }
}

/// Formats the path that zod gives as a list of keys and positions.
fn place(path: &Value) -> String {
    let mut shown = String::new();
    for step in path.as_array().into_iter().flatten() {
        match step {
            Value::String(key) if shown.is_empty() => shown.push_str(key),
            Value::String(key) => shown.extend([".", key]),
            other => shown.push_str(&format!("[{other}]")),
        }
    }
    text::line(&text::clean(&shown), 80).0
}

/// Builds the failure for an answer without a success status.
pub fn failure(service: &Service, response: &Response) -> Failure {
    let (name, status) = (service.name, response.status);
    let refusal = Refusal::of(&response.body);
    let said = match &refusal {
        Some(refusal) => format!(": {}", clean_message(&refusal.message)),
        None => String::new(),
    };
    let code = refusal.as_ref().map_or("", |refusal| refusal.code.as_str());
    match status {
        401 => Failure::Unauthenticated(Problem {
            reason: format!("{name} did not accept the token (HTTP 401){said}."),
            next: format!(
                "Ask the operator to renew {} for this caller: the token has expired or is wrong.",
                service.token
            ),
        }),
        403 => failure::denied(
            "permission",
            format!("{name} does not permit this (HTTP 403){said}."),
            service.permission,
        ),
        // A route that is not there says that the address or the version is another.
        404 if code == "NOT_FOUND" && said != ": Route not found" => failure::not_found(
            format!("{name} knows no such thing{said}."),
            "Check the id or name, and call again.",
        ),
        413 => failure::invalid_input(
            "request",
            format!("it is larger than {} takes (HTTP 413)", within(name)),
            "Share fewer records, or less about them.",
        ),
        429 if code == HARNESS_RATE => {
            harness_limit(within(name).as_str(), service.source, response)
        }
        429 => failure::rate_limited(
            response.retry_after.unwrap_or(WINDOW),
            format!("{name} takes no more requests for now (HTTP 429){said}."),
        ),
        400 | 422 if code == "WORKSPACE_NOT_READY" => failure::unavailable(
            true,
            format!("{name} is not ready for this caller's assistant{said}."),
            "Ask the operator to finish the set-up of Google Workspace there, and to check the assistant's address (PA_EMAIL).",
        ),
        400 | 422 if refusal.is_some() => {
            let field = refusal.and_then(|refusal| refusal.field);
            mismatch(
                service,
                field.as_deref().unwrap_or("request"),
                &format!("was not taken (HTTP {status}){said}"),
            )
        }
        300..=399 => failure::unavailable(
            true,
            format!("{name} answered with a redirect (HTTP {status}), which is never followed."),
            format!(
                "Ask the operator to set {} to the address that it redirects to.",
                service.address
            ),
        ),
        500..=599 => failure::unavailable(
            true,
            format!("{name} failed (HTTP {status}){said}."),
            "Call again in a moment; if it stays, ask the operator to look at it.",
        ),
        _ => failure::unavailable(
            true,
            format!("{name} refused the request (HTTP {status}){said}."),
            format!(
                "Ask the operator to check {} and the version of what answers there.",
                service.address
            ),
        ),
    }
}

/// Reports a difference from the service's published version.
pub(super) fn mismatch(service: &Service, field: &str, what: &str) -> Failure {
    Failure::SchemaMismatch(Mismatch {
        field: text::line(&text::clean(field), 160).0,
        reason: format!(
            "{}: \"{}\" {what}.",
            service.name,
            text::line(&text::clean(field), 160).0
        ),
        next: format!(
            "Ask the operator whether what answers at {} is of a version that this skill was built for.",
            service.address
        ),
    })
}

/// Reports an answer that is no JSON, breaks off, or holds neither data nor an error.
pub fn no_json(name: &str, response: &Response) -> Failure {
    let start = response
        .body
        .iter()
        .find(|byte| !byte.is_ascii_whitespace());
    let (reason, next) = match start {
        None => (
            format!("{name}'s answer is empty."),
            "Call again in a moment.".to_owned(),
        ),
        Some(b'<') => (
            "Something answered with a web page instead of data.".to_owned(),
            format!(
                "Ask the operator to check {}'s address: it should be the server's own, such as https://crm.example.com, with nothing behind it.",
                within(name)
            ),
        ),
        Some(b'{') => (
            format!("{name}'s answer is broken off or has neither data nor errors."),
            "Call again in a moment.".to_owned(),
        ),
        Some(_) => (
            format!("{name}'s answer is no data."),
            format!("Ask the operator to check {}'s address.", within(name)),
        ),
    };
    failure::unavailable(true, reason, next)
}

/// Reports the lack of any answer.
pub fn transport(name: &str, error: TransportError) -> Failure {
    match error {
        TransportError::Refused => failure::denied(
            "outbound",
            "The harness did not let the request out.",
            "Ask the operator: the harness's log says which rule refused it and what would allow it.",
        ),
        TransportError::TooLarge => failure::unavailable(
            true,
            format!("{name}'s answer is larger than the harness lets through."),
            "Ask for less at once. The limit is `response-bytes` under [limits] in the operator file and skill.toml.",
        ),
        TransportError::Unreachable {
            request_sent,
            reason,
        } => failure::unavailable(
            request_sent,
            format!("{name} could not be reached: {reason}."),
            format!(
                "Call again in a moment; if it stays, ask the operator whether {} is up and its address is right.",
                within(name)
            ),
        ),
    }
}

/// Adapts a name to the middle of a sentence: `The CRM` becomes `the CRM`.
fn within(name: &str) -> String {
    name.strip_prefix("The ")
        .map_or_else(|| name.to_owned(), |rest| format!("the {rest}"))
}

/// Shortens and cleans a service's message, without a full stop at the end.
pub(crate) fn clean_message(message: &str) -> String {
    let (line, _) = text::line(&text::clean(message), 160);
    let line = line.trim_end_matches('.').to_owned();
    if line.is_empty() {
        "it gave no reason".to_owned()
    } else {
        line
    }
}
