//! `status`: checks whether each service can be reached and takes the credential; of the CRM also
//! what the key may read, the stages, the members, and schema drift. Twenty answers null for a
//! field that it does not have, so nobody else would notice.

mod services;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::statuses::SETTING;
use crate::bindings::claw::crm::types::Member;
use crate::bindings::exports::claw::crm::read::{
    DestinationStatus, Drift, LinkFields, ObjectAccess, Stage, StatusReport,
};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::hidden_fields::spoken;
use crate::markdown::{MarkdownPage, escape};
use crate::text::{Cutter, Text};
use crate::twenty::custom;
use crate::twenty::members::{self, Members};
use crate::twenty::values::Connection;
use crate::twenty::{Document, Errors, Query, Reply, decode, documents, fetch_all, prepare};

/// Asks for one record of each object, with all fields that the skill reads.
#[derive(Debug, Serialize)]
pub struct Access {}

/// The answer to [`Access`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessData {
    people: Option<Connection<ReadableRow>>,
    companies: Option<Connection<ReadableRow>>,
    opportunities: Option<Connection<DealRow>>,
    tasks: Option<Connection<ReadableRow>>,
    notes: Option<Connection<ReadableRow>>,
    task_targets: Option<Connection<ReadableRow>>,
    note_targets: Option<Connection<ReadableRow>>,
    timeline_activities: Option<Connection<ActivityRow>>,
    workspace_members: Option<Connection<ReadableRow>>,
}

/// A record of which it only matters that it could be read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadableRow {
    #[expect(dead_code, reason = "that it could be read is what counts")]
    id: String,
    #[expect(dead_code, reason = "that it could be read is what counts")]
    #[serde(flatten)]
    fields: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
struct DealRow {
    #[expect(dead_code, reason = "that it could be read is what counts")]
    stage: Text,
    #[expect(dead_code, reason = "that it could be read is what counts")]
    #[serde(flatten)]
    row: ReadableRow,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActivityRow {
    #[expect(dead_code, reason = "that it could be read is what counts")]
    happens_at: jiff::Timestamp,
    #[expect(dead_code, reason = "that it could be read is what counts")]
    #[serde(flatten)]
    row: ReadableRow,
}

impl Query for Access {
    const DOCUMENT: &'static Document = &documents::ACCESS;
    type Answer = AccessData;
}

/// Asks for the workspace's objects and fields.
#[derive(Debug, Serialize)]
pub struct Metadata {}

/// The answer to [`Metadata`].
#[derive(Debug, Deserialize)]
pub struct MetadataData {
    pub(super) objects: Option<Connection<ObjectMetadata>>,
}

/// An object of the workspace.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ObjectMetadata {
    pub(super) name_singular: String,
    pub(super) fields_list: Vec<FieldMetadata>,
}

/// A field of an object.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FieldMetadata {
    pub(super) name: String,
    /// Its type as Twenty calls it, such as `SELECT`, where that was asked.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) is_active: Option<bool>,
    pub(super) options: Option<Value>,
}

impl Query for Metadata {
    const DOCUMENT: &'static Document = &documents::METADATA;
    type Answer = MetadataData;
}

/// Every field that the trusted documents name, as `object.field: documents`. A test holds it
/// against them.
const USED_FIELDS: &str = include_str!("../../graphql/used-fields.txt");

/// Fields whose absence in newer or older versions of Twenty has a meaning of its own (twenty.md,
/// versions).
const CONSEQUENCES: &[(&str, &str)] = &[
    (
        "taskTarget.target",
        "Tasks cannot be found by what they are linked to: this CRM names links as before Twenty 1.17.",
    ),
    (
        "noteTarget.target",
        "Notes cannot be found by what they are linked to: this CRM names links as before Twenty 1.17.",
    ),
    (
        "timelineActivity",
        "Last activity and the history of deals cannot be told; the rules about them say unknown.",
    ),
];

/// Runs the action. That a service cannot be reached or refuses the credential is what this action
/// is there to say, so it is an answer and no failure. The services are asked one after the other,
/// so that each one's time is its own.
///
/// # Errors
/// None so far; the signature is that of every action.
pub fn status(ctx: &Context<'_>) -> Result<StatusReport, Failure> {
    let mut report = StatusReport {
        markdown: String::new(),
        destinations: Vec::new(),
        objects: Vec::new(),
        stages: Vec::new(),
        task_statuses: Vec::new(),
        drift: Vec::new(),
        links: LinkFields::Unknown,
        members: Vec::new(),
        members_more: false,
    };
    let requests = (
        prepare(ctx, &Access {}),
        prepare(ctx, &Metadata {}),
        prepare(ctx, &Members {}),
    );
    let destination = match requests {
        (Ok(access), Ok(metadata), Ok(members)) => {
            let begun = ctx.transport.elapsed();
            let mut answers = fetch_all(ctx, &[access, metadata, members]).into_iter();
            let took = ctx.transport.elapsed().saturating_sub(begun);
            let access = answers.next().map(decode::<Access>);
            let metadata = answers.next().map(decode::<Metadata>);
            let state = reached(access.as_ref(), took);
            if let Some(Ok(reply)) = access {
                report.objects = objects(reply);
                report.objects.extend(unreadable_fields(ctx));
            }
            if let Some(Ok(reply)) = metadata
                && let Ok(objects) = reply.errors.root("objects", reply.data.objects)
            {
                inspect(ctx, objects, &mut report);
            }
            if let Some(members) = answers.next() {
                let (members, more) = members::listed(members);
                let mut cutter = Cutter::default();
                let members = members.iter().map(|member| member.member(&mut cutter));
                report.members = members.collect();
                report.members_more = more;
            }
            state
        }
        (Err(failure), _, _) | (_, Err(failure), _) | (_, _, Err(failure)) => DestinationStatus {
            name: "twenty".to_owned(),
            configured: false,
            reachable: false,
            credential_accepted: None,
            latency_ms: None,
            problem: Some(failure::sentence(&failure).to_owned()),
        },
    };
    report.destinations = vec![destination, services::relay(ctx), services::workspace(ctx)];
    report.markdown = markdown(ctx, &report);
    Ok(report)
}

fn reached<A>(access: Option<&Result<Reply<A>, Failure>>, took: Duration) -> DestinationStatus {
    let failure = match access {
        Some(Err(failure)) => Some(failure),
        _ => None,
    };
    let reachable = !matches!(failure, Some(Failure::Unavailable(_)));
    DestinationStatus {
        name: "twenty".to_owned(),
        configured: true,
        reachable,
        credential_accepted: match failure {
            None | Some(Failure::RateLimited(_)) => Some(true),
            Some(Failure::Unauthenticated(_)) => Some(false),
            Some(_) => None,
        },
        latency_ms: reachable.then(|| u32::try_from(took.as_millis()).unwrap_or(u32::MAX)),
        problem: failure.map(|failure| failure::sentence(failure).to_owned()),
    }
}

fn objects(reply: Reply<AccessData>) -> Vec<ObjectAccess> {
    let (data, errors) = (reply.data, reply.errors);
    vec![
        object("person", "people", data.people, &errors),
        object("company", "companies", data.companies, &errors),
        object("opportunity", "opportunities", data.opportunities, &errors),
        object("task", "tasks", data.tasks, &errors),
        object("note", "notes", data.notes, &errors),
        object("taskTarget", "taskTargets", data.task_targets, &errors),
        object("noteTarget", "noteTargets", data.note_targets, &errors),
        object(
            "timelineActivity",
            "timelineActivities",
            data.timeline_activities,
            &errors,
        ),
        object(
            "workspaceMember",
            "workspaceMembers",
            data.workspace_members,
            &errors,
        ),
    ]
}

fn object<R>(name: &str, root: &str, rows: Option<Connection<R>>, errors: &Errors) -> ObjectAccess {
    let failure = errors.root(root, rows).err();
    ObjectAccess {
        object: name.to_owned(),
        readable: failure.is_none(),
        reason: failure.map(|failure| failure::sentence(&failure).to_owned()),
    }
}

/// Lists the fields that the key may not read, each as `object.field`.
fn unreadable_fields(ctx: &Context<'_>) -> Vec<ObjectAccess> {
    let hidden = ctx.hidden();
    let unreadable = hidden.iter().map(|field| ObjectAccess {
        object: format!("{}.{}", field.object, field.name),
        readable: false,
        reason: Some(format!(
            "The key may not read the field {} of {}: it is shown as unknown. Let the key's role read it, if the skill should.",
            field.name, spoken(&field.object)
        )),
    });
    unreadable.collect()
}

/// Reads stages, drift and the names of links from the workspace's own metadata.
fn inspect(ctx: &Context<'_>, objects: Connection<ObjectMetadata>, report: &mut StatusReport) {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for object in objects.rows() {
        if object.name_singular == "opportunity" {
            let stage = object
                .fields_list
                .iter()
                .find(|field| field.name == "stage");
            report.stages = stage
                .and_then(|field| field.options.as_ref())
                .map(|options| stages(&ctx.closed_stages(), options))
                .unwrap_or_default();
        }
        if object.name_singular == "task" {
            let status = object
                .fields_list
                .iter()
                .find(|field| field.name == "status");
            report.task_statuses = status
                .and_then(|field| field.options.as_ref())
                .map(|options| stages(&ctx.done_statuses(), options))
                .unwrap_or_default();
        }
        let fields = object
            .fields_list
            .into_iter()
            .filter(|field| field.is_active != Some(false))
            .map(|field| field.name);
        known.insert(object.name_singular, fields.collect());
    }
    report.drift = drift(&known);
    report.drift.extend(unknown_fields(ctx, &known));
    let has = |field: &str| {
        known
            .get("taskTarget")
            .is_some_and(|fields| fields.contains(field))
    };
    report.links = match (
        has("target") || has("targetOpportunity"),
        has("opportunity"),
    ) {
        (true, _) => LinkFields::Current,
        (false, true) => LinkFields::Earlier,
        (false, false) => LinkFields::Unknown,
    };
}

/// Returns a field's options in the workspace's order.
pub(crate) fn in_order(options: &Value) -> Vec<&Value> {
    let mut options: Vec<&Value> = options.as_array().into_iter().flatten().collect();
    options.sort_by_key(|option| {
        option
            .get("position")
            .and_then(Value::as_i64)
            .unwrap_or(i64::MAX)
    });
    options
}

/// Converts a field's options; `closed` are the values of finished stages or statuses.
fn stages(closed: &[String], options: &Value) -> Vec<Stage> {
    let mut cutter = Cutter::default();
    in_order(options)
        .into_iter()
        .filter_map(|option| {
            let value = option.get("value")?.as_str()?;
            let label = option.get("label").and_then(Value::as_str).unwrap_or(value);
            Some(Stage {
                value: cutter.label(&crate::text::clean(value)),
                label: cutter.label(&crate::text::clean(label)),
                closed: closed.iter().any(|closed| closed == value),
            })
        })
        .collect()
}

/// Lists the used types and fields that the workspace lacks. A field `ownerId` is the column of the
/// relation `owner`, and `targetPerson` is a branch of the relation `target`, the only one that the
/// metadata names.
fn drift(known: &BTreeMap<String, BTreeSet<String>>) -> Vec<Drift> {
    let mut missing: Vec<Drift> = Vec::new();
    for line in USED_FIELDS.lines().filter(|line| !line.starts_with('#')) {
        let Some((field, documents)) = line.split_once(": ") else {
            continue;
        };
        let Some((object, name)) = field.split_once('.') else {
            continue;
        };
        let documents = || documents.split(", ").map(str::to_owned);
        let name = match known.get(object) {
            None => "*",
            Some(fields) if fields.contains(name) => continue,
            Some(fields)
                if name
                    .strip_suffix("Id")
                    .is_some_and(|relation| fields.contains(relation)) =>
            {
                continue;
            }
            Some(fields) if name.starts_with("target") && fields.contains("target") => continue,
            Some(_) => name,
        };
        match missing
            .iter_mut()
            .find(|drift| drift.type_name == object && drift.field == name)
        {
            Some(drift) => {
                let new: Vec<String> = documents()
                    .filter(|document| !drift.documents.contains(document))
                    .collect();
                drift.documents.extend(new);
            }
            None => missing.push(Drift {
                type_name: object.to_owned(),
                field: name.to_owned(),
                documents: documents().collect(),
                consequence: consequence(object, name),
            }),
        }
    }
    missing
}

/// Lists the fields that the operator has named and the workspace lacks.
fn unknown_fields(ctx: &Context<'_>, known: &BTreeMap<String, BTreeSet<String>>) -> Vec<Drift> {
    let missing = custom::SETTINGS.iter().filter_map(|&(setting, object)| {
        let field = ctx.setting(setting)?;
        // An object that is missing altogether has been named as such.
        (!known.get(object)?.contains(&field)).then(|| Drift {
            type_name: object.to_owned(),
            field,
            documents: custom::extended_by(setting)
                .map(|document| document.name.to_owned())
                .collect(),
            consequence: format!(
                "The setting \"{setting}\" names it: the rules that need it say unknown. Correct the setting, or make the field in the CRM."
            ),
        })
    });
    missing.collect()
}

fn consequence(object: &str, field: &str) -> String {
    let name = if field == "*" {
        object.to_owned()
    } else {
        format!("{object}.{field}")
    };
    CONSEQUENCES.iter().find(|(prefix, _)| name.starts_with(prefix)).map_or_else(
        || match field {
            "*" => format!("Nothing about {object} can be read: those documents fail."),
            _ => "The CRM answers nothing for it: it is shown as missing, and a search by it fails.".to_owned(),
        },
        |(_, consequence)| (*consequence).to_owned(),
    )
}

/// Most members that stand in the text for a person.
const NAMED: usize = 20;

/// Names members in one line, as far as there is room for them.
fn named(members: &[Member], more: bool) -> String {
    let names: Vec<String> = (members.iter().take(NAMED))
        .map(|member| escape(&member.name))
        .collect();
    let rest = match (members.len().saturating_sub(NAMED), more) {
        (0, false) => String::new(),
        (0, true) => " and others".to_owned(),
        (rest, false) => format!(" and {rest} others"),
        (rest, true) => format!(" and more than {rest} others"),
    };
    format!("{}{rest}", names.join(", "))
}

/// Joins options in one line.
fn listed(stages: &[Stage], over: &str) -> String {
    let stages: Vec<String> = stages
        .iter()
        .map(|stage| {
            if stage.closed {
                format!("{} ({over})", escape(&stage.value))
            } else {
                escape(&stage.value)
            }
        })
        .collect();
    stages.join(", ")
}

/// Explains what is wrong with the statuses of tasks: none counts as done, or all do, or the
/// operator named one that does not exist.
fn about_statuses(ctx: &Context<'_>, statuses: &[Stage]) -> Option<String> {
    if statuses.is_empty() {
        return None;
    }
    let done = ctx.done_statuses();
    let unknown: Vec<&str> = done
        .iter()
        .filter(|done| !statuses.iter().any(|status| status.value == **done))
        .map(String::as_str)
        .collect();
    let next = format!(
        "Ask the operator to name the statuses of tasks that are done with in the setting \"{SETTING}\"."
    );
    if statuses.iter().all(|status| !status.closed) {
        return Some(format!(
            "No status of tasks is known to mean done, so every task counts as open and finished ones as overdue. {next}"
        ));
    }
    if statuses.iter().all(|status| status.closed) {
        return Some(format!(
            "Every status of tasks counts as done, so no task is open. {next}"
        ));
    }
    let set = ctx.setting(SETTING).is_some();
    (set && !unknown.is_empty()).then(|| {
        format!(
            "The setting \"{SETTING}\" names {}, which tasks of this CRM do not have. Ask the operator to correct it.",
            unknown.join(", ")
        )
    })
}

fn markdown(ctx: &Context<'_>, report: &StatusReport) -> String {
    let mut page = MarkdownPage::default();
    for destination in &report.destinations {
        let state = match (
            destination.configured,
            destination.reachable,
            destination.credential_accepted,
        ) {
            (false, _, _) => "not set up".to_owned(),
            (true, false, _) => "cannot be reached".to_owned(),
            (true, true, Some(false)) => "refuses the key".to_owned(),
            (true, true, _) => match destination.latency_ms {
                Some(latency) => format!("answers ({latency} ms)"),
                None => "answers".to_owned(),
            },
        };
        page.line(&format!("**{}** {state}", destination.name));
        if let Some(problem) = &destination.problem {
            page.line(&escape(problem));
        }
    }
    let unreadable: Vec<&ObjectAccess> = report
        .objects
        .iter()
        .filter(|object| !object.readable)
        .collect();
    if !report.objects.is_empty() && unreadable.is_empty() {
        page.line("The key reads all that the skill needs.");
    }
    for object in unreadable {
        page.bullet(&format!(
            "{} cannot be read: {}",
            object.object,
            escape(object.reason.as_deref().unwrap_or_default())
        ));
    }
    if !report.stages.is_empty() {
        page.line(&format!("Stages: {}", listed(&report.stages, "closed")));
    }
    if !report.task_statuses.is_empty() {
        page.line(&format!(
            "Statuses of tasks: {}",
            listed(&report.task_statuses, "done")
        ));
    }
    if let Some(problem) = about_statuses(ctx, &report.task_statuses) {
        page.line(&escape(&problem));
    }
    if !report.members.is_empty() {
        let names = named(&report.members, report.members_more);
        page.line(&format!("Members: {names}"));
    }
    for drift in &report.drift {
        let field = if drift.field == "*" {
            String::new()
        } else {
            format!(".{}", drift.field)
        };
        page.bullet(&format!(
            "{}{field} is missing ({}): {}",
            drift.type_name,
            drift.documents.join(", "),
            drift.consequence
        ));
    }
    page.finish()
}
