//! Describes the skill's actions as MCP tools. Their annotations depend on the interface of the
//! action alone.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

use crate::harness::Harness;
use crate::runtime::tools::ToolEffect;

/// Returns the tools of a harness, and the plan status tool if it has a name.
pub(super) fn described(harness: &Harness, plan_tool: Option<&str>) -> Vec<Tool> {
    let mut tools: Vec<Tool> = harness
        .tools()
        .iter()
        .map(|tool| {
            described_as(
                &tool.name,
                &tool.description,
                tool.brief_schema(),
                tool.effect,
            )
        })
        .collect();
    if let Some(name) = plan_tool {
        let text = "Where a plan stands: waiting, done, failed. Approves nothing.";
        let schema = json!({
            "type": "object",
            "properties": {"plan": {"type": "string", "description": "Its digest."}},
            "required": ["plan"],
        });
        if let Value::Object(schema) = schema {
            tools.push(described_as(name, text, schema, ToolEffect::Read));
        }
    }
    tools
}

fn described_as(name: &str, description: &str, schema: JsonObject, effect: ToolEffect) -> Tool {
    Tool::new(name.to_owned(), description.to_owned(), Arc::new(schema))
        .with_annotations(annotations(effect))
}

/// Returns the annotations of a tool with this effect.
fn annotations(effect: ToolEffect) -> ToolAnnotations {
    match effect {
        // The other hints have no meaning for read-only tools.
        ToolEffect::Read => ToolAnnotations::new().read_only(true),
        // A plan may overwrite data and write to people, which the protocol assumes by default.
        // Proposing the same again finds the same plan.
        ToolEffect::Propose => ToolAnnotations::new().read_only(false).idempotent(true),
    }
}

/// Returns the name of the plan status tool, prefixed with the skill's package; `None` if no tool
/// proposes plans.
pub(super) fn plan_tool_name(harness: &Harness) -> Option<String> {
    let tools = harness.tools();
    if !tools.iter().any(|tool| tool.effect == ToolEffect::Propose) {
        return None;
    }
    let package = &harness.setup().manifest.skill.package;
    let name = package
        .split_once('@')
        .map_or(package.as_str(), |(name, _)| name);
    let prefix = name.rsplit(':').next().unwrap_or(name).replace('-', "_");
    let mut name = format!("{prefix}_plan");
    // An action of the skill with this name keeps it.
    while tools.iter().any(|tool| tool.name == name) {
        name.push_str("_state");
    }
    Some(name)
}
