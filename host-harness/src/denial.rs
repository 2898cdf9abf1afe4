//! Refusals: stable codes, a reason that may reach the caller, and a fix for the operator.

use thiserror::Error;

/// The fix of a refusal that no operator can lift.
pub(crate) const NO_FIX: &str =
    "This cannot be granted: it is a fault of the skill. Report it to its makers.";

/// Stable codes of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DenialCode {
    /// The URL cannot be parsed, or is not in canonical form.
    Url,
    /// The scheme is not that of the destination.
    Scheme,
    /// No destination has this host.
    Host,
    /// The port is not the destination's.
    Port,
    /// The route does not allow the method.
    Method,
    /// No route has this path.
    Path,
    /// A query key or value that the route does not list.
    Query,
    /// A header that a guest may not set.
    Header,
    /// The body is not what the route requires.
    Body,
    /// The document is not a trusted one.
    Document,
    /// The document's variables are not the declared ones.
    Variables,
    /// The request would write, and only reads are allowed.
    Write,
    /// An address of the host may not be dialled.
    Address,
    /// The call has made too many requests.
    RequestLimit,
    /// The request's body is too large.
    RequestSize,
    /// The bodies of all requests and responses of the call together are too large.
    BodySize,
    /// No credential is set for the destination.
    Credential,
    /// Too many requests to the destination in too short a time.
    Rate,
    /// A secret was found in a response or an answer.
    Leak,
    /// A value differs from the setting that it has to equal.
    Setting,
    /// A value came from another service, and the plan does not disclose it.
    Crossing,
    /// A value in a read has no source that its service may learn of.
    Provenance,
    /// The judge of a step sent a request to another service than the step's.
    Judge,
    /// The audit event of the decision could not be written.
    Record,
}

impl DenialCode {
    /// Returns the code as it appears in answers and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Scheme => "scheme",
            Self::Host => "host",
            Self::Port => "port",
            Self::Method => "method",
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Body => "body",
            Self::Document => "document",
            Self::Variables => "variables",
            Self::Write => "write",
            Self::Address => "address",
            Self::RequestLimit => "request-limit",
            Self::RequestSize => "request-size",
            Self::BodySize => "body-size",
            Self::Credential => "credential",
            Self::Rate => "rate",
            Self::Leak => "leak",
            Self::Setting => "setting",
            Self::Crossing => "crossing",
            Self::Provenance => "provenance",
            Self::Judge => "judge",
            Self::Record => "record",
        }
    }
}

/// A refusal. `reason` may reach the caller; `fix` is for the operator alone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct Denial {
    /// Stable code of the refusal.
    pub code: DenialCode,
    /// Reason in one sentence, without any value of the request.
    pub reason: String,
    /// The destination of the request, if it matched one.
    pub destination: Option<String>,
    /// The rule that matched most closely, if there is one.
    pub nearest: Option<String>,
    /// The fix for the operator.
    pub fix: String,
}

impl Denial {
    pub(crate) fn new(code: DenialCode, reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
            destination: None,
            nearest: None,
            fix: fix.into(),
        }
    }

    pub(super) fn at(mut self, destination: &str) -> Self {
        self.destination = Some(destination.to_owned());
        self
    }

    pub(super) fn near(mut self, rule: impl Into<String>) -> Self {
        self.nearest = Some(rule.into());
        self
    }
}
