//! A skill under its policy: what is asked of it, and what comes of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wasmtime::component::Val;
use wasmtime_wasi_config::WasiConfigVariables;

use super::clock::{Clock, SystemClock};
use crate::access::{Access, Deed, Ruling};
use crate::config::{Caller, ConfigError, Setup};
use crate::denial::{Denial, DenialCode};
use crate::events::{Began, CallId, LogRecorder, Phase, Recorder};
use crate::nearest;
use crate::observed::Seen;
use crate::outbound::call_context::{Ledger, LedgerLimits};
use crate::outbound::client::resolve::SystemResolver;
use crate::outbound::client::tls::Tls;
use crate::outbound::client::{Client, TcpDialler};
use crate::outbound::sender::Outbound;
use crate::plans::{Locks, PlanError, Recent, Store};
use crate::runtime::call::{self, Call, CallError};
use crate::runtime::call_audit::Recorded;
use crate::runtime::json;
use crate::runtime::load::{LoadError, Skill};
use crate::runtime::tools::{Tool, ToolEffect};

/// Rulings kept; a harness has few callers and few tools.
const RULINGS_MAX: usize = 1024;

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
    /// Names the call in the record.
    pub call: CallId,
    /// The answer, or the failure as an object with `case`.
    pub result: Result<Value, Value>,
    /// How many requests were let through.
    pub requests: u32,
    /// How long it took in all.
    pub elapsed: Duration,
    /// What the gate refused. The fixes in it are for the operator.
    pub denials: Vec<Denial>,
    /// How many requests came too soon for the harness's own rate.
    pub postponed: u32,
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

/// What a test or a demonstration may replace.
pub struct Parts {
    /// The time of day, by which plans expire.
    pub clock: Arc<dyn Clock>,
    /// What the component is told instead of the time of day, for demonstrations.
    pub told: Option<Arc<dyn Clock>>,
    /// The client; none for the system's resolver, TCP and the platform's roots.
    pub client: Option<Client>,
    /// The record.
    pub recorder: Arc<dyn Recorder>,
    /// Where plans are kept; none for in this process alone.
    pub plans: Option<Store>,
    /// How long to wait before a step that was not done is sent again; doubled each time.
    pub pause: Duration,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            told: None,
            client: None,
            recorder: Arc::new(LogRecorder),
            plans: None,
            pause: Duration::from_millis(600),
        }
    }
}

/// A skill under its policy, ready for calls.
pub struct Harness {
    pub(crate) skill: Skill,
    pub(crate) setup: Setup,
    pub(crate) outbound: Arc<Outbound>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The clock of the component.
    pub(crate) told: Arc<dyn Clock>,
    pub(crate) access: Access,
    pub(crate) plans: Store,
    pub(crate) locks: Locks,
    pub(crate) pause: Duration,
    /// What callers were answered lately.
    pub(crate) recent: Recent,
    /// SHA-256 of the policy in force, in hexadecimal.
    pub(crate) policy: String,
    /// What policy said about calls: it depends on caller and tool alone.
    rulings: Mutex<HashMap<(Caller, String), Ruling>>,
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
        let skill = Skill::trusted(
            component,
            &setup.manifest,
            &setup.trust,
            setup.limits.memory_mib,
            cache,
        )?;
        let policy = setup.policy_digest();
        let tls = Tls::new(std::mem::take(&mut setup.authorities));
        let client = parts
            .client
            .unwrap_or_else(|| Client::new(Arc::new(SystemResolver), Arc::new(TcpDialler), tls));
        let credentials = std::mem::take(&mut setup.credentials);
        let access = Access::of(&setup)?;
        let plans = match parts.plans {
            Some(plans) => plans,
            None => Store::in_memory()?,
        };
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
            told: parts.told.unwrap_or_else(|| Arc::clone(&parts.clock)),
            clock: parts.clock,
            access,
            locks: Locks::new(plans.locks()),
            pause: parts.pause,
            recent: Recent::default(),
            plans,
            policy,
            rulings: Mutex::default(),
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

    /// Calls an action, and performs what it proposes where policy lets that go without a person.
    ///
    /// # Errors
    /// Why there is no outcome. Wrong arguments and failures of the action are outcomes.
    pub async fn call(&self, invocation: Invocation) -> Result<Outcome, CallError> {
        self.called(invocation, true).await
    }

    /// Calls an action, and performs nothing: for whoever may drop the call at any time. What policy lets go is left to
    /// [`Self::perform_permitted`].
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn call_alone(&self, invocation: Invocation) -> Result<Outcome, CallError> {
        self.called(invocation, false).await
    }

    async fn called(&self, invocation: Invocation, perform: bool) -> Result<Outcome, CallError> {
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
        let limit = Duration::from_millis(self.setup.limits.time_ms);
        let limit = deadline.map_or(limit, |asked| asked.min(limit));
        let call = CallId::new();
        let seen = Arc::new(Seen::default());
        let guard = Arc::new(self.guard_for(&caller, &arguments));
        let ledger = self
            .ledger_of(call, Phase::Read, &caller, started + limit)
            .guarded(Arc::clone(&guard))
            .watching(Arc::clone(&seen));
        let ledger = Arc::new(ledger);
        let ruling = self.ruling(&caller, tool);
        self.outbound.recorder().began(&Began {
            call,
            action: &tool.name,
            caller: caller.named(),
            component: &self.skill.inspection().sha256,
            policy: &self.policy,
            permitted_by: &ruling.policies,
        })?;
        // However the call ends from here on, also by being dropped, its end goes on record.
        let recorded = self.recorded(Arc::clone(&ledger), started);
        let performed = async {
            if !ruling.permitted {
                return Ok((
                    Err(self.not_permitted(&caller, &ruling)),
                    Timings::default(),
                ));
            }
            let (result, timings) = self
                .perform(tool, &arguments, caller.clone(), Arc::clone(&ledger), limit)
                .await?;
            let result = match (tool.effect, result) {
                (ToolEffect::Propose, Ok(proposal)) => {
                    let deadline = perform.then_some(started + limit);
                    let taken = self.proposed(
                        call,
                        &tool.name,
                        &caller,
                        proposal,
                        (&seen, &guard),
                        deadline,
                    );
                    taken
                        .await
                        .map_or_else(plan_failure, |answer| Ok(Ok(answer)))?
                }
                (_, result) => result,
            };
            Ok::<_, CallError>((result, timings))
        };
        let performed = performed.await;
        // Whatever was read may be in the answer, and in what the caller writes next.
        self.recent.keep(
            &caller,
            Arc::clone(&guard),
            Arc::clone(&seen),
            self.clock.now(),
        );
        let (result, timings) = match performed {
            Ok(done) => done,
            Err(error) => {
                let written = recorded.broke(error.code());
                // That a plan began is told whether or not the end of the call can be put on record.
                return match (&error, written) {
                    (CallError::Plan(PlanError::Interrupted { .. }), _) | (_, Ok(())) => Err(error),
                    (_, Err(unrecorded)) => Err(unrecorded.into()),
                };
            }
        };
        let written = recorded.ended(
            &result,
            tool.failure.as_ref(),
            &self.setup.manifest.skill.objects,
        );
        if let Err(error) = written {
            return Err(match begun(&result) {
                Some(outcome) => PlanError::Record(error.to_string()).after(&outcome).into(),
                None => error.into(),
            });
        }
        Ok(Outcome {
            call,
            result,
            requests: ledger.requests(),
            elapsed: started.elapsed(),
            denials: ledger.denials(),
            postponed: ledger.postponed(),
            timings,
        })
    }

    /// What policy says about a call.
    fn ruling(&self, caller: &Caller, tool: &Tool) -> Ruling {
        let mut rulings = self.rulings.lock().unwrap_or_else(PoisonError::into_inner);
        if rulings.len() >= RULINGS_MAX {
            rulings.clear();
        }
        let key = (caller.clone(), tool.name.clone());
        rulings
            .entry(key)
            .or_insert_with(|| {
                let deed = Deed::Act {
                    tool: &tool.name,
                    group: tool.effect.group(),
                };
                self.access.decide(caller, deed)
            })
            .clone()
    }

    fn not_permitted(&self, caller: &Caller, ruling: &Ruling) -> Value {
        let role = self.access.role(caller);
        let who = if role.is_empty() {
            "a caller without a role"
        } else {
            role
        };
        let reason = ruling
            .undecided
            .clone()
            .unwrap_or_else(|| format!("No policy lets {who} call this action."));
        json!({
            "case": "denied",
            "code": "access",
            "reason": reason,
            "next": "Calling again does not help. The operator gives roles under [callers] in the operator file; `crm-harness access explain` says which policy decides.",
        })
    }

    pub(crate) fn recorded(&self, ledger: Arc<Ledger>, started: Instant) -> Recorded<'_> {
        Recorded::new(self.outbound.recorder(), ledger, started)
    }

    async fn perform(
        &self,
        tool: &Tool,
        arguments: &Value,
        caller: Caller,
        ledger: Arc<Ledger>,
        limit: Duration,
    ) -> Result<(Result<Value, Value>, Timings), CallError> {
        let params = match arguments_in(tool, arguments) {
            Ok(params) => params,
            Err(bad) => return Ok((Err(bad.to_failure()), Timings::default())),
        };
        let index = self.skill.index(tool).ok_or_else(missing)?;
        let call = Call {
            harness: self,
            name: &tool.name,
            settings: self.settings_for(caller)?,
            ledger: Arc::clone(&ledger),
            limit,
        };
        let (value, timings) = call.run(index, params).await?;
        let result = call::answer(tool, &value)?;
        let (Ok(said) | Err(said)) = &result;
        if self.outbound.leaks(said) {
            let denial = leaked();
            self.outbound.refuse_part(&ledger, &denial);
            return Ok((Err(denied(&denial)), timings));
        }
        // The gate's own word on a refusal; the component's need not be believed.
        let denials = ledger.denials();
        let result = result.map_err(|failure| denials.first().map_or(failure, denied));
        Ok((result, timings))
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

    pub(crate) fn ledger_of(
        &self,
        call: CallId,
        phase: Phase,
        caller: &Caller,
        deadline: Instant,
    ) -> Ledger {
        let limits = self.setup.limits;
        let limits = LedgerLimits {
            requests: limits.requests,
            concurrent_requests: limits.concurrent_requests,
            request_bytes: limits.request_bytes,
            response_bytes: limits.response_bytes,
            body_bytes: usize::try_from(limits.memory_mib << 20).unwrap_or(usize::MAX),
        };
        Ledger::new(call, phase, caller.id.clone(), deadline, limits)
            .holding(Arc::new(self.setup.bound_for(caller)))
    }

    pub(super) fn settings_for(
        &self,
        caller: Caller,
    ) -> Result<Arc<WasiConfigVariables>, ConfigError> {
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

/// What came of the plan that an answer tells of, if it tells of one.
fn begun(result: &Result<Value, Value>) -> Option<crate::plans::Outcome> {
    let outcome = result.as_ref().ok()?.get("outcome")?;
    serde_json::from_value(outcome.clone()).ok()
}

/// A plan that cannot be taken as the failure of its action: what the caller can mend is an outcome, the rest is not.
fn plan_failure(error: PlanError) -> Result<Result<Value, Value>, CallError> {
    let next = match &error {
        PlanError::Access { .. } => {
            "Calling again does not help. `crm-harness access explain` says which policy decides."
        }
        PlanError::Recipient { .. } => {
            "Name a recipient whom the operator lists, or ask the operator to list this one."
        }
        PlanError::Gate { .. } | PlanError::Form(_) => {
            "Calling again does not help. Tell the operator, who finds the cause in the log."
        }
        PlanError::TooMany { .. } => {
            "Tell the person: they approve or deny plans where crm-harness runs. Then call again."
        }
        _ => return Err(error.into()),
    };
    if let PlanError::Gate { denial, .. } = &error {
        tracing::error!(
            fix = denial.fix,
            "a proposed step may not be sent: {}",
            denial.reason
        );
    }
    Ok(Err(json!({
        "case": "denied",
        "code": error.code(),
        "reason": error.to_string(),
        "next": next,
    })))
}

pub(super) fn missing() -> CallError {
    CallError::Trapped {
        reason: "the function is missing".to_owned(),
    }
}

pub(super) fn leaked() -> Denial {
    Denial::new(
        DenialCode::Leak,
        "The action's answer was withheld because a secret of this harness is in it.",
        "Find out how the skill came by it, report it to its makers, and replace the credential.",
    )
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
