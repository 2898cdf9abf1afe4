//! `crm-harness inspect`: what a component is made of, and what its manifest lets it send.

use crm_harness::outbound::documents::{Documents, Effect, hex};
use crm_harness::outbound::policy::Destination;
use serde_json::{Value, json};

use super::args::Args;
use super::resolve::resolve;
use super::{End, Misuse, render};

pub(super) fn run(args: &Args) -> Result<End, Misuse> {
    let harness = resolve(args)?.harness;
    let inspection = harness.skill().inspection();
    let exports: Vec<Value> = inspection
        .exports
        .iter()
        .map(|exported| {
            json!({
                "interface": exported.interface,
                "functions": exported.functions,
                "offered": exported.not_offered.is_none(),
                "notOffered": exported.not_offered,
            })
        })
        .collect();
    let limits = harness.setup().limits;
    let report = json!({
        "package": harness.setup().manifest.skill.package,
        "component": {"sha256": inspection.sha256, "bytes": inspection.bytes},
        "imports": inspection.imports,
        "exports": exports,
        "limits": {
            "timeMs": limits.time_ms,
            "memoryMib": limits.memory_mib,
            "requests": limits.requests,
            "requestBytes": limits.request_bytes,
            "responseBytes": limits.response_bytes,
        },
        "destinations": harness.outbound().policy().destinations.iter().map(destination).collect::<Vec<_>>(),
    });
    render::print(&if args.json {
        render::pretty(&report)
    } else {
        text(&report)
    });
    Ok(End::Done)
}

fn destination(destination: &Destination) -> Value {
    let routes: Vec<Value> = destination
        .routes
        .iter()
        .map(|route| {
            let documents = route.documents.as_ref().map(documents);
            json!({"method": route.method.as_str(), "path": route.pattern.as_str(), "documents": documents})
        })
        .collect();
    let origin = destination.origin.as_ref().map(|origin| origin.as_str());
    json!({"name": destination.name, "title": destination.title, "origin": origin, "routes": routes})
}

fn documents(documents: &Documents) -> Vec<Value> {
    documents
        .iter()
        .map(|document| {
            let variables: serde_json::Map<_, _> = document
                .variables
                .iter()
                .map(|(name, declared)| (name.clone(), declared.to_string().into()))
                .collect();
            json!({
                "name": document.name,
                "effect": if document.effect == Effect::Query { "query" } else { "mutation" },
                "sha256": hex(&document.sha256),
                "variables": variables,
                "cacheableSeconds": document.cacheable_seconds,
            })
        })
        .collect()
}

/// The same report for people.
fn text(report: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut rows = vec![
        vec!["package".into(), word(&report["package"])],
        vec![
            "component".into(),
            format!(
                "sha256 {}, {} bytes",
                word(&report["component"]["sha256"]),
                report["component"]["bytes"]
            ),
        ],
    ];
    for import in list(&report["imports"]) {
        rows.push(vec!["import".into(), word(&import)]);
    }
    for export in list(&report["exports"]) {
        let functions: Vec<_> = list(&export["functions"]).iter().map(word).collect();
        let why = export["notOffered"]
            .as_str()
            .map(|why| format!(" (not offered: {why})"))
            .unwrap_or_default();
        rows.push(vec![
            "export".into(),
            format!(
                "{}: {}{why}",
                word(&export["interface"]),
                functions.join(", ")
            ),
        ]);
    }
    for destination in list(&report["destinations"]) {
        rows.push(vec![
            "destination".into(),
            format!(
                "{} at {}",
                word(&destination["title"]),
                word(&destination["origin"])
            ),
        ]);
        for route in list(&destination["routes"]) {
            rows.push(vec![
                "  route".into(),
                format!("{} {}", word(&route["method"]), word(&route["path"])),
            ]);
            for document in list(&route["documents"]) {
                let sha256 = word(&document["sha256"]);
                let short = sha256.get(..12).unwrap_or_default();
                rows.push(vec![
                    "    document".into(),
                    format!(
                        "{} ({}) {short}",
                        word(&document["name"]),
                        word(&document["effect"])
                    ),
                ]);
            }
        }
    }
    render::table(&rows)
}
