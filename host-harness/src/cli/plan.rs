//! `crm-harness plan`: look at what was proposed, and decide about it.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use crm_harness::Harness;
use crm_harness::plan::preview::{Preview, StepPreview};
use crm_harness::plan::{Outcome, PlanError, PlanState};
use serde_json::json;

use super::args::{Args, PlanCommand};
use super::resolve::{Resolved, resolve};
use super::{End, Misuse, ask, render};

pub(super) fn run(args: &Args, command: &PlanCommand) -> Result<End, Misuse> {
    let resolved = resolve(args)?;
    let harness = &resolved.harness;
    match command {
        PlanCommand::List => list(args, harness),
        PlanCommand::Show { plan } => match harness.plan(plan) {
            Ok((preview, outcome)) => {
                show(args, &preview, &outcome);
                Ok(End::Done)
            }
            Err(error) => refused(args, &error),
        },
        PlanCommand::Approve {
            plan,
            any_component,
        } => {
            let done = wait(harness.approve(plan, &resolved.caller, *any_component))?;
            ended(args, done)
        }
        PlanCommand::Deny { plan } => {
            let done = wait(harness.deny(plan, &resolved.caller))?;
            ended(args, done)
        }
        PlanCommand::Resume {
            plan,
            any_component,
        } => {
            let done = wait(harness.resume(plan, &resolved.caller, *any_component))?;
            ended(args, done)
        }
    }
}

/// Shows what an action has proposed, asks where somebody can answer, and performs what was approved.
pub(super) fn proposed(
    args: &Args,
    resolved: &Resolved,
    plan: &str,
    yes: bool,
) -> Result<End, Misuse> {
    let harness = &resolved.harness;
    let (preview, outcome) = match harness.plan(plan) {
        Ok(found) => found,
        Err(error) => return refused(args, &error),
    };
    let waits = outcome.state == PlanState::Waiting;
    if !args.json {
        if outcome.state.is_over() {
            // What was sent was shown when it was decided; `plan show` tells it again.
            render::print(&format!(
                "Plan {}: {}\n",
                preview.plan.short(),
                preview.words
            ));
        } else {
            render::print(&text(&preview));
        }
    }
    let asked = waits && !yes && !args.json && std::io::stdin().is_terminal();
    let approved = waits && (yes || (asked && ask::yes("Approve this plan and perform it?")));
    if approved {
        let done = wait(harness.approve(plan, &resolved.caller, false))?;
        return ended(args, done);
    }
    if args.json {
        show(args, &preview, &outcome);
    } else {
        render::print(&came_of(&outcome));
    }
    Ok(
        if matches!(outcome.state, PlanState::Done | PlanState::Waiting) {
            End::Done
        } else {
            End::Failed
        },
    )
}

fn wait<T>(work: impl Future<Output = T>) -> Result<T, Misuse> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    Ok(runtime.block_on(work))
}

fn list(args: &Args, harness: &Harness) -> Result<End, Misuse> {
    let plans = match harness.plans() {
        Ok(plans) => plans,
        Err(error) => return refused(args, &error),
    };
    if args.json {
        render::print(&render::pretty(&json!(plans)));
    } else if plans.is_empty() {
        render::print("There are no plans.\n");
    } else {
        let row = |preview: &Preview| {
            vec![
                preview.plan.short().to_owned(),
                preview.state.as_str().to_owned(),
                preview.tool.clone(),
                preview.proposer.clone(),
                preview.words.clone(),
            ]
        };
        render::print(&render::table(&plans.iter().map(row).collect::<Vec<_>>()));
    }
    Ok(End::Done)
}

fn show(args: &Args, preview: &Preview, outcome: &Outcome) {
    if args.json {
        let told = json!({"plan": preview.plan, "state": outcome.state, "preview": preview, "outcome": outcome, "next": outcome.next});
        render::print(&render::pretty(&told));
    } else {
        render::print(&text(preview));
        render::print(&came_of(outcome));
    }
}

fn ended(args: &Args, done: Result<Outcome, PlanError>) -> Result<End, Misuse> {
    match done {
        Ok(outcome) => {
            if args.json {
                render::print(&render::pretty(&json!(outcome)));
            } else {
                render::print(&came_of(&outcome));
            }
            Ok(match outcome.state {
                PlanState::Done | PlanState::Denied => End::Done,
                _ => End::Failed,
            })
        }
        Err(error) => refused(args, &error),
    }
}

fn refused(args: &Args, error: &PlanError) -> Result<End, Misuse> {
    if args.json {
        render::print(&render::pretty(
            &json!({"failure": {"case": error.code(), "reason": error.to_string()}}),
        ));
    }
    render::complain(&error.to_string());
    Ok(End::Failed)
}

/// What will be sent, for a person.
fn text(preview: &Preview) -> String {
    let mut text = format!("Plan {}\n", preview.plan.short());
    let mut rows = vec![
        vec![
            "  proposed by".to_owned(),
            format!("{} for {}", preview.tool, preview.proposer),
        ],
        vec!["  skill's words".to_owned(), preview.words.clone()],
    ];
    for warning in &preview.warnings {
        rows.push(vec!["  warning".to_owned(), warning.clone()]);
    }
    text.push_str(&render::table(&rows));
    for (index, step) in preview.steps.iter().enumerate() {
        text.push_str(&one(index + 1, step));
    }
    text.push_str(&format!("\n  digest {}\n", preview.plan));
    text
}

fn one(number: usize, step: &StepPreview) -> String {
    let when = step
        .when
        .as_ref()
        .map(|when| format!(", {when}"))
        .unwrap_or_default();
    let mut text = format!("\n  {number}. {}{when}\n", step.what);
    let document = step
        .document
        .as_ref()
        .map(|name| format!(", document {name}"))
        .unwrap_or_default();
    let mut rows = vec![vec![
        "     to".to_owned(),
        format!("{}, {}{document}", step.to, step.request),
    ]];
    for value in &step.values {
        let shown = match &value.before {
            Some(before) => format!("{before}  ->  {}", value.value),
            None => value.value.clone(),
        };
        rows.push(vec![format!("     {}", value.name), shown]);
    }
    for disclosure in &step.disclosures {
        rows.push(vec![
            "     discloses".to_owned(),
            format!(
                "{} of {} {} to {}",
                disclosure.fields.join(", "),
                disclosure.record.kind,
                disclosure.record.id,
                disclosure.recipients.join(", ")
            ),
        ]);
    }
    let policies = if step.policies.is_empty() {
        "none".to_owned()
    } else {
        step.policies.join(", ")
    };
    rows.push(vec!["     permitted by".to_owned(), policies]);
    text.push_str(&render::table(&rows));
    text
}

/// What came of a plan, for a person.
fn came_of(outcome: &Outcome) -> String {
    let mut text = format!("\n{}", outcome.state.as_str());
    if let Some(reason) = &outcome.reason {
        text.push_str(&format!(": {reason}"));
    }
    text.push('\n');
    if outcome.state != PlanState::Waiting {
        let row = |step: &crm_harness::plan::StepOutcome| {
            vec![
                format!("  {}", step.state.as_str()),
                step.what.clone(),
                step.detail.clone().unwrap_or_default(),
            ]
        };
        text.push_str(&render::table(
            &outcome.steps.iter().map(row).collect::<Vec<_>>(),
        ));
    }
    text.push_str(&format!("{}\n", outcome.next));
    text
}
