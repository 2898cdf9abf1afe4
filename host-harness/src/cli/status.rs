//! `crm-harness status`: whether everything is set up and the services answer.

use crm_harness::Invocation;
use crm_harness::outbound::credentials::CredentialError;
use serde_json::{Value, json};

use super::args::Args;
use super::call::perform;
use super::resolve::{Resolved, resolve};
use super::{End, Misuse, render, sentence, tell_denials};

/// How things stand with one service.
struct Standing {
    name: String,
    title: String,
    origin: Option<String>,
    credential: &'static str,
    problem: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<End, Misuse> {
    let resolved = resolve(args)?;
    let standings = standings(&resolved);
    let in_order = standings.iter().all(|standing| standing.problem.is_none());
    let (skill, ended) = ask(resolved)?;
    if args.json {
        let destinations: Vec<Value> = standings.iter().map(Standing::to_json).collect();
        render::print(&render::pretty(
            &json!({"destinations": destinations, "skill": skill}),
        ));
    } else {
        tell(&standings, &skill);
    }
    Ok(if in_order { ended } else { End::Failed })
}

fn tell(standings: &[Standing], skill: &Value) {
    let row = |standing: &Standing| {
        let origin = standing
            .origin
            .clone()
            .unwrap_or_else(|| "not set up".to_owned());
        vec![
            standing.title.clone(),
            origin,
            format!("credential {}", standing.credential),
        ]
    };
    render::print(&render::table(
        &standings.iter().map(row).collect::<Vec<_>>(),
    ));
    for standing in standings {
        if let Some(problem) = &standing.problem {
            render::note(&format!("{}: {problem}", standing.title));
        }
    }
    match skill.get("failure") {
        Some(failure) => render::complain(&sentence(failure)),
        None if skill.is_null() => {}
        None => render::print(&format!("\n{}", render::answer(skill))),
    }
}

impl Standing {
    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "title": self.title,
            "origin": self.origin,
            "credential": self.credential,
            "problem": self.problem,
        })
    }
}

fn standings(resolved: &Resolved) -> Vec<Standing> {
    let outbound = resolved.harness.outbound();
    let each = outbound.policy().destinations.iter().map(|destination| {
        let (credential, mut problem) =
            match outbound.credential(&destination.name, resolved.caller.id.as_deref()) {
                Ok(Some(_)) => ("set", None),
                Ok(None) => ("not needed", None),
                Err(CredentialError::Missing { hint } | CredentialError::NotForCaller { hint }) => {
                    ("missing", Some(hint))
                }
                Err(error) => ("unusable", Some(error.to_string())),
            };
        if destination.origin.is_none() {
            problem = Some(format!(
                "it is not known where it is: set {}",
                destination.origin_hint
            ));
        }
        Standing {
            name: destination.name.clone(),
            title: destination.title.clone(),
            origin: destination
                .origin
                .as_ref()
                .map(|origin| origin.as_str().to_owned()),
            credential,
            problem,
        }
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
