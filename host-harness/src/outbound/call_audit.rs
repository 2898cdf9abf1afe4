//! The end of a call in the audit log, whatever the end is.

use std::sync::Arc;
use std::time::Instant;

use super::call_context::Ledger;
use crate::events::{Ended, RecordError, Recorder, Source};

/// Logs how a call ended, also when it is dropped in the middle. Its beginning is logged already.
pub(crate) struct Recorded<'a> {
    recorder: &'a dyn Recorder,
    ledger: Arc<Ledger>,
    started: Instant,
    over: bool,
}

impl<'a> Recorded<'a> {
    /// Creates one for a call that began at `started`.
    pub(crate) fn new(recorder: &'a dyn Recorder, ledger: Arc<Ledger>, started: Instant) -> Self {
        Self {
            recorder,
            ledger,
            started,
            over: false,
        }
    }

    /// Logs the end: `done` or the stable code of what went wrong, and the records that the answer
    /// names.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn end(mut self, code: &str, sources: &[Source]) -> Result<(), RecordError> {
        self.record(code, sources)
    }

    fn record(&mut self, outcome: &str, sources: &[Source]) -> Result<(), RecordError> {
        self.over = true;
        self.recorder.ended(&Ended {
            call: self.ledger.call(),
            outcome,
            sources,
            requests: self.ledger.requests(),
            refused: self.ledger.refused(),
            elapsed: self.started.elapsed(),
        })
    }
}

impl Drop for Recorded<'_> {
    fn drop(&mut self) {
        if !self.over
            && let Err(error) = self.record("abandoned", &[])
        {
            tracing::error!(call = %self.ledger.call(), "the end of an abandoned call is missing: {error}");
        }
    }
}
