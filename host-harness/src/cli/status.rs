//! `crm-harness status`: checks whether everything is set up and the services answer.

use crm_harness::Invocation;
use crm_harness::outbound::secrets::CredentialError;
use serde_json::{Value, json};

use super::args::Args;
use super::call::perform;
use super::render;
use super::report::{End, Misuse, tell_denials};
use super::resolve::{Resolved, resolve};
use crm_harness::text::sentence;

/// The status of one service.
struct Standing {
    name: String,
    title: String,
    origin: Option<String>,
    credential: &'static str,
    /// The problem, if there is one; an optional service that nobody has set up has none.
    problem: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<End, Misuse> {
    let resolved = resolve(args)?;
    let standings = standings(&resolved);
    let ignored = resolved.harness.setup().ignored.clone();
    let in_order = standings.iter().all(|standing| standing.problem.is_none());
    let (skill, ended) = ask(resolved)?;
    let left_out: Vec<_> = standings
        .iter()
        .filter(|standing| standing.origin.is_none())
        .map(|standing| standing.name.as_str())
        .collect();
    let in_order = in_order && !has_problem(&skill, &left_out);
    if args.json {
        let destinations: Vec<Value> = standings.iter().map(Standing::to_json).collect();
        let variables = ignored.iter();
        let variables: Vec<_> = variables.map(|ignored| &ignored.variable).collect();
        render::print(&render::pretty(
            &json!({"destinations": destinations, "ignoredVariables": variables, "skill": skill}),
        ));
    } else {
        for ignored in &ignored {
            render::note(&format!("{ignored} {}", ignored.mend()));
        }
        tell(&standings, &skill);
    }
    Ok(if in_order { ended } else { End::Failed })
}

fn tell(standings: &[Standing], skill: &Value) {
    let row = |standing: &Standing| {
        let Some(origin) = &standing.origin else {
            let left_out = match &standing.problem {
                Some(_) => "not set up",
                None => "not set up; the skill can do without it",
            };
            return vec![standing.title.clone(), left_out.to_owned()];
        };
        vec![
            standing.title.clone(),
            origin.clone(),
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
    let asked = &resolved.harness.setup().manifest.destinations;
    let optional: Vec<_> = asked
        .iter()
        .filter(|(_, section)| section.optional)
        .map(|(name, _)| name.as_str())
        .collect();
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
            let hint = || {
                let hint = &destination.origin_hint;
                format!("it is not known where it is: set {hint}")
            };
            problem = (!optional.contains(&destination.name.as_str())).then(hint);
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

/// Asks the skill itself, if it has an action for that.
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
            match outcome.result() {
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

/// Checks whether the answer names a problem anywhere but with a service that is left out.
pub(super) fn has_problem(answer: &Value, left_out: &[&str]) -> bool {
    match answer {
        Value::Object(members) => {
            let name = members.get("name").and_then(Value::as_str);
            if name.is_some_and(|name| left_out.contains(&name)) {
                return false;
            }
            members.iter().any(|(name, value)| {
                (name == "problem" && !value.is_null()) || has_problem(value, left_out)
            })
        }
        Value::Array(items) => items.iter().any(|item| has_problem(item, left_out)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_is_left_out_is_no_problem() {
        let answer = |problem: Value| {
            json!({"destinations": [
                {"name": "crm", "problem": problem},
                {"name": "relay", "problem": "it is not set up"},
            ]})
        };
        assert!(!has_problem(&answer(Value::Null), &["relay"]));
        assert!(has_problem(&answer(Value::Null), &[]));
        assert!(has_problem(&answer(json!("unreachable")), &["relay"]));
    }
}
