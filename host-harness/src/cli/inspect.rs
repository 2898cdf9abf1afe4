//! `crm-harness inspect`: what a component is made of, and what its manifest lets it send.

use crm_harness::Harness;
use crm_harness::digest::hex;
use crm_harness::outbound::policy::Destination;
use crm_harness::outbound::policy::documents::{Document, Documents, Effect};
use crm_harness::runtime::load::Exported;
use serde_json::{Value, json};

use super::args::Args;
use super::render;
use super::report::{End, Misuse};
use super::resolve::resolve;

pub(super) fn run(args: &Args) -> Result<End, Misuse> {
    let harness = resolve(args)?.harness;
    render::print(&if args.json {
        render::pretty(&report(&harness))
    } else {
        render::table(&rows(&harness))
    });
    Ok(End::Done)
}

fn report(harness: &Harness) -> Value {
    let inspection = harness.skill().inspection();
    let exported = |exported: &Exported| {
        json!({
            "interface": exported.interface,
            "functions": exported.functions,
            "offered": exported.not_offered.is_none(),
            "notOffered": exported.not_offered,
        })
    };
    let limits: serde_json::Map<_, _> = harness
        .setup()
        .limits
        .named()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    json!({
        "package": harness.setup().manifest.skill.package,
        "component": {"sha256": inspection.sha256, "bytes": inspection.bytes},
        "imports": inspection.imports,
        "exports": inspection.exports.iter().map(exported).collect::<Vec<_>>(),
        "limits": limits,
        "destinations": harness.outbound().policy().destinations.iter().map(destination).collect::<Vec<_>>(),
    })
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
                "effect": effect(document),
                "sha256": hex(&document.sha256),
                "variables": variables,
                "cacheableSeconds": document.cacheable_seconds,
            })
        })
        .collect()
}

const fn effect(document: &Document) -> &'static str {
    match document.effect {
        Effect::Query => "query",
        Effect::Mutation => "mutation",
    }
}

/// Renders the same for people.
fn rows(harness: &Harness) -> Vec<Vec<String>> {
    let inspection = harness.skill().inspection();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, text: String| rows.push(vec![name.to_owned(), text]);
    row("package", harness.setup().manifest.skill.package.clone());
    row(
        "component",
        format!("sha256 {}, {} bytes", inspection.sha256, inspection.bytes),
    );
    for import in &inspection.imports {
        row("import", import.clone());
    }
    for exported in &inspection.exports {
        let why = exported
            .not_offered
            .map(|why| format!(" (not offered: {why})"))
            .unwrap_or_default();
        row(
            "export",
            format!(
                "{}: {}{why}",
                exported.interface,
                exported.functions.join(", ")
            ),
        );
    }
    for destination in &harness.outbound().policy().destinations {
        let origin = destination
            .origin
            .as_ref()
            .map_or("no origin yet", |origin| origin.as_str());
        row("destination", format!("{} at {origin}", destination.title));
        for route in &destination.routes {
            row("  route", format!("{} {}", route.method, route.pattern));
            for document in route.documents.iter().flat_map(Documents::iter) {
                let digest = hex(&document.sha256);
                let short = digest.get(..12).unwrap_or(&digest);
                row(
                    "    document",
                    format!("{} ({}) {short}", document.name, effect(document)),
                );
            }
        }
    }
    rows
}
