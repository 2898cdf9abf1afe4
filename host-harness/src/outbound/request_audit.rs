//! Audit of a request: logs the end of an allowed request, whatever it is.

use std::time::Instant;

use super::call_context::CallContext;
use super::outgoing::SendError;
use super::policy::Allowed;
use crate::events::{AuditSink, Finished, RequestEnd};

/// Writes the end of a request to the audit log, also when the call is cut off in the middle of it.
pub(super) struct RequestAudit<'a> {
    sink: &'a dyn AuditSink,
    context: &'a CallContext,
    allowed: &'a Allowed<'a>,
    started: Instant,
    ended: bool,
}

impl<'a> RequestAudit<'a> {
    pub(super) fn start(
        sink: &'a dyn AuditSink,
        context: &'a CallContext,
        allowed: &'a Allowed<'a>,
    ) -> Self {
        Self {
            sink,
            context,
            allowed,
            started: Instant::now(),
            ended: false,
        }
    }

    pub(super) fn end(&mut self, end: RequestEnd<'_>) -> Result<(), SendError> {
        self.ended = true;
        let event = Finished {
            call: self.context.call,
            phase: self.context.phase,
            destination: &self.allowed.destination.name,
            rule: &self.allowed.route.id,
            end,
            elapsed: self.started.elapsed(),
        };
        self.sink.finished(&event).map_err(|error| {
            tracing::error!("{error}");
            SendError::Record
        })
    }
}

impl Drop for RequestAudit<'_> {
    fn drop(&mut self) {
        if !self.ended && self.end(RequestEnd::Abandoned).is_err() {
            tracing::error!(
                call = %self.context.call,
                "an abandoned request is missing in the record"
            );
        }
    }
}
