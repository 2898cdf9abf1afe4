//! The time of day that a component is told.

use std::time::{Duration, SystemTime};

use wasmtime::component::HasData;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::{self, Datetime};

/// Tells the time of day.
pub trait Clock: Send + Sync {
    /// Time since 1970-01-01T00:00:00Z.
    fn now(&self) -> Duration;
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

/// A clock that stands still, for tests and demonstrations.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(
    /// Time since 1970-01-01T00:00:00Z.
    pub Duration,
);

impl Clock for FixedClock {
    fn now(&self) -> Duration {
        self.0
    }
}

/// The guest's `wasi:clocks/wall-clock`.
pub(super) struct WallView<'a>(pub(super) &'a dyn Clock);

/// Names [`WallView`] as what a store gives to the linker.
pub(super) struct Wall;

impl HasData for Wall {
    type Data<'a> = WallView<'a>;
}

impl wall_clock::Host for WallView<'_> {
    fn now(&mut self) -> wasmtime::Result<Datetime> {
        let now = self.0.now();
        Ok(Datetime {
            seconds: now.as_secs(),
            nanoseconds: now.subsec_nanos(),
        })
    }

    fn resolution(&mut self) -> wasmtime::Result<Datetime> {
        Ok(Datetime {
            seconds: 0,
            nanoseconds: 1_000_000,
        })
    }
}
