//! `crm-harness actions`: lists the actions.

use serde_json::{Value, json};

use super::args::Args;
use super::render;
use super::report::{End, Misuse};
use super::resolve::resolve;
use crm_harness::harness::answer_schema;

pub(super) fn run(args: &Args) -> Result<End, Misuse> {
    let harness = resolve(args)?.harness;
    let tools = harness.tools();
    if args.json {
        let list: Vec<Value> = tools
            .iter()
            .map(|tool| {
                json!({
                    "name": tool.name,
                    "effect": tool.effect.as_str(),
                    "description": tool.description,
                    "inputSchema": tool.input_schema(),
                    "outputSchema": answer_schema(tool),
                })
            })
            .collect();
        render::print(&render::pretty(&Value::Array(list)));
    } else {
        let row = |tool: &crm_harness::Tool| {
            vec![
                tool.name.clone(),
                tool.effect.as_str().to_owned(),
                tool.description.clone(),
            ]
        };
        render::print(&render::table(&tools.iter().map(row).collect::<Vec<_>>()));
    }
    Ok(End::Done)
}
