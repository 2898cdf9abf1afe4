//! `crm-harness plan`: shows plans, and decides about them.

use crm_harness::plans::Preview;
use serde_json::json;

use super::args::{Args, PlanCommand};
use super::plan_outcome::{ended, refused, show, wait};
use super::report::{End, Misuse};
use super::resolve::{Resolved, resolve, resolve_to_look};
use super::{edit, render};

pub(super) fn run(args: &Args, command: &PlanCommand) -> Result<End, Misuse> {
    let resolved = match command {
        PlanCommand::List { .. } | PlanCommand::Show { .. } => resolve_to_look(args)?,
        _ => resolve(args)?,
    };
    let (harness, caller) = (&resolved.harness, &resolved.caller);
    match command {
        PlanCommand::List { limit } => list(args, &resolved, usize::from(*limit)),
        PlanCommand::Show { plan } => {
            match harness
                .plans()
                .looked_at("plan show", caller, || harness.plans().get(plan))
            {
                Ok((preview, outcome)) => {
                    show(args, &preview, &outcome);
                    Ok(End::Done)
                }
                Err(error) => refused(args, &error),
            }
        }
        PlanCommand::Approve {
            plan,
            any_component,
        } => {
            let done = wait(
                harness
                    .plans()
                    .approve(plan, &resolved.caller, *any_component),
            )?;
            ended(args, done)
        }
        PlanCommand::Deny { plan, reason } => {
            let denied = harness
                .plans()
                .deny(plan, &resolved.caller, reason.as_deref());
            ended(args, wait(denied)?)
        }
        PlanCommand::Edit { plan, arguments } => {
            edit::run(args, &resolved, plan, arguments.as_deref())
        }
        PlanCommand::Resume {
            plan,
            any_component,
        } => {
            let done = wait(
                harness
                    .plans()
                    .resume(plan, &resolved.caller, *any_component),
            )?;
            ended(args, done)
        }
    }
}

fn list(args: &Args, resolved: &Resolved, limit: usize) -> Result<End, Misuse> {
    let harness = &resolved.harness;
    // One more than asked for shows that there are more.
    let look = || harness.plans().newest(limit + 1);
    let mut plans = match harness
        .plans()
        .looked_at("plan list", &resolved.caller, look)
    {
        Ok(plans) => plans,
        Err(error) => return refused(args, &error),
    };
    if plans.len() > limit {
        plans.truncate(limit);
        render::note(&format!(
            "there are more than the {limit} newest: --limit shows more"
        ));
    }
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
                preview.deed.clone(),
            ]
        };
        render::print(&render::table(&plans.iter().map(row).collect::<Vec<_>>()));
    }
    Ok(End::Done)
}
