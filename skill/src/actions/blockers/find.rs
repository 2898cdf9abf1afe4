//! Finds the deal that a name means: the one of that name, whatever its accents, or the only one
//! whose name and company's name have every word of it. A similar spelling is offered, never taken.

use serde::{Deserialize, Serialize};

use crate::actions::full_text::{self, MatchReason, SearchHit};
use crate::actions::render::parts;
use crate::actions::search_term::SearchTerm;
use crate::bindings::claw::crm::types::Kind;
use crate::bindings::claw::skill::types::{Candidate, RecordRef};
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::names::{self, Choice, Likeness, likeness};
use crate::text::{Cutter, Text};
use crate::twenty::mend::Unreadable;
use crate::twenty::values::{Colleague, Counted, JustName, named};
use crate::twenty::{Document, NOBODY, Query, documents, fetch};

/// The most candidates that are offered.
const CANDIDATES: usize = 10;
/// The most hits of a name that are examined.
const HITS: u32 = 60;

/// Asks for deals by their ids and by those of their companies.
#[derive(Debug, Serialize)]
pub struct Find {
    ids: Vec<String>,
    companies: Vec<String>,
}

/// The answer to [`Find`].
#[derive(Debug, Deserialize)]
pub struct FindData {
    opportunities: Option<Counted<DealHit>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DealHit {
    id: String,
    name: Option<Text>,
    stage: Text,
    close_date: Option<jiff::Timestamp>,
    company: Option<JustName>,
    #[expect(dead_code, reason = "selected for the harness: it decides by owners")]
    #[serde(rename = "ownerId")]
    owner: Option<Colleague>,
    #[serde(default, rename = "$unreadable")]
    unreadable: Unreadable,
}

impl DealHit {
    fn company_name(&self) -> Option<String> {
        let name = self.company.as_ref()?.name.as_ref()?;
        Some(name.as_str().to_owned())
    }
}

impl Query for Find {
    const DOCUMENT: &'static Document = &documents::BLOCKERS_FIND;
    type Answer = FindData;
}

/// Returns the id of the deal that is meant.
///
/// # Errors
/// `not-found` where none fits, `ambiguous` with the candidates where several do.
pub(super) fn by_name(ctx: &Context<'_>, name: &str) -> Result<String, Failure> {
    let asked = SearchTerm::parse(name);
    if let SearchTerm::Id(of, id) = &asked {
        return match of {
            None | Some(Kind::Opportunity) => Ok(id.clone()),
            Some(_) => Err(missing(name)),
        };
    }
    let kinds = [Kind::Opportunity, Kind::Company];
    let full_text::SearchHits {
        found: hits, more, ..
    } = full_text::find_until(ctx, &asked, &kinds, HITS, |hits| {
        // A deal and its company may have the words between them.
        let is = |kind: Kind| hits.iter().any(|one| one.kind == kind);
        let labels = hits.iter().filter_map(|one| one.label.as_ref());
        is(Kind::Opportunity)
            && is(Kind::Company)
            && names::have_all_words(name, labels.map(Text::as_str))
    })?;
    if hits.is_empty() {
        return Err(missing(name));
    }
    if let Some(id) = asked
        .words()
        .and_then(|words| told_by_name(words, &hits, more))
    {
        return Ok(id);
    }
    let ids = |wanted: Kind| {
        let found = hits.iter().filter(|one| one.kind == wanted);
        let ids: Vec<String> = found.map(|one| one.id.clone()).collect();
        if ids.is_empty() {
            vec![NOBODY.to_owned()]
        } else {
            ids
        }
    };
    let reply = fetch(
        ctx,
        &Find {
            ids: ids(Kind::Opportunity),
            companies: ids(Kind::Company),
        },
    )?;
    let found = reply
        .errors
        .root("opportunities", reply.data.opportunities)?;
    let total = found.total_count;
    let mut rows: Vec<DealHit> = found.rows().collect();
    let place = |row: &DealHit| hits.iter().position(|one| one.id == row.id);
    rows.sort_by_key(|row| place(row).unwrap_or(usize::MAX));
    let companies: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.company_name().into_iter().collect())
        .collect();
    let records = rows
        .iter()
        .zip(&companies)
        .map(|(row, company)| (named(row.name.as_ref()), company.as_slice()));
    let wanted = match &asked {
        SearchTerm::Domain(_) => Choice::Several((0..rows.len()).collect()),
        SearchTerm::Words(words) => names::choose(words, Likeness::Words, records),
        SearchTerm::Phone(_) | SearchTerm::Id(..) => names::choose(name, Likeness::Words, records),
    };
    match (wanted, rows.as_slice()) {
        (_, []) => Err(missing(name)),
        (Choice::One(at), rows) => rows
            .get(at)
            .map(|row| row.id.clone())
            .ok_or_else(|| missing(name)),
        (Choice::Several(_), [one]) => Ok(one.id.clone()),
        (Choice::Several(fitting), rows) => Err(ambiguous(
            ctx,
            name,
            u32::try_from(fitting.len()).unwrap_or(total),
            fitting.iter().filter_map(|&at| rows.get(at)),
        )),
        (Choice::None, rows) => {
            // What is written nearly so is offered; what only has a word or the beginning of one is
            // another deal.
            let near = |row: &&DealHit| {
                let hit = hits.iter().find(|one| one.id == row.id);
                let company = row.company_name().unwrap_or_default();
                hit.is_some_and(|one| one.matched == MatchReason::SimilarName)
                    || names::is_near(name, &[named(row.name.as_ref()), &company])
            };
            let near: Vec<&DealHit> = rows.iter().filter(near).collect();
            if near.is_empty() {
                return Err(missing(name));
            }
            let number = u32::try_from(near.len()).unwrap_or(total);
            Err(ambiguous(ctx, name, number, near.into_iter()))
        }
    }
}

/// Returns the id of the deal that its own name identifies: one that fits as a whole, or the only
/// one with every word where no company was found whose deals may have them too.
fn told_by_name(words: &str, hits: &[SearchHit], more: bool) -> Option<String> {
    let none: &[String] = &[];
    let deals: Vec<&SearchHit> = hits
        .iter()
        .filter(|one| one.kind == Kind::Opportunity)
        .collect();
    let label = |one: &SearchHit| one.label.as_ref().map_or("", Text::as_str).to_owned();
    let labels: Vec<String> = deals.iter().map(|one| label(one)).collect();
    let records = labels.iter().map(|label| (label.as_str(), none));
    let Choice::One(at) = names::choose(words, Likeness::Words, records) else {
        return None;
    };
    let whole = likeness(words, labels.get(at)?) < Likeness::Words;
    let is_told = !more && (whole || deals.len() == hits.len());
    deals.get(at).filter(|_| is_told).map(|one| one.id.clone())
}

fn missing(name: &str) -> Failure {
    failure::not_found(
        format!("There is no deal called \"{name}\", and none of a company of that name."),
        "Search for it with crm_search, or give its id.",
    )
}

fn ambiguous<'r>(
    ctx: &Context<'_>,
    name: &str,
    total: u32,
    rows: impl Iterator<Item = &'r DealHit>,
) -> Failure {
    let candidates = rows
        .take(CANDIDATES)
        .map(|row| {
            let mut cutter = Cutter::default();
            Candidate {
                ref_: RecordRef {
                    kind: "opportunity".to_owned(),
                    id: row.id.clone(),
                },
                label: cutter.label(named(row.name.as_ref())),
                details: parts([
                    Some(cutter.label(row.stage.as_str())),
                    row.close_date
                        .map(|date| format!("closes {}", ctx.zone().due(date).day)),
                    row.company
                        .as_ref()
                        .and_then(|company| company.name.as_ref())
                        .map(|name| cutter.label(name.as_str())),
                    row.unreadable.describe(),
                ]),
            }
        })
        .collect();
    failure::ambiguous(
        "opportunity",
        format!("{total} deals fit \"{name}\"."),
        candidates,
    )
}
