//! Handles a tool call, from the request to its result.

use std::sync::Arc;
use std::time::Instant;

use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::{Leaving, Mcp, OnBehalf, Whose, answers, progress};
use crate::config::Caller;
use crate::denial::DenialCode;
use crate::harness::{CallError, CallOutcome, Invocation, Reply};
use crate::runtime::answer_audit;
use crate::runtime::tools::Tool;
use component_json::nearest;

/// Outcome, in the metrics, of a call whose client stopped waiting.
const CANCELLED: &str = "cancelled";
/// Most characters of an unknown name that an error repeats.
const NAME_MAX: usize = 128;

impl Mcp {
    /// Calls a tool, unless the client cancels first.
    pub(super) async fn call(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = self.caller(&context)?;
        let stopped = stopped(&context);
        let token = context.meta.get_progress_token();
        let work = self.answer(request, &caller, &context);
        let work = progress::told(&context.peer, token, self.0.pace, work);
        // Returning drops the work, and with it the running instance.
        tokio::select! {
            biased;
            () = stopped => Err(ErrorData::internal_error("the call was cancelled", None)),
            answer = work => answer,
        }
    }

    async fn answer(
        &self,
        request: CallToolRequestParams,
        caller: &Arc<Caller>,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name: &str = &request.name;
        if Some(name) == self.plan_status_tool() {
            return self.tell(name, request.arguments, caller).map(Into::into);
        }
        let Some(tool) = self.0.harness.tools().iter().find(|tool| tool.name == name) else {
            return Err(self.unknown(name));
        };
        if let Some(state) = &request.request_state {
            let said = request.input_responses.as_ref();
            let done = self
                .brought_back(state, said, &tool.name, caller, context)
                .await;
            return done.map(Into::into);
        }
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        match self.counted(tool, arguments, caller).await {
            Ok(outcome) => self.told(tool, outcome, caller, context).await,
            Err(error) => Ok(answers::broken(&error).into()),
        }
    }

    /// Runs an action within its caller's concurrency limit, and counts its outcome, also if it is
    /// cancelled.
    async fn counted(
        &self,
        tool: &Tool,
        arguments: Value,
        caller: &Arc<Caller>,
    ) -> Result<CallOutcome, CallError> {
        let _turn = self.0.concurrency.take(caller.named()).await;
        let mut count = Count {
            mcp: self,
            tool: &tool.name,
            begun: Instant::now(),
            outcome: CANCELLED.to_owned(),
        };
        let invocation = Invocation {
            tool: tool.name.clone(),
            arguments,
            caller: Caller::clone(caller),
            deadline: None,
        };
        let ended = self.0.harness.call_alone(invocation).await;
        count.outcome = match &ended {
            Ok(outcome) => match &outcome.reply {
                Reply::Answer(_) | Reply::Proposed(_) => "done",
                Reply::Failed(failure) => answer_audit::code(failure, tool.failure.as_ref()),
            },
            Err(error) => error.code(),
        }
        .to_owned();
        drop(count);
        if let Ok(outcome) = &ended {
            let metrics = self.metrics();
            for denial in &outcome.denials {
                metrics.gate_refused(denial.code.as_str(), 1);
            }
            metrics.gate_refused(DenialCode::Rate.as_str(), outcome.postponed.into());
        }
        ended
    }

    async fn told(
        &self,
        tool: &Tool,
        outcome: CallOutcome,
        caller: &Arc<Caller>,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        for denial in &outcome.denials {
            tracing::warn!(
                call = %outcome.call,
                code = denial.code.as_str(),
                fix = denial.fix,
                "refused: {}",
                denial.reason
            );
        }
        match outcome.reply {
            Reply::Answer(answer) => Ok(answers::answer(answer).into()),
            Reply::Proposed(proposed) => {
                let digest = proposed.preview.plan.as_str();
                self.proposed(digest, &tool.name, caller, context).await
            }
            Reply::Failed(failure) => Ok(answers::failure(&failure.to_json()).into()),
        }
    }

    /// Reports the state of one of the caller's own plans.
    fn tell(
        &self,
        name: &str,
        arguments: Option<rmcp::model::JsonObject>,
        caller: &Arc<Caller>,
    ) -> Result<CallToolResult, ErrorData> {
        let begun = Instant::now();
        let arguments = arguments.unwrap_or_default();
        let given = match arguments.get("plan").and_then(Value::as_str) {
            Some(given) if arguments.len() == 1 => given,
            _ => {
                return Ok(answers::failure(&json!({
                    "case": "invalid-input",
                    "field": "plan",
                    "reason": "is missing, no text, or not alone",
                    "next": "Give the plan's digest, as the proposing tool answered it, and nothing else.",
                })));
            }
        };
        let found = self.0.harness.plans().own(name, given, caller);
        let outcome = found.as_ref().map_or_else(|error| error.code(), |_| "done");
        self.0.metrics.called(name, outcome, begun.elapsed());
        Ok(match found {
            Ok((preview, outcome)) => {
                answers::plan(&preview, &outcome, None, self.plan_status_tool())
            }
            Err(error) => answers::plan_error(&error),
        })
    }

    /// Returns the caller of a request.
    fn caller(&self, context: &RequestContext<RoleServer>) -> Result<Arc<Caller>, ErrorData> {
        match &self.0.whose {
            Whose::One(caller) => Ok(Arc::clone(caller)),
            Whose::Each => extension::<OnBehalf>(context)
                .map(|on_behalf| on_behalf.0)
                .ok_or_else(|| ErrorData::invalid_request("the request names no caller", None)),
        }
    }

    fn unknown(&self, name: &str) -> ErrorData {
        let known = self.0.tools.iter().map(|tool| tool.name.as_ref());
        let name: String = name.chars().take(NAME_MAX).collect();
        let hint = nearest::hint(&name, known);
        ErrorData::invalid_params(format!("Unknown tool: {name}. {hint}"), None)
    }
}

/// Counts a call on drop, whatever ended it.
struct Count<'a> {
    mcp: &'a Mcp,
    tool: &'a str,
    begun: Instant,
    outcome: String,
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        let metrics = self.mcp.metrics();
        metrics.called(self.tool, &self.outcome, self.begun.elapsed());
    }
}

/// Completes when the client has cancelled the call or disconnected.
fn stopped(context: &RequestContext<RoleServer>) -> impl Future<Output = ()> + Send + 'static {
    let cancelled = context.ct.clone();
    let leaving = extension::<Leaving>(context).map(|leaving| leaving.0);
    async move {
        match leaving {
            Some(leaving) => tokio::select! {
                () = cancelled.cancelled() => {}
                () = leaving.cancelled() => {}
            },
            None => cancelled.cancelled().await,
        }
    }
}

/// Returns an extension of the request, or of the HTTP request that carried it.
fn extension<T: Clone + Send + Sync + 'static>(context: &RequestContext<RoleServer>) -> Option<T> {
    let parts = context.extensions.get::<::http::request::Parts>();
    parts
        .and_then(|parts| parts.extensions.get::<T>())
        .or_else(|| context.extensions.get::<T>())
        .cloned()
}
