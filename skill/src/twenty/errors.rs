//! Translates Twenty's errors. Most of them come with HTTP 200 (twenty 2.21, measured), so codes
//! are what counts.

use serde::Deserialize;
use serde_json::Value;

use crate::failure::{self, Failure};
use crate::ids::is_uuid;
use crate::rest::errors as rest;
use crate::rest::errors::clean_message;
use crate::text::{self, Text};
use crate::transport::{Response, TransportError};

/// An entry of `errors`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct GraphQlError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    extensions: Extensions,
    #[serde(default)]
    path: Vec<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    sub_code: Option<String>,
    #[serde(default)]
    conflicting_record_id: Option<Text>,
}

impl GraphQlError {
    /// Checks for a violated uniqueness. No code tells, only the words (2.21; newer versions add
    /// the constraint's name).
    pub fn is_duplicate(&self) -> bool {
        self.message.starts_with("A duplicate entry was detected")
    }

    /// Checks for a reference to a missing record. No code tells, only PostgreSQL's words.
    pub fn is_missing_reference(&self) -> bool {
        self.message.contains("violates foreign key constraint")
    }

    /// Checks for an error code.
    pub fn has_code(&self) -> bool {
        self.extensions.code.is_some()
    }

    /// Returns the record that a duplicate conflicts with, where the CRM names it.
    pub fn conflicting_record(&self) -> Option<&str> {
        let id = self.extensions.conflicting_record_id.as_ref()?.as_str();
        is_uuid(id).then_some(id)
    }
}

/// Finds the error about a root. 2.21 gives no path, so without one the first error speaks for
/// every missing root.
pub fn about<'e>(errors: &'e [GraphQlError], root: &str) -> Option<&'e GraphQlError> {
    errors
        .iter()
        .find(|error| error.path.first().and_then(Value::as_str) == Some(root))
        .or_else(|| errors.first())
}

/// Builds the failure for an error.
pub fn failure(error: &GraphQlError) -> Failure {
    let codes = [
        error.extensions.sub_code.as_deref(),
        error.extensions.code.as_deref(),
    ];
    let is = |code: &str| codes.contains(&Some(code));
    let said = clean_message(&error.message);
    if is("LIMIT_REACHED") || is("RATE_LIMITED") {
        return failure::rate_limited(60, format!("The CRM's own limit is reached: {said}."));
    }
    if is("UNAUTHENTICATED") || error.message.contains("API Key is revoked") {
        return failure::unauthenticated(format!("The CRM did not accept the key: {said}."));
    }
    if is("PERMISSION_DENIED") || is("FORBIDDEN") {
        return failure::denied(
            "permission",
            format!("The CRM key may not do this: {said}."),
            "Ask the operator to let the key's role read people, companies, opportunities, tasks, notes, their links, timeline activities and workspace members.",
        );
    }
    if is("NOT_FOUND") || is("RECORD_NOT_FOUND") {
        return failure::not_found(
            "There is no such record, or it was deleted.",
            "Search for it by name with crm_search.",
        );
    }
    if is("INVALID_PHONE_NUMBER") || is("CONFLICTING_PHONE_COUNTRY_CODE") {
        return failure::invalid_input(
            "phone",
            format!("the CRM does not take this phone number ({said})"),
            "Give a number that exists, with its country's calling code, such as +49301234567.",
        );
    }
    // Without a credential the schema is empty, and this is all that Twenty says about it.
    if !error.has_code()
        && ["Query", "Mutation"]
            .iter()
            .any(|root| error.message.contains(&format!("on type \"{root}\"")))
    {
        return failure::unauthenticated(format!(
            "The CRM showed nothing, as it does without a valid key: {said}."
        ));
    }
    if is("BAD_USER_INPUT") || is("GRAPHQL_VALIDATION_FAILED") || error.extensions.code.is_none() {
        let field = error
            .message
            .split('"')
            .nth(1)
            .filter(|field| !field.is_empty())
            .unwrap_or("request");
        return failure::schema_mismatch(
            text::line(&text::clean(field), 80).0,
            format!("The CRM does not understand the request: {said}."),
        );
    }
    failure::unavailable(
        true,
        format!("The CRM failed: {said}."),
        "Call again in a moment; if it stays, ask the operator to look at the CRM's log.",
    )
}

/// Checks whether an answer reports a rate limit. The quotes around the code cannot stand unescaped
/// inside a JSON text, so no stranger's words are mistaken for it.
pub fn is_rate_limit(answer: &Result<Response, TransportError>) -> bool {
    const CODE: &[u8] = b"\"LIMIT_REACHED\"";
    answer.as_ref().is_ok_and(|response| {
        response.status == 429
            || (response.status == 200
                && response
                    .body
                    .windows(CODE.len())
                    .any(|window| window == CODE))
    })
}

/// Builds the failure for an HTTP status other than 200.
pub fn status(response: &Response) -> Failure {
    let status = response.status;
    match status {
        401 => failure::unauthenticated("The CRM did not accept the key (HTTP 401)."),
        403 => failure::unauthenticated("The CRM refused the key (HTTP 403)."),
        429 if rest::is_of_harness(response) => rest::harness_limit("the CRM", "twenty", response),
        429 => failure::rate_limited(
            response.retry_after.unwrap_or(60),
            "The CRM's own limit is reached (HTTP 429).",
        ),
        300..=399 => failure::unavailable(
            true,
            format!("The CRM answered with a redirect (HTTP {status}), which is never followed."),
            "Ask the operator to set the CRM's address to the one that it redirects to.",
        ),
        500..=599 => failure::unavailable(
            true,
            format!("The CRM failed (HTTP {status})."),
            "Call again in a moment; if it stays, ask the operator to look at the CRM.",
        ),
        _ => failure::unavailable(
            true,
            format!("The CRM refused the request (HTTP {status})."),
            "Ask the operator to check the CRM's address and version.",
        ),
    }
}

/// Reports an answer that is no JSON, or breaks off.
pub fn no_json(response: &Response) -> Failure {
    rest::no_json("The CRM", response)
}

/// Reports the lack of any answer.
pub fn transport(error: TransportError) -> Failure {
    rest::transport("The CRM", error)
}
