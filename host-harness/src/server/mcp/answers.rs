//! Converts outcomes of calls to tool results: text and structured content, failures as tool errors
//! that a model can act on.

use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Map, Value, json};

use crate::harness::CallError;
use crate::plans::{PlanError, PlanOutcome, PlanState, Preview, render_text, report};
use crate::runtime::call::RunError;
use crate::text::{Emphasis, harmless, sentence};

/// Members of a failure that its sentence already contains.
const TOLD: [&str; 5] = ["case", "code", "field", "reason", "next"];
/// Next step given with a failure of the host; the cause goes to the log only.
const OPERATOR: &str = "Tell the operator, who finds the cause in the log.";

/// Converts an answer: its `markdown` if it has one, otherwise the whole as compact JSON.
pub(super) fn answer(answer: Value) -> CallToolResult {
    let text = match answer.get("markdown").and_then(Value::as_str) {
        Some(markdown) => harmless(markdown),
        None => answer.to_string(),
    };
    // Structured content must be an object.
    let structure = match answer {
        object @ Value::Object(_) => object,
        other => json!({ "value": other }),
    };
    result(text, structure, false)
}

/// Converts a failure of an action, or of the host in its stead.
pub(super) fn failure(failure: &Value) -> CallToolResult {
    let mut text = sentence(failure);
    let more: Map<String, Value> = failure
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| !TOLD.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    // Some clients pass only the text to their model, so the text has to list the alternatives.
    if !more.is_empty() {
        text.push('\n');
        text.push_str(&Value::Object(more).to_string());
    }
    result(harmless(&text), json!({ "failure": failure }), true)
}

/// Converts the error of a call without an outcome. Causes that only the operator can fix go to the
/// log.
pub(super) fn broken(error: &CallError) -> CallToolResult {
    let (reason, next) = match error {
        CallError::Plan(error) => return plan_error(error),
        CallError::Run(
            RunError::DeadlineExceeded { .. }
            | RunError::CpuLimit { .. }
            | RunError::MemoryLimit { .. }
            | RunError::HostMemoryLimit { .. }
            | RunError::ResourceLimit { .. }
            | RunError::FieldsLimit { .. }
            | RunError::StackLimit,
        ) => {
            let text = error.to_string();
            let (reason, next) = text.split_once(". ").unwrap_or((&text, ""));
            (reason.to_owned(), format!("{next}."))
        }
        CallError::UnknownTool { .. } => ("there is no such action".to_owned(), String::new()),
        CallError::Run(RunError::Trapped { .. } | RunError::BadAnswer(_)) => (
            "the action broke off: this is a fault of the skill".to_owned(),
            OPERATOR.to_owned(),
        ),
        CallError::Run(RunError::Config(_)) | CallError::Record(_) => (
            "this host cannot do it as it is set up".to_owned(),
            OPERATOR.to_owned(),
        ),
    };
    tracing::error!(code = error.code(), "a call has no outcome: {error}");
    failure(&json!({"case": error.code(), "reason": reason, "next": next}))
}

/// Converts the error of a plan that cannot be shown, approved or performed.
pub(super) fn plan_error(error: &PlanError) -> CallToolResult {
    let reason = match error {
        PlanError::Interrupted { plan, .. } => {
            tracing::error!(code = error.code(), "{error}");
            let short = plan.short();
            return failure(&json!({
                "case": "interrupted",
                "code": error.code(),
                "plan": plan,
                "reason": format!("plan {short} began, and this host could then not write down what came of it"),
                "next": format!(
                    "What was sent stays sent, and is not sent again. Do not call again. Tell the person: when the operator has mended the cause, which the log tells, `crm-harness plan resume {short}` goes on with it."
                ),
            }));
        }
        PlanError::Unknown(_) | PlanError::Ambiguous(_) => {
            return failure(&json!({
                "case": "not-found",
                "code": error.code(),
                "reason": "you have proposed no such plan",
                "next": "Give the whole digest, as the proposing tool answered it, or propose it again.",
            }));
        }
        PlanError::Store(_) | PlanError::Record(_) => {
            tracing::error!(code = error.code(), "a plan cannot be used: {error}");
            "this host cannot do it as it is set up".to_owned()
        }
        error => error.to_string(),
    };
    let next = match error {
        PlanError::Store(_) | PlanError::Record(_) => OPERATOR,
        PlanError::Altered | PlanError::Expired | PlanError::Denied | PlanError::Moved { .. } => {
            "Propose it again if it is still wanted."
        }
        PlanError::Busy => "Look at it again in a while.",
        _ => "Calling again does not help. Tell the person.",
    };
    failure(&json!({"case": "denied", "code": error.code(), "reason": reason, "next": next}))
}

/// Returns the tool result that reports a plan's state, with a note. The last argument is the name
/// of the plan status tool.
pub(super) fn plan(
    preview: &Preview,
    outcome: &PlanOutcome,
    note: Option<&str>,
    plan_status_tool: Option<&str>,
) -> CallToolResult {
    let plain = Emphasis::default();
    let mut outcome = outcome.clone();
    if outcome.state == PlanState::Waiting {
        let plan_status_tool = plan_status_tool.map_or_else(String::new, |name| {
            format!(" {name} with the digest tells what became of it.")
        });
        // Only the person needs to know how to approve; a model is told that it cannot.
        outcome.next = format!(
            "Nothing has been sent. Tell the person what is planned: they approve plan {} where crm-harness runs; you cannot.{plan_status_tool}",
            preview.plan.short(),
        );
    }
    let mut text = if outcome.state.is_over() {
        format!("Plan {}: {}\n", preview.plan.short(), preview.deed)
    } else {
        render_text::preview(preview, &plain)
    };
    if outcome.state == PlanState::Waiting {
        text.push_str("\nwaiting for approval");
        text.push_str(&note.map_or_else(String::new, |note| format!(": {note}")));
        text.push_str(&format!("\n{}\n", outcome.next));
    } else {
        text.push_str(&render_text::outcome(&outcome, &plain));
        text.push_str(&note.map_or_else(String::new, |note| format!("{note}\n")));
    }
    let mut structure = report(preview, &outcome);
    if let (Some(note), Value::Object(members)) = (note, &mut structure) {
        members.insert("note".into(), note.into());
    }
    let wrong = matches!(
        outcome.state,
        PlanState::Failed | PlanState::Conflict | PlanState::InDoubt | PlanState::Stopped
    );
    result(text, structure, wrong)
}

fn result(text: String, structure: Value, wrong: bool) -> CallToolResult {
    let content = vec![ContentBlock::text(text)];
    let mut result = if wrong {
        CallToolResult::error(content)
    } else {
        CallToolResult::success(content)
    };
    result.structured_content = Some(structure);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(result: &CallToolResult) -> &str {
        &result.content[0].as_text().unwrap().text
    }

    #[test]
    fn answer_has_markdown_text_and_object_structure() {
        let told = answer(json!({"markdown": "**a**\u{1b}[2J", "count": 1}));
        assert_eq!(text(&told), "**a**[2J");
        assert_eq!(told.structured_content.unwrap()["count"], 1);
        let number = answer(json!(7));
        assert_eq!(text(&number), "7");
        assert_eq!(number.structured_content, Some(json!({"value": 7})));
    }

    #[test]
    fn failure_text_lists_the_alternatives() {
        let told = failure(
            &json!({"case": "ambiguous", "field": "about", "reason": "two fit", "next": "Choose.", "candidates": [{"label": "A"}]}),
        );
        assert_eq!(told.is_error, Some(true));
        assert_eq!(
            text(&told),
            "ambiguous: about two fit. Choose.\n{\"candidates\":[{\"label\":\"A\"}]}"
        );
    }

    #[test]
    fn causes_for_the_operator_stay_in_the_log() {
        let trapped = broken(&CallError::Run(RunError::Trapped {
            reason: "at /home/somebody".into(),
        }));
        assert!(!text(&trapped).contains("somebody"));
        let record = plan_error(&PlanError::Record("/var/somewhere is full".into()));
        assert!(!text(&record).contains("somewhere"));
    }
}
