//! Finds the company whose deals are meant, by its id or its name.

use crate::actions::full_text::{self, MatchReason, SearchHit};
use crate::actions::input::reference;
use crate::actions::search_term::SearchTerm;
use crate::bindings::claw::crm::types::Kind;
use crate::bindings::claw::skill::types::Candidate;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::names::{self, Choice, Likeness};
use crate::text::{self, Text};
use crate::twenty::values::named;

/// The most hits of a name that are examined.
const HITS: u32 = 60;
/// The most candidates that are offered.
const CANDIDATES: usize = 10;

/// A company that a filter names.
pub(super) struct Company {
    pub(super) id: String,
    /// Its name; none of one that was given by its id.
    pub(super) name: Option<String>,
}

impl Company {
    /// Returns the company for people.
    pub(super) fn shown(&self) -> String {
        let name = self.name.clone();
        name.unwrap_or_else(|| format!("the company {}", self.id))
    }
}

/// Finds the company that is meant: the one of the id; the one of that name, whatever the accents;
/// else the only one with every word of it. A similar spelling is offered, never taken.
pub(super) fn find(ctx: &Context<'_>, given: &str) -> Result<Company, Failure> {
    let given = text::words("company", given)?;
    let asked = SearchTerm::parse(&given);
    if let SearchTerm::Id(of, id) = &asked {
        return match of {
            None | Some(Kind::Company) => Ok(Company {
                id: id.clone(),
                name: None,
            }),
            Some(_) => Err(missing(&given)),
        };
    }
    let hits = full_text::find(ctx, &asked, &[Kind::Company], HITS)?.found;
    let labels: Vec<String> = hits.iter().map(label).collect();
    let none: &[String] = &[];
    let choice = match &asked {
        SearchTerm::Domain(_) => Choice::Several((0..hits.len()).collect()),
        asked => {
            let words = asked.words().unwrap_or(&given);
            let records = labels.iter().map(|label| (label.as_str(), none));
            names::choose(words, Likeness::Exact, records)
        }
    };
    let near = |hit: &SearchHit| {
        hit.matched == MatchReason::SimilarName || names::is_near(&given, &[&label(hit)])
    };
    let fitting: Vec<&SearchHit> = match &choice {
        Choice::One(at) => hits.get(*at).into_iter().collect(),
        Choice::Several(several) => several.iter().filter_map(|&at| hits.get(at)).collect(),
        Choice::None => hits.iter().filter(|hit| near(hit)).collect(),
    };
    match (fitting.as_slice(), choice) {
        ([], _) => Err(missing(&given)),
        ([one], Choice::One(_) | Choice::Several(_)) => Ok(Company {
            id: one.id.clone(),
            name: Some(label(one)),
        }),
        (several, _) => Err(ambiguous(&given, several)),
    }
}

fn label(hit: &SearchHit) -> String {
    let label = hit.label.as_ref().filter(|label: &&Text| !label.is_empty());
    text::line(named(label), text::LABEL).0
}

fn missing(given: &str) -> Failure {
    failure::not_found(
        format!("There is no company \"{given}\", or it was deleted."),
        "Search for it with crm_search and give its id as `company`.",
    )
}

fn ambiguous(given: &str, fitting: &[&SearchHit]) -> Failure {
    let candidates = fitting
        .iter()
        .take(CANDIDATES)
        .map(|hit| Candidate {
            ref_: reference(Kind::Company, &hit.id),
            label: label(hit),
            details: String::new(),
        })
        .collect();
    failure::ambiguous(
        "company",
        format!("\"{given}\" does not say which company is meant."),
        candidates,
    )
}
