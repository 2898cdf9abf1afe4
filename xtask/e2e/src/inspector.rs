//! The MCP Inspector's command line against both transports: what it lists, what calls answer, and
//! that a proposal waits.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::{Check, Context, finished, last_lines};
use xtask::node::Node;

const PACKAGE: (&str, &str) = ("@modelcontextprotocol/inspector", "2.12.0");

/// Tools that have to be there.
const TOOLS: [&str; 5] = [
    "crm_status",
    "crm_search",
    "crm_briefing",
    "crm_follow_up",
    "crm_plan",
];

pub(super) fn run(context: &Context) -> Result<Vec<Check>> {
    let (node, folder) = match context.packages("inspector", &[PACKAGE]) {
        Ok(found) => found,
        Err(skipped) => return Ok(vec![skipped]),
    };
    let place = context.place("inspector")?;
    let served = place.serve(None)?;
    let url = ["--server-url", &served.url(), "--transport", "http"].map(OsString::from);
    let token = format!("Authorization: Bearer {}", place.token);
    let inspector = |server: Vec<OsString>| Inspector {
        node,
        folder: folder.clone(),
        settings: place.path("inspector"),
        server,
    };
    let mut stdio = vec![OsString::from("--")];
    stdio.extend(place.stdio_server());
    let mut http = url.to_vec();
    http.extend(["--header", &token].map(OsString::from));
    let mut checks = Vec::new();
    for (transport, server) in [("stdio", stdio), ("http", http)] {
        let inspector = inspector(server);
        for (name, check) in CHECKS {
            let result = check(&inspector, transport);
            checks.push(Check::of(format!("{transport} {name}"), result));
        }
    }
    // Whoever has no token gets nothing; nobody is there to log in.
    let mut stranger = url.to_vec();
    stranger.push("--stored-auth-only".into());
    let refused = match inspector(stranger).ask(&["--method", "tools/list"]) {
        Ok(_) => Err(anyhow::anyhow!("the tools were listed")),
        Err(error) if format!("{error:#}").contains("auth_required") => Ok(()),
        Err(error) => Err(error),
    };
    checks.push(Check::of("http without a token", refused));
    Ok(checks)
}

/// A check that is run on each transport.
type Checked = fn(&Inspector<'_>, &str) -> Result<()>;
const CHECKS: [(&str, Checked); 5] = [
    ("tools/list", tools_are_listed),
    ("tools/list, newest protocol", tools_are_listed_newly),
    ("crm_search", a_search_finds),
    ("crm_briefing", a_briefing_has_sections),
    ("crm_follow_up", a_proposal_waits),
];

/// The Inspector, and the server that it is to ask.
struct Inspector<'n> {
    node: &'n Node,
    folder: PathBuf,
    /// Directory for its settings, instead of the person's home.
    settings: PathBuf,
    server: Vec<OsString>,
}

impl Inspector<'_> {
    /// The result of a request.
    fn ask(&self, options: &[&str]) -> Result<Value> {
        let mut command = self.node.program(&self.folder, "mcp-inspector")?;
        command
            .env("HOME", &self.settings)
            .env("MCP_CATALOG_PATH", self.settings.join("catalog.json"))
            .args(["--cli", "--format", "json"])
            .args(options)
            .args(&self.server);
        let output = finished(&mut command)?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            bail!("it ended with {}:\n{}", output.status, last_lines(&said));
        }
        let answer: Value = serde_json::from_slice(&output.stdout).with_context(|| {
            let text = String::from_utf8_lossy(&output.stdout);
            format!("it printed no JSON: {}", last_lines(&text))
        })?;
        let result = answer.get("result").cloned();
        result.with_context(|| format!("it printed no result: {answer}"))
    }

    /// Calls a tool and returns the answer.
    fn call(&self, tool: &str, arguments: &Value) -> Result<Value> {
        let arguments = arguments.to_string();
        let options = ["--method", "tools/call", "--tool-name", tool];
        let options = [&options[..], &["--tool-args-json", &arguments]].concat();
        let result = self.ask(&options)?;
        ensure!(
            result.get("isError").and_then(Value::as_bool) != Some(true),
            "{tool} failed: {}",
            text(&result)
        );
        Ok(result)
    }
}

fn text(result: &Value) -> &str {
    let text = result.pointer("/content/0/text").and_then(Value::as_str);
    text.unwrap_or_default()
}

fn tools_are_listed(inspector: &Inspector<'_>, _: &str) -> Result<()> {
    // Strictly: it also fails where a schema is one that clients are known not to understand.
    check_list(&inspector.ask(&["--method", "tools/list", "--strict"])?)
}

fn tools_are_listed_newly(inspector: &Inspector<'_>, _: &str) -> Result<()> {
    check_list(&inspector.ask(&["--protocol-era", "modern", "--method", "tools/list"])?)
}

fn check_list(result: &Value) -> Result<()> {
    let tools = result.get("tools").and_then(Value::as_array);
    let names: Vec<&str> = tools
        .into_iter()
        .flatten()
        .filter_map(|tool| tool.get("name")?.as_str())
        .collect();
    for tool in TOOLS {
        ensure!(names.contains(&tool), "{tool} is not among {names:?}");
    }
    let approving = names.iter().find(|name| name.contains("approve"));
    ensure!(approving.is_none(), "a tool approves: {approving:?}");
    Ok(())
}

fn a_search_finds(inspector: &Inspector<'_>, _: &str) -> Result<()> {
    let found = inspector.call("crm_search", &json!({"query": "depot"}))?;
    let label = found
        .pointer("/structuredContent/hits/0/label")
        .and_then(Value::as_str);
    ensure!(
        label == Some("Northern depot relaunch") && text(&found).contains("Northern depot"),
        "the deal was not found: {found}"
    );
    Ok(())
}

fn a_briefing_has_sections(inspector: &Inspector<'_>, _: &str) -> Result<()> {
    let briefing = inspector.call("crm_briefing", &json!({}))?;
    let sections = briefing
        .pointer("/structuredContent/sections")
        .and_then(Value::as_array);
    let rows = sections
        .into_iter()
        .flatten()
        .filter_map(|section| section.get("rows")?.as_array())
        .map(Vec::len)
        .sum::<usize>();
    ensure!(
        rows > 0 && !text(&briefing).is_empty(),
        "it is empty: {briefing}"
    );
    Ok(())
}

/// A proposal is shown and waits, and the plan's own tool says the same afterwards.
fn a_proposal_waits(inspector: &Inspector<'_>, transport: &str) -> Result<()> {
    let title = format!("Agree the new opening date ({transport})");
    let proposed = inspector.call(
        "crm_follow_up",
        &json!({
            "about": "Northern depot relaunch",
            "title": title,
            "due": "2030-03-01",
        }),
    )?;
    let said = text(&proposed);
    for part in [
        &*format!("Follow-up \"{title}\""),
        "waiting for approval",
        "Nothing has been sent",
    ] {
        ensure!(said.contains(part), "it does not say `{part}`: {said}");
    }
    let member = |pointer| proposed.pointer(pointer).and_then(Value::as_str);
    ensure!(
        member("/structuredContent/state") == Some("waiting"),
        "it does not wait: {proposed}"
    );
    let plan = member("/structuredContent/plan").context("it names no plan")?;
    let told = inspector.call("crm_plan", &json!({"plan": plan}))?;
    let state = told
        .pointer("/structuredContent/state")
        .and_then(Value::as_str);
    ensure!(state == Some("waiting"), "crm_plan says otherwise: {told}");
    Ok(())
}
