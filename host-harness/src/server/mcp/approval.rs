//! Asks a person to approve a plan by elicitation: within the call that proposed it, or, since
//! protocol version 2026-07-28, by a response that asks and a second request that carries the
//! decision.
//!
//! It is the client that reports the person's decision, so a client is asked only if its report
//! counts for this caller: one with a token of the scope `approve`, or one over standard input and
//! output that the operator trusts (`elicitation = "approve"`). With any other client the plan
//! waits, whatever it declares.

use std::sync::Arc;

use rmcp::model::{
    CallToolResponse, CallToolResult, ElicitRequest, ElicitRequestParams, ElicitResult,
    ElicitationAction, ElicitationSchema, InputRequest, InputRequiredResult, InputResponses,
    PrimitiveSchemaDefinition, ProtocolVersion, StringSchema,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;

use super::pending_approvals::Question;
use super::{Mcp, answers};
use crate::access::Approval;
use crate::config::{Caller, Scope};
use crate::plans::{PlanError, PlanOutcome, PlanState, Preview, REASON_MAX, render_text};
use crate::text::Emphasis;

/// Key of the only input request of a call.
const QUESTION: &str = "approval";
/// Note for a client whose report of a decision does not count.
const NOT_TRUSTED: &str =
    "this client may propose plans, and what it says for its person does not count as approval";

/// Key of the only field of the form.
const REASON: &str = "change";

/// A person's decision about a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonDecision {
    /// Approve the plan: perform it.
    Approve,
    /// Deny the plan.
    Deny {
        /// The reason, told to whoever proposed it.
        reason: Option<String>,
    },
}

/// The way to ask the person of a client.
enum Asking {
    /// The client does not support elicitation by form.
    Never,
    /// The client supports elicitation, but its report of a decision does not count.
    NotTrusted,
    /// By an elicitation request within the call.
    Within,
    /// By a response that asks, and a second call that carries the decision.
    Between,
}

impl Mcp {
    /// Handles a proposed plan: performs it if policy approves it, otherwise asks the person if
    /// possible.
    pub(super) async fn proposed(
        &self,
        digest: &str,
        tool: &str,
        caller: &Arc<Caller>,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (preview, outcome) = match self.0.harness.plans().get(digest) {
            Ok(found) => found,
            Err(error) => return Ok(answers::plan_error(&error).into()),
        };
        if preview.approval == Approval::Auto && !outcome.state.is_over() {
            let (harness, plan) = (Arc::clone(&self.0.harness), digest.to_owned());
            let performing = async move { harness.plans().perform_permitted(&plan).await };
            return Ok(self.performed_here(digest, performing).await.into());
        }
        if outcome.state != PlanState::Waiting {
            return Ok(answers::plan(&preview, &outcome, None, self.plan_status_tool()).into());
        }
        match asking(context, caller) {
            Asking::Never => Ok(self.stands(digest, None).into()),
            Asking::NotTrusted => Ok(self.stands(digest, Some(NOT_TRUSTED)).into()),
            Asking::Within => {
                let asked = context
                    .peer
                    .create_elicitation_with_timeout(question(&preview), Some(self.0.pace.asking));
                let said = tokio::select! {
                    () = self.0.closing.cancelled() => None,
                    said = asked => said.ok(),
                };
                Ok(self.decided(digest, decision(said), caller).await.into())
            }
            Asking::Between => {
                let open = Question {
                    plan: digest.to_owned(),
                    tool: tool.to_owned(),
                    caller: caller.named().map(str::to_owned),
                };
                let Some(name) = self.0.pending.ask(open, self.0.pace.asking) else {
                    return Ok(self.stands(digest, None).into());
                };
                let request = InputRequest::Elicitation(ElicitRequest::new(question(&preview)));
                let requests = [(QUESTION.to_owned(), request)].into_iter().collect();
                Ok(InputRequiredResult::new(Some(requests), Some(name)).into())
            }
        }
    }

    /// Applies a decision that a client brings back. The call's arguments are ignored: the decision
    /// is about the plan that the person was shown.
    pub(super) async fn brought_back(
        &self,
        name: &str,
        said: Option<&InputResponses>,
        tool: &str,
        caller: &Arc<Caller>,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        // A client that could not have asked cannot bring back a decision.
        let question = match asking(context, caller) {
            Asking::Between => self.0.pending.answered(name, tool, caller.named()),
            Asking::Within | Asking::Never | Asking::NotTrusted => None,
        };
        let Some(question) = question else {
            return Err(ErrorData::invalid_params(
                "requestState is unknown, was used before or is too old: call again without it",
                None,
            ));
        };
        let said = said.and_then(|said| said.get(QUESTION)).cloned();
        let said = said.and_then(|said| serde_json::from_value::<ElicitResult>(said).ok());
        Ok(self.decided(&question.plan, decision(said), caller).await)
    }

    /// Applies a decision of a person who was asked outside the protocol.
    pub async fn decide(
        &self,
        digest: &str,
        decision: PersonDecision,
        caller: &Arc<Caller>,
    ) -> CallToolResult {
        self.decided(digest, Some(decision), caller).await
    }

    /// Applies a decision. Without one the plan stays waiting.
    async fn decided(
        &self,
        digest: &str,
        decision: Option<PersonDecision>,
        caller: &Arc<Caller>,
    ) -> CallToolResult {
        let harness = Arc::clone(&self.0.harness);
        let (caller, plan) = (Arc::clone(caller), digest.to_owned());
        match decision {
            Some(PersonDecision::Approve) => {
                let performing =
                    async move { harness.plans().approve(&plan, &caller, false).await };
                self.performed_here(digest, performing).await
            }
            Some(PersonDecision::Deny { reason }) => {
                let denied = harness.plans().deny(&plan, &caller, reason.as_deref());
                self.came(digest, denied.await)
            }
            None => self.stands(digest, Some("nobody has decided yet")),
        }
    }

    /// Performs a plan in a task of its own, so that it completes even if nobody waits for it any
    /// more.
    async fn performed_here(
        &self,
        digest: &str,
        performing: impl Future<Output = Result<PlanOutcome, PlanError>> + Send + 'static,
    ) -> CallToolResult {
        match self.0.performing.spawn(performing).await {
            Ok(done) => self.came(digest, done),
            Err(_) => self.stands(digest, Some("it broke off")),
        }
    }

    /// Returns the tool result of a decision.
    fn came(&self, digest: &str, done: Result<PlanOutcome, PlanError>) -> CallToolResult {
        match done {
            // It was decided or finished in the meantime; the plan's state shows it.
            Ok(_) | Err(PlanError::Over(_) | PlanError::Expired | PlanError::Denied) => {
                self.stands(digest, None)
            }
            Err(error @ PlanError::Access { .. }) => {
                let note = format!("this caller may not decide about it ({error})");
                self.stands(digest, Some(&note))
            }
            Err(error) => answers::plan_error(&error),
        }
    }

    /// Returns the tool result that reports a plan's current state.
    fn stands(&self, digest: &str, note: Option<&str>) -> CallToolResult {
        match self.0.harness.plans().get(digest) {
            Ok((preview, outcome)) => {
                answers::plan(&preview, &outcome, note, self.plan_status_tool())
            }
            Err(error) => answers::plan_error(&error),
        }
    }

    pub(super) fn plan_status_tool(&self) -> Option<&str> {
        self.0.plan_tool.as_deref()
    }
}

/// Returns the decision in an elicitation result; `None` if there is none. A person who accepts the
/// form with a text in it wants something else than the plan, which is a denial with a reason.
fn decision(said: Option<ElicitResult>) -> Option<PersonDecision> {
    let said = said?;
    let form = said.content.unwrap_or_default();
    let reason = form.get(REASON).and_then(Value::as_str).map(str::trim);
    let reason = reason.filter(|text| !text.is_empty()).map(str::to_owned);
    match said.action {
        ElicitationAction::Accept if is_empty(&form) => Some(PersonDecision::Approve),
        ElicitationAction::Accept | ElicitationAction::Decline => {
            Some(PersonDecision::Deny { reason })
        }
        _ => None,
    }
}

/// Checks that a form was left empty, whatever its fields are called.
fn is_empty(form: &Value) -> bool {
    match form {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        _ => false,
    }
}

/// Determines the way to ask the person of a client: by the client's declared capabilities, by its
/// trust for this caller, and by the protocol version.
fn asking(context: &RequestContext<RoleServer>, caller: &Caller) -> Asking {
    let declared = context
        .client_capabilities()
        .and_then(|capabilities| capabilities.elicitation);
    // Elicitation declared without a mode is by form; by URL alone is not enough.
    let by_form = declared.is_some_and(|modes| modes.form.is_some() || modes.url.is_none());
    if !by_form {
        return Asking::Never;
    }
    if caller.elicitation != Scope::Approve {
        return Asking::NotTrusted;
    }
    let between = context
        .protocol_version()
        .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str());
    if between {
        Asking::Between
    } else {
        Asking::Within
    }
}

/// Builds the elicitation request, with the host's own preview. The person accepts or declines; the
/// only field of the form, which may stay empty, says what they want instead.
fn question(preview: &Preview) -> ElicitRequestParams {
    let text = render_text::preview(preview, &Emphasis::default());
    let reason = StringSchema::new()
        .title("Change instead")
        .description("Leave empty to approve. A text denies the plan, and tells the assistant what should be otherwise.")
        .max_length(u32::try_from(REASON_MAX).unwrap_or(u32::MAX));
    let form = [(REASON.to_owned(), PrimitiveSchemaDefinition::String(reason))];
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: format!("Approve this plan and perform it?\n\n{text}"),
        requested_schema: ElicitationSchema::new(form.into_iter().collect()),
    }
}
