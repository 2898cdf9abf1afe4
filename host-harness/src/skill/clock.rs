//! The time of day that a component is told, and how long its waits take.

use std::time::{Duration, SystemTime};

use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::clocks::WasiClocksCtxView;
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock::{self, Instant};
use wasmtime_wasi::p2::bindings::clocks::wall_clock::{self, Datetime};

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

/// The guest's `wasi:clocks/monotonic-clock`: the sandbox's own, with waits as the clock has them.
pub(super) struct SteadyView<'a> {
    pub(super) own: WasiClocksCtxView<'a>,
    pub(super) clock: &'a dyn Clock,
}

/// Names [`SteadyView`] as what a store gives to the linker.
pub(super) struct Steady;

impl HasData for Steady {
    type Data<'a> = SteadyView<'a>;
}

impl SteadyView<'_> {
    fn wait(&self, asked: u64) -> u64 {
        let wait = self.clock.wait(Duration::from_nanos(asked));
        u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)
    }
}

impl monotonic_clock::Host for SteadyView<'_> {
    fn now(&mut self) -> wasmtime::Result<Instant> {
        monotonic_clock::Host::now(&mut self.own)
    }

    fn resolution(&mut self) -> wasmtime::Result<Instant> {
        monotonic_clock::Host::resolution(&mut self.own)
    }

    fn subscribe_instant(&mut self, when: Instant) -> wasmtime::Result<Resource<DynPollable>> {
        let now = self.now()?;
        let wait = self.wait(when.saturating_sub(now));
        self.own.subscribe_duration(wait)
    }

    fn subscribe_duration(&mut self, asked: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let wait = self.wait(asked);
        self.own.subscribe_duration(wait)
    }
}
