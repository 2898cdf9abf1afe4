//! Calls the component's judge of a plan's steps: `ready` checks that a step may still be sent,
//! `answer` interprets the service's response. As in any other call, only trusted queries are sent.

use std::sync::Arc;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::call::RunError;
use super::judge_exports::{Function, JudgeExports};
use super::run::Runtime;
use crate::config::Caller;
use crate::judge::{Judge, NoVerdict, Readiness, Verdict};
use crate::outbound::call_context::CallContext;
use crate::proposal::Step;
use component_json::{BadAnswer, from_component, to_component};

/// Builds the judge's argument for a service's response.
fn service_answer(status: u16, body: &[u8]) -> Value {
    serde_json::json!({ "status": status, "body": String::from_utf8_lossy(body) })
}

#[async_trait]
impl Judge for Runtime {
    async fn ready(
        &self,
        caller: &Caller,
        context: &Arc<CallContext>,
        step: &Step,
    ) -> Result<Readiness, NoVerdict> {
        context.judge(&step.destination, &step.path, &step.body, None);
        self.ask(
            "judge.ready",
            |judge| &judge.ready,
            step,
            None,
            caller,
            context,
        )
        .await
        .map_err(|error| NoVerdict(error.to_string()))
    }

    async fn answer(
        &self,
        caller: &Caller,
        context: &Arc<CallContext>,
        step: &Step,
        answer: Option<(u16, &[u8])>,
    ) -> Result<Verdict, NoVerdict> {
        let body = answer.map(|(_, body)| body);
        context.judge(&step.destination, &step.path, &step.body, body);
        let answer = answer.map_or(Value::Null, |(status, body)| service_answer(status, body));
        let asked = self.ask(
            "judge.answer",
            |judge| &judge.answer,
            step,
            Some(answer),
            caller,
            context,
        );
        asked.await.map_err(|error| NoVerdict(error.to_string()))
    }
}

impl Runtime {
    /// Calls one of the judge's functions with a step.
    async fn ask<T: DeserializeOwned>(
        &self,
        name: &str,
        function: impl Fn(&JudgeExports) -> &Function + Send,
        step: &Step,
        answer: Option<Value>,
        caller: &Caller,
        context: &Arc<CallContext>,
    ) -> Result<T, RunError> {
        let judge = self.skill().judge.as_ref().ok_or_else(RunError::missing)?;
        let function = function(judge);
        let step = serde_json::to_value(step).map_err(|_| BadAnswer::NOT_OF_THE_CONTRACT)?;
        let arguments = [Some(step), answer].into_iter().flatten();
        let mut params = Vec::new();
        for (shape, argument) in function.params.iter().zip(arguments) {
            let param = to_component(shape, &argument);
            params.push(param.map_err(|_| BadAnswer::NOT_OF_THE_CONTRACT)?);
        }
        let call = self.start(name, caller.clone(), context, self.time())?;
        let (value, _) = call.run(&function.index, params).await?;
        let said = from_component(&function.result, &value)?;
        if self.withholds(&said, context).is_some() {
            return Err(BadAnswer::NOT_OF_THE_CONTRACT.into());
        }
        serde_json::from_value(said).map_err(|_| BadAnswer::NOT_OF_THE_CONTRACT.into())
    }
}
