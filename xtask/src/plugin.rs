//! `cargo xtask plugin`: what the OpenClaw plugin says of the component's tools, generated from the
//! component itself.

#![allow(
    clippy::indexing_slicing,
    reason = "a member that a JSON object does not have is null when it is read, and is made when it is written"
)]

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use crate::component;
use crate::place::introduced;
use crate::programs::Programs;
use crate::toolchain::{Choice, Toolchain};
use crate::workspace::Workspace;

/// The generated list of tools, as MCP lists them.
const TOOLS: &str = "tools.json";
/// The manifest; its `contracts.tools` and `toolMetadata` are generated.
const MANIFEST: &str = "openclaw.plugin.json";

/// Builds the component and the harness, and writes what the harness says of the tools; with
/// `check`, only says whether it would change.
pub(crate) fn run(choice: Choice, check: bool) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let component = component::build_skill(&workspace, Toolchain::find(choice)?)?;
    let programs = Programs::build(&workspace)?;
    let harness = programs.path("crm-harness")?;
    let tools = listed(&workspace, harness, &component.path)?;
    let folder = workspace.plugin();
    let manifest_path = folder.join(MANIFEST);
    let manifest = std::fs::read_to_string(&manifest_path)
        .with_context(|| format!("cannot read {}", manifest_path.display()))?;
    let files = [
        (folder.join(TOOLS), lines(&tools)?),
        (manifest_path, generated(&manifest, &tools)?),
    ];
    for (path, text) in files {
        if std::fs::read_to_string(&path).ok().as_deref() == Some(&text) {
            continue;
        }
        let name = path.strip_prefix(workspace.root()).unwrap_or(&path);
        if check {
            bail!("{} is stale: run `cargo xtask plugin`", name.display());
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", name.display()))?;
        println!("{} written", name.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// The tools as the harness lists them.
fn listed(workspace: &Workspace, harness: &Path, component: &Path) -> Result<Vec<Value>> {
    let data = workspace.target().join("plugin");
    let mut server = Command::new(harness);
    server
        .arg("mcp")
        .env_clear()
        .env("CRM_HARNESS_COMPONENT", component)
        .env(
            "CRM_HARNESS_MANIFEST",
            workspace.root().join("manifests/skill.toml"),
        )
        .env("CRM_HARNESS_DATA_DIR", data.join("data"))
        .env("CRM_HARNESS_CACHE_DIR", data.join("code"));
    let (_, tools) = introduced(&mut server)?;
    if tools.is_empty() {
        bail!("the harness did not list its tools: run `crm-harness mcp` to see why");
    }
    Ok(tools)
}

/// The tools, one a line.
fn lines(tools: &[Value]) -> Result<String> {
    let lines = tools
        .iter()
        .map(|tool| serde_json::to_string(tool).map(|line| format!("  {line}")));
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    Ok(format!("[\n{}\n]\n", lines.join(",\n")))
}

/// The manifest with the tools' names and what each may do.
fn generated(manifest: &str, tools: &[Value]) -> Result<String> {
    let mut manifest: Value =
        serde_json::from_str(manifest).with_context(|| format!("{MANIFEST} is no JSON"))?;
    let name = |tool: &Value| tool["name"].as_str().unwrap_or_default().to_owned();
    let metadata = |tool: &Value| {
        if tool["annotations"]["readOnlyHint"] == true {
            json!({"replaySafe": true})
        } else {
            json!({"sideEffecting": true})
        }
    };
    let effects: Map<String, Value> = tools
        .iter()
        .map(|tool| (name(tool), metadata(tool)))
        .collect();
    manifest["contracts"]["tools"] = tools.iter().map(name).collect();
    manifest["toolMetadata"] = Value::Object(effects);
    Ok(format!("{}\n", serde_json::to_string_pretty(&manifest)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifest_names_every_tool_and_keeps_the_rest() {
        let tools = [
            json!({"name": "a", "annotations": {"readOnlyHint": true}}),
            json!({"name": "b", "annotations": {"readOnlyHint": false}}),
        ];
        let text = r#"{"id": "x", "contracts": {"tools": ["old"]}, "toolMetadata": {"old": {}}, "skills": []}"#;
        let manifest: Value = serde_json::from_str(&generated(text, &tools).unwrap()).unwrap();
        assert_eq!(
            manifest,
            json!({
                "id": "x",
                "contracts": {"tools": ["a", "b"]},
                "toolMetadata": {"a": {"replaySafe": true}, "b": {"sideEffecting": true}},
                "skills": [],
            })
        );
    }
}
