//! The time of day that a component is told, and how long its waits take.

use std::time::{Duration, SystemTime};

/// Tells the time of day.
pub trait Clock: Send + Sync {
    /// Time since 1970-01-01T00:00:00Z.
    fn now(&self) -> Duration;

    /// How long a component really waits that asks to wait this long.
    fn wait(&self, asked: Duration) -> Duration {
        asked
    }
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        // A clock before 1970 is told as 1970.
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
    }
}

/// A clock that stands still, for tests and demonstrations. Whoever waits by it waits a thousandth of the time.
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
