//! Failures of actions, as the WIT contract has them (`claw:skill/types`).

use component_json::BadArgument;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::denial::Denial;
use crate::proposal::Ref;

/// The failure of an action. It is JSON only where it leaves this program: an object with `case`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "case",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
#[expect(missing_docs, reason = "the fields are those of the WIT contract")]
pub enum Failure {
    /// An argument is wrong.
    InvalidInput {
        field: String,
        reason: String,
        next: String,
    },
    /// There is no such record.
    NotFound { reason: String, next: String },
    /// Several records fit.
    Ambiguous {
        field: String,
        reason: String,
        candidates: Vec<Candidate>,
        next: String,
    },
    /// Policy or the service refuses it.
    Denied {
        code: String,
        reason: String,
        next: String,
    },
    /// The credential was not accepted.
    Unauthenticated { reason: String, next: String },
    /// Too many requests.
    RateLimited {
        retry_after: u32,
        reason: String,
        next: String,
    },
    /// The service is down, slow, or answers nonsense.
    Unavailable {
        request_sent: bool,
        reason: String,
        next: String,
    },
    /// The service's data do not have the promised shape.
    SchemaMismatch {
        field: String,
        reason: String,
        next: String,
    },
    /// The record has changed since it was looked at.
    Conflict { reason: String, next: String },
    /// It is not known whether something was done.
    InDoubt { reason: String, next: String },
    /// A failure of a type that is not the contract's, as the component said it.
    #[serde(untagged)]
    Other(Value),
}

/// One of several records that fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The record.
    #[serde(rename = "ref")]
    pub record: Ref,
    /// Its name.
    pub label: String,
    /// The details that tell it from the others.
    pub details: String,
}

impl From<BadArgument> for Failure {
    /// Returns the failure that a component would answer with.
    fn from(bad: BadArgument) -> Self {
        Self::InvalidInput {
            field: bad.field,
            reason: bad.reason,
            next: bad.next,
        }
    }
}

impl Failure {
    /// Reads a failure that a component answered with. One that the contract's type would not give
    /// back as it is stays JSON.
    #[must_use]
    pub fn of(said: Value) -> Self {
        let typed = Self::deserialize(&said).ok();
        typed
            .filter(|typed| typed.to_json() == said)
            .unwrap_or(Self::Other(said))
    }

    /// The failure that stands for a refusal by the gate.
    pub(crate) fn denied(denial: &Denial) -> Self {
        Self::Denied {
            code: denial.code.as_str().to_owned(),
            reason: denial.reason.clone(),
            next: "Calling again does not help. Tell the operator, who finds the cause in the log."
                .to_owned(),
        }
    }

    /// Returns the name of its case, if it has one.
    #[must_use]
    pub fn case(&self) -> Option<&str> {
        Some(match self {
            Self::InvalidInput { .. } => "invalid-input",
            Self::NotFound { .. } => "not-found",
            Self::Ambiguous { .. } => "ambiguous",
            Self::Denied { .. } => "denied",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::RateLimited { .. } => "rate-limited",
            Self::Unavailable { .. } => "unavailable",
            Self::SchemaMismatch { .. } => "schema-mismatch",
            Self::Conflict { .. } => "conflict",
            Self::InDoubt { .. } => "in-doubt",
            Self::Other(said) => said.get("case")?.as_str()?,
        })
    }

    /// Returns it as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_else(|_| json!({ "case": self.case() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_the_contract_are_typed_and_read_back() {
        for (said, case) in [
            (
                json!({"case": "invalid-input", "field": "a", "reason": "b", "next": "c"}),
                "invalid-input",
            ),
            (
                json!({"case": "not-found", "reason": "b", "next": "c"}),
                "not-found",
            ),
            (
                json!({"case": "ambiguous", "field": "a", "reason": "b", "candidates": [{"ref": {"kind": "k", "id": "i"}, "label": "l", "details": "d"}], "next": "c"}),
                "ambiguous",
            ),
            (
                json!({"case": "denied", "code": "a", "reason": "b", "next": "c"}),
                "denied",
            ),
            (
                json!({"case": "unauthenticated", "reason": "b", "next": "c"}),
                "unauthenticated",
            ),
            (
                json!({"case": "rate-limited", "retryAfter": 3, "reason": "b", "next": "c"}),
                "rate-limited",
            ),
            (
                json!({"case": "unavailable", "requestSent": true, "reason": "b", "next": "c"}),
                "unavailable",
            ),
            (
                json!({"case": "schema-mismatch", "field": "a", "reason": "b", "next": "c"}),
                "schema-mismatch",
            ),
            (
                json!({"case": "conflict", "reason": "b", "next": "c"}),
                "conflict",
            ),
            (
                json!({"case": "in-doubt", "reason": "b", "next": "c"}),
                "in-doubt",
            ),
        ] {
            let failure = Failure::of(said.clone());
            assert!(!matches!(failure, Failure::Other(_)), "{said}");
            assert_eq!(failure.case(), Some(case));
            assert_eq!(failure.to_json().to_string(), said.to_string());
        }
    }

    #[test]
    fn failure_of_another_type_stays_as_it_was_said() {
        for said in [
            json!({"case": "denied", "reason": "b", "next": "c"}),
            json!({"case": "denied", "code": "a", "reason": "b", "next": "c", "more": 1}),
            json!({"case": "out-of-paper"}),
            json!("a text"),
        ] {
            assert_eq!(Failure::of(said.clone()), Failure::Other(said.clone()));
            assert_eq!(Failure::of(said.clone()).to_json(), said);
        }
    }
}
