//! `crm-harness call`: one action, once.

use std::io::Read as _;

use anyhow::Context;
use crm_harness::{CallError, CallOutcome, Failure, Harness, Invocation, Reply, RunError};
use serde_json::{Value, json};

use super::args::Args;
use super::render;
use super::report::{End, Misuse, tell_denials};
use super::resolve::resolve;
use crm_harness::failure::Candidate;
use crm_harness::text::sentence;

/// Maximum number of bytes read as arguments; the harness itself accepts fewer.
const INPUT_MAX: u64 = 1 << 20;

pub(super) fn run(
    args: &Args,
    name: &str,
    arguments: Option<&str>,
    yes: bool,
) -> Result<End, Misuse> {
    let arguments = read(arguments)?;
    let resolved = resolve(args)?;
    resolved.tell_missing();
    let invocation = Invocation {
        tool: name.to_owned(),
        arguments,
        caller: resolved.caller.clone(),
        deadline: None,
    };
    let done = perform(&resolved.harness, invocation)?;
    if let Ok(CallOutcome {
        reply: Reply::Proposed(proposed),
        denials,
        ..
    }) = &done
    {
        tell_denials(denials);
        return super::plan_outcome::proposed(args, &resolved, proposed.preview.plan.as_str(), yes);
    }
    match done {
        Ok(outcome) => Ok(tell(args, &resolved.harness, &outcome)),
        Err(error) => Ok(failed(args, &error)),
    }
}

/// Reports the error of a call that has no outcome.
pub(super) fn failed(args: &Args, error: &CallError) -> End {
    if args.json {
        let failure = match error {
            CallError::Plan(error) => super::plan_outcome::failure(error),
            error => json!({"failure": {"case": error.code(), "reason": error.to_string()}}),
        };
        render::print(&render::pretty(&failure));
    }
    render::complain(&error.to_string());
    End::Failed
}

/// Calls an action. An unknown action or an invalid configuration is a misuse.
pub(super) fn perform(
    harness: &Harness,
    invocation: Invocation,
) -> Result<Result<CallOutcome, CallError>, Misuse> {
    match super::plan_outcome::wait(harness.call(invocation))? {
        Err(error @ (CallError::UnknownTool { .. } | CallError::Run(RunError::Config(_)))) => {
            Err(Misuse::new(error.code(), error))
        }
        other => Ok(other),
    }
}

pub(super) fn tell(args: &Args, harness: &Harness, outcome: &CallOutcome) -> End {
    tracing::debug!(requests = outcome.requests, elapsed = ?outcome.elapsed, timings = ?outcome.timings, "the call ended");
    tell_denials(&outcome.denials);
    match &outcome.result() {
        Ok(answer) => {
            render::print(&if args.json {
                render::pretty(answer)
            } else {
                render::answer(answer)
            });
            End::Done
        }
        Err(failure) => {
            if args.json {
                render::print(&render::pretty(&json!({"failure": failure})));
            } else {
                render::complain(&sentence(failure));
                render::print(&render::table(&candidates(&outcome.reply)));
            }
            if !matches!(outcome.reply, Reply::Failed(Failure::InvalidInput { .. })) {
                tell_missing(harness);
            }
            End::Failed
        }
    }
}

/// Returns the records that a failure offers to choose from.
fn candidates(reply: &Reply) -> Vec<Vec<String>> {
    let Reply::Failed(Failure::Ambiguous { candidates, .. }) = reply else {
        return Vec::new();
    };
    let row = |candidate: &Candidate| {
        vec![
            format!("  {}", candidate.record.kind),
            candidate.label.clone(),
            candidate.details.clone(),
            candidate.record.id.clone(),
        ]
    };
    candidates.iter().map(row).collect()
}

/// Reports services that nobody has set up, the most likely cause of a failure.
fn tell_missing(harness: &Harness) {
    for destination in harness
        .outbound()
        .policy()
        .destinations
        .iter()
        .filter(|d| d.origin.is_none())
    {
        render::note(&format!(
            "{} is not set up: set {}",
            destination.title, destination.origin_hint
        ));
    }
}

pub(super) fn read(arguments: Option<&str>) -> Result<Value, Misuse> {
    let text = match arguments {
        None => return Ok(json!({})),
        Some("-") => {
            let mut text = String::new();
            std::io::stdin()
                .take(INPUT_MAX)
                .read_to_string(&mut text)
                .context("cannot read standard input")?;
            text
        }
        Some(text) => match text.strip_prefix('@') {
            Some(path) => {
                std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?
            }
            None => text.to_owned(),
        },
    };
    Ok(serde_json::from_str(&text)
        .context("the arguments are not JSON: write them as '{\"name\": value}', @FILE or -")?)
}
