//! Picks the record to change among those of a lookup: the one with the id, else the only one with
//! the same address, else the only one of the same name.

use crate::actions::input::reference;
use crate::actions::render::parts;
use crate::bindings::claw::crm::types::Kind;
use crate::bindings::claw::skill::types::Candidate;
use crate::failure::{self, Failure};
use crate::text::{self, Text};
use crate::twenty::kinds::object;
use crate::twenty::records::Record;

/// The most candidates that are offered.
const CANDIDATES: usize = 10;

/// The record of a request after the lookup.
pub(super) struct LookupResult {
    /// The record to change; none to make one.
    pub(super) record: Option<Record>,
    /// Warnings for whoever decides.
    pub(super) warnings: Vec<String>,
}

/// The fit of a record to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It has the address that nobody else has.
    Address,
    /// It has the name, and nothing speaks against it.
    Name,
    /// It has the name, and something that tells it from what is asked.
    Namesake,
    /// It has the name, written otherwise: without accents, say, or with first and last name
    /// exchanged.
    Alike,
    /// It was found for another reason.
    Not,
}

/// Picks the record of an id. Another one with the same address is in the way: the CRM keeps
/// addresses unique.
pub(super) fn by_id(
    kind: Kind,
    id: &str,
    records: Vec<Record>,
    fit: impl Fn(&Record) -> Fit,
) -> Result<LookupResult, Failure> {
    let mut found = None;
    for record in records {
        if record.id() == id {
            found = Some(record);
        } else if fit(&record) == Fit::Address {
            return Err(failure::conflict(
                format!(
                    "Another {}, \"{}\" ({}), has this address already.",
                    object(kind),
                    record.label(),
                    record.id()
                ),
                "Change that one, or leave the address out.",
            ));
        }
    }
    let record = found.ok_or_else(|| {
        failure::not_found(
            format!(
                "There is no {} of this id, or it was deleted.",
                object(kind)
            ),
            "Search for it by name with crm_search.",
        )
    })?;
    Ok(LookupResult {
        record: Some(record),
        warnings: Vec::new(),
    })
}

/// Picks the record that is meant without an id; none where it does not exist yet.
pub(super) fn by_fit(
    kind: Kind,
    records: Vec<Record>,
    fit: impl Fn(&Record) -> Fit,
) -> Result<LookupResult, Failure> {
    let (mut same, mut named, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let mut alike = Vec::new();
    for record in records {
        match fit(&record) {
            Fit::Address => same.push(record),
            Fit::Name => named.push(record),
            Fit::Namesake => others.push(record),
            Fit::Alike => alike.push(record),
            Fit::Not => {}
        }
    }
    let by_name = same.is_empty();
    let mut fitting = if by_name { named } else { same };
    if fitting.len() > 1 {
        return Err(ambiguous(kind, fitting));
    }
    let mut warnings = Vec::new();
    let record = fitting.pop();
    match &record {
        Some(record) if by_name => warnings.push(format!(
            "\"{}\" ({}) was found by its name alone.",
            record.label(),
            record.id()
        )),
        Some(_) => {}
        None => {
            for other in others.iter().take(CANDIDATES) {
                warnings.push(format!(
                    "There is another {} of this name: {}.",
                    object(kind),
                    parts([Some(other.id().to_owned()), Some(details(other))])
                ));
            }
        }
    }
    // Never a second record without a word: whoever decides sees who is there already.
    for other in alike.iter().take(CANDIDATES) {
        warnings.push(format!(
            "There is another {} whose name is written otherwise: {}. If that is the one, call again with its id.",
            object(kind),
            parts([
                Some(format!("\"{}\"", other.label())),
                Some(other.id().to_owned()),
                Some(details(other))
            ])
        ));
    }
    Ok(LookupResult { record, warnings })
}

fn ambiguous(kind: Kind, records: Vec<Record>) -> Failure {
    let total = records.len();
    let candidates = records
        .iter()
        .take(CANDIDATES)
        .map(|record| Candidate {
            ref_: reference(kind, record.id()),
            label: record.label(),
            details: details(record),
        })
        .collect();
    failure::ambiguous(
        "id",
        format!("{total} {} records fit what is to be set.", object(kind)),
        candidates,
    )
}

/// Describes a record, to tell it from its namesakes.
fn details(record: &Record) -> String {
    let show = |text: Option<&Text>| {
        text.filter(|text| !text.is_empty())
            .map(|text| text::line(text.as_str(), text::LABEL).0)
    };
    let unreadable = record.unreadable().describe();
    match record {
        Record::Person(person) => parts([
            unreadable,
            show(person.job_title.as_ref()),
            show(person.company_name()),
            show(person.email()),
        ]),
        Record::Company(company) => parts([unreadable, show(company.link())]),
        Record::Opportunity(deal) => parts([
            unreadable,
            show(Some(&deal.stage)),
            show(
                deal.company
                    .as_ref()
                    .and_then(|company| company.name.as_ref()),
            ),
        ]),
        Record::Task(_) => String::new(),
    }
}
