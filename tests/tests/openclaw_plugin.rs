//! Checks of the OpenClaw plugin's description of the tools against the component itself.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crm_harness::server::mcp::listed;
use crm_tests::{TestEnv, root};
use serde_json::{Value, json};

fn read(name: &str) -> Value {
    let path = root().join("manifests/openclaw").join(name);
    let text = fs::read_to_string(&path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn plugin_lists_the_harness_tools() {
    let env = TestEnv::new().await;
    let tools = listed(&env.harness);
    assert_eq!(read("tools.json"), tools, "run `cargo xtask plugin`");
    let manifest = read("openclaw.plugin.json");
    let names: Value = tools
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].clone())
        .collect();
    assert_eq!(
        manifest["contracts"]["tools"], names,
        "run `cargo xtask plugin`"
    );
    for tool in tools.as_array().unwrap() {
        let reads = tool["annotations"]["readOnlyHint"] == true;
        let said = &manifest["toolMetadata"][tool["name"].as_str().unwrap()];
        let expected = if reads {
            json!({"replaySafe": true})
        } else {
            json!({"sideEffecting": true})
        };
        assert_eq!(*said, expected, "{}", tool["name"]);
    }
    assert_eq!(
        manifest["toolMetadata"].as_object().unwrap().len(),
        names.as_array().unwrap().len()
    );
}

#[test]
fn secrets_can_be_refs_and_are_hidden() {
    let manifest = read("openclaw.plugin.json");
    let mut secrets = BTreeSet::new();
    for (section, schema) in manifest["configSchema"]["properties"].as_object().unwrap() {
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            if member["$ref"] == "#/$defs/secret" {
                secrets.insert(format!("{section}.{name}"));
            }
        }
    }
    let paths = manifest["configContracts"]["secretInputs"]["paths"]
        .as_array()
        .unwrap();
    let inputs = paths
        .iter()
        .map(|input| input["path"].as_str().unwrap().to_owned());
    assert_eq!(inputs.collect::<BTreeSet<_>>(), secrets);
    assert_eq!(secrets.len(), 3);
    for secret in &secrets {
        assert_eq!(manifest["uiHints"][secret]["sensitive"], true, "{secret}");
    }
}

#[test]
fn passed_variables_are_asked_for_by_the_skill() {
    let settings = fs::read_to_string(root().join("manifests/openclaw/settings.js")).unwrap();
    let skill = fs::read_to_string(root().join("manifests/skill.toml")).unwrap();
    let names: Vec<&str> = settings
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_suffix("\",")?
                .rsplit_once(": \"")
                .map(|(_, name)| name)
        })
        .collect();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        assert!(
            skill.contains(&format!("\"{name}\"")),
            "{name} is no variable of skill.toml"
        );
    }
}

#[test]
fn package_has_workspace_version_and_no_deps() {
    let package = read("package.json");
    assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(read("openclaw.plugin.json")["version"], package["version"]);
    assert_eq!(package["name"], read("openclaw.plugin.json")["id"]);
    for kind in [
        "dependencies",
        "optionalDependencies",
        "devDependencies",
        "scripts",
    ] {
        assert!(package.get(kind).is_none(), "{kind}");
    }
}

/// Runs a script of tests/openclaw with Node against a copy of the plugin whose OpenClaw and
/// harness are stand-ins; what it printed, or nothing where there is no Node that can.
fn with_node(script: &str) -> Option<String> {
    let version = Command::new("node").arg("--version").output().ok()?;
    let version = String::from_utf8(version.stdout).unwrap();
    let mut numbers = version.trim().trim_start_matches('v').split('.');
    let mut number = || numbers.next()?.parse::<u32>().ok();
    // From 20.10 on it reads `with { type: "json" }`.
    if (number()?, number()?) < (20, 10) {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let (plugin, state) = (folder.path().join("plugin"), folder.path().join("state"));
    let sdk = plugin.join("node_modules/openclaw");
    for folder in [&plugin.join("bin"), &sdk, &state] {
        fs::create_dir_all(folder).unwrap();
    }
    for entry in fs::read_dir(root().join("manifests/openclaw")).unwrap() {
        let entry = entry.unwrap().path();
        if entry
            .extension()
            .is_some_and(|ext| ext == "js" || ext == "json")
        {
            fs::copy(&entry, plugin.join(entry.file_name().unwrap())).unwrap();
        }
    }
    let package = json!({"name": "openclaw", "type": "module", "exports": {"./plugin-sdk/plugin-entry": "./entry.js"}});
    fs::write(sdk.join("package.json"), package.to_string()).unwrap();
    let entry = "export const definePluginEntry = (entry) => entry;\n";
    fs::write(sdk.join("entry.js"), entry).unwrap();
    let node = Command::new("node")
        .args(["-p", "process.execPath"])
        .output();
    let node = String::from_utf8(node.unwrap().stdout).unwrap();
    let harness = fs::read_to_string(root().join("tests/openclaw/harness.mjs")).unwrap();
    let harness = harness.replacen("/usr/bin/env node", node.trim(), 1);
    let program = plugin.join("bin/crm-harness");
    fs::write(&program, harness).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let run = Command::new("node")
        .arg(root().join("tests/openclaw").join(script))
        .args([&plugin, &state])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{script}: {said}");
    Some(String::from_utf8(run.stdout).unwrap())
}

#[test]
fn other_plugins_cannot_approve_or_read_secrets() {
    let Some(said) = with_node("reach.mjs") else {
        println!("not run: there is no Node of 20.10 or newer");
        return;
    };
    println!("{said}");
    assert!(
        said.contains("functions and") && said.contains("left behind: false"),
        "{said}"
    );
}

#[test]
fn occupied_socket_path_gets_nothing() {
    let Some(said) = with_node("taken.mjs") else {
        println!("not run: there is no Node of 20.10 or newer");
        return;
    };
    assert!(said.contains("nothing was handed over"), "{said}");
}

/// The command that an approval names takes what a text shows, and nothing shorter or longer than a
/// digest.
#[test]
fn reading_command_takes_at_least_eight_digits() {
    let reading = fs::read_to_string(root().join("manifests/openclaw/reading.js")).unwrap();
    assert!(reading.contains("/^[0-9a-f]{8,64}$/"), "{reading}");
    assert!(reading.contains("\"openclaw crm-claw plan\""), "{reading}");
    assert!(!reading.contains("\"approve\"") && !reading.contains("\"deny\""));
    assert_eq!(
        read("openclaw.plugin.json")["activation"]["onCommands"],
        json!(["crm-claw"])
    );
}
