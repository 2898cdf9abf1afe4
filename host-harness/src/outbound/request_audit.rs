//! Audit of a request: logs the end of an allowed request, whatever it is.

use std::time::Instant;

use super::call_context::Ledger;
use super::outgoing::SendError;
use super::policy::Allowed;
use crate::events::{End, Finished, Recorder};

/// Writes the end of a request to the audit log, also when the call is cut off in the middle of it.
pub(super) struct Watch<'a> {
    recorder: &'a dyn Recorder,
    ledger: &'a Ledger,
    allowed: &'a Allowed<'a>,
    started: Instant,
    ended: bool,
}

impl<'a> Watch<'a> {
    pub(super) fn start(
        recorder: &'a dyn Recorder,
        ledger: &'a Ledger,
        allowed: &'a Allowed<'a>,
    ) -> Self {
        Self {
            recorder,
            ledger,
            allowed,
            started: Instant::now(),
            ended: false,
        }
    }

    pub(super) fn end(&mut self, end: End<'_>) -> Result<(), SendError> {
        self.ended = true;
        let event = Finished {
            call: self.ledger.call,
            phase: self.ledger.phase,
            destination: &self.allowed.destination.name,
            rule: &self.allowed.route.id,
            end,
            elapsed: self.started.elapsed(),
        };
        self.recorder.finished(&event).map_err(|error| {
            tracing::error!("{error}");
            SendError::Record
        })
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.ended && self.end(End::Abandoned).is_err() {
            tracing::error!(
                call = %self.ledger.call,
                "an abandoned request is missing in the record"
            );
        }
    }
}
