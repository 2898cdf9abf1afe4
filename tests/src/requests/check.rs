//! Checks of the corpus itself: known tools, valid arguments, and every tool covered.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Call, Corpus};

/// The fewest requests for each tool.
const LEAST: usize = 3;

/// A tool as it is listed: its name, whether it only reads, its arguments.
#[derive(Debug)]
pub struct Listed {
    name: String,
    reads: bool,
    arguments: BTreeSet<String>,
}

/// The tools of a list as the protocol has it.
#[must_use]
pub fn tools(listed: &Value) -> Vec<Listed> {
    let tools = listed.as_array().into_iter().flatten();
    tools
        .map(|tool| Listed {
            name: tool["name"].as_str().unwrap_or_default().to_owned(),
            reads: tool["annotations"]["readOnlyHint"] == true,
            arguments: tool["inputSchema"]["properties"]
                .as_object()
                .into_iter()
                .flat_map(|all| all.keys().cloned())
                .collect(),
        })
        .collect()
}

/// Lists every fault of a corpus.
#[must_use]
pub fn faults(corpus: &Corpus, tools: &[Listed]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut said = BTreeSet::new();
    for case in &corpus.requests {
        let mut wrong = |what: String| faults.push(format!("{}: {what}", case.request));
        if !said.insert(&case.request) && case.before.is_empty() {
            wrong("is there twice".to_owned());
        }
        if case.calls.is_empty() && case.why.is_none() {
            wrong("expects no call and does not say why".to_owned());
        }
        for name in case
            .also
            .iter()
            .chain(case.before.iter().map(|before| &before.tool))
        {
            if !tools.iter().any(|tool| tool.name == *name) {
                wrong(format!("names {name}, which is no tool"));
            }
        }
        for name in &case.also {
            if case.calls.is_empty() && tools.iter().any(|tool| tool.name == *name && !tool.reads) {
                wrong(format!("lets {name} be called, which writes"));
            }
        }
        for call in case.calls.iter().chain(&case.anyway) {
            if let Some(fault) = fault(call, tools) {
                wrong(fault);
            }
        }
        for call in &case.anyway {
            if ["ok", "waiting", "done"].contains(&call.outcome.as_str()) {
                wrong(format!("{} is no refusal", call.outcome));
            }
        }
    }
    for tool in tools {
        let with = |which: &dyn Fn(&Call) -> bool| {
            corpus
                .requests
                .iter()
                .filter(|case| {
                    case.calls
                        .iter()
                        .chain(&case.anyway)
                        .any(|call| call.tool == tool.name && which(call))
                })
                .count()
        };
        let all = with(&|_| true);
        if all < LEAST {
            faults.push(format!(
                "{} has {all} requests, fewer than {LEAST}",
                tool.name
            ));
        }
        let refused = with(&|call| !["ok", "waiting", "done"].contains(&call.outcome.as_str()));
        if !tool.reads && refused == 0 {
            faults.push(format!(
                "{} has no request that is refused or asks back",
                tool.name
            ));
        }
    }
    faults
}

fn fault(call: &Call, tools: &[Listed]) -> Option<String> {
    let Some(tool) = tools.iter().find(|tool| tool.name == call.tool) else {
        return Some(format!("names {}, which is no tool", call.tool));
    };
    let stranger = call
        .arguments
        .keys()
        .chain(&call.free)
        .chain(call.example.keys())
        .find(|name| !tool.arguments.contains(*name));
    if let Some(name) = stranger {
        return Some(format!("{} has no argument {name}", call.tool));
    }
    let spare = call.example.keys().find(|name| {
        call.arguments
            .get(*name)
            .is_some_and(|value| !value.is_object() && !value.is_array())
    });
    spare.map(|name| format!("the example for {name} stands beside a value"))
}
