//! Finds the functions of a component that judge the steps of plans.

use wasmtime::Engine;
use wasmtime::component::{Component, ComponentExportIndex};

use super::tools::{self, Signature, ToolError};
use super::wit_version::are_compatible;
use component_json::docs::Docs;
use component_json::shape::Shape;

/// Name of the judge interface, without its version.
pub(super) const INTERFACE: &str = "claw:skill/judge@";
/// Version of the interface that this harness supports, and with it every compatible one.
const VERSION: &str = "0.1.0";

pub(super) struct JudgeExports {
    pub(super) ready: Function,
    pub(super) answer: Function,
}

/// An exported function with its types.
pub(super) struct Function {
    pub(super) index: ComponentExportIndex,
    pub(super) params: Vec<Shape>,
    pub(super) result: Shape,
}

impl JudgeExports {
    /// Finds the judge that a component exports; `None` if it exports none of a compatible version.
    pub(super) fn find(
        engine: &Engine,
        component: &Component,
        docs: &Docs,
    ) -> Result<Option<Self>, ToolError> {
        let ty = component.component_type();
        let imported = tools::instances(ty.imports(engine));
        let exported = tools::instances(ty.exports(engine));
        let Some(interface) = exported.iter().find(|interface| {
            let version = interface.name.strip_prefix(INTERFACE);
            version.is_some_and(|version| are_compatible(version, VERSION))
        }) else {
            return Ok(None);
        };
        let known: Vec<_> = imported.into_iter().collect();
        let function = |function: &str, params: usize| -> Result<Option<Function>, ToolError> {
            let signature = tools::signature(engine, interface, &known, docs, function)?;
            let index = tools::export_index(component, interface.name, function);
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
