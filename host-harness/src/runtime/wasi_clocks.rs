//! Implements `wasi:clocks` by the harness's clock: its time of day, and the lengths of its waits.

use std::time::Duration;

use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::clocks::WasiClocksCtxView;
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock::{self, Instant};
use wasmtime_wasi::p2::bindings::clocks::wall_clock::{self, Datetime};

use crate::clock::Clock;

/// The guest's `wasi:clocks/wall-clock`.
pub(super) struct WallView<'a>(pub(super) &'a dyn Clock);

/// Linker marker for [`WallView`].
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

/// The guest's `wasi:clocks/monotonic-clock`: wasmtime's own, with the harness's lengths of waits.
pub(super) struct SteadyView<'a> {
    pub(super) own: WasiClocksCtxView<'a>,
    pub(super) clock: &'a dyn Clock,
}

/// Linker marker for [`SteadyView`].
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
