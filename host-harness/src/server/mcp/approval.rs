//! Asking a person about a plan: in the middle of the call that proposed it, or, since protocol version 2026-07-28, by an answer that
//! the client brings back with the person's word.
//!
//! It is the client that says what its person answered. So only a client is asked whose word counts for this caller: one with a token of
//! the scope `approve`, or over standard input and output one whom the operator trusts with it (`elicitation = "approve"`). With any other
//! the plan waits, whatever the client declares.

use std::sync::Arc;

use rmcp::model::{
    CallToolResponse, CallToolResult, ElicitRequest, ElicitRequestParams, ElicitResult,
    ElicitationAction, ElicitationSchema, InputRequest, InputRequiredResult, InputResponses,
    ProtocolVersion,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};

use super::pending_approvals::Question;
use super::{Mcp, answers};
use crate::access::Approval;
use crate::config::{Caller, Scope};
use crate::plans::{Outcome, PlanError, PlanState, Preview, render_text as shown};
use crate::text::Emphasis;

/// The one question of a call.
const QUESTION: &str = "approval";
/// Why nobody was asked.
const NOT_TRUSTED: &str =
    "this client may propose plans, and what it says for its person does not count as approval";

/// What a person says to a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Perform it.
    Approve,
    /// Drop it.
    Deny,
}

/// How the person of this client can be asked.
enum Asking {
    /// Not at all.
    Never,
    /// They could be, and the client's word on their answer does not count.
    NotTrusted,
    /// By a request within the call.
    Within,
    /// By an answer that asks, and another call that brings the person's word.
    Between,
}

impl Mcp {
    /// What comes of a plan that was proposed: its person is asked if that can be.
    pub(super) async fn proposed(
        &self,
        digest: &str,
        tool: &str,
        caller: &Arc<Caller>,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (preview, outcome) = match self.0.harness.plan(digest) {
            Ok(found) => found,
            Err(error) => return Ok(answers::plan_error(&error).into()),
        };
        if preview.approval == Approval::Auto && !outcome.state.is_over() {
            let (harness, plan) = (Arc::clone(&self.0.harness), digest.to_owned());
            let performing = async move { harness.perform_permitted(&plan).await };
            return Ok(self.performed_here(digest, performing).await.into());
        }
        if outcome.state != PlanState::Waiting {
            return Ok(answers::plan(&preview, &outcome, None, self.teller()).into());
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
                let Some(name) = self.0.asked.ask(open, self.0.pace.asking) else {
                    return Ok(self.stands(digest, None).into());
                };
                let request = InputRequest::Elicitation(ElicitRequest::new(question(&preview)));
                let requests = [(QUESTION.to_owned(), request)].into_iter().collect();
                Ok(InputRequiredResult::new(Some(requests), Some(name)).into())
            }
        }
    }

    /// Takes the word that a client brings back. The call's arguments are not looked at again: what is decided about is the plan
    /// that the person was shown.
    pub(super) async fn brought_back(
        &self,
        name: &str,
        said: Option<&InputResponses>,
        tool: &str,
        caller: &Arc<Caller>,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        // Who cannot have asked anybody cannot bring an answer.
        let question = match asking(context, caller) {
            Asking::Between => self.0.asked.answered(name, tool, caller.named()),
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

    /// Does what the person says who was asked elsewhere.
    pub async fn decide(
        &self,
        digest: &str,
        decision: Decision,
        caller: &Arc<Caller>,
    ) -> CallToolResult {
        self.decided(digest, Some(decision), caller).await
    }

    /// Does what the person has said. No answer leaves the plan waiting.
    async fn decided(
        &self,
        digest: &str,
        decision: Option<Decision>,
        caller: &Arc<Caller>,
    ) -> CallToolResult {
        let harness = Arc::clone(&self.0.harness);
        let (caller, plan) = (Arc::clone(caller), digest.to_owned());
        match decision {
            Some(Decision::Approve) => {
                let performing = async move { harness.approve(&plan, &caller, false).await };
                self.performed_here(digest, performing).await
            }
            Some(Decision::Deny) => self.came(digest, harness.deny(&plan, &caller).await),
            None => self.stands(digest, Some("nobody has decided yet")),
        }
    }

    /// Performs a plan. What was approved comes to its end, whether somebody still waits for it or not.
    async fn performed_here(
        &self,
        digest: &str,
        performing: impl Future<Output = Result<Outcome, PlanError>> + Send + 'static,
    ) -> CallToolResult {
        match self.0.performing.spawn(performing).await {
            Ok(done) => self.came(digest, done),
            Err(_) => self.stands(digest, Some("it broke off")),
        }
    }

    /// What came of a decision.
    fn came(&self, digest: &str, done: Result<Outcome, PlanError>) -> CallToolResult {
        match done {
            // Somebody decided or finished it in the meantime: where it stands says so.
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

    /// Where a plan stands now.
    fn stands(&self, digest: &str, note: Option<&str>) -> CallToolResult {
        match self.0.harness.plan(digest) {
            Ok((preview, outcome)) => answers::plan(&preview, &outcome, note, self.teller()),
            Err(error) => answers::plan_error(&error),
        }
    }

    pub(super) fn teller(&self) -> Option<&str> {
        self.0.plan_tool.as_deref()
    }
}

/// What an answer to the question says; none where it is not decided.
fn decision(said: Option<ElicitResult>) -> Option<Decision> {
    match said?.action {
        ElicitationAction::Accept => Some(Decision::Approve),
        ElicitationAction::Decline => Some(Decision::Deny),
        _ => None,
    }
}

/// Tells how the person of this client can be asked: by what the client has declared, whether its word counts for this caller, and by the
/// protocol's version.
fn asking(context: &RequestContext<RoleServer>, caller: &Caller) -> Asking {
    let declared = context
        .client_capabilities()
        .and_then(|capabilities| capabilities.elicitation);
    // Declared without a mode, it is by form; by URL alone does not serve.
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

/// The question, with the host's own preview. There is nothing to fill in: yes or no.
fn question(preview: &Preview) -> ElicitRequestParams {
    let text = shown::preview(preview, &Emphasis::default());
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: format!("Approve this plan and perform it?\n\n{text}"),
        requested_schema: ElicitationSchema::new(std::collections::BTreeMap::new()),
    }
}
