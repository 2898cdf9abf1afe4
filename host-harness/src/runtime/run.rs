//! Runs a component's functions: prepares the settings and limits of each call, and withholds
//! answers that contain a secret.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use wasmtime::component::Val;
use wasmtime_wasi_config::WasiConfigVariables;

use super::call::{self, Call, RunError, Timings};
use super::load::Skill;
use super::tools::Tool;
use crate::clock::Clock;
use crate::config::{Caller, ConfigError, Setup};
use crate::denial::{Denial, DenialCode};
use crate::failure::Failure;
use crate::outbound::call_context::CallContext;
use crate::outbound::sender::Outbound;
use component_json as json;

/// A component with everything that its calls need. It depends neither on plans nor on access
/// policies.
pub(crate) struct Runtime {
    skill: Skill,
    setup: Arc<Setup>,
    outbound: Arc<Outbound>,
    /// The clock of the component.
    clock: Arc<dyn Clock>,
    /// Settings of the previous caller, cached since most calls come from the same one.
    settings: Mutex<Option<(Caller, Arc<WasiConfigVariables>)>>,
}

impl Runtime {
    /// Combines a component with what its calls need.
    pub(crate) fn new(
        skill: Skill,
        setup: Arc<Setup>,
        outbound: Arc<Outbound>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            skill,
            setup,
            outbound,
            clock,
            settings: Mutex::new(None),
        }
    }

    pub(crate) fn skill(&self) -> &Skill {
        &self.skill
    }

    /// Returns the time limit of a call.
    pub(super) fn time(&self) -> Duration {
        Duration::from_millis(self.setup.limits.time_ms)
    }

    /// Calls a tool on behalf of a caller; `limit` is the time that the call may take.
    ///
    /// # Errors
    /// Returns an error if there is no answer. Invalid arguments and failures of the action are
    /// answers.
    pub(crate) async fn call(
        &self,
        tool: &Tool,
        arguments: &Value,
        caller: Caller,
        context: &Arc<CallContext>,
        limit: Duration,
    ) -> Result<(Result<Value, Failure>, Timings), RunError> {
        let params = match params(tool, arguments) {
            Ok(params) => params,
            Err(bad) => return Ok((Err(bad.into()), Timings::default())),
        };
        let index = self.skill.index(tool).ok_or_else(RunError::missing)?;
        let call = self.start(&tool.name, caller, context, limit)?;
        let (value, timings) = call.run(index, params).await?;
        let result = call::answer(tool, &value)?;
        let (Ok(said) | Err(said)) = &result;
        if let Some(denial) = self.withholds(said, context) {
            return Ok((Err(Failure::denied(&denial)), timings));
        }
        // The gate's own word on a refusal; the component's need not be believed.
        let result = result.map_err(|said| match context.denials().first() {
            Some(denial) => Failure::denied(denial),
            None => Failure::of(said),
        });
        Ok((result, timings))
    }

    /// Prepares a call of a function.
    pub(super) fn start<'c>(
        &'c self,
        name: &'c str,
        caller: Caller,
        context: &Arc<CallContext>,
        limit: Duration,
    ) -> Result<Call<'c>, RunError> {
        Ok(Call {
            skill: &self.skill,
            outbound: &self.outbound,
            clock: &self.clock,
            limits: self.setup.limits,
            name,
            settings: self.settings_for(caller)?,
            context: Arc::clone(context),
            limit,
        })
    }

    /// Returns and counts the refusal of an answer that contains a secret of this harness.
    pub(super) fn withholds(&self, said: &Value, context: &CallContext) -> Option<Denial> {
        if !self.outbound.leaks(said) {
            return None;
        }
        let denial = Denial::new(
            DenialCode::Leak,
            "The action's answer was withheld because a secret of this harness is in it.",
            "Find out how the skill came by it, report it to its makers, and replace the credential.",
        );
        self.outbound.refuse_part(context, &denial);
        Some(denial)
    }

    fn settings_for(&self, caller: Caller) -> Result<Arc<WasiConfigVariables>, ConfigError> {
        let mut last = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, settings)) = last.as_ref().filter(|(known, _)| *known == caller) {
            return Ok(Arc::clone(settings));
        }
        let settings = self.setup.settings_for(&caller)?;
        let settings = Arc::new(settings.into_iter().collect::<WasiConfigVariables>());
        *last = Some((caller, Arc::clone(&settings)));
        Ok(settings)
    }
}

/// Converts arguments to the parameters of the tool's function.
fn params(tool: &Tool, arguments: &Value) -> Result<Vec<Val>, json::BadArgument> {
    json::measure(arguments)?;
    match &tool.input {
        Some(record) => Ok(vec![json::record_to_component(record, arguments)?]),
        None => json::nothing_to_component(arguments).map(|()| Vec::new()),
    }
}
