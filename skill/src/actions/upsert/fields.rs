//! The fields that can be set of each kind of record: the request has those of all kinds side by
//! side.

use crate::bindings::claw::crm::types::Kind;
use crate::bindings::exports::claw::crm::propose::UpsertRequest;
use crate::failure::{self, Failure};
use crate::twenty::kinds::spoken;

/// A field as callers name it, the kinds of record that have it, and a test for it in a request.
type RequestField = (&'static str, &'static [Kind], fn(&UpsertRequest) -> bool);

const PERSON: &[Kind] = &[Kind::Person];
const COMPANY: &[Kind] = &[Kind::Company];
const DEAL: &[Kind] = &[Kind::Opportunity];
const TASK: &[Kind] = &[Kind::Task];

const FIELDS: [RequestField; 20] = [
    ("name", &[Kind::Company, Kind::Opportunity], |given| {
        given.name.is_some()
    }),
    ("firstName", PERSON, |given| given.first_name.is_some()),
    ("lastName", PERSON, |given| given.last_name.is_some()),
    ("email", PERSON, |given| given.email.is_some()),
    ("phone", PERSON, |given| given.phone.is_some()),
    ("jobTitle", PERSON, |given| given.job_title.is_some()),
    ("domain", COMPANY, |given| given.domain.is_some()),
    ("amount", DEAL, |given| given.amount.is_some()),
    ("currency", DEAL, |given| given.currency.is_some()),
    ("stage", DEAL, |given| given.stage.is_some()),
    ("closeDate", DEAL, |given| given.close_date.is_some()),
    ("company", &[Kind::Person, Kind::Opportunity], |given| {
        given.company.is_some()
    }),
    ("contact", DEAL, |given| given.contact.is_some()),
    ("owner", &[Kind::Company, Kind::Opportunity], |given| {
        given.owner.is_some()
    }),
    ("title", TASK, |given| given.title.is_some()),
    ("note", TASK, |given| given.note.is_some()),
    ("due", TASK, |given| given.due.is_some()),
    ("status", TASK, |given| given.status.is_some()),
    ("assignee", TASK, |given| given.assignee.is_some()),
    (
        "custom",
        &[Kind::Person, Kind::Company, Kind::Opportunity, Kind::Task],
        |given| given.custom.is_some(),
    ),
];

/// Refuses a field that records of this kind do not have.
pub(super) fn check(request: &UpsertRequest) -> Result<(), Failure> {
    let kind = request.kind;
    let stranger = FIELDS
        .iter()
        .find(|(_, kinds, given)| given(request) && !kinds.contains(&kind));
    let Some((name, ..)) = stranger else {
        return Ok(());
    };
    Err(failure::invalid_input(
        *name,
        format!("a {} has no such field", spoken(kind)),
        format!(
            "Leave it out, or give one that a {} has: {}.",
            spoken(kind),
            names_of(kind)
        ),
    ))
}

/// Refuses a request that sets nothing.
pub(super) fn none(kind: Kind) -> Failure {
    failure::invalid_input(
        "kind",
        format!(
            "no field of the {} is given, so nothing is to be set",
            spoken(kind)
        ),
        format!("Give at least one of {}.", names_of(kind)),
    )
}

/// Lists the names of the fields of a kind.
fn names_of(kind: Kind) -> String {
    FIELDS
        .iter()
        .filter(|(_, kinds, _)| kinds.contains(&kind))
        .map(|(name, ..)| *name)
        .collect::<Vec<_>>()
        .join(", ")
}
