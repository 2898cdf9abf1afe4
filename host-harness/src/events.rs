//! Audit events: each call, each decision about a request, and the end of both.

use std::fmt;
use std::time::Duration;

use thiserror::Error;
use uuid::Uuid;

use super::denial::Denial;

/// Phase of a call in which a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A guest makes the request: nothing that writes is allowed.
    Read,
    /// The host performs an approved step.
    Perform,
}

/// Identifier of a call, unique across processes and ordered by time (UUID version 7, RFC 9562).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(Uuid);

impl CallId {
    /// Creates a new identifier.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl Default for CallId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Event: a call of an action has begun.
#[derive(Debug, Clone, Copy)]
pub struct Began<'a> {
    /// The call.
    pub call: CallId,
    /// The action.
    pub action: &'a str,
    /// The caller: their name in the operator file, otherwise their e-mail address.
    pub caller: Option<&'a str>,
    /// SHA-256 of the component, in hexadecimal.
    pub component: &'a str,
    /// SHA-256 of the policy in force, in hexadecimal.
    pub policy: &'a str,
    /// The access policies that permit the call; empty if none does, or if access is decided for
    /// each step.
    pub permitted_by: &'a [String],
}

/// Event: access policies have decided about an operation.
#[derive(Debug, Clone, Copy)]
pub struct Ruled<'a> {
    /// The call.
    pub call: CallId,
    /// The caller who requested the operation.
    pub by: Option<&'a str>,
    /// The digest of the plan, if it is stored by then.
    pub plan: Option<&'a str>,
    /// The operation: `create`, `link`, `change`, `delete` or `approve`.
    pub deed: &'a str,
    /// Kind and id of the record, if it is about one.
    pub record: Option<(&'a str, &'a str)>,
    /// True if it is permitted.
    pub permitted: bool,
    /// The access policies that decided.
    pub policies: &'a [String],
}

/// Event: data was disclosed, or redacted before it was. Holds names of fields and ids, never a
/// value.
#[derive(Debug, Clone, Copy)]
pub struct DisclosureEvent<'a> {
    /// The call.
    pub call: CallId,
    /// The plan's digest.
    pub plan: &'a str,
    /// The number of the step in its plan, from 1, since its id is chosen by the component.
    pub step: usize,
    /// Kind of disclosure: `share`, `edit` or `export` as the manifest has it for the route,
    /// `expand` for fields beyond the default ones, `redact` for redacted texts.
    pub event: &'a str,
    /// The service that received it.
    pub service: &'a str,
    /// The id of the created object at the service, if known.
    pub message: Option<&'a str>,
    /// Kind and id of the record, if it is about one.
    pub record: Option<(&'a str, &'a str)>,
    /// The names of the disclosed fields, or the kinds of redacted data.
    pub fields: &'a [String],
    /// The recipients: ids at the service, or addresses.
    pub recipients: &'a [String],
    /// The group that can read it besides the recipients.
    pub group: Option<&'a str>,
    /// The access policies that permit it.
    pub policies: &'a [String],
    /// SHA-256 of the policy in force, in hexadecimal.
    pub policy: &'a str,
    /// True if it certainly happened; false if that is unknown.
    pub certain: bool,
}

/// Event: a plan has changed its state.
#[derive(Debug, Clone, Copy)]
pub struct Planned<'a> {
    /// The call.
    pub call: CallId,
    /// The plan's digest.
    pub plan: &'a str,
    /// The plan's new state.
    pub state: &'a str,
    /// The number of its steps.
    pub steps: usize,
    /// The person who decided, if there was one.
    pub by: Option<&'a str>,
    /// True if the plan changes its state only after this event is written; false if it has changed
    /// already.
    pub ahead: bool,
}

/// Event: a decision about one request. Holds names of rules, never a value of the request.
#[derive(Debug, Clone, Copy)]
pub struct Decided<'a> {
    /// The call.
    pub call: CallId,
    /// The phase of the call.
    pub phase: Phase,
    /// The destination's name, if one was found.
    pub destination: Option<&'a str>,
    /// The rule that allowed it.
    pub rule: Option<&'a str>,
    /// The trusted document.
    pub document: Option<&'a str>,
    /// Length of the request's body in bytes.
    pub request_bytes: usize,
    /// The refusal, if it was refused.
    pub refused: Option<Refused<'a>>,
}

/// A refusal, with digests that identify the request without repeating it, since a path can carry
/// data.
#[derive(Debug, Clone, Copy)]
pub struct Refused<'a> {
    /// Code, reason and nearest rule.
    pub denial: &'a Denial,
    /// SHA-256 of method, URL and body, each after its length (64 bits, little endian).
    pub sha256: [u8; 32],
    /// Length of the URL in bytes.
    pub url_bytes: usize,
}

/// Event: an allowed request has ended.
#[derive(Debug, Clone, Copy)]
pub struct Finished<'a> {
    /// The call.
    pub call: CallId,
    /// The phase of the call.
    pub phase: Phase,
    /// The destination's name.
    pub destination: &'a str,
    /// The rule that allowed it.
    pub rule: &'a str,
    /// The end of the request.
    pub end: RequestEnd<'a>,
    /// The duration.
    pub elapsed: Duration,
}

/// The ways in which a request ends.
#[derive(Debug, Clone, Copy)]
pub enum RequestEnd<'a> {
    /// The service answered.
    Answered {
        /// Its HTTP status.
        status: u16,
        /// Length of its body in bytes.
        bytes: usize,
    },
    /// The host answered from its cache.
    FromMemory,
    /// No response, for the reason with this stable code.
    Failed(&'a str),
    /// The call ended first.
    Abandoned,
}

/// Event: a call has ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// The call.
    pub call: CallId,
    /// `done`, or the stable code of the error.
    pub outcome: &'a str,
    /// The records that the answer names as its sources.
    pub sources: &'a [AnswerSource],
    /// Number of allowed requests.
    pub requests: u32,
    /// Number of refused requests and headers; only the first ones have events of their own.
    pub refused: u32,
    /// The duration.
    pub elapsed: Duration,
}

/// A record that an answer names as its source. The component's claim is checked against the
/// services' responses during the call, so it cannot carry anything else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AnswerSource {
    /// The object, one that the manifest names.
    pub object: String,
    /// The record's id.
    pub id: Uuid,
    /// Time of the service's last change to it, in milliseconds since 1970-01-01T00:00:00Z.
    pub updated_at: Option<i64>,
}

/// Error of writing an audit event.
#[derive(Debug, Error)]
#[error("the decision could not be put on record: {0}")]
pub struct SinkError(pub String);

/// A sink of audit events. If an event cannot be written, nothing happens: the request is not sent,
/// the answer is withheld.
///
/// A sink may buffer all events but decisions until the next decision or the end of the call, since
/// nothing is sent before the one and nothing is returned before the other.
///
/// Events that cannot be written are of two kinds. Those that permit something (a request is
/// allowed, a plan changes its state, a result is returned) are dropped, since then it does not
/// happen. Those that report what happens anyway (a call began, access was decided, a request was
/// refused or ended, data was disclosed) may be written later.
pub trait AuditSink: Send + Sync {
    /// Flushes all events to disk, before a step of a plan counts as sent.
    ///
    /// # Errors
    /// Returns an error if that fails; the step is then not sent.
    fn settle(&self) -> Result<(), SinkError> {
        Ok(())
    }

    /// Called when a call begins.
    ///
    /// # Errors
    /// Returns an error if it could not be written; the call then does not begin.
    fn began(&self, event: &Began<'_>) -> Result<(), SinkError>;

    /// Called when access policies have decided.
    ///
    /// # Errors
    /// Returns an error if it could not be written; the permitted operation is then not done.
    fn ruled(&self, event: &Ruled<'_>) -> Result<(), SinkError>;

    /// Called when a plan changes its state.
    ///
    /// # Errors
    /// Returns an error if it could not be written; the state then does not change.
    fn planned(&self, event: &Planned<'_>) -> Result<(), SinkError>;

    /// Called when data was disclosed, before the step counts as done.
    ///
    /// # Errors
    /// Returns an error if it could not be written; the step then does not count as done.
    fn shared(&self, event: &DisclosureEvent<'_>) -> Result<(), SinkError>;

    /// Called before a request is sent, or when one is refused.
    ///
    /// # Errors
    /// Returns an error if it could not be written; the request is then not sent.
    fn decided(&self, event: &Decided<'_>) -> Result<(), SinkError>;

    /// Called when a request has ended.
    ///
    /// # Errors
    /// Returns an error if it could not be written; the response is then withheld.
    fn finished(&self, event: &Finished<'_>) -> Result<(), SinkError>;

    /// Called when a call has ended.
    ///
    /// # Errors
    /// Returns an error if it could not be written; the result is then withheld.
    fn ended(&self, event: &Ended<'_>) -> Result<(), SinkError>;
}

/// A sink that writes events to the program's log only.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogSink;

impl AuditSink for LogSink {
    fn began(&self, event: &Began<'_>) -> Result<(), SinkError> {
        tracing::debug!(call = %event.call, action = event.action, "call began");
        Ok(())
    }

    fn ruled(&self, event: &Ruled<'_>) -> Result<(), SinkError> {
        tracing::debug!(call = %event.call, deed = event.deed, permitted = event.permitted, policies = ?event.policies, "access decided");
        Ok(())
    }

    fn planned(&self, event: &Planned<'_>) -> Result<(), SinkError> {
        tracing::debug!(call = %event.call, plan = event.plan, state = event.state, by = event.by, "a plan moved on");
        Ok(())
    }

    fn shared(&self, event: &DisclosureEvent<'_>) -> Result<(), SinkError> {
        tracing::debug!(call = %event.call, event = event.event, plan = event.plan, fields = ?event.fields, certain = event.certain, "something was given away");
        Ok(())
    }

    fn decided(&self, event: &Decided<'_>) -> Result<(), SinkError> {
        match event.refused {
            Some(refused) => tracing::warn!(
                call = %event.call,
                phase = ?event.phase,
                code = refused.denial.code.as_str(),
                destination = event.destination,
                nearest = refused.denial.nearest.as_deref(),
                bytes = event.request_bytes,
                fix = refused.denial.fix,
                "request refused: {}",
                refused.denial.reason
            ),
            None => tracing::debug!(
                call = %event.call,
                phase = ?event.phase,
                rule = event.rule,
                document = event.document,
                bytes = event.request_bytes,
                "request allowed"
            ),
        }
        Ok(())
    }

    fn finished(&self, event: &Finished<'_>) -> Result<(), SinkError> {
        tracing::debug!(call = %event.call, rule = event.rule, end = ?event.end, elapsed = ?event.elapsed, "request ended");
        Ok(())
    }

    fn ended(&self, event: &Ended<'_>) -> Result<(), SinkError> {
        tracing::debug!(call = %event.call, outcome = event.outcome, requests = event.requests, elapsed = ?event.elapsed, "call ended");
        Ok(())
    }
}
