//! `crm-harness plan edit`: opens the arguments of a plan in an editor and proposes it anew.

use std::fs::{self, OpenOptions};
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, anyhow};
use crm_harness::access::Approval;
use crm_harness::plans::PlanState;
use crm_harness::{CallOutcome, Invocation, Reply};
use serde_json::Value;

use super::args::Args;
use super::report::{End, Misuse, tell_denials};
use super::resolve::Resolved;
use super::{call, plan_outcome, render};

pub(super) fn run(
    args: &Args,
    resolved: &Resolved,
    name: &str,
    given: Option<&str>,
) -> Result<End, Misuse> {
    let plans = resolved.harness.plans();
    let editable = match plans.editable(name, &resolved.caller) {
        Ok(editable) => editable,
        Err(error) => return plan_outcome::refused(args, &error),
    };
    let arguments = match given {
        Some(given) => call::read(Some(given))?,
        None => in_editor(&editable.arguments)?,
    };
    if arguments == editable.arguments {
        render::note("nothing was changed: the plan stays as it is");
        return Ok(End::Done);
    }
    if editable.of_another {
        render::note("the new plan is proposed in your name: `me` in it is you");
    }
    let invocation = Invocation {
        tool: editable.tool.clone(),
        arguments,
        caller: resolved.caller.clone(),
        deadline: None,
    };
    let called = plan_outcome::wait(resolved.harness.call_alone(invocation))?;
    let outcome = match called {
        Ok(outcome) => outcome,
        Err(error) => return Ok(call::failed(args, &error)),
    };
    let CallOutcome {
        reply: Reply::Proposed(proposed),
        denials,
        ..
    } = &outcome
    else {
        return Ok(call::tell(args, &resolved.harness, &outcome));
    };
    tell_denials(denials);
    let new = &proposed.preview.plan;
    if *new == editable.plan {
        render::note("these arguments make the same plan: it waits for approval");
        return Ok(End::Done);
    }
    if let Err(error) = plan_outcome::wait(plans.replace(&editable, new, &resolved.caller))? {
        // Both would do the same, so only one may be left.
        let reason = "the plan that it was to replace was decided about meanwhile";
        let denied = plans.deny(new.as_str(), &resolved.caller, Some(reason));
        if plan_outcome::wait(denied)?.is_err() {
            render::note(&format!("plan {} was made and waits: deny it", new.short()));
        }
        return plan_outcome::refused(args, &error);
    }
    let permitted =
        proposed.preview.approval == Approval::Auto && proposed.outcome.state == PlanState::Waiting;
    if permitted {
        let done = plan_outcome::wait(plans.perform_permitted(new.as_str()))?;
        return plan_outcome::ended(args, done);
    }
    plan_outcome::proposed(args, resolved, new.as_str(), false)
}

/// Lets the person change the arguments in their editor.
fn in_editor(arguments: &Value) -> Result<Value, Misuse> {
    if !std::io::stdin().is_terminal() {
        return Err(anyhow!(
            "there is no terminal for an editor: give the new arguments by --arguments"
        )
        .into());
    }
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .context("no editor is set: set $EDITOR, or give the new arguments by --arguments")?;
    let words = shlex::split(&editor).unwrap_or_default();
    let (program, options) = words
        .split_first()
        .with_context(|| format!("$EDITOR is no command: {editor}"))?;
    let path = std::env::temp_dir().join(format!("crm-harness-{}.json", uuid::Uuid::now_v7()));
    let edited = write_private(&path, &format!("{arguments:#}\n")).and_then(|()| {
        let status = Command::new(program).args(options).arg(&path).status();
        let status = status.with_context(|| format!("cannot start {program}"))?;
        if !status.success() {
            return Err(anyhow!(
                "{program} ended with {status}: nothing was changed"
            ));
        }
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    });
    // The arguments may hold what is in the CRM.
    let _ = fs::remove_file(&path);
    Ok(serde_json::from_str(&edited?)
        .context("the arguments are no JSON any more: nothing was changed")?)
}

/// Writes a file that only this user may read, and that did not exist.
fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}
