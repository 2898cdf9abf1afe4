//! Refusals: stable codes, a reason that may reach the caller, and a fix for the operator.

use thiserror::Error;

/// The fix of a refusal that no operator can lift.
pub(crate) const NO_FIX: &str =
    "This cannot be granted: it is a fault of the skill. Report it to its makers.";

/// Stable codes of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DenialCode {
    /// The URL is not a URL, or not in canonical form.
    Url,
    /// The scheme is not the destination's.
    Scheme,
    /// No destination has this host.
    Host,
    /// The port is not the destination's.
    Port,
    /// The method is not allowed there.
    Method,
    /// No route has this path.
    Path,
    /// A query key or value that the route does not list.
    Query,
    /// A header that may not be given.
    Header,
    /// The body is not what the route demands.
    Body,
    /// The document is not a trusted one.
    Document,
    /// The document's variables are not the declared ones.
    Variables,
    /// It would write, and the caller may only read.
    Write,
    /// An address of the host may not be dialled.
    Address,
    /// Too many requests in one call.
    RequestLimit,
    /// The request's body is too large.
    RequestSize,
    /// The bodies of all requests and answers of one call are too large together.
    BodySize,
    /// No credential is set for the destination.
    Credential,
    /// Too many requests to the destination in too short a time.
    Rate,
    /// A secret was found in what came back.
    Leak,
    /// A value that has to be that of a setting is another.
    Setting,
    /// A value that came from another service, and is not given away by the plan.
    Crossing,
    /// A value in a read that comes from nowhere that its service may be told of.
    Provenance,
    /// The judge of a step asked another service than the one that the step goes to.
    Judge,
    /// The decision could not be put on record.
    Record,
}

impl DenialCode {
    /// The code as it appears in answers and logs.
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

/// A refusal. `reason` may reach whoever called; `fix` is for the operator alone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct Denial {
    /// The stable code.
    pub code: DenialCode,
    /// What was refused, in one sentence, without any value of the request.
    pub reason: String,
    /// The destination that it would have gone to, if it is one.
    pub destination: Option<String>,
    /// The rule that came nearest, if there is one.
    pub nearest: Option<String>,
    /// What an operator can do about it.
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
