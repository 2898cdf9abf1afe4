//! Clocks: the time of day, and the lengths of waits.

use std::time::{Duration, SystemTime};

/// A source of the time of day.
pub trait Clock: Send + Sync {
    /// Returns the time since 1970-01-01T00:00:00Z.
    fn now(&self) -> Duration;

    /// Returns the time that a component waits if it asks to wait for `asked`.
    fn wait(&self, asked: Duration) -> Duration {
        asked
    }
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        // A clock that is set before 1970 reads as 1970.
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
    }
}

/// A clock that stands still, for tests and demonstrations. Waits take a thousandth of their time.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(
    /// Time since 1970-01-01T00:00:00Z.
    pub Duration,
);

impl Clock for FixedClock {
    fn now(&self) -> Duration {
        self.0
    }

    fn wait(&self, asked: Duration) -> Duration {
        asked / 1000
    }
}
