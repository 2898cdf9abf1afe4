//! Shows plans and what came of them, and reports why an operation on one failed.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use crm_harness::plans::{PlanError, PlanOutcome, PlanState, Preview, render_text, report};
use serde_json::{Value, json};

use super::args::Args;
use super::report::{End, Misuse};
use super::resolve::Resolved;
use super::{ask, render};

/// Shows what an action has proposed, asks if somebody can answer, and performs what was approved.
pub(super) fn proposed(
    args: &Args,
    resolved: &Resolved,
    plan: &str,
    yes: bool,
) -> Result<End, Misuse> {
    let harness = &resolved.harness;
    let (preview, outcome) = match harness.plans().get(plan) {
        Ok(found) => found,
        Err(error) => return refused(args, &error),
    };
    let waits = outcome.state == PlanState::Waiting;
    if !args.json {
        if outcome.state.is_over() {
            // What was sent was shown before the decision; `plan show` shows it again.
            render::print(&format!(
                "Plan {}: {}\n",
                preview.plan.short(),
                preview.deed
            ));
        } else {
            render::print(&render_text::preview(&preview, &render::emphasis()));
        }
    }
    let asked = waits && !yes && !args.json && std::io::stdin().is_terminal();
    let approved = waits && (yes || (asked && ask::yes("Approve this plan and perform it?")));
    if approved {
        let done = wait(harness.plans().approve(plan, &resolved.caller, false))?;
        return ended(args, done);
    }
    if args.json {
        show(args, &preview, &outcome);
    } else {
        render::print(&render_text::outcome(&outcome, &render::emphasis()));
    }
    Ok(
        if matches!(outcome.state, PlanState::Done | PlanState::Waiting) {
            End::Done
        } else {
            End::Failed
        },
    )
}

/// Waits for some work on one thread: a call mostly waits, and handing it between threads costs
/// more than it brings.
pub(super) fn wait<T>(work: impl Future<Output = T>) -> Result<T, Misuse> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    Ok(runtime.block_on(work))
}

pub(super) fn show(args: &Args, preview: &Preview, outcome: &PlanOutcome) {
    if args.json {
        render::print(&render::pretty(&report(preview, outcome)));
    } else {
        render::print(&render_text::preview(preview, &render::emphasis()));
        render::print(&render_text::outcome(outcome, &render::emphasis()));
    }
}

pub(super) fn ended(args: &Args, done: Result<PlanOutcome, PlanError>) -> Result<End, Misuse> {
    match done {
        Ok(outcome) => {
            if args.json {
                render::print(&render::pretty(&json!(outcome)));
            } else {
                render::print(&render_text::outcome(&outcome, &render::emphasis()));
            }
            Ok(match outcome.state {
                PlanState::Done | PlanState::Denied => End::Done,
                _ => End::Failed,
            })
        }
        Err(error) => refused(args, &error),
    }
}

/// Describes why an operation on a plan failed.
pub(super) fn failure(error: &PlanError) -> Value {
    let mut failure = json!({"case": error.code(), "reason": error.to_string()});
    if let (PlanError::Interrupted { plan, .. }, Value::Object(members)) = (error, &mut failure) {
        members.insert("plan".to_owned(), json!(plan));
    }
    json!({ "failure": failure })
}

pub(super) fn refused(args: &Args, error: &PlanError) -> Result<End, Misuse> {
    if args.json {
        render::print(&render::pretty(&failure(error)));
    }
    render::complain(&error.to_string());
    Ok(End::Failed)
}
