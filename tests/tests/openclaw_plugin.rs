//! What the OpenClaw plugin says of the tools, against the component itself.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]

use std::collections::BTreeSet;

use crm_harness::front::mcp::listed;
use crm_tests::{World, root};
use serde_json::{Value, json};

fn read(name: &str) -> Value {
    let path = root().join("manifests/openclaw").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn its_tools_are_those_that_the_harness_lists_word_for_word() {
    let world = World::new().await;
    let tools = listed(&world.harness);
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
fn every_secret_of_its_configuration_can_be_a_secret_ref_and_is_kept_out_of_sight() {
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
fn every_variable_that_it_hands_over_is_one_that_the_skill_asks_for() {
    let settings = std::fs::read_to_string(root().join("manifests/openclaw/settings.js")).unwrap();
    let skill = std::fs::read_to_string(root().join("manifests/skill.toml")).unwrap();
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
fn the_package_has_the_version_of_the_workspace_and_no_dependency() {
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

/// The command that an approval names takes what a text shows, and nothing shorter or longer than a digest.
#[test]
fn reading_command_takes_at_least_eight_digits() {
    let reading = std::fs::read_to_string(root().join("manifests/openclaw/reading.js")).unwrap();
    assert!(reading.contains("/^[0-9a-f]{8,64}$/"), "{reading}");
    assert!(reading.contains("\"openclaw crm-claw plan\""), "{reading}");
    assert!(!reading.contains("\"approve\"") && !reading.contains("\"deny\""));
    assert_eq!(
        read("openclaw.plugin.json")["activation"]["onCommands"],
        json!(["crm-claw"])
    );
}
