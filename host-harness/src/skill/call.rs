//! Calling an action: a fresh store and instance, a deadline, a memory limit, and JSON on both sides.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thiserror::Error;
use tokio::time::timeout_at;
use wasmtime::component::Val;
use wasmtime::{Store, Trap};
use wasmtime_wasi_config::WasiConfigVariables;

use super::clock::{Clock, SystemClock};
use super::engine::TICK;
use super::json::{self, BadAnswer};
use super::load::{LoadError, Skill};
use super::shape::Shape;
use super::state::State;
use super::tools::Tool;
use crate::config::{Caller, ConfigError, Setup};
use crate::nearest;
use crate::outbound::client::{Client, TcpDialler};
use crate::outbound::gate::Gate;
use crate::outbound::policy::{Denial, Phase};
use crate::outbound::record::{LogRecorder, Recorder};
use crate::outbound::resolve::SystemResolver;
use crate::outbound::sender::{Ledger, LedgerLimits, Outbound};
use crate::outbound::tls::Tls;

/// A call of an action.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The tool's name, with or without the package's prefix.
    pub tool: String,
    /// Its arguments: an object.
    pub arguments: Value,
    /// On whose behalf.
    pub caller: Caller,
    /// How long it may take, if less than the limit.
    pub deadline: Option<Duration>,
}

/// What came of a call.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The answer, or the failure as an object with `case`.
    pub result: Result<Value, Value>,
    /// How many requests were let through.
    pub requests: u32,
    /// How long it took in all.
    pub elapsed: Duration,
    /// What the gate refused. The fixes in it are for the operator.
    pub denials: Vec<Denial>,
    /// Where the time went.
    pub timings: Timings,
}

/// Where the time of a call went.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timings {
    /// Making store and instance.
    pub instantiate: Duration,
    /// Running the action, its requests included.
    pub run: Duration,
    /// Giving store and instance back.
    pub dispose: Duration,
}

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
    #[error("the action did not end within {} ms. Ask for less at once, or try again later", limit.as_millis())]
    DeadlineExceeded {
        /// The limit.
        limit: Duration,
    },
    /// It wanted too much memory.
    #[error("the action needed more than {mib} MiB of memory. Ask for less at once")]
    MemoryLimit {
        /// The limit.
        mib: u64,
    },
    /// It broke.
    #[error(
        "the action broke off: {reason}. This is a fault of the skill: report it to its makers"
    )]
    Trapped {
        /// What happened.
        reason: String,
    },
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
            Self::MemoryLimit { .. } => "memory-limit",
            Self::Trapped { .. } => "trapped",
            Self::BadAnswer(_) => "bad-answer",
        }
    }
}

/// What a test or a demonstration may replace.
pub struct Parts {
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// The client; none for the system's resolver, TCP and the platform's roots.
    pub client: Option<Client>,
    /// The record.
    pub recorder: Arc<dyn Recorder>,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            client: None,
            recorder: Arc::new(LogRecorder),
        }
    }
}

/// A skill under its policy, ready for calls.
pub struct Harness {
    skill: Skill,
    setup: Setup,
    outbound: Arc<Outbound>,
    clock: Arc<dyn Clock>,
    calls: AtomicU64,
    /// The settings of the caller before; most calls are the same person's.
    settings: Mutex<Option<(Caller, Arc<WasiConfigVariables>)>>,
}

impl Harness {
    /// Puts a skill under the policy of a set-up. `component` is the component's bytes, `cache` a checked directory for compiled code.
    ///
    /// # Errors
    /// Why the component cannot be used.
    pub fn load(
        component: &[u8],
        mut setup: Setup,
        parts: Parts,
        cache: Option<&std::path::Path>,
    ) -> Result<Self, LoadError> {
        let skill = Skill::load(component, &setup.manifest, setup.limits.memory_mib, cache)?;
        let tls = Tls::new(std::mem::take(&mut setup.authorities));
        let client = parts
            .client
            .unwrap_or_else(|| Client::new(Arc::new(SystemResolver), Arc::new(TcpDialler), tls));
        let credentials = std::mem::take(&mut setup.credentials);
        let outbound = Arc::new(Outbound::new(
            setup.policy.clone(),
            credentials,
            client,
            parts.recorder,
        ));
        Ok(Self {
            skill,
            setup,
            outbound,
            clock: parts.clock,
            calls: AtomicU64::new(1),
            settings: Mutex::new(None),
        })
    }

    /// What can be called.
    #[must_use]
    pub fn tools(&self) -> &[Tool] {
        self.skill.tools()
    }

    /// The component.
    #[must_use]
    pub fn skill(&self) -> &Skill {
        &self.skill
    }

    /// The set-up; its credentials have gone to the gate.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The gate.
    #[must_use]
    pub fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    /// Calls an action.
    ///
    /// # Errors
    /// Why there is no outcome. Wrong arguments and failures of the action are outcomes.
    pub async fn call(&self, invocation: Invocation) -> Result<Outcome, CallError> {
        let started = Instant::now();
        let Invocation {
            tool: name,
            arguments,
            caller,
            deadline,
        } = invocation;
        let Some(tool) = self.skill.tool(&name) else {
            return Err(self.unknown_tool(name));
        };
        let params = match arguments_in(tool, &arguments) {
            Ok(params) => params,
            Err(bad) => return Ok(Outcome::refused(bad.to_failure(), started.elapsed())),
        };
        let limit = Duration::from_millis(self.setup.limits.time_ms);
        let limit = deadline.map_or(limit, |asked| asked.min(limit));
        let call = Call {
            harness: self,
            tool,
            settings: self.settings_for(caller)?,
            ledger: Arc::new(self.ledger(started + limit)),
            limit,
        };
        let (result, timings) = call.run(params).await?;
        let denials = call.ledger.denials();
        // The gate's own word on a refusal; the component's need not be believed.
        let result = result.map_err(|failure| denials.first().map_or(failure, denied));
        let requests = call.ledger.requests();
        Ok(Outcome {
            result,
            requests,
            elapsed: started.elapsed(),
            denials,
            timings,
        })
    }

    fn unknown_tool(&self, name: String) -> CallError {
        let known = self.tools().iter().map(|tool| tool.name.as_str());
        // A short name is compared as the full one that it stands for.
        let prefix = self
            .tools()
            .first()
            .and_then(|tool| tool.name.split_once('_'))
            .map_or("", |(prefix, _)| prefix);
        let full = if name.starts_with(prefix) {
            name.clone()
        } else {
            format!("{prefix}_{name}")
        };
        CallError::UnknownTool {
            next: nearest::hint(&full, known),
            name,
        }
    }

    fn ledger(&self, deadline: Instant) -> Ledger {
        let limits = self.setup.limits;
        let limits = LedgerLimits {
            requests: limits.requests,
            request_bytes: limits.request_bytes,
            response_bytes: limits.response_bytes,
        };
        Ledger::new(
            self.calls.fetch_add(1, Ordering::Relaxed),
            Phase::Read,
            deadline,
            limits,
        )
    }

    fn settings_for(&self, caller: Caller) -> Result<Arc<WasiConfigVariables>, ConfigError> {
        let mut last = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, settings)) = last.as_ref().filter(|(known, _)| *known == caller) {
            return Ok(Arc::clone(settings));
        }
        let settings = Arc::new(
            self.setup
                .settings_for(&caller)?
                .into_iter()
                .collect::<WasiConfigVariables>(),
        );
        *last = Some((caller, Arc::clone(&settings)));
        Ok(settings)
    }
}

impl Outcome {
    fn refused(failure: Value, elapsed: Duration) -> Self {
        Self {
            result: Err(failure),
            requests: 0,
            elapsed,
            denials: Vec::new(),
            timings: Timings::default(),
        }
    }
}

fn denied(denial: &Denial) -> Value {
    json!({
        "case": "denied",
        "code": denial.code.as_str(),
        "reason": denial.reason,
        "next": "Calling again does not help. Tell the operator, who finds the cause in the log.",
    })
}

fn arguments_in(tool: &Tool, arguments: &Value) -> Result<Vec<Val>, json::BadArgument> {
    json::measure(arguments)?;
    match &tool.input {
        Some(record) => Ok(vec![json::record_to_component(record, arguments)?]),
        None => json::nothing_to_component(arguments).map(|()| Vec::new()),
    }
}

struct Call<'a> {
    harness: &'a Harness,
    tool: &'a Tool,
    settings: Arc<WasiConfigVariables>,
    ledger: Arc<Ledger>,
    limit: Duration,
}

impl Call<'_> {
    async fn run(&self, params: Vec<Val>) -> Result<(Result<Value, Value>, Timings), CallError> {
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
        // A component that waits in the host is not interrupted by epochs: the timeout ends it.
        let work = timeout_at(
            deadline,
            self.enter(&mut store, &params, begun, &mut timings),
        );
        let ended = work.await.unwrap_or_else(|_| Err(Trap::Interrupt.into()));
        let refused_memory = store.data().limiter.refused;
        let disposing = Instant::now();
        drop(store);
        timings.dispose = disposing.elapsed();
        let value = ended.map_err(|error| self.explain(&error, refused_memory))?;
        Ok((self.answer(&value)?, timings))
    }

    fn store(&self) -> Store<State> {
        let harness = self.harness;
        let gate = Gate::new(Arc::clone(&harness.outbound), Arc::clone(&self.ledger));
        let memory = harness.skill.memory_bytes;
        let state = State::new(
            gate,
            Arc::clone(&harness.clock),
            Arc::clone(&self.settings),
            memory,
        );
        let mut store = Store::new(&harness.skill.engine, state);
        store.limiter(|state| &mut state.limiter);
        let ticks = self.limit.as_millis() / TICK.as_millis() + 1;
        store.set_epoch_deadline(u64::try_from(ticks).unwrap_or(u64::MAX));
        store
    }

    async fn enter(
        &self,
        store: &mut Store<State>,
        params: &[Val],
        begun: Instant,
        timings: &mut Timings,
    ) -> wasmtime::Result<Val> {
        let skill = &self.harness.skill;
        let instance = skill.instance.instantiate_async(&mut *store).await?;
        timings.instantiate = begun.elapsed();
        let index = skill
            .index(self.tool)
            .ok_or_else(|| wasmtime::format_err!("the function is missing"))?;
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

    fn explain(&self, error: &wasmtime::Error, refused_memory: bool) -> CallError {
        let trap = error.downcast_ref::<Trap>();
        tracing::debug!("the action `{}` broke off: {error:?}", self.tool.name);
        match trap {
            Some(Trap::Interrupt) => CallError::DeadlineExceeded { limit: self.limit },
            _ if refused_memory => CallError::MemoryLimit {
                mib: self.harness.setup.limits.memory_mib,
            },
            Some(trap) => CallError::Trapped {
                reason: trap.to_string(),
            },
            None => CallError::Trapped {
                reason: error.root_cause().to_string(),
            },
        }
    }

    fn answer(&self, value: &Val) -> Result<Result<Value, Value>, BadAnswer> {
        let side = |shape: Option<&Shape>, value: &Option<Box<Val>>| match (shape, value) {
            (Some(shape), Some(value)) => json::from_component(shape, value),
            _ => Ok(Value::Null),
        };
        match value {
            Val::Result(Ok(value)) => side(self.tool.output.as_ref(), value).map(Ok),
            Val::Result(Err(value)) => side(self.tool.failure.as_ref(), value).map(Err),
            _ => Err(BadAnswer::NOT_A_RESULT),
        }
    }
}
