//! `crm-harness status`: whether everything is set up and the services answer.

use crm_harness::Invocation;
use serde_json::{Value, json};

use super::args::Args;
use super::call::perform;
use super::resolve::{Resolved, resolve};
use super::{End, Misuse, render, sentence, tell_denials};

pub(super) fn run(args: &Args) -> Result<End, Misuse> {
    let resolved = resolve(args)?;
    let destinations: Vec<Value> = destinations(&resolved);
    let in_order = destinations
        .iter()
        .all(|destination| destination["problem"].is_null());
    let (skill, ended) = ask(resolved)?;
    let failed = !in_order || matches!(ended, End::Failed);
    if args.json {
        render::print(&render::pretty(
            &json!({"destinations": destinations, "skill": skill}),
        ));
    } else {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let row = |d: &Value| {
            let origin = d["origin"].as_str().unwrap_or("not set up");
            vec![
                word(&d["title"]),
                origin.to_owned(),
                format!("credential {}", word(&d["credential"])),
            ]
        };
        render::print(&render::table(
            &destinations.iter().map(row).collect::<Vec<_>>(),
        ));
        for problem in destinations.iter().filter_map(|d| d["problem"].as_str()) {
            render::note(problem);
        }
        match skill.get("failure") {
            Some(failure) => render::complain(&sentence(failure)),
            None if skill.is_null() => {}
            None => render::print(&format!("\n{}", render::answer(&skill))),
        }
    }
    Ok(if failed { End::Failed } else { End::Done })
}

fn destinations(resolved: &Resolved) -> Vec<Value> {
    let outbound = resolved.harness.outbound();
    let each = outbound.policy().destinations.iter().map(|destination| {
        let (credential, mut problem) = match outbound.credential(&destination.name) {
            Ok(Some(_)) => ("set", None),
            Ok(None) => ("not needed", None),
            Err(error) => ("missing", Some(error.to_string())),
        };
        if destination.origin.is_none() {
            problem = Some(format!(
                "it is not known where it is: set {}",
                destination.origin_hint
            ));
        }
        json!({
            "name": destination.name,
            "title": destination.title,
            "origin": destination.origin.as_ref().map(|origin| origin.as_str()),
            "credential": credential,
            "problem": problem.map(|problem| format!("{}: {problem}", destination.title)),
        })
    });
    each.collect()
}

/// The skill's own word, if it has an action for that.
fn ask(resolved: Resolved) -> Result<(Value, End), Misuse> {
    let name = resolved
        .harness
        .tools()
        .iter()
        .map(|tool| tool.name.clone())
        .find(|name| name.ends_with("_status"));
    let Some(tool) = name else {
        return Ok((Value::Null, End::Done));
    };
    let invocation = Invocation {
        tool,
        arguments: Value::Null,
        caller: resolved.caller,
        deadline: None,
    };
    Ok(match perform(&resolved.harness, invocation)? {
        Ok(outcome) => {
            tell_denials(&outcome.denials);
            match outcome.result {
                Ok(answer) => (answer, End::Done),
                Err(failure) => (json!({"failure": failure}), End::Failed),
            }
        }
        Err(error) => (
            json!({"failure": {"case": error.code(), "reason": error.to_string()}}),
            End::Failed,
        ),
    })
}
