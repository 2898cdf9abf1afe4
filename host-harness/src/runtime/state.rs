//! The data of a store: the few capabilities of a component, and nothing else.

use std::sync::Arc;

use wasmtime::ResourceLimiter;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::clocks::{WasiClocksCtx, WasiClocksCtxView};
use wasmtime_wasi::p2::bindings::clocks;
use wasmtime_wasi_config::{WasiConfig, WasiConfigVariables};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use super::engine::{PARTS_MAX, TABLE_MAX};
use super::host_memory::{self, FIELDS_MAX, RESOURCES_MAX};
use super::wasi_clocks::{Steady, SteadyView, Wall, WallView};
use crate::clock::Clock;
use crate::outbound::wasi_hook::GateHook;

/// The state of one call.
pub(super) struct StoreState {
    table: ResourceTable,
    http: WasiHttpCtx,
    gate: GateHook,
    clock: Arc<dyn Clock>,
    clocks: WasiClocksCtx,
    settings: Arc<WasiConfigVariables>,
    pub(super) limiter: Limiter,
}

impl StoreState {
    pub(super) fn new(
        gate: GateHook,
        clock: Arc<dyn Clock>,
        settings: Arc<WasiConfigVariables>,
        memory_bytes: usize,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(FIELDS_MAX);
        Self {
            table,
            http,
            gate,
            clock,
            clocks: WasiClocksCtx::default(),
            settings,
            limiter: Limiter {
                memory_bytes,
                used: 0,
                refused: false,
                host: false,
            },
        }
    }

    /// Drops every resource held for the guest once together they exceed its memory limit: its next
    /// host call fails, and the call ends.
    fn bound_what_is_held(&mut self) {
        if host_memory::bytes(&mut self.table) > self.limiter.memory_bytes {
            self.limiter.host = true;
            self.table = ResourceTable::new();
            self.table.set_max_capacity(0);
        }
    }
}

impl WasiHttpView for StoreState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.bound_what_is_held();
        WasiHttpCtxView {
            hooks: &mut self.gate,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl IoView for StoreState {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

/// Builds a linker with exactly the interfaces that a component may import, each by itself.
pub(super) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<StoreState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi_io::add_to_linker_async(&mut linker)?;
    clocks::monotonic_clock::add_to_linker::<StoreState, Steady>(&mut linker, |state| {
        SteadyView {
            own: WasiClocksCtxView {
                ctx: &mut state.clocks,
                table: &mut state.table,
            },
            clock: state.clock.as_ref(),
        }
    })?;
    clocks::wall_clock::add_to_linker::<StoreState, Wall>(&mut linker, |state| {
        WallView(state.clock.as_ref())
    })?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi_config::add_to_linker(&mut linker, |state: &mut StoreState| {
        WasiConfig::from(state.settings.as_ref())
    })?;
    Ok(linker)
}

/// Returns true if a component may import this interface.
pub(super) fn may_import(name: &str) -> bool {
    let unversioned = name.split_once('@').map_or(name, |(name, _)| name);
    let whole = [
        "wasi:http/types",
        "wasi:http/outgoing-handler",
        "wasi:config/store",
    ];
    whole.contains(&unversioned)
        || unversioned.starts_with("wasi:io/")
        || unversioned.starts_with("wasi:clocks/")
}

/// Enforces a store's memory limit, and notes an attempt to exceed it.
#[derive(Debug)]
pub(super) struct Limiter {
    memory_bytes: usize,
    used: usize,
    pub(super) refused: bool,
    /// True if the host held too much memory for the guest.
    pub(super) host: bool,
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.used.saturating_add(desired.saturating_sub(current));
        if total > self.memory_bytes {
            self.refused = true;
            return Ok(false);
        }
        self.used = total;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        tracing::debug!("a component's memory could not grow: {error:#}");
        self.refused = true;
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_MAX)
    }

    fn instances(&self) -> usize {
        PARTS_MAX as usize
    }

    fn tables(&self) -> usize {
        PARTS_MAX as usize
    }

    fn memories(&self) -> usize {
        2
    }
}
