//! The plugin in a real OpenClaw: installed from its tarball, looked at, called, approved, denied,
//! killed and stopped, and once used by an assistant whose words are written down beforehand.

#![allow(
    clippy::indexing_slicing,
    reason = "a member that a JSON object does not have is null when it is read, and is made when it is written"
)]

mod broken;
mod cancelled;
mod gateway;
mod life;
mod model;
mod operator;
mod reading;
mod services;
mod tried;
mod writes;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{Check, Context, Outcome};
use gateway::{OpenClaw, PLUGIN};
use life::over;
use model::Model;
use reading::named;
use services::Services;
use tried::Tried;
use xtask::dist;

/// The release that the plugin is written for.
const VERSION: &str = "2026.9.6";
/// The time that a person has here: long enough to read a plan by OpenClaw's command line, and
/// short, since one of them never answers.
const DECIDING_SECONDS: u64 = 90;
/// A deal of the sample workspace, and its id.
const DEAL: (&str, &str) = ("Northern depot", "5a000004-0000-4000-8000-000000000001");
/// The team at the stand-in relay, and who the assistant's person is there.
const TEAM: &str = "7e000002-0000-4000-8000-000000000001";
const ROBIN: &str = "7e000001-0000-4000-8000-000000000001";

/// Installs OpenClaw and the plugin, and tries it.
pub(super) fn run(context: &Context) -> Result<Vec<Check>> {
    let (node, app) =
        match context.packages(&format!("openclaw-{VERSION}"), &[("openclaw", VERSION)]) {
            Ok(found) => found,
            Err(skipped) => return Ok(vec![skipped]),
        };
    if !Path::new("/proc/self/stat").exists() {
        let why = "processes are looked at by /proc, which this system does not have";
        return Ok(vec![Check::new(
            "gateway",
            Outcome::Skipped(why.to_owned()),
        )]);
    }
    let openclaw = OpenClaw::new(context, node, app)?;
    let packed = context.workspace.target().join("e2e").join("plugin");
    let tarball = dist::pack(
        &context.workspace,
        &context.harness,
        &context.component,
        &packed,
    )?;
    let services = Services::start(context)?;
    let model = Model::start(script())?;
    let mut checks = Vec::new();
    let source = format!("npm-pack:{}", tarball.display());
    let installed = openclaw.run(&[
        "plugins",
        "install",
        &source,
        "--force",
        "--accept-capabilities",
    ]);
    checks.push(Check::of("install", installed.map(|_| ())));
    openclaw.configure(|config| configure(config, &services, &model))?;
    checks.push(Check::of("inspect", inspected(&openclaw, context)));

    let gateway = openclaw.start(&services.secrets())?;
    let tried = Tried {
        gateway: &gateway,
        services: &services,
        context,
        openclaw: &openclaw,
    };
    tried.reads(&mut checks);
    tried.writes(&mut checks)?;
    checks.push(Check::of("a killed harness", tried.killed()));
    checks.push(Check::of("an agent's turn", tried.turn(&model)));
    checks.push(Check::of("secrets", tried.secrets()));
    let cancelled = cancelled::check(context, node);
    checks.push(Check::of("a cancelled call", cancelled));
    checks.push(Check::of(
        "what is no harness",
        broken::check(context, node),
    ));
    let harnesses = gateway.harnesses()?;
    let (digest, _) = tried.newest()?;
    gateway.stop()?;
    checks.push(Check::of("stopped with the gateway", over(&harnesses)));
    checks.push(Check::of("a plan by its digits", named(&openclaw, &digest)));
    Ok(checks)
}

fn configure(config: &mut Value, services: &Services, model: &Model) {
    let secret = |name: &str| json!({"source": "env", "provider": "default", "id": name});
    config["plugins"]["allow"] = json!([PLUGIN]);
    config["plugins"]["entries"][PLUGIN] = json!({"enabled": true, "config": {
        "twenty": {"url": services.twenty, "key": secret("E2E_TWENTY_KEY")},
        "tezit": {"url": services.relay, "token": secret("E2E_RELAY_TOKEN"), "team": TEAM, "user": ROBIN},
        "workspace": {"url": services.workspace, "token": secret("E2E_WORKSPACE_TOKEN"), "address": "robin-pa@example.com"},
        "me": {"email": "robin@example.com", "name": "Robin Hale", "timeZone": "America/New_York"},
        "allowLoopback": true,
        "decidingSeconds": DECIDING_SECONDS,
    }});
    config["models"]["providers"]["scripted"] = model.provider();
    config["agents"]["defaults"]["model"] = json!({"primary": "scripted/scripted"});
}

/// OpenClaw has loaded the plugin, with exactly the tools of its manifest, and has nothing to say
/// against it.
fn inspected(openclaw: &OpenClaw<'_>, context: &Context) -> Result<()> {
    let printed = openclaw.run(&["plugins", "inspect", PLUGIN, "--runtime", "--json"])?;
    let inspected: Value = serde_json::from_str(&printed).context("the inspection is no JSON")?;
    let manifest = fs::read_to_string(context.workspace.plugin().join("openclaw.plugin.json"))?;
    let manifest: Value = serde_json::from_str(&manifest)?;
    let plugin = &inspected["plugin"];
    ensure!(
        plugin["status"] == "loaded",
        "its status is {}",
        plugin["status"]
    );
    ensure!(
        plugin["toolNames"] == manifest["contracts"]["tools"],
        "its tools are {}, in the manifest they are {}",
        plugin["toolNames"],
        manifest["contracts"]["tools"]
    );
    let diagnostics = inspected
        .pointer("/diagnostics")
        .or_else(|| plugin.get("diagnostics"));
    ensure!(
        diagnostics == Some(&json!([])),
        "it has diagnostics: {diagnostics:?}"
    );
    Ok(())
}

/// The assistant's calls for the request, in order: as a model would make them with OpenClaw's tool
/// search on.
fn script() -> Vec<(&'static str, Value)> {
    vec![
        (
            "tool_call",
            json!({"id": "crm_search", "args": {"query": DEAL.0}}),
        ),
        (
            "tool_call",
            json!({"id": "crm_follow_up", "args": {
                "about": DEAL.1, "title": "Ask about the contract", "due": "2030-01-04",
            }}),
        ),
    ]
}
