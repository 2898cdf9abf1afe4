//! Makes calls of the corpus in an environment, and says what came of them.

use crm_harness::plans::{PlanError, PlanState};
use serde_json::{Map, Value, json};

use super::{Call, Case, Decision, matching};
use crate::TestEnv;

/// The host's own tool that reports the state of plans, beside the skill's tools.
pub const TELLER: &str = "crm_plan";

/// Calls a tool; returns its outcome as the corpus names it, and its answer or failure.
pub async fn call(env: &TestEnv, tool: &str, arguments: Map<String, Value>) -> (String, Value) {
    if tool == TELLER {
        let plan = arguments
            .get("plan")
            .and_then(Value::as_str)
            .unwrap_or_default();
        return match env.harness.plans().own(tool, plan, &env.caller) {
            Ok((preview, outcome)) => (
                "ok".to_owned(),
                json!({"plan": outcome.plan, "state": outcome.state, "outcome": outcome, "preview": preview}),
            ),
            Err(error @ PlanError::Unknown(_)) => {
                ("not-found".to_owned(), json!({"reason": error.to_string()}))
            }
            Err(error) => ("denied".to_owned(), json!({"reason": error.to_string()})),
        };
    }
    match env.outcome(tool, Value::Object(arguments)).await.result() {
        Ok(answer) => {
            let state = answer
                .get("plan")
                .and(answer.get("state"))
                .and_then(Value::as_str);
            (state.unwrap_or("ok").to_owned(), answer)
        }
        Err(failure) => (
            failure["case"].as_str().unwrap_or_default().to_owned(),
            failure,
        ),
    }
}

/// Does what was done earlier in the conversation, and gives the answers.
///
/// # Errors
/// Where it cannot be done.
pub async fn before(env: &TestEnv, case: &Case) -> Result<Vec<Value>, String> {
    let mut answers = Vec::new();
    for before in &case.before {
        let Value::Object(arguments) = matching::filled(&before.arguments, &answers)? else {
            return Err(format!(
                "before: the arguments of {} are no object",
                before.tool
            ));
        };
        let (outcome, answer) = call(env, &before.tool, arguments).await;
        if !["ok", "waiting"].contains(&outcome.as_str()) {
            return Err(format!(
                "before: {} came out as {outcome}: {answer}",
                before.tool
            ));
        }
        let plan = answer["plan"].as_str().unwrap_or_default();
        let decided = match before.decided {
            None => Ok(None),
            Some(Decision::Approved) => env.approve(plan).await.map(|outcome| Some(outcome.state)),
            Some(Decision::Denied) => {
                let denied = env.harness.plans().deny(plan, &env.caller, None).await;
                denied.map(|outcome| Some(outcome.state))
            }
        };
        match decided.map_err(|error| format!("before: {error}"))? {
            None | Some(PlanState::Done | PlanState::Denied) => answers.push(answer),
            Some(state) => return Err(format!("before: the plan is {}", state.as_str())),
        }
    }
    Ok(answers)
}

/// Makes the expected calls of a request, and says what came out otherwise.
///
/// # Errors
/// What did.
pub async fn case(env: &TestEnv, case: &Case) -> Result<(), String> {
    let answers = before(env, case).await?;
    expected(env, case, answers.clone()).await?;
    for refused in &case.anyway {
        expected_call(env, refused, &answers).await?;
    }
    Ok(())
}

/// Makes the expected calls after these answers, and gives what is expected of the arguments of
/// each.
///
/// # Errors
/// What came out otherwise.
pub async fn expected(
    env: &TestEnv,
    case: &Case,
    mut answers: Vec<Value>,
) -> Result<Vec<Map<String, Value>>, String> {
    let mut wanted = Vec::new();
    for call in &case.calls {
        let answer = expected_call(env, call, &answers).await?;
        if let Value::Object(filled) = matching::filled(&json!(call.arguments), &answers)? {
            wanted.push(filled);
        }
        answers.push(answer);
    }
    Ok(wanted)
}

async fn expected_call(env: &TestEnv, expected: &Call, answers: &[Value]) -> Result<Value, String> {
    let tool = &expected.tool;
    let wanted = matching::filled(&json!(expected.arguments), answers)?;
    let example = matching::filled(&json!(expected.example), answers)?;
    let (Value::Object(wanted), Value::Object(example)) = (wanted, example) else {
        return Err(format!("{tool}: no arguments"));
    };
    let arguments =
        matching::arguments(&wanted, &example).map_err(|error| format!("{tool}: {error}"))?;
    if !matching::arguments_fit(expected, &wanted, &arguments) {
        return Err(format!(
            "{tool}: the example {} is not what is expected",
            json!(arguments)
        ));
    }
    let (outcome, answer) = call(env, tool, arguments.clone()).await;
    if outcome != expected.outcome {
        return Err(format!(
            "{tool} {} came out as {outcome}, not {}: {}",
            json!(arguments),
            expected.outcome,
            short(&answer)
        ));
    }
    for (pointer, wanted) in &expected.answer {
        let wanted = matching::filled(wanted, answers)?;
        let got = matching::at(&answer, pointer);
        if !matching::fits(&wanted, &got) {
            return Err(format!(
                "{tool} {}: at {pointer} stands {}, not {wanted}",
                json!(arguments),
                short(&got)
            ));
        }
    }
    Ok(answer)
}

/// As much of a value as a report needs.
fn short(value: &Value) -> String {
    value.to_string().chars().take(1_500).collect()
}
