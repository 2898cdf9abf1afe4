//! The protocol's own conformance suite, over HTTP: the scenarios that ask of a server what every
//! server has.
//!
//! Most of its scenarios are made for one example server and call that server's tools. They do not
//! apply here, for a reason that is looked up each time: this server has no such tool, or does not
//! say that it has such a feature. A scenario that is in neither list fails, so that one that a
//! later version brings is looked at.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::forwarder::Forwarder;
use super::{Check, Context, Outcome, finished, last_lines};
use xtask::node::Node;
use xtask::place::{CALLER, introduced, url};

const PACKAGE: (&str, &str) = ("@modelcontextprotocol/conformance", "0.1.16");

/// Scenarios that any server has to pass.
const GENERIC: [&str; 5] = [
    "dns-rebinding-protection",
    "ping",
    "server-initialize",
    "server-sse-multiple-streams",
    "tools-list",
];

/// A feature that a scenario needs and not every server has.
#[derive(Clone, Copy)]
enum Wants {
    /// A tool of the suite's example server.
    Tool(&'static str),
    /// A feature that a server says it has, or not.
    Feature(&'static str),
}

/// The other scenarios.
const SPECIAL: [(&str, Wants); 27] = [
    ("completion-complete", Wants::Feature("completions")),
    (
        "elicitation-sep1034-defaults",
        Wants::Tool("test_elicitation_sep1034_defaults"),
    ),
    (
        "elicitation-sep1330-enums",
        Wants::Tool("test_elicitation_sep1330_enums"),
    ),
    (
        "json-schema-2020-12",
        Wants::Tool("json_schema_2020_12_tool"),
    ),
    ("logging-set-level", Wants::Feature("logging")),
    ("prompts-get-embedded-resource", Wants::Feature("prompts")),
    ("prompts-get-simple", Wants::Feature("prompts")),
    ("prompts-get-with-args", Wants::Feature("prompts")),
    ("prompts-get-with-image", Wants::Feature("prompts")),
    ("prompts-list", Wants::Feature("prompts")),
    ("resources-list", Wants::Feature("resources")),
    ("resources-read-binary", Wants::Feature("resources")),
    ("resources-read-text", Wants::Feature("resources")),
    ("resources-subscribe", Wants::Feature("resources")),
    ("resources-templates-read", Wants::Feature("resources")),
    ("resources-unsubscribe", Wants::Feature("resources")),
    ("server-sse-polling", Wants::Tool("test_reconnection")),
    ("tools-call-audio", Wants::Tool("test_audio_content")),
    ("tools-call-elicitation", Wants::Tool("test_elicitation")),
    (
        "tools-call-embedded-resource",
        Wants::Tool("test_embedded_resource"),
    ),
    ("tools-call-error", Wants::Tool("test_error_handling")),
    ("tools-call-image", Wants::Tool("test_image_content")),
    (
        "tools-call-mixed-content",
        Wants::Tool("test_multiple_content_types"),
    ),
    ("tools-call-sampling", Wants::Tool("test_sampling")),
    ("tools-call-simple-text", Wants::Tool("test_simple_text")),
    (
        "tools-call-with-logging",
        Wants::Tool("test_tool_with_logging"),
    ),
    (
        "tools-call-with-progress",
        Wants::Tool("test_tool_with_progress"),
    ),
];

pub(super) fn run(context: &Context) -> Result<Vec<Check>> {
    let (node, folder) = match context.packages("conformance", &[PACKAGE]) {
        Ok(found) => found,
        Err(skipped) => return Ok(vec![skipped]),
    };
    let place = context.place("conformance")?;
    let (able, tools) = introduced(place.harness().args(["--caller", CALLER, "mcp"]))?;
    let names = tools.iter().filter_map(|tool| tool.get("name")?.as_str());
    let tools: Vec<String> = names.map(str::to_owned).collect();
    let listed = scenarios(node, &folder)?;
    // The suite sends no token. What stands between adds it, and lets Host and Origin pass as the
    // suite has made them.
    let forwarder = Forwarder::bind()?;
    let address = forwarder.address;
    let served = place.serve(Some(address))?;
    forwarder.forward(served.address, &place.token);
    let mut checks = Vec::new();
    for scenario in sorted(&listed) {
        let outcome = match kind(scenario) {
            _ if !listed.contains(scenario) => {
                Outcome::Failed("the suite has no such scenario any more".to_owned())
            }
            None => Outcome::Failed(
                "this scenario is in none of the lists of xtask/src/e2e/conformance.rs".to_owned(),
            ),
            Some(Kind::Special(wants)) => wanted(wants, &able, &tools),
            Some(Kind::Generic) => {
                let results = place.path("results");
                let url = url(address);
                Outcome::of(scenario_passes(node, &folder, &url, scenario, &results))
            }
        };
        checks.push(Check::new(scenario, outcome));
    }
    Ok(checks)
}

enum Kind {
    Generic,
    Special(Wants),
}

fn kind(scenario: &str) -> Option<Kind> {
    if GENERIC.contains(&scenario) {
        return Some(Kind::Generic);
    }
    let found = SPECIAL.iter().find(|(name, _)| *name == scenario);
    found.map(|(_, wants)| Kind::Special(*wants))
}

/// All scenarios, those that only one side knows included; generic ones first.
fn sorted(listed: &BTreeSet<String>) -> Vec<&str> {
    let ours = SPECIAL.iter().map(|(name, _)| *name);
    let rest: BTreeSet<&str> = ours
        .chain(listed.iter().map(String::as_str))
        .filter(|name| !GENERIC.contains(name))
        .collect();
    GENERIC.into_iter().chain(rest).collect()
}

/// Checks that the server still lacks the feature that a scenario needs.
fn wanted(wants: Wants, able: &Value, tools: &[String]) -> Outcome {
    let (has, reason) = match wants {
        Wants::Tool(name) => (
            tools.iter().any(|tool| tool == name),
            format!("it calls `{name}`, a tool of the suite's example server"),
        ),
        Wants::Feature(name) => (
            able.get(name).is_some(),
            format!("the server does not say that it has {name}"),
        ),
    };
    if has {
        return Outcome::Failed(
            "the server has what this scenario wants: run it among the generic ones".to_owned(),
        );
    }
    Outcome::DoesNotApply(reason)
}

/// The suite's scenarios for servers.
fn scenarios(node: &Node, folder: &Path) -> Result<BTreeSet<String>> {
    let mut list = node.program(folder, "conformance")?;
    let output = finished(list.args(["list", "--server"]))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let names = named(&text);
    if !output.status.success() || names.is_empty() {
        bail!(
            "`conformance list` names no scenario:\n{}",
            last_lines(&text)
        );
    }
    Ok(names)
}

/// The names in lines such as `  - ping [2025-06-18,2025-11-25]`.
fn named(text: &str) -> BTreeSet<String> {
    let lines = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- "));
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

/// Runs one, and reads what it has found.
fn scenario_passes(
    node: &Node,
    folder: &Path,
    url: &str,
    scenario: &str,
    results: &Path,
) -> Result<()> {
    let results = results.join(scenario);
    let mut run = node.program(folder, "conformance")?;
    run.args(["server", "--url", url, "--scenario", scenario, "-o"]);
    let output = finished(run.arg(&results))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    // It writes into a folder with the time in its name.
    let found = fs::read_dir(&results)
        .ok()
        .and_then(|mut entries| entries.next()?.ok())
        .with_context(|| format!("it has written no result:\n{}", last_lines(&said)))?;
    let text = fs::read_to_string(found.path().join("checks.json"))
        .with_context(|| format!("it has written no result:\n{}", last_lines(&said)))?;
    let checks: Value = serde_json::from_str(&text).context("its result is no JSON")?;
    all_succeeded(&checks)?;
    if !output.status.success() {
        bail!("it ended with {}:\n{}", output.status, last_lines(&said));
    }
    Ok(())
}

/// Checks that there are successes, and neither failures nor warnings.
fn all_succeeded(checks: &Value) -> Result<()> {
    let mut succeeded = 0;
    for check in checks.as_array().into_iter().flatten() {
        let text = |name: &str| check.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("status") {
            "SUCCESS" => succeeded += 1,
            "INFO" => {}
            status => bail!(
                "{}: {status}: {}",
                text("id"),
                match text("errorMessage") {
                    "" => text("description"),
                    message => message,
                }
            ),
        }
    }
    if succeeded == 0 {
        bail!("it has checked nothing");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scenarios_are_parsed_with_their_kind() {
        let text = "Server scenarios (test against a server):\n  - ping [2025-06-18,2025-11-25]\n  - logging-set-level\n  - brand-new [draft]\n";
        let listed = named(text);
        assert_eq!(listed.len(), 3);
        assert!(matches!(kind("ping"), Some(Kind::Generic)));
        assert!(matches!(kind("logging-set-level"), Some(Kind::Special(_))));
        assert!(kind("brand-new").is_none());
        let all = sorted(&listed);
        assert_eq!(all.len(), GENERIC.len() + SPECIAL.len() + 1);
        assert!(all.contains(&"brand-new"));
    }

    #[test]
    fn scenario_applies_once_the_server_can() {
        let able = json!({"tools": {}, "prompts": {}});
        let tools = ["test_sampling".to_owned()];
        for (wants, applies) in [
            (Wants::Tool("test_sampling"), true),
            (Wants::Tool("test_simple_text"), false),
            (Wants::Feature("prompts"), true),
            (Wants::Feature("resources"), false),
        ] {
            let outcome = wanted(wants, &able, &tools);
            assert_eq!(matches!(outcome, Outcome::Failed(_)), applies, "{outcome}");
        }
    }

    #[test]
    fn a_scenario_passes_with_successes_alone() {
        for (statuses, passes) in [
            (&["SUCCESS", "INFO"][..], true),
            (&["SUCCESS", "WARNING"], false),
            (&["FAILURE", "SUCCESS"], false),
            (&["INFO"], false),
            (&[], false),
        ] {
            let checks = statuses.iter().map(|status| json!({"status": status}));
            let checks = Value::Array(checks.collect());
            assert_eq!(all_succeeded(&checks).is_ok(), passes, "{statuses:?}");
        }
    }
}
