//! The record of every call, every decision about a request and how each ended.

use std::fmt;
use std::time::Duration;

use thiserror::Error;
use uuid::Uuid;

use super::denial::Denial;

/// On whose behalf a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A guest asks: nothing that writes passes.
    Read,
    /// The host performs a step that was approved.
    Perform,
}

/// Names a call, unique across processes and in order of time (UUID version 7, RFC 9562).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(Uuid);

impl CallId {
    /// A new one.
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

/// A call of an action begins.
#[derive(Debug, Clone, Copy)]
pub struct Began<'a> {
    /// The call.
    pub call: CallId,
    /// The action.
    pub action: &'a str,
    /// On whose behalf: the caller's name in the operator file, else their e-mail.
    pub caller: Option<&'a str>,
    /// SHA-256 of the component, in hexadecimal.
    pub component: &'a str,
    /// SHA-256 of the policy in force, in hexadecimal.
    pub policy: &'a str,
    /// The access policies that permit it; none where none does, or where each step is asked about.
    pub permitted_by: &'a [String],
}

/// Access policy has decided about somebody's deed.
#[derive(Debug, Clone, Copy)]
pub struct Ruled<'a> {
    /// The call.
    pub call: CallId,
    /// Who was to do it.
    pub by: Option<&'a str>,
    /// The digest of the plan, if it is stored by then.
    pub plan: Option<&'a str>,
    /// What was to be done: `create`, `link`, `change`, `delete` or `approve`.
    pub deed: &'a str,
    /// Kind and id of the record, if it is about one.
    pub record: Option<(&'a str, &'a str)>,
    /// Whether it is permitted.
    pub permitted: bool,
    /// The policies that decided.
    pub policies: &'a [String],
}

/// Something was given away, or taken out before it was. Names of fields and ids, never a value.
#[derive(Debug, Clone, Copy)]
pub struct Shared<'a> {
    /// The call.
    pub call: CallId,
    /// The plan's digest.
    pub plan: &'a str,
    /// The number of the step in its plan, from 1: its id is a text of the component's.
    pub step: usize,
    /// What it is: `share`, `edit` or `export` as the manifest has it for the route, `expand` for fields beyond the default ones,
    /// `redact` for what was taken out of texts.
    pub event: &'a str,
    /// The service that it went to.
    pub service: &'a str,
    /// The id there of what was made, where it is known.
    pub message: Option<&'a str>,
    /// Kind and id of the record, if it is about one.
    pub record: Option<(&'a str, &'a str)>,
    /// The names of the fields, or of what was taken out.
    pub fields: &'a [String],
    /// Who got it: ids at the service, or addresses.
    pub recipients: &'a [String],
    /// The group that can read it beside them.
    pub group: Option<&'a str>,
    /// The access policies that permit it.
    pub policies: &'a [String],
    /// SHA-256 of the policy in force, in hexadecimal.
    pub policy: &'a str,
    /// Whether it surely happened; otherwise nobody can say.
    pub certain: bool,
}

/// A plan stands somewhere else now.
#[derive(Debug, Clone, Copy)]
pub struct Planned<'a> {
    /// The call.
    pub call: CallId,
    /// The plan's digest.
    pub plan: &'a str,
    /// Where it stands.
    pub state: &'a str,
    /// How many steps it has.
    pub steps: usize,
    /// Who decided, if somebody did.
    pub by: Option<&'a str>,
    /// True if the plan moves there only after this is on record; false if it stands there already.
    pub ahead: bool,
}

/// A decision about one request. Holds names of rules, never a value of the request.
#[derive(Debug, Clone, Copy)]
pub struct Decided<'a> {
    /// The call.
    pub call: CallId,
    /// On whose behalf.
    pub phase: Phase,
    /// The destination's name, if one was found.
    pub destination: Option<&'a str>,
    /// The rule that let it through.
    pub rule: Option<&'a str>,
    /// The trusted document.
    pub document: Option<&'a str>,
    /// Length of the request's body in bytes.
    pub request_bytes: usize,
    /// Why it was refused, if it was.
    pub refused: Option<Refused<'a>>,
}

/// A refusal, and what identifies the request without repeating it: a path can carry data.
#[derive(Debug, Clone, Copy)]
pub struct Refused<'a> {
    /// Code, reason and nearest rule.
    pub denial: &'a Denial,
    /// SHA-256 of method, URL and body, each after its length (64 bits, little endian).
    pub sha256: [u8; 32],
    /// Length of the URL in bytes.
    pub url_bytes: usize,
}

/// How a request that was let through ended.
#[derive(Debug, Clone, Copy)]
pub struct Finished<'a> {
    /// The call.
    pub call: CallId,
    /// On whose behalf.
    pub phase: Phase,
    /// The destination's name.
    pub destination: &'a str,
    /// The rule that let it through.
    pub rule: &'a str,
    /// How it ended.
    pub end: End<'a>,
    /// How long it took.
    pub elapsed: Duration,
}

/// The ways in which a request ends.
#[derive(Debug, Clone, Copy)]
pub enum End<'a> {
    /// The service answered.
    Answered {
        /// Its HTTP status.
        status: u16,
        /// Length of its body in bytes.
        bytes: usize,
    },
    /// The host answered from memory.
    FromMemory,
    /// No answer; the stable code says why.
    Failed(&'a str),
    /// The call ended first.
    Abandoned,
}

/// A call has ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// The call.
    pub call: CallId,
    /// `done`, or the stable code of what went wrong.
    pub outcome: &'a str,
    /// The records that the answer names as its sources.
    pub sources: &'a [Source],
    /// Requests let through.
    pub requests: u32,
    /// Requests and headers refused; only the first ones have events of their own.
    pub refused: u32,
    /// How long it took.
    pub elapsed: Duration,
}

/// A record that an answer names as its source. The component's word, held against what services answered during the call: it
/// cannot carry anything else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The object, one that the manifest names.
    pub object: String,
    /// The record's id.
    pub id: Uuid,
    /// When the service last changed it, in milliseconds since 1970-01-01T00:00:00Z.
    pub updated_at: Option<i64>,
}

/// The record could not be written.
#[derive(Debug, Error)]
#[error("the decision could not be put on record: {0}")]
pub struct RecordError(pub String);

/// Keeps the record. What cannot be recorded does not happen: the request is not sent, the answer is withheld.
///
/// A recorder may hold back every event but a decision until the next decision or the end of the call, since nothing leaves
/// before the one and nothing is handed out before the other.
///
/// Events are of two kinds where they cannot be written. Those that let something happen (a request that is let through, a plan
/// that moves on, a result that is handed out) are dropped, since then it does not happen. Those that tell what happened anyhow
/// (a call began, access was decided, a request was refused or ended, something was given away) may be written later.
pub trait Recorder: Send + Sync {
    /// Brings everything that was recorded so far to the disk, before a step of a plan counts as sent.
    ///
    /// # Errors
    /// When that cannot be done; the step is then not sent.
    fn settle(&self) -> Result<(), RecordError> {
        Ok(())
    }

    /// Called when a call begins.
    ///
    /// # Errors
    /// When it could not be recorded; the call then does not begin.
    fn began(&self, event: &Began<'_>) -> Result<(), RecordError>;

    /// Called when access policy has decided.
    ///
    /// # Errors
    /// When it could not be recorded; what was permitted is then not done.
    fn ruled(&self, event: &Ruled<'_>) -> Result<(), RecordError>;

    /// Called when a plan moves on.
    ///
    /// # Errors
    /// When it could not be recorded; it then does not move on.
    fn planned(&self, event: &Planned<'_>) -> Result<(), RecordError>;

    /// Called when something was given away, before the step counts as done.
    ///
    /// # Errors
    /// When it could not be recorded; the step then does not count as done.
    fn shared(&self, event: &Shared<'_>) -> Result<(), RecordError>;

    /// Called before a request is sent, or when one is refused.
    ///
    /// # Errors
    /// When it could not be recorded; the request is then not sent.
    fn decided(&self, event: &Decided<'_>) -> Result<(), RecordError>;

    /// Called when a request has ended.
    ///
    /// # Errors
    /// When it could not be recorded; the answer is then withheld.
    fn finished(&self, event: &Finished<'_>) -> Result<(), RecordError>;

    /// Called when a call has ended.
    ///
    /// # Errors
    /// When it could not be recorded; the result is then withheld.
    fn ended(&self, event: &Ended<'_>) -> Result<(), RecordError>;
}

/// Writes events to the log and nowhere else.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogRecorder;

impl Recorder for LogRecorder {
    fn began(&self, event: &Began<'_>) -> Result<(), RecordError> {
        tracing::debug!(call = %event.call, action = event.action, "call began");
        Ok(())
    }

    fn ruled(&self, event: &Ruled<'_>) -> Result<(), RecordError> {
        tracing::debug!(call = %event.call, deed = event.deed, permitted = event.permitted, policies = ?event.policies, "access decided");
        Ok(())
    }

    fn planned(&self, event: &Planned<'_>) -> Result<(), RecordError> {
        tracing::debug!(call = %event.call, plan = event.plan, state = event.state, by = event.by, "a plan moved on");
        Ok(())
    }

    fn shared(&self, event: &Shared<'_>) -> Result<(), RecordError> {
        tracing::debug!(call = %event.call, event = event.event, plan = event.plan, fields = ?event.fields, certain = event.certain, "something was given away");
        Ok(())
    }

    fn decided(&self, event: &Decided<'_>) -> Result<(), RecordError> {
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

    fn finished(&self, event: &Finished<'_>) -> Result<(), RecordError> {
        tracing::debug!(call = %event.call, rule = event.rule, end = ?event.end, elapsed = ?event.elapsed, "request ended");
        Ok(())
    }

    fn ended(&self, event: &Ended<'_>) -> Result<(), RecordError> {
        tracing::debug!(call = %event.call, outcome = event.outcome, requests = event.requests, elapsed = ?event.elapsed, "call ended");
        Ok(())
    }
}
