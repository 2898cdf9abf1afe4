//! The one failure type of all actions, with a constructor for each case. Every failure tells the
//! caller the next step.

pub use crate::bindings::claw::skill::types::Failure;

use crate::bindings::claw::skill::types::{
    Ambiguity, BadInput, Candidate, Denial, Mismatch, Outage, Problem, RateLimit,
};

/// Refuses an argument.
pub fn invalid_input(
    field: impl Into<String>,
    reason: impl Into<String>,
    next: impl Into<String>,
) -> Failure {
    Failure::InvalidInput(BadInput {
        field: field.into(),
        reason: reason.into(),
        next: next.into(),
    })
}

/// Reports that a record does not exist.
pub fn not_found(reason: impl Into<String>, next: impl Into<String>) -> Failure {
    Failure::NotFound(Problem {
        reason: reason.into(),
        next: next.into(),
    })
}

/// Reports that a name fits several records.
pub fn ambiguous(field: &str, reason: impl Into<String>, candidates: Vec<Candidate>) -> Failure {
    Failure::Ambiguous(Ambiguity {
        field: field.to_owned(),
        reason: reason.into(),
        candidates,
        next: "Call again with the id of one of the candidates; ask the person which one is meant."
            .to_owned(),
    })
}

/// Reports a refusal by policy or by the service.
pub fn denied(code: &str, reason: impl Into<String>, next: impl Into<String>) -> Failure {
    Failure::Denied(Denial {
        code: code.to_owned(),
        reason: reason.into(),
        next: next.into(),
    })
}

/// Reports that the CRM did not accept the credential.
pub fn unauthenticated(reason: impl Into<String>) -> Failure {
    Failure::Unauthenticated(Problem {
        reason: reason.into(),
        next: "Ask the operator to check the CRM's API key: it may be wrong, expired or revoked."
            .to_owned(),
    })
}

/// Reports that there were too many requests.
pub fn rate_limited(retry_after: u32, reason: impl Into<String>) -> Failure {
    Failure::RateLimited(RateLimit {
        retry_after,
        reason: reason.into(),
        next: format!("Wait {retry_after} seconds and call again."),
    })
}

/// Reports a service that did not answer as it should.
pub fn unavailable(
    request_sent: bool,
    reason: impl Into<String>,
    next: impl Into<String>,
) -> Failure {
    Failure::Unavailable(Outage {
        request_sent,
        reason: reason.into(),
        next: next.into(),
    })
}

/// Reports an answer without the promised shape.
pub fn schema_mismatch(field: impl Into<String>, reason: impl Into<String>) -> Failure {
    Failure::SchemaMismatch(Mismatch {
        field: field.into(),
        reason: reason.into(),
        next:
            "Run crm_status: it names every field that this CRM does not have and this skill reads."
                .to_owned(),
    })
}

/// Returns the reason as one sentence, for an answer that is given in spite of the failure.
pub fn sentence(failure: &Failure) -> &str {
    match failure {
        Failure::InvalidInput(BadInput { reason, .. })
        | Failure::Ambiguous(Ambiguity { reason, .. })
        | Failure::Denied(Denial { reason, .. })
        | Failure::RateLimited(RateLimit { reason, .. })
        | Failure::Unavailable(Outage { reason, .. })
        | Failure::SchemaMismatch(Mismatch { reason, .. })
        | Failure::NotFound(Problem { reason, .. })
        | Failure::Unauthenticated(Problem { reason, .. })
        | Failure::Conflict(Problem { reason, .. })
        | Failure::InDoubt(Problem { reason, .. }) => reason,
    }
}

/// Names what a failure is about before its reason, for a request that asks for several things.
#[must_use]
pub fn naming(mut failure: Failure, what: &str) -> Failure {
    match &mut failure {
        Failure::InvalidInput(BadInput { reason, .. })
        | Failure::Ambiguous(Ambiguity { reason, .. })
        | Failure::Denied(Denial { reason, .. })
        | Failure::RateLimited(RateLimit { reason, .. })
        | Failure::Unavailable(Outage { reason, .. })
        | Failure::SchemaMismatch(Mismatch { reason, .. })
        | Failure::NotFound(Problem { reason, .. })
        | Failure::Unauthenticated(Problem { reason, .. })
        | Failure::Conflict(Problem { reason, .. })
        | Failure::InDoubt(Problem { reason, .. }) => *reason = format!("{what}: {reason}"),
    }
    failure
}

/// Puts the name of a part of the request before the argument that a failure refuses.
#[must_use]
pub fn within(mut failure: Failure, part: &str) -> Failure {
    if let Failure::InvalidInput(BadInput { field, .. }) = &mut failure {
        *field = format!("{part}.{field}");
    }
    failure
}

/// Returns the next step for the caller.
pub fn next(failure: &Failure) -> &str {
    match failure {
        Failure::InvalidInput(BadInput { next, .. })
        | Failure::Ambiguous(Ambiguity { next, .. })
        | Failure::Denied(Denial { next, .. })
        | Failure::RateLimited(RateLimit { next, .. })
        | Failure::Unavailable(Outage { next, .. })
        | Failure::SchemaMismatch(Mismatch { next, .. })
        | Failure::NotFound(Problem { next, .. })
        | Failure::Unauthenticated(Problem { next, .. })
        | Failure::Conflict(Problem { next, .. })
        | Failure::InDoubt(Problem { next, .. }) => next,
    }
}

/// Joins the reason and the next step.
pub fn explain(failure: &Failure) -> String {
    format!("{} {}", sentence(failure), next(failure))
}

/// Reports that the record's state rules out the request.
pub fn conflict(reason: impl Into<String>, next: impl Into<String>) -> Failure {
    Failure::Conflict(Problem {
        reason: reason.into(),
        next: next.into(),
    })
}
