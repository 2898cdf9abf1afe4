//! Runs one call in a fresh store and instance, under a deadline, a CPU limit and a memory limit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use thiserror::Error;
use tokio::time::timeout_at;
use wasmtime::component::{ComponentExportIndex, ResourceTableError, Val};
use wasmtime::{Store, Trap};
use wasmtime_wasi_config::WasiConfigVariables;
use wasmtime_wasi_http::FieldMapError;

use super::host_memory::{FIELDS_MAX, HANDLES_MAX, RESOURCES_MAX};
use super::load::Skill;
use super::metered::{Metered, Spent};
use super::state::StoreState;
use super::tools::Tool;
use crate::clock::Clock;
use crate::config::{ConfigError, Limits};
use crate::outbound::call_context::CallContext;
use crate::outbound::sender::Outbound;
use crate::outbound::wasi_hook::GateHook;
use component_json::shape::Shape;
use component_json::{BadAnswer, from_component};

/// wasmtime's error message for exhausted host-call fuel; the error type is not public.
const FUEL: &str = "fuel allocated for hostcalls has been exhausted";
/// wasmtime's error message for too many handles in a store.
const HANDLES: &str = "store handle limit exceeded";

/// Error of a call that did not complete, or whose answer cannot be converted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The caller's settings cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The call exceeded its deadline.
    #[error("the action did not end within {} ms (`time-ms`). Ask for less at once, or try again later", limit.as_millis())]
    DeadlineExceeded {
        /// The limit.
        limit: Duration,
    },
    /// The call exceeded its CPU time.
    #[error("the action computed for more than {} ms (`cpu-ms`). Ask for less at once", limit.as_millis())]
    CpuLimit {
        /// The limit.
        limit: Duration,
    },
    /// The component exceeded its linear memory limit.
    #[error("the action needed more than {mib} MiB of memory (`memory-mib`). Ask for less at once")]
    MemoryLimit {
        /// The limit.
        mib: u64,
    },
    /// The host held too much memory for the call: header fields, requests, strings passed in host
    /// calls.
    #[error(
        "the action made this host hold more than {mib} MiB for it (`memory-mib`). Ask for less at once"
    )]
    HostMemoryLimit {
        /// The limit.
        mib: u64,
    },
    /// The component held too many host resources or handles at once.
    #[error(
        "the action held more than {most} resources of this host at once. Ask for less at once"
    )]
    ResourceLimit {
        /// The limit.
        most: usize,
    },
    /// The header fields of one request exceeded their size limit.
    #[error(
        "the action wanted more than {most} bytes of header fields for one request. Ask for less at once"
    )]
    FieldsLimit {
        /// The limit.
        most: usize,
    },
    /// The guest's stack overflowed.
    #[error("the action needed more than its stack. Ask for less at once")]
    StackLimit,
    /// The component trapped, or the runtime failed.
    #[error(
        "the action broke off: {reason}. This is a fault of the skill: report it to its makers"
    )]
    Trapped {
        /// The trap, or the root cause.
        reason: String,
    },
    /// The component's answer cannot be converted to JSON.
    #[error("{0}. This is a fault of the skill: report it to its makers")]
    BadAnswer(#[from] BadAnswer),
}

impl RunError {
    /// Returns the stable error code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Config(error) => error.code(),
            Self::DeadlineExceeded { .. } => "deadline-exceeded",
            Self::CpuLimit { .. } => "cpu-limit",
            Self::MemoryLimit { .. } => "memory-limit",
            Self::HostMemoryLimit { .. } => "host-memory-limit",
            Self::ResourceLimit { .. } => "resource-limit",
            Self::FieldsLimit { .. } => "fields-limit",
            Self::StackLimit => "stack-limit",
            Self::Trapped { .. } => "trapped",
            Self::BadAnswer(_) => "bad-answer",
        }
    }

    pub(super) fn missing() -> Self {
        Self::Trapped {
            reason: "the function is missing".to_owned(),
        }
    }
}

/// Durations of the parts of a call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timings {
    /// Creating the store and the instance.
    pub instantiate: Duration,
    /// Running the action, its requests included.
    pub run: Duration,
    /// Dropping the store and the instance.
    pub dispose: Duration,
}

/// A call of an exported function, ready to run.
pub(super) struct Call<'a> {
    pub(super) skill: &'a Skill,
    pub(super) outbound: &'a Arc<Outbound>,
    /// The clock of the component.
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) limits: Limits,
    /// The function's name, for log messages.
    pub(super) name: &'a str,
    pub(super) settings: Arc<WasiConfigVariables>,
    pub(super) context: Arc<CallContext>,
    pub(super) limit: Duration,
}

impl Call<'_> {
    /// Calls a function in a fresh instance.
    pub(super) async fn run(
        &self,
        index: &ComponentExportIndex,
        params: Vec<Val>,
    ) -> Result<(Val, Timings), RunError> {
        let skill = self.skill;
        let deadline = self.context.deadline().into();
        let late = || RunError::DeadlineExceeded { limit: self.limit };
        let _slot = timeout_at(deadline, skill.slots.acquire())
            .await
            .map_err(|_| late())?;
        let _running = skill.ticker.running();
        let begun = Instant::now();
        let mut store = self.store();
        let mut timings = Timings::default();
        let cpu = Duration::from_millis(self.limits.cpu_ms);
        let work = self.enter(&mut store, index, &params, begun, &mut timings);
        let ended = Metered::new(work, self.context.deadline(), cpu).await;
        let limiter = &store.data().limiter;
        let (refused_memory, held_too_much) = (limiter.refused, limiter.host);
        let disposing = Instant::now();
        drop(store);
        timings.dispose = disposing.elapsed();
        let value = match ended {
            Ok(ended) => {
                ended.map_err(|error| self.explain(&error, refused_memory, held_too_much))?
            }
            Err(Spent::Time) => return Err(late()),
            Err(Spent::Cpu) => return Err(RunError::CpuLimit { limit: cpu }),
        };
        Ok((value, timings))
    }

    fn store(&self) -> Store<StoreState> {
        let gate = GateHook::new(Arc::clone(self.outbound), Arc::clone(&self.context));
        let memory = self.skill.memory_bytes;
        let state = StoreState::new(
            gate,
            Arc::clone(self.clock),
            Arc::clone(&self.settings),
            memory,
        );
        let mut store = Store::new(&self.skill.engine, state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(memory);
        store.set_max_component_handles(HANDLES_MAX);
        // At each epoch tick the guest yields, so that other calls proceed and its limits are
        // checked.
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }

    async fn enter(
        &self,
        store: &mut Store<StoreState>,
        index: &ComponentExportIndex,
        params: &[Val],
        begun: Instant,
        timings: &mut Timings,
    ) -> wasmtime::Result<Val> {
        let skill = self.skill;
        let instance = skill.instance.instantiate_async(&mut *store).await?;
        timings.instantiate = begun.elapsed();
        let function = instance
            .get_func(&mut *store, index)
            .ok_or_else(|| wasmtime::format_err!("the function is missing"))?;
        let mut results = [Val::Bool(false)];
        let entered = Instant::now();
        function
            .call_async(&mut *store, params, &mut results)
            .await?;
        timings.run = entered.elapsed();
        let [result] = results;
        Ok(result)
    }

    /// Maps a wasmtime error to the limit that was exceeded, or to a trap.
    fn explain(
        &self,
        error: &wasmtime::Error,
        refused_memory: bool,
        held_too_much: bool,
    ) -> RunError {
        let trap = error.downcast_ref::<Trap>();
        tracing::debug!("`{}` broke off: {error:?}", self.name);
        let mib = self.limits.memory_mib;
        let said = |words: &str| error.chain().any(|cause| cause.to_string().contains(words));
        let full = error
            .chain()
            .any(|cause| matches!(cause.downcast_ref(), Some(ResourceTableError::Full)));
        let fields = error.chain().any(|cause| {
            matches!(
                cause.downcast_ref(),
                Some(FieldMapError::TotalSizeTooBig | FieldMapError::TooManyFields)
            )
        });
        match trap {
            _ if refused_memory => RunError::MemoryLimit { mib },
            _ if held_too_much || said(FUEL) => RunError::HostMemoryLimit { mib },
            _ if full || said(HANDLES) => RunError::ResourceLimit {
                most: RESOURCES_MAX,
            },
            _ if fields => RunError::FieldsLimit { most: FIELDS_MAX },
            Some(Trap::StackOverflow) => RunError::StackLimit,
            Some(trap) => RunError::Trapped {
                reason: trap.to_string(),
            },
            None => RunError::Trapped {
                reason: error.root_cause().to_string(),
            },
        }
    }
}

/// Converts an action's result to JSON: its answer or its failure.
pub(super) fn answer(tool: &Tool, value: &Val) -> Result<Result<Value, Value>, BadAnswer> {
    let side = |shape: Option<&Shape>, value: &Option<Box<Val>>| match (shape, value) {
        (Some(shape), Some(value)) => from_component(shape, value),
        _ => Ok(Value::Null),
    };
    match value {
        Val::Result(Ok(value)) => side(tool.output.as_ref(), value).map(Ok),
        Val::Result(Err(value)) => side(tool.failure.as_ref(), value).map(Err),
        _ => Err(BadAnswer::NOT_A_RESULT),
    }
}
