//! The record of every decision about a request and of how it ended.

use std::time::Duration;

use thiserror::Error;

use super::denial::Denial;
use super::policy::Phase;

/// A decision about one request. Holds names of rules, never a value of the request.
#[derive(Debug, Clone, Copy)]
pub struct Decided<'a> {
    /// Identifies the call within this process.
    pub call: u64,
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
    pub denial: Option<&'a Denial>,
}

/// How a request that was let through ended.
#[derive(Debug, Clone, Copy)]
pub struct Finished<'a> {
    /// Identifies the call within this process.
    pub call: u64,
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

/// The record could not be written.
#[derive(Debug, Error)]
#[error("the decision could not be put on record: {0}")]
pub struct RecordError(pub String);

/// Keeps the record. A decision that cannot be recorded is no permission: the request is not sent.
pub trait Recorder: Send + Sync {
    /// Called before a request is sent, or when it is refused.
    ///
    /// # Errors
    /// When it could not be recorded; the request is then not sent.
    fn decided(&self, event: &Decided<'_>) -> Result<(), RecordError>;

    /// Called when a request has ended.
    ///
    /// # Errors
    /// When it could not be recorded; the answer is then withheld.
    fn finished(&self, event: &Finished<'_>) -> Result<(), RecordError>;
}

/// Writes events to the log.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogRecorder;

impl Recorder for LogRecorder {
    fn decided(&self, event: &Decided<'_>) -> Result<(), RecordError> {
        match event.denial {
            Some(denial) => tracing::warn!(
                call = event.call,
                phase = ?event.phase,
                code = denial.code.as_str(),
                nearest = denial.nearest.as_deref(),
                bytes = event.request_bytes,
                fix = denial.fix,
                "request refused: {}",
                denial.reason
            ),
            None => tracing::debug!(
                call = event.call,
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
        tracing::debug!(call = event.call, rule = event.rule, end = ?event.end, elapsed = ?event.elapsed, "request ended");
        Ok(())
    }
}
