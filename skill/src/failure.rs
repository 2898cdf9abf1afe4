//! The one failure type of all actions, and short ways to make each of its cases. Every one says what to do next.

pub use crate::bindings::claw::skill::types::Failure;
use crate::bindings::claw::skill::types::{
    Ambiguity, BadInput, Candidate, Denial, Mismatch, Outage, Problem, RateLimit,
};

/// An argument that cannot be used.
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

/// There is no such record.
pub fn not_found(reason: impl Into<String>, next: impl Into<String>) -> Failure {
    Failure::NotFound(Problem {
        reason: reason.into(),
        next: next.into(),
    })
}

/// Several records fit a name.
pub fn ambiguous(field: &str, reason: impl Into<String>, candidates: Vec<Candidate>) -> Failure {
    Failure::Ambiguous(Ambiguity {
        field: field.to_owned(),
        reason: reason.into(),
        candidates,
        next: "Call again with the id of one of the candidates; ask the person which one is meant."
            .to_owned(),
    })
}

/// Policy or the service refuses.
pub fn denied(code: &str, reason: impl Into<String>, next: impl Into<String>) -> Failure {
    Failure::Denied(Denial {
        code: code.to_owned(),
        reason: reason.into(),
        next: next.into(),
    })
}

/// The credential was not accepted.
pub fn unauthenticated(reason: impl Into<String>) -> Failure {
    Failure::Unauthenticated(Problem {
        reason: reason.into(),
        next: "Ask the operator to check the CRM's API key: it may be wrong, expired or revoked."
            .to_owned(),
    })
}

/// Too many requests.
pub fn rate_limited(retry_after: u32, reason: impl Into<String>) -> Failure {
    Failure::RateLimited(RateLimit {
        retry_after,
        reason: reason.into(),
        next: format!("Wait {retry_after} seconds and call again."),
    })
}

/// A service that did not answer as it should.
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

/// An answer without the promised shape.
pub fn schema_mismatch(field: impl Into<String>, reason: impl Into<String>) -> Failure {
    Failure::SchemaMismatch(Mismatch {
        field: field.into(),
        reason: reason.into(),
        next:
            "Run crm_status: it names every field that this CRM does not have and this skill reads."
                .to_owned(),
    })
}

/// Why, in one sentence, for an answer that is given in spite of it.
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

/// What to do next.
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

/// What was asked cannot be done to the record as it is.
pub fn conflict(reason: impl Into<String>, next: impl Into<String>) -> Failure {
    Failure::Conflict(Problem {
        reason: reason.into(),
        next: next.into(),
    })
}
