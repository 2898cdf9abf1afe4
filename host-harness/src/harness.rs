//! The facade over a skill under its policy: calls its actions, and passes what they propose to
//! [`Plans`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use thiserror::Error;

use crate::access::{Access, AccessError, AccessRequest, Decision};
use crate::clock::{Clock, SystemClock};
use crate::config::{Caller, Setup};
use crate::denial::Denial;
use crate::events::{AuditSink, Began, CallId, LogSink, Phase, SinkError};
use crate::failure::Failure;
use crate::observed::ObservedRecords;
use crate::outbound::call_audit::CallAudit;
use crate::outbound::client::resolve::SystemResolver;
use crate::outbound::client::tls::Tls;
use crate::outbound::client::{Client, TcpDialler};
use crate::outbound::dlp::guard::Guard;
use crate::outbound::sender::Outbound;
use crate::plans::{PlanError, Plans, PlansParts, Proposed, Store, StoreError, preview};
use crate::runtime::answer_audit;
use crate::runtime::call::{RunError, Timings};
use crate::runtime::load::{LoadError, Skill};
use crate::runtime::run::Runtime;
use crate::runtime::tools::{Tool, ToolEffect};
use component_json::nearest;

/// Most cached access decisions; a harness has few callers and few tools.
const DECISIONS_MAX: usize = 1024;

/// A call of an action.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The tool's name, with or without the package's prefix.
    pub tool: String,
    /// Its arguments: an object.
    pub arguments: Value,
    /// The caller.
    pub caller: Caller,
    /// The deadline, if shorter than the limit.
    pub deadline: Option<Duration>,
}

/// The outcome of a call.
#[derive(Debug, Clone)]
pub struct CallOutcome {
    /// Identifier of the call in the audit log.
    pub call: CallId,
    /// The reply.
    pub reply: Reply,
    /// Number of allowed requests.
    pub requests: u32,
    /// The total duration.
    pub elapsed: Duration,
    /// Refusals of the egress gate. Their fixes are for the operator.
    pub denials: Vec<Denial>,
    /// Number of requests that exceeded the harness's own rate limit.
    pub postponed: u32,
    /// The durations of its parts.
    pub timings: Timings,
}

/// The reply to a call.
#[derive(Debug, Clone)]
pub enum Reply {
    /// The answer of an action that reads.
    Answer(Value),
    /// The plan of an action that proposes.
    Proposed(Box<Proposed>),
    /// The failure of an action, or of the harness in its stead.
    Failed(Failure),
}

impl CallOutcome {
    /// Returns the reply as JSON: the answer or the plan, or the failure as an object with `case`.
    ///
    /// # Errors
    /// The failure.
    pub fn result(&self) -> Result<Value, Value> {
        match &self.reply {
            Reply::Answer(answer) => Ok(answer.clone()),
            Reply::Proposed(proposed) => Ok(proposed.to_json()),
            Reply::Failed(failure) => Err(failure.to_json()),
        }
    }
}

/// Error of a call that has no outcome.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// No tool has this name.
    #[error("there is no action `{name}`. {next}")]
    UnknownTool {
        /// The requested name.
        name: String,
        /// A hint that names the nearest known tool, or all of them.
        next: String,
    },
    /// The component's function did not complete, or its answer cannot be converted.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The proposed plan cannot be accepted.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The audit event could not be written: the call does not run, or its answer is withheld.
    #[error("{0}. Tell the operator: nothing is done without a record")]
    Record(#[from] SinkError),
}

impl CallError {
    /// Returns the stable error code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownTool { .. } => "unknown-action",
            Self::Run(error) => error.code(),
            Self::Plan(error) => error.code(),
            Self::Record(_) => "record",
        }
    }
}

/// Error of starting a harness.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The component cannot be used.
    #[error(transparent)]
    Component(#[from] LoadError),
    /// The access policies are invalid.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The plan store cannot be used.
    #[error(transparent)]
    Plans(#[from] StoreError),
}

impl StartError {
    /// Returns the stable error code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Component(error) => error.code(),
            Self::Access(error) => error.code(),
            Self::Plans(_) => "plan-store",
        }
    }
}

/// Replaceable parts of a harness, also for tests and demonstrations.
pub struct Parts {
    /// The clock by which plans expire.
    pub clock: Arc<dyn Clock>,
    /// The component's clock, for demonstrations; `None` for the same one.
    pub told: Option<Arc<dyn Clock>>,
    /// The HTTP client; `None` for the system's resolver, TCP and the platform's roots.
    pub client: Option<Client>,
    /// The sink of audit events.
    pub recorder: Arc<dyn AuditSink>,
    /// The plan store; `None` for one in memory.
    pub plans: Option<Store>,
    /// The pause before a step is retried; doubled each time.
    pub pause: Duration,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            told: None,
            client: None,
            recorder: Arc::new(LogSink),
            plans: None,
            pause: Duration::from_millis(600),
        }
    }
}

/// A skill under its policy, ready for calls.
pub struct Harness {
    runtime: Arc<Runtime>,
    plans: Plans,
    access: Arc<Access>,
    outbound: Arc<Outbound>,
    sink: Arc<dyn AuditSink>,
    setup: Arc<Setup>,
    /// SHA-256 of the policy in force, in hexadecimal.
    policy: String,
    /// Cached access decisions about calls, which depend on caller and tool alone.
    decisions: Mutex<HashMap<(Caller, String), Decision>>,
}

impl Harness {
    /// Loads a skill under the policy of a setup. `component` has the component's bytes, `cache` is
    /// a checked directory for compiled code.
    ///
    /// # Errors
    /// Returns an error if the component, the policies or the plans cannot be used.
    pub fn load(
        component: &[u8],
        mut setup: Setup,
        parts: Parts,
        cache: Option<&std::path::Path>,
    ) -> Result<Self, StartError> {
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
        let access = Arc::new(Access::of(&setup)?);
        let store = match parts.plans {
            Some(store) => store,
            None => Store::in_memory()?,
        };
        let sink = parts.recorder;
        let outbound = Arc::new(Outbound::new(
            setup.policy.clone(),
            credentials,
            client,
            Arc::clone(&sink),
        ));
        let setup = Arc::new(setup);
        let component = skill.inspection().sha256.clone();
        let told = parts.told.unwrap_or_else(|| Arc::clone(&parts.clock));
        let runtime = Runtime::new(skill, Arc::clone(&setup), Arc::clone(&outbound), told);
        let runtime = Arc::new(runtime);
        let plans = Plans::new(PlansParts {
            store,
            access: Arc::clone(&access),
            outbound: Arc::clone(&outbound),
            sink: Arc::clone(&sink),
            clock: parts.clock,
            judge: Arc::clone(&runtime) as _,
            setup: Arc::clone(&setup),
            component,
            policy: policy.clone(),
            pause: parts.pause,
        });
        Ok(Self {
            runtime,
            plans,
            access,
            outbound,
            sink,
            setup,
            policy,
            decisions: Mutex::default(),
        })
    }

    /// Returns the tools that can be called.
    #[must_use]
    pub fn tools(&self) -> &[Tool] {
        self.skill().tools()
    }

    /// Returns the loaded component.
    #[must_use]
    pub fn skill(&self) -> &Skill {
        self.runtime.skill()
    }

    /// Returns the setup, without the credentials, which the egress gate holds.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Returns the egress gate.
    #[must_use]
    pub fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    /// Returns the plans.
    #[must_use]
    pub fn plans(&self) -> &Plans {
        &self.plans
    }

    /// Calls an action, and performs a proposed plan if policy approves it without a person.
    ///
    /// # Errors
    /// Returns an error if there is no outcome. Invalid arguments and failures of the action are
    /// outcomes.
    pub async fn call(&self, invocation: Invocation) -> Result<CallOutcome, CallError> {
        self.called(invocation, true).await
    }

    /// Calls an action without performing a proposed plan, for callers that may drop the future at
    /// any time. A plan that policy approves is left to [`Plans::perform_permitted`].
    ///
    /// # Errors
    /// Returns an error as [`Self::call`] does.
    pub async fn call_alone(&self, invocation: Invocation) -> Result<CallOutcome, CallError> {
        self.called(invocation, false).await
    }

    async fn called(
        &self,
        invocation: Invocation,
        perform: bool,
    ) -> Result<CallOutcome, CallError> {
        let started = Instant::now();
        let Invocation {
            tool: name,
            arguments,
            caller,
            deadline,
        } = invocation;
        let Some(tool) = self.skill().tool(&name) else {
            return Err(self.unknown_tool(name));
        };
        let limit = Duration::from_millis(self.setup.limits.time_ms);
        let limit = deadline.map_or(limit, |asked| asked.min(limit));
        let call = CallId::new();
        let seen = Arc::new(ObservedRecords::default());
        let guard = Arc::new(self.setup.guard_for(&caller, &arguments));
        let context = self
            .setup
            .context_of(call, Phase::Read, &caller, started + limit)
            .guarded(Arc::clone(&guard))
            .watching(Arc::clone(&seen));
        let context = Arc::new(context);
        let decision = self.decision(&caller, tool);
        self.sink.began(&Began {
            call,
            action: &tool.name,
            caller: caller.named(),
            component: &self.skill().inspection().sha256,
            policy: &self.policy,
            permitted_by: &decision.policies,
        })?;
        // From here on the end of the call is logged, even if the future is dropped.
        let recorded = CallAudit::new(self.sink.as_ref(), Arc::clone(&context), started);
        let performed = async {
            if !decision.permitted {
                let failure = self.not_permitted(&caller, &decision);
                return Ok((Reply::Failed(failure), Timings::default()));
            }
            let ran = self
                .runtime
                .call(tool, &arguments, caller.clone(), &context, limit);
            let (result, timings) = ran.await?;
            let reply = match (tool.effect, result) {
                (_, Err(failure)) => Reply::Failed(failure),
                (ToolEffect::Read, Ok(answer)) => Reply::Answer(answer),
                (ToolEffect::Propose, Ok(proposal)) => {
                    let deadline = perform.then_some(started + limit);
                    let found: (&ObservedRecords, &Guard) = (&seen, &guard);
                    let taken = self.plans.proposed(
                        call,
                        (&tool.name, &arguments),
                        &caller,
                        proposal,
                        found,
                        deadline,
                    );
                    match taken.await {
                        Ok(proposed) => Reply::Proposed(Box::new(proposed)),
                        Err(error) => Reply::Failed(plan_failure(error)?),
                    }
                }
            };
            Ok::<_, CallError>((reply, timings))
        };
        let performed = performed.await;
        // Data that was read may be in the answer, and in what the caller writes next.
        self.plans
            .remember(&caller, Arc::clone(&guard), Arc::clone(&seen));
        let (reply, timings) = match performed {
            Ok(done) => done,
            Err(error) => {
                let written = recorded.end(error.code(), &[]);
                // A plan that began is reported even if the end of the call cannot be logged.
                return match (&error, written) {
                    (CallError::Plan(PlanError::Interrupted { .. }), _) | (_, Ok(())) => Err(error),
                    (_, Err(unrecorded)) => Err(unrecorded.into()),
                };
            }
        };
        let written = match &reply {
            Reply::Answer(answer) => {
                let objects = &self.setup.manifest.skill.objects;
                let sources = answer_audit::sources(answer, objects, context.told());
                recorded.end("done", &sources)
            }
            Reply::Proposed(_) => recorded.end("done", &[]),
            Reply::Failed(failure) => {
                recorded.end(answer_audit::code(failure, tool.failure.as_ref()), &[])
            }
        };
        if let Err(error) = written {
            return Err(match &reply {
                Reply::Proposed(proposed) => {
                    let unrecorded = PlanError::Record(error.to_string());
                    unrecorded.after(&proposed.outcome).into()
                }
                Reply::Answer(_) | Reply::Failed(_) => error.into(),
            });
        }
        Ok(CallOutcome {
            call,
            reply,
            requests: context.requests(),
            elapsed: started.elapsed(),
            denials: context.denials(),
            postponed: context.postponed(),
            timings,
        })
    }

    /// Decides whether a caller may call a tool.
    fn decision(&self, caller: &Caller, tool: &Tool) -> Decision {
        let mut decisions = self
            .decisions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if decisions.len() >= DECISIONS_MAX {
            decisions.clear();
        }
        let key = (caller.clone(), tool.name.clone());
        decisions
            .entry(key)
            .or_insert_with(|| {
                let deed = AccessRequest::Act {
                    tool: &tool.name,
                    group: tool.effect.group(),
                };
                self.access.decide(caller, deed)
            })
            .clone()
    }

    fn not_permitted(&self, caller: &Caller, decision: &Decision) -> Failure {
        let role = self.access.role(caller);
        let who = if role.is_empty() {
            "a caller without a role"
        } else {
            role
        };
        let reason = decision
            .undecided
            .clone()
            .unwrap_or_else(|| format!("No policy lets {who} call this action."));
        Failure::Denied {
            code: "access".to_owned(),
            reason,
            next: "Calling again does not help. The operator gives roles under [callers] in the operator file; `crm-harness access explain` says which policy decides.".to_owned(),
        }
    }

    fn unknown_tool(&self, name: String) -> CallError {
        let known = self.tools().iter().map(|tool| tool.name.as_str());
        // A short name is compared in its full form.
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
}

/// Returns the JSON Schema of a tool's answer; null if there is none. A proposal is answered by
/// this harness, in its own form.
#[must_use]
pub fn answer_schema(tool: &Tool) -> Value {
    match tool.effect {
        ToolEffect::Read => tool.output_schema(),
        ToolEffect::Propose => preview::schema(),
    }
}

/// Converts the error of a plan to a failure of its action, if the caller can fix it.
fn plan_failure(error: PlanError) -> Result<Failure, CallError> {
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
    Ok(Failure::Denied {
        code: error.code().to_owned(),
        reason: error.to_string(),
        next: next.to_owned(),
    })
}
