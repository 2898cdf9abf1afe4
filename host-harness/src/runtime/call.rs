//! One call: a fresh store and instance, a deadline, a memory limit.

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
use super::json::{self, BadAnswer};
use super::metered::{Metered, Spent};
use super::shape::Shape;
use super::state::State;
use super::tools::Tool;
use crate::config::ConfigError;
use crate::events::RecordError;
use crate::harness::{Harness, Timings};
use crate::outbound::call_context::Ledger;
use crate::outbound::gate::Gate;
use crate::plans::PlanError;

/// What wasmtime says where more is passed in one host call than may be; its type is not public.
const FUEL: &str = "fuel allocated for hostcalls has been exhausted";
/// What it says where a component has too many handles.
const HANDLES: &str = "store handle limit exceeded";

/// Why a call has no outcome.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// There is no such tool.
    #[error("there is no action `{name}`. {next}")]
    UnknownTool {
        /// What was asked for.
        name: String,
        /// What there is.
        next: String,
    },
    /// The caller's settings cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It took too long.
    #[error("the action did not end within {} ms (`time-ms`). Ask for less at once, or try again later", limit.as_millis())]
    DeadlineExceeded {
        /// The limit.
        limit: Duration,
    },
    /// It computed too long.
    #[error("the action computed for more than {} ms (`cpu-ms`). Ask for less at once", limit.as_millis())]
    CpuLimit {
        /// The limit.
        limit: Duration,
    },
    /// It wanted too much memory.
    #[error("the action needed more than {mib} MiB of memory (`memory-mib`). Ask for less at once")]
    MemoryLimit {
        /// The limit.
        mib: u64,
    },
    /// It made the host hold too much for it: fields, requests, texts.
    #[error(
        "the action made this host hold more than {mib} MiB for it (`memory-mib`). Ask for less at once"
    )]
    HostMemoryLimit {
        /// The limit.
        mib: u64,
    },
    /// It had too many resources of the host at once.
    #[error(
        "the action held more than {most} resources of this host at once. Ask for less at once"
    )]
    ResourceLimit {
        /// The limit.
        most: usize,
    },
    /// It wanted more header fields for one request than there may be.
    #[error(
        "the action wanted more than {most} bytes of header fields for one request. Ask for less at once"
    )]
    FieldsLimit {
        /// The limit.
        most: usize,
    },
    /// Its functions called each other too deep.
    #[error("the action needed more than its stack. Ask for less at once")]
    StackLimit,
    /// It broke.
    #[error(
        "the action broke off: {reason}. This is a fault of the skill: report it to its makers"
    )]
    Trapped {
        /// What happened.
        reason: String,
    },
    /// The plan that it proposed cannot be taken.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// It cannot be put on record, so it does not happen, or its answer is withheld.
    #[error("{0}. Tell the operator: nothing is done without a record")]
    Record(#[from] RecordError),
    /// Its answer cannot be told.
    #[error("{0}. This is a fault of the skill: report it to its makers")]
    BadAnswer(#[from] BadAnswer),
}

impl CallError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownTool { .. } => "unknown-action",
            Self::Config(error) => error.code(),
            Self::DeadlineExceeded { .. } => "deadline-exceeded",
            Self::CpuLimit { .. } => "cpu-limit",
            Self::Plan(error) => error.code(),
            Self::Record(_) => "record",
            Self::MemoryLimit { .. } => "memory-limit",
            Self::HostMemoryLimit { .. } => "host-memory-limit",
            Self::ResourceLimit { .. } => "resource-limit",
            Self::FieldsLimit { .. } => "fields-limit",
            Self::StackLimit => "stack-limit",
            Self::Trapped { .. } => "trapped",
            Self::BadAnswer(_) => "bad-answer",
        }
    }
}

/// One call on its way.
pub(crate) struct Call<'a> {
    pub(crate) harness: &'a Harness,
    /// What is called, for the log.
    pub(crate) name: &'a str,
    pub(crate) settings: Arc<WasiConfigVariables>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) limit: Duration,
}

impl Call<'_> {
    /// Calls a function in a fresh instance.
    pub(crate) async fn run(
        &self,
        index: &ComponentExportIndex,
        params: Vec<Val>,
    ) -> Result<(Val, Timings), CallError> {
        let skill = &self.harness.skill;
        let deadline = self.ledger.deadline().into();
        let late = || CallError::DeadlineExceeded { limit: self.limit };
        let _slot = timeout_at(deadline, skill.slots.acquire())
            .await
            .map_err(|_| late())?;
        let _running = skill.ticker.running();
        let begun = Instant::now();
        let mut store = self.store();
        let mut timings = Timings::default();
        let cpu = Duration::from_millis(self.harness.setup.limits.cpu_ms);
        let work = self.enter(&mut store, index, &params, begun, &mut timings);
        let ended = Metered::new(work, self.ledger.deadline(), cpu).await;
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
            Err(Spent::Cpu) => return Err(CallError::CpuLimit { limit: cpu }),
        };
        Ok((value, timings))
    }

    fn store(&self) -> Store<State> {
        let harness = self.harness;
        let gate = Gate::new(Arc::clone(&harness.outbound), Arc::clone(&self.ledger));
        let memory = harness.skill.memory_bytes;
        let state = State::new(
            gate,
            Arc::clone(&harness.told),
            Arc::clone(&self.settings),
            memory,
        );
        let mut store = Store::new(&harness.skill.engine, state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(memory);
        store.set_max_component_handles(HANDLES_MAX);
        // At each tick the component gives way, so that other calls go on and its limits are looked at.
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }

    async fn enter(
        &self,
        store: &mut Store<State>,
        index: &ComponentExportIndex,
        params: &[Val],
        begun: Instant,
        timings: &mut Timings,
    ) -> wasmtime::Result<Val> {
        let skill = &self.harness.skill;
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

    /// Says which limit ended a call, or that it broke.
    fn explain(
        &self,
        error: &wasmtime::Error,
        refused_memory: bool,
        held_too_much: bool,
    ) -> CallError {
        let trap = error.downcast_ref::<Trap>();
        tracing::debug!("`{}` broke off: {error:?}", self.name);
        let mib = self.harness.setup.limits.memory_mib;
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
            _ if refused_memory => CallError::MemoryLimit { mib },
            _ if held_too_much || said(FUEL) => CallError::HostMemoryLimit { mib },
            _ if full || said(HANDLES) => CallError::ResourceLimit {
                most: RESOURCES_MAX,
            },
            _ if fields => CallError::FieldsLimit { most: FIELDS_MAX },
            Some(Trap::StackOverflow) => CallError::StackLimit,
            Some(trap) => CallError::Trapped {
                reason: trap.to_string(),
            },
            None => CallError::Trapped {
                reason: error.root_cause().to_string(),
            },
        }
    }
}

/// What an action answered, as JSON.
pub(crate) fn answer(tool: &Tool, value: &Val) -> Result<Result<Value, Value>, BadAnswer> {
    let side = |shape: Option<&Shape>, value: &Option<Box<Val>>| match (shape, value) {
        (Some(shape), Some(value)) => json::from_component(shape, value),
        _ => Ok(Value::Null),
    };
    match value {
        Val::Result(Ok(value)) => side(tool.output.as_ref(), value).map(Ok),
        Val::Result(Err(value)) => side(tool.failure.as_ref(), value).map(Err),
        _ => Err(BadAnswer::NOT_A_RESULT),
    }
}
