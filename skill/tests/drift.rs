//! `status` against workspaces that lack what the trusted documents name, or name it as earlier
//! versions of Twenty did.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crm_skill::actions::status::status;
use crm_skill::bindings::exports::claw::crm::read::{LinkFields, StatusReport};
use crm_skill::context::{Context, Settings};
use crm_skill::transport::{Request, Response, Transport, TransportError};
use serde_json::{Value, json};

const USED: &str = include_str!("../graphql/used-fields.txt");

/// A workspace: fields by object, as its metadata name them.
type Workspace = BTreeMap<String, BTreeSet<String>>;

/// One that has all that the documents name. Metadata have relations, not their columns, and one
/// `target` for all kinds.
fn complete() -> Workspace {
    let mut workspace = Workspace::new();
    for line in USED.lines().filter(|line| !line.starts_with('#')) {
        let (object, field) = line.split(':').next().unwrap().split_once('.').unwrap();
        let field = match field {
            "id" => "id",
            field if field.starts_with("target") => "target",
            field => field.strip_suffix("Id").unwrap_or(field),
        };
        workspace
            .entry(object.to_owned())
            .or_default()
            .insert(field.to_owned());
    }
    workspace
}

/// Answers as that workspace would.
struct DriftedCrm {
    workspace: Workspace,
    /// A field that is there and switched off.
    inactive: &'static str,
}

impl Transport for DriftedCrm {
    fn send_all(&self, requests: &[Request]) -> Vec<Result<Response, TransportError>> {
        requests
            .iter()
            .map(|request| Ok(self.answer(request)))
            .collect()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn wait(&self, _: Duration) {
        panic!("nobody asked for patience");
    }
}

impl DriftedCrm {
    fn answer(&self, request: &Request) -> Response {
        let data = if request.path == "/metadata" {
            self.metadata()
        } else {
            access()
        };
        Response {
            status: 200,
            retry_after: None,
            body: json!({ "data": data }).to_string().into_bytes(),
        }
    }

    fn metadata(&self) -> Value {
        let objects: Vec<Value> = self
            .workspace
            .iter()
            .map(|(object, fields)| {
                let fields: Vec<Value> = fields
                    .iter()
                    .map(|name| json!({ "name": name, "isActive": *name != self.inactive, "options": null }))
                    .collect();
                json!({ "node": { "nameSingular": object, "fieldsList": fields } })
            })
            .collect();
        json!({ "objects": { "edges": objects } })
    }
}

fn access() -> Value {
    let roots = [
        "people",
        "companies",
        "opportunities",
        "tasks",
        "notes",
        "taskTargets",
        "noteTargets",
        "timelineActivities",
        "workspaceMembers",
    ];
    roots
        .into_iter()
        .map(|root| (root.to_owned(), json!({ "edges": [] })))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// The settings: where the CRM is, and the field that holds the next step, if any.
struct Configured(Option<&'static str>);

impl Settings for Configured {
    fn get(&self, key: &str) -> Option<String> {
        match key {
            "twenty.base-url" => Some("https://crm.example.com".to_owned()),
            "next-step-field" => self.0.map(str::to_owned),
            _ => None,
        }
    }
}

fn report(workspace: Workspace) -> StatusReport {
    report_with(workspace, "", None)
}

fn report_with(
    workspace: Workspace,
    inactive: &'static str,
    next_step: Option<&'static str>,
) -> StatusReport {
    let twenty = DriftedCrm {
        workspace,
        inactive,
    };
    status(&Context::new(
        &twenty,
        &Configured(next_step),
        "2026-03-11T13:30:00Z".parse().unwrap(),
    ))
    .unwrap()
}

fn missing(report: &StatusReport) -> Vec<String> {
    report
        .drift
        .iter()
        .map(|drift| format!("{}.{}", drift.type_name, drift.field))
        .collect()
}

#[test]
fn a_workspace_that_has_everything_has_no_drift() {
    let report = report(complete());
    assert_eq!(missing(&report), Vec::<String>::new());
    assert_eq!(report.links, LinkFields::Current);
}

#[test]
fn missing_field_names_its_documents() {
    let mut workspace = complete();
    assert!(workspace.get_mut("task").unwrap().remove("dueAt"));
    let report = report(workspace);
    assert_eq!(missing(&report), ["task.dueAt"]);
    for document in ["follow_ups", "briefing_today", "blockers"] {
        assert!(
            report.drift[0]
                .documents
                .iter()
                .any(|named| named == document),
            "{document}"
        );
    }
    assert!(
        !report.drift[0].consequence.is_empty()
            && report.markdown.contains("task.dueAt is missing")
    );
}

#[test]
fn a_field_that_was_switched_off_is_missing() {
    let report = report_with(complete(), "closeDate", None);
    assert_eq!(missing(&report), ["opportunity.closeDate"]);
}

#[test]
fn unknown_operator_field_is_reported() {
    let report = report_with(complete(), "", Some("nextStep"));
    assert_eq!(missing(&report), ["opportunity.nextStep"]);
    let drift = &report.drift[0];
    assert_eq!(
        drift.documents,
        [
            "access",
            "blockers",
            "context",
            "follow_up",
            "get_opportunity",
            "reread_opportunity",
            "upsert_opportunity"
        ]
    );
    assert!(
        drift.consequence.contains("\"next-step-field\""),
        "{drift:?}"
    );
    let mut workspace = complete();
    let fields = workspace.get_mut("opportunity").unwrap();
    fields.insert("nextStep".to_owned());
    let made = report_with(workspace.clone(), "", Some("nextStep"));
    assert_eq!(missing(&made), Vec::<String>::new());
    let switched_off = report_with(workspace, "nextStep", Some("nextStep"));
    assert_eq!(missing(&switched_off), ["opportunity.nextStep"]);
}

#[test]
fn earlier_link_names_are_recognised() {
    let mut workspace = complete();
    for object in ["taskTarget", "noteTarget"] {
        let fields = workspace.get_mut(object).unwrap();
        assert!(fields.remove("target"));
        fields.extend(["person", "company", "opportunity"].map(str::to_owned));
    }
    let report = report(workspace);
    assert_eq!(report.links, LinkFields::Earlier);
    assert!(
        missing(&report).contains(&"taskTarget.targetOpportunityId".to_owned()),
        "{:?}",
        missing(&report)
    );
    assert!(
        report
            .drift
            .iter()
            .all(|drift| drift.consequence.contains("1.17"))
    );
}

#[test]
fn a_missing_object_is_named_once() {
    let mut workspace = complete();
    workspace.remove("timelineActivity");
    let report = report(workspace);
    assert_eq!(missing(&report), ["timelineActivity.*"]);
    assert!(report.drift[0].consequence.contains("unknown"));
}
