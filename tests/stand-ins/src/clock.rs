//! The time a stand-in goes by: injected, so that "three days overdue" stays true and a bucket
//! refills when a test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Tells the time in milliseconds since the Unix epoch. Cloning shares it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The machine's own clock.
    pub fn system() -> Self {
        Self(Arc::new(|| Timestamp::now().as_millisecond()))
    }

    /// Shows `start` now and runs on from there at the usual pace.
    pub fn running_from(start: Timestamp) -> Self {
        let (start, began) = (start.as_millisecond(), Instant::now());
        Self(Arc::new(move || {
            start.saturating_add(millis(began.elapsed()))
        }))
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        (self.0)()
    }

    /// The time as services write it: `2026-03-02T09:00:00.000Z`.
    pub(crate) fn now_iso(&self) -> String {
        iso(self.now_ms())
    }
}

/// A time as services write it; one that does not exist reads as the epoch.
pub(crate) fn iso(ms: i64) -> String {
    format!("{:.3}", Timestamp::from_millisecond(ms).unwrap_or_default())
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({} ms)", self.now_ms())
    }
}

/// A clock that stands still until it is told to move. Cloning shares it.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Stands at `at`.
    pub fn at(at: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(at.as_millisecond())))
    }

    /// Moves on by `by`, in whole milliseconds.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(millis(by), Ordering::SeqCst);
    }

    /// The clock to hand to a stand-in.
    pub fn clock(&self) -> Clock {
        let shared = Arc::clone(&self.0);
        Clock(Arc::new(move || shared.load(Ordering::SeqCst)))
    }
}

fn millis(d: Duration) -> i64 {
    i64::try_from(d.as_millis()).unwrap_or(i64::MAX)
}
