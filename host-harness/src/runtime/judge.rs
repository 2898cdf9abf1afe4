//! The component as judge of a plan's steps: whether one is still right, and what an answer means. It sends nothing but trusted
//! queries, as in any other call.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wasmtime::Engine;
use wasmtime::component::{Component, ComponentExportIndex};

use super::call::{Call, CallError};
use super::docs::Docs;
use super::json::{self, BadAnswer};
use super::load::LoadError;
use super::shape::Shape;
use super::tools::{self, Signature};
use crate::config::Caller;
use crate::harness::{Harness, leaked, missing};
use crate::outbound::call_context::Ledger;
use crate::plans::Step;

/// The interface, without its version.
pub(super) const INTERFACE: &str = "claw:skill/judge@";
/// The version of this harness's contract.
const VERSION: &str = "0.1.0";

/// The judge's functions.
pub(super) struct Judge {
    pub(super) ready: Function,
    pub(super) answer: Function,
}

/// A function of the component.
pub(super) struct Function {
    pub(super) index: ComponentExportIndex,
    pub(super) params: Vec<Shape>,
    pub(super) result: Shape,
}

impl Judge {
    /// The judge that a component exports; none if it has none of this version.
    pub(super) fn find(
        engine: &Engine,
        component: &Component,
        docs: &Docs,
    ) -> Result<Option<Self>, LoadError> {
        let ty = component.component_type();
        let imported = tools::instances(ty.imports(engine));
        let name = format!("{INTERFACE}{VERSION}");
        let exported = tools::instances(ty.exports(engine));
        let Some(interface) = exported.iter().find(|interface| interface.name == name) else {
            return Ok(None);
        };
        let known: Vec<_> = imported.into_iter().collect();
        let function = |function: &str, params: usize| -> Result<Option<Function>, LoadError> {
            let signature = tools::signature(engine, interface, &known, docs, function)?;
            let index = tools::export_index(component, &name, function);
            Ok(match (signature, index) {
                (
                    Some(Signature {
                        params: found,
                        result,
                    }),
                    Some(index),
                ) if found.len() == params => Some(Function {
                    index,
                    params: found,
                    result,
                }),
                _ => None,
            })
        };
        Ok(match (function("ready", 1)?, function("answer", 2)?) {
            (Some(ready), Some(answer)) => Some(Self { ready, answer }),
            _ => None,
        })
    }
}

/// Whether a step is still right.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "case", content = "value", rename_all = "kebab-case")]
pub enum Readiness {
    /// Send it.
    Go,
    /// What it would do is already so.
    AlreadyDone(String),
    /// What it was planned upon has changed.
    Conflict(String),
    /// It cannot be known now.
    Unknown(String),
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "case", content = "value", rename_all = "kebab-case")]
pub enum Verdict {
    /// The step did what it should.
    Done,
    /// It had been done before.
    AlreadyDone(String),
    /// It was not done and may be sent again.
    Again(String),
    /// It was not done and sending it again will not help.
    Failed(String),
    /// It cannot be known.
    Unknown(String),
}

/// A service's answer as the judge gets it.
fn service_answer(status: u16, body: &[u8]) -> Value {
    serde_json::json!({ "status": status, "body": String::from_utf8_lossy(body) })
}

impl Harness {
    /// Asks the component whether a step is still right.
    pub(crate) async fn judge_ready(
        &self,
        caller: &Caller,
        ledger: &Arc<Ledger>,
        step: &Step,
    ) -> Result<Readiness, CallError> {
        let judge = self.skill.judge.as_ref().ok_or_else(missing)?;
        ledger.judge(&step.destination, &step.path, &step.body, None);
        let step = serde_json::to_value(step).map_err(|_| BadAnswer::NOT_OF_THE_CONTRACT)?;
        self.judge("judge.ready", &judge.ready, &[step], caller, ledger)
            .await
    }

    /// Asks the component what an answer to a step means; none if nobody knows whether the service got it.
    pub(crate) async fn judge_answer(
        &self,
        caller: &Caller,
        ledger: &Arc<Ledger>,
        step: &Step,
        answer: Option<(u16, &[u8])>,
    ) -> Result<Verdict, CallError> {
        let judge = self.skill.judge.as_ref().ok_or_else(missing)?;
        ledger.judge(
            &step.destination,
            &step.path,
            &step.body,
            answer.map(|(_, body)| body),
        );
        let step = serde_json::to_value(step).map_err(|_| BadAnswer::NOT_OF_THE_CONTRACT)?;
        let answer = answer.map_or(Value::Null, |(status, body)| service_answer(status, body));
        self.judge(
            "judge.answer",
            &judge.answer,
            &[step, answer],
            caller,
            ledger,
        )
        .await
    }

    async fn judge<T: DeserializeOwned>(
        &self,
        name: &str,
        function: &Function,
        arguments: &[Value],
        caller: &Caller,
        ledger: &Arc<Ledger>,
    ) -> Result<T, CallError> {
        let mut params = Vec::new();
        for (shape, argument) in function.params.iter().zip(arguments) {
            let param = json::to_component(shape, argument);
            params.push(param.map_err(|_| BadAnswer::NOT_OF_THE_CONTRACT)?);
        }
        let call = Call {
            harness: self,
            name,
            settings: self.settings_for(caller.clone())?,
            ledger: Arc::clone(ledger),
            limit: Duration::from_millis(self.setup.limits.time_ms),
        };
        let (value, _) = call.run(&function.index, params).await?;
        let said = json::from_component(&function.result, &value)?;
        if self.outbound.leaks(&said) {
            self.outbound.refuse_part(ledger, &leaked());
            return Err(BadAnswer::NOT_OF_THE_CONTRACT.into());
        }
        serde_json::from_value(said).map_err(|_| BadAnswer::NOT_OF_THE_CONTRACT.into())
    }
}
