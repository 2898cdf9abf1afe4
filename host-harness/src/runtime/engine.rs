//! Builds the wasmtime engine with pooled memory, and advances its epoch so that endless loops end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Interval of epoch ticks, at which a running guest can be interrupted.
pub(super) const TICK: Duration = Duration::from_millis(10);
/// Most calls that run at once; further ones wait.
pub(super) const CALLS_MAX: u32 = 16;
/// Most core instances, and most tables, that one component may consist of.
pub(super) const PARTS_MAX: u32 = 16;
/// Most entries of a table.
pub(super) const TABLE_MAX: usize = 20_000;
/// Idle ticks after which the ticker sleeps.
const IDLE_TICKS: u32 = 100;

/// Builds an engine. Instances come from a pool if the system allows one, otherwise each call maps
/// its own memory.
///
/// # Errors
/// Returns an error if wasmtime does not support this machine.
pub(super) fn build(memory_bytes: usize) -> wasmtime::Result<Engine> {
    let mut config = base();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(memory_bytes)));
    Engine::new(&config).or_else(|error| {
        tracing::info!("no pool of instances here, so each call maps its own memory: {error:#}");
        Engine::new(&base())
    })
}

fn base() -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    // Exports are synchronous; without this the calls take a slower path.
    config.concurrency_support(false);
    config.wasm_component_model(true);
    config
}

fn pool(memory_bytes: usize) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    let parts = CALLS_MAX * PARTS_MAX;
    pool.total_component_instances(CALLS_MAX)
        .total_core_instances(parts)
        .total_memories(CALLS_MAX * 2)
        .total_tables(parts)
        .total_stacks(CALLS_MAX * 2)
        .max_core_instances_per_component(PARTS_MAX)
        .max_memories_per_component(2)
        .max_tables_per_component(PARTS_MAX)
        .table_elements(TABLE_MAX)
        .max_memory_size(memory_bytes)
        // Resetting these pages by copying is faster than asking the kernel, as long as it reports
        // which ones were touched.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(64 << 10);
    pool
}

/// Advances the engine's epoch while calls run, and sleeps while none do.
pub(super) struct Ticker {
    shared: Arc<TickerState>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct TickerState {
    running: AtomicUsize,
    asleep: AtomicBool,
    stop: AtomicBool,
}

impl Ticker {
    /// Starts the ticker thread of an engine.
    ///
    /// # Errors
    /// Returns an error if the thread cannot be started.
    pub(super) fn start(engine: Engine) -> std::io::Result<Self> {
        let shared = Arc::new(TickerState::default());
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("epoch".into())
            .spawn(move || tick(&engine, &theirs))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Keeps the ticker awake as long as the guard lives.
    pub(super) fn running(&self) -> Running<'_> {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.thread
                .iter()
                .for_each(|thread| thread.thread().unpark());
        }
        Running(&self.shared)
    }
}

fn tick(engine: &Engine, shared: &TickerState) {
    let mut idle = 0;
    while !shared.stop.load(Ordering::SeqCst) {
        thread::park_timeout(TICK);
        engine.increment_epoch();
        idle = if shared.running.load(Ordering::SeqCst) == 0 {
            idle + 1
        } else {
            0
        };
        if idle > IDLE_TICKS {
            shared.asleep.store(true, Ordering::SeqCst);
            // A call that starts now sees `asleep` and wakes this thread, or was seen here.
            while shared.running.load(Ordering::SeqCst) == 0 && !shared.stop.load(Ordering::SeqCst)
            {
                thread::park();
            }
            shared.asleep.store(false, Ordering::SeqCst);
            idle = 0;
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("the epoch thread panicked");
            }
        }
    }
}

/// Guard of a running call: the ticker stays awake until it is dropped.
pub(super) struct Running<'a>(&'a TickerState);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}
