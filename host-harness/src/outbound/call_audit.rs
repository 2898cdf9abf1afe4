//! The end of a call in the audit log, whatever the end is.

use std::sync::Arc;
use std::time::Instant;

use super::call_context::CallContext;
use crate::events::{AnswerSource, AuditSink, Ended, SinkError};

/// Logs how a call ended, also when it is dropped in the middle. Its beginning is logged already.
pub(crate) struct CallAudit<'a> {
    sink: &'a dyn AuditSink,
    context: Arc<CallContext>,
    started: Instant,
    over: bool,
}

impl<'a> CallAudit<'a> {
    /// Creates one for a call that began at `started`.
    pub(crate) fn new(
        sink: &'a dyn AuditSink,
        context: Arc<CallContext>,
        started: Instant,
    ) -> Self {
        Self {
            sink,
            context,
            started,
            over: false,
        }
    }

    /// Logs the end: `done` or the stable code of what went wrong, and the records that the answer
    /// names.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn end(mut self, code: &str, sources: &[AnswerSource]) -> Result<(), SinkError> {
        self.record(code, sources)
    }

    fn record(&mut self, outcome: &str, sources: &[AnswerSource]) -> Result<(), SinkError> {
        self.over = true;
        self.sink.ended(&Ended {
            call: self.context.call(),
            outcome,
            sources,
            requests: self.context.requests(),
            refused: self.context.refused(),
            elapsed: self.started.elapsed(),
        })
    }
}

impl Drop for CallAudit<'_> {
    fn drop(&mut self) {
        if !self.over
            && let Err(error) = self.record("abandoned", &[])
        {
            tracing::error!(call = %self.context.call(), "the end of an abandoned call is missing: {error}");
        }
    }
}
