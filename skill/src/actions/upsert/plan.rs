//! Plans a new or changed record.

use serde_json::Value;

use super::assignment::Assignment;
use super::set::{self, DesiredRecord};
use super::{fields, lookup};
use crate::actions::input::{self, reference};
use crate::bindings::claw::crm::types::Kind;
use crate::bindings::exports::claw::crm::propose::{Plan, UpsertRequest};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::ids::uuid;
use crate::names::exact;
use crate::plan::{Basis, Change, Draft, Ids, caller, plan};
use crate::twenty::kinds::{object, spoken};
use crate::twenty::mutations::{self, Leaf, nested};
use crate::twenty::records::Record;
use crate::twenty::rows::Emails;

/// The first e-mail address in the data of a write.
const EMAIL: &str = "emails.primaryEmail";

/// Runs the action. Nothing is written.
///
/// # Errors
/// As `failure` says: `conflict` where nothing would change.
pub fn upsert(ctx: &Context<'_>, request: &UpsertRequest) -> Result<Plan, Failure> {
    caller(ctx)?;
    let id = request.id.as_deref().map(|id| uuid("id", id)).transpose()?;
    let key = request.idempotency_key.as_deref();
    fields::check(request)?;
    let (wanted, found) = match request.kind {
        Kind::Person => lookup::person(ctx, id.as_deref(), set::person(ctx, request)?)?,
        Kind::Company => lookup::company(ctx, id.as_deref(), set::company(ctx, request)?)?,
        Kind::Opportunity => {
            lookup::opportunity(ctx, id.as_deref(), set::opportunity(ctx, request)?)?
        }
        Kind::Task => lookup::task(ctx, id.as_deref(), set::task(ctx, request)?)?,
    };
    let mut warnings = found.warnings;
    warnings.extend(hidden(request));
    match found.record {
        None => create(ctx, key, &wanted, warnings),
        Some(record) => change(ctx, key, &wanted, &record, id.is_some(), warnings),
    }
}

/// Warns about hidden characters in the texts that are to be written.
fn hidden(request: &UpsertRequest) -> Vec<String> {
    let mut texts = vec![
        ("name", request.name.as_deref()),
        ("first name", request.first_name.as_deref()),
        ("last name", request.last_name.as_deref()),
        ("e-mail address", request.email.as_deref()),
        ("job title", request.job_title.as_deref()),
        ("domain", request.domain.as_deref()),
        ("title", request.title.as_deref()),
        ("note", request.note.as_deref()),
    ];
    let custom = request.custom.iter().flatten();
    texts.extend(custom.map(|field| (field.name.as_str(), Some(field.value.as_str()))));
    input::hidden(&texts)
}

fn create(
    ctx: &Context<'_>,
    key: Option<&str>,
    wanted: &DesiredRecord,
    mut warnings: Vec<String>,
) -> Result<Plan, Failure> {
    let kind = wanted.kind;
    wanted.enough_to_make()?;
    let leaves: Vec<Leaf> = wanted.assignments.iter().map(Assignment::leaf).collect();
    let ids = Ids::new(ctx, "upsert", key, &(object(kind), nested(&leaves)))?;
    let id = ids.id(object(kind));
    let mut data = nested(&leaves);
    data.insert("id".to_owned(), Value::from(id.as_str()));
    warnings.extend(wanted.warnings(ctx));
    let words = format!(
        "Make a new {}: {}.",
        spoken(kind),
        describe(&wanted.assignments)
    );
    let draft = mutations::step(
        creation(kind),
        mutations::create(kind),
        &serde_json::json!({ "data": data }),
        words.clone(),
    )?;
    Ok(plan(
        &ids,
        words,
        vec![reference(kind, &id)],
        warnings,
        vec![draft],
    ))
}

fn change(
    ctx: &Context<'_>,
    key: Option<&str>,
    wanted: &DesiredRecord,
    record: &Record,
    by_id: bool,
    mut warnings: Vec<String>,
) -> Result<Plan, Failure> {
    let (kind, id) = (wanted.kind, record.id());
    let change = RecordChange::find(ctx, wanted, record, by_id)?.ok_or_else(|| {
        failure::conflict(
            format!(
                "Nothing would change: the {} \"{}\" ({id}) holds all these values already.",
                spoken(kind),
                record.label()
            ),
            "Nothing needs to be done; to set something else, call again with other values.",
        )
    })?;
    let asked: Vec<Leaf> = wanted.assignments.iter().map(Assignment::leaf).collect();
    let ids = Ids::new(ctx, "upsert", key, &(object(kind), id, nested(&asked)))?;
    warnings.extend(change.warnings);
    Ok(plan(
        &ids,
        change.words,
        vec![reference(kind, id)],
        warnings,
        vec![change.step],
    ))
}

/// A change of a record, as a step of a plan.
pub(in crate::actions) struct RecordChange {
    /// The step.
    pub(in crate::actions) step: Draft,
    /// A description of what it does.
    pub(in crate::actions) words: String,
    /// Warnings for whoever decides.
    pub(in crate::actions) warnings: Vec<String>,
}

impl RecordChange {
    /// Finds what would change of a record; none where it holds all wanted values already.
    pub(super) fn find(
        ctx: &Context<'_>,
        wanted: &DesiredRecord,
        record: &Record,
        by_id: bool,
    ) -> Result<Option<Self>, Failure> {
        wanted.fits(record)?;
        let assignments: Vec<&Assignment> = wanted
            .assignments
            .iter()
            .filter(|set| record.holds(&set.path, &set.value) != Some(true))
            .filter(|set| by_id || !found_by(record, set))
            .collect();
        if assignments.is_empty() {
            return Ok(None);
        }
        change_to(ctx, wanted, record, &assignments).map(Some)
    }
}

fn change_to(
    ctx: &Context<'_>,
    wanted: &DesiredRecord,
    record: &Record,
    assignments: &[&Assignment],
) -> Result<RecordChange, Failure> {
    let (kind, id) = (wanted.kind, record.id());
    if assignments.iter().any(|set| set.path == EMAIL) && has_other_addresses(record) {
        return Err(failure::conflict(
            format!(
                "The person \"{}\" ({id}) has further e-mail addresses, and what becomes of them when the first one is changed is not known.",
                record.label()
            ),
            "Change the address in the CRM, or leave it out here.",
        ));
    }
    let updated_at = record.updated_at().ok_or_else(|| {
        failure::schema_mismatch(
            format!("{}.updatedAt", object(kind)),
            "The CRM does not say when the record was last changed, so a change by somebody else could not be noticed.",
        )
    })?;
    let leaves: Vec<Leaf> = assignments.iter().map(|set| set.leaf()).collect();
    let changes = assignments
        .iter()
        .filter_map(|set| {
            Some(Change {
                pointer: format!("/variables/data/{}", set.path.replace('.', "/")),
                before: record.held(&set.path)?.shown,
            })
        })
        .collect();
    let mut warnings = Vec::new();
    for set in assignments
        .iter()
        .filter(|set| record.held(&set.path).is_none())
    {
        warnings.push(format!(
            "What {} holds now is not shown: this skill does not read it, or the CRM key may not.",
            set.path
        ));
    }
    warnings.extend(wanted.warnings(ctx));
    let words = format!(
        "Change the {} \u{201c}{}\u{201d}: {}.",
        spoken(kind),
        record.label(),
        describe(assignments.iter().copied())
    );
    let step = mutations::step(
        changing(kind),
        mutations::update(kind),
        &serde_json::json!({ "id": id, "data": nested(&leaves) }),
        words.clone(),
    )?
    .replacing(
        changes,
        Basis {
            ref_: reference(kind, id),
            updated_at: Some(updated_at.to_string()),
        },
    );
    Ok(RecordChange {
        step,
        words,
        warnings,
    })
}

/// Checks whether a person has further e-mail addresses, or may have: they could not be read.
fn has_other_addresses(record: &Record) -> bool {
    let Record::Person(person) = record else {
        return false;
    };
    let mut others = person.emails.iter().flat_map(Emails::additional);
    others.next().is_some() || record.unreadable().has("emails")
}

/// Checks whether a value only identified the record: its name in other capitals, or one of its
/// addresses. Whoever searches by a name does not ask to rewrite it.
fn found_by(record: &Record, set: &Assignment) -> bool {
    let name = set.path == "name" || set.path.starts_with("name.");
    let held = record.held(&set.path).and_then(|held| held.value);
    let exact = |value: &Value| value.as_str().map(exact);
    // An address by which the record was found is one of its addresses; that it is not the first is
    // no wish to make it so.
    let address = set.path == EMAIL
        && match record {
            Record::Person(person) => {
                person
                    .emails
                    .iter()
                    .flat_map(Emails::additional)
                    .any(|other| {
                        set.value
                            .as_str()
                            .is_some_and(|email| email == other.to_lowercase())
                    })
            }
            _ => false,
        };
    address || name && held.is_some_and(|held| exact(&held) == exact(&set.value))
}

fn describe<'s>(assignments: impl IntoIterator<Item = &'s Assignment>) -> String {
    let lines: Vec<String> = assignments
        .into_iter()
        .map(|set| format!("{} \u{201c}{}\u{201d}", set.name, set.display))
        .collect();
    lines.join(", ")
}

fn creation(kind: Kind) -> &'static str {
    match kind {
        Kind::Person => "create-person",
        Kind::Company => "create-company",
        Kind::Opportunity => "create-opportunity",
        Kind::Task => "create-task",
    }
}

fn changing(kind: Kind) -> &'static str {
    match kind {
        Kind::Person => "update-person",
        Kind::Company => "update-company",
        Kind::Opportunity => "update-opportunity",
        Kind::Task => "update-task",
    }
}
