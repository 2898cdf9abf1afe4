//! Searches names with the CRM's full-text search, which does not match accents (its `ilike` does).

use serde::{Deserialize, Serialize};

use super::search_term::SearchTerm;
use crate::bindings::claw::crm::types::Kind;
use crate::context::Context;
use crate::failure::Failure;
use crate::names::{Likeness, TRUSTED, distance, has_word, likeness, loose, words_in};
use crate::text::Text;
use crate::twenty::kinds::{kind, object};
use crate::twenty::{Document, Query, documents, fetch};

/// The most hits that are compared with a word that may be misspelt, and the most that Twenty gives
/// at once.
const COMPARED: u32 = 100;
/// The most similar names that are shown.
const SIMILAR: usize = 10;

/// Asks the full-text search.
#[derive(Debug, Serialize)]
pub struct Search {
    query: String,
    kinds: Vec<&'static str>,
    limit: u32,
}

/// The answer to [`Search`].
#[derive(Debug, Deserialize)]
pub struct SearchData {
    search: Option<SearchConnection>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SearchConnection {
    edges: Vec<SearchEdge>,
    page_info: SearchPageInfo,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SearchPageInfo {
    has_next_page: bool,
}

#[derive(Debug, Deserialize)]
struct SearchEdge {
    node: SearchRecord,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SearchRecord {
    record_id: String,
    object_name_singular: String,
    label: Option<Text>,
    ts_rank: Option<f32>,
    #[serde(rename = "tsRankCD")]
    ts_rank_cd: Option<f32>,
}

impl Query for Search {
    const DOCUMENT: &'static Document = &documents::SEARCH;
    type Answer = SearchData;
}

/// The reason for a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MatchReason {
    /// By its id.
    Id,
    /// By its name.
    Name,
    /// By a name that is written otherwise, or is misspelt.
    SimilarName,
    /// By some of the words.
    SomeWords,
    /// By a phone number.
    Phone,
    /// By an e-mail address.
    Email,
    /// By a domain.
    Domain,
    /// By another text of it.
    OtherText,
}

impl MatchReason {
    /// Returns the reason in words.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::SimilarName => "similar name",
            Self::SomeWords => "some of the words",
            Self::Phone => "phone number",
            Self::Email => "e-mail address",
            Self::Domain => "domain",
            Self::OtherText => "other text",
        }
    }
}

/// A record that was found.
#[derive(Debug, Clone)]
pub(super) struct SearchHit {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) label: Option<Text>,
    pub(super) rank: f32,
    pub(super) matched: MatchReason,
    likeness: Likeness,
}

/// The hits of a search, best first.
#[derive(Debug, Default)]
pub(super) struct SearchHits {
    pub(super) found: Vec<SearchHit>,
    /// Set if there may be more.
    pub(super) more: bool,
    /// A note about hits that could not be read.
    pub(super) lost: Option<String>,
}

/// Searches for records in one request, or in two where nothing has all of the words: the second
/// looks for similar spellings. An id needs no request.
///
/// # Errors
/// As `failure` says; nothing found is an empty list.
pub(super) fn find(
    ctx: &Context<'_>,
    asked: &SearchTerm,
    kinds: &[Kind],
    limit: u32,
) -> Result<SearchHits, Failure> {
    find_until(ctx, asked, kinds, limit, |_| false)
}

/// Searches as [`find`] does, and skips the second request where the first hits are enough.
pub(super) fn find_until(
    ctx: &Context<'_>,
    asked: &SearchTerm,
    kinds: &[Kind],
    limit: u32,
    enough: impl Fn(&[SearchHit]) -> bool,
) -> Result<SearchHits, Failure> {
    if let SearchTerm::Id(of, id) = asked {
        let known = |kind: &&Kind| of.is_none_or(|of| of == **kind);
        let found = kinds.iter().filter(known).map(|&kind| SearchHit {
            kind,
            id: id.clone(),
            label: None,
            rank: 1.0,
            matched: MatchReason::Id,
            likeness: Likeness::Exact,
        });
        return Ok(SearchHits {
            found: found.collect(),
            ..SearchHits::default()
        });
    }
    let query = asked.query();
    // The search takes a text without letters and digits for none at all, and would list
    // everything.
    if !query.chars().any(char::is_alphanumeric) {
        return Ok(SearchHits::default());
    }
    let (mut all, complete) = fulltext(ctx, asked, &query, kinds, limit)?;
    let complete = complete || enough(&all.found);
    if let (SearchTerm::Words(words), false) = (asked, complete) {
        let similar = similar(ctx, words, kinds)?;
        all.found
            .retain(|hit| !similar.iter().any(|known| known.id == hit.id));
        all.found.splice(0..0, similar);
    }
    // The sort is stable: among equals the order of the CRM stays.
    all.found.sort_by_key(|hit| hit.likeness);
    Ok(all)
}

/// Sends a query, and reports whether any hit has all of its words.
fn fulltext(
    ctx: &Context<'_>,
    asked: &SearchTerm,
    query: &str,
    kinds: &[Kind],
    limit: u32,
) -> Result<(SearchHits, bool), Failure> {
    let reply = fetch(
        ctx,
        &Search {
            query: query.to_owned(),
            kinds: kinds.iter().map(|&kind| object(kind)).collect(),
            limit,
        },
    )?;
    let lost = reply.errors.lost("search");
    let found = reply.errors.root("search", reply.data.search)?;
    let mut complete = false;
    let mut hits = Vec::new();
    for record in found.edges.into_iter().map(|edge| edge.node) {
        let Some(kind) = kind(&record.object_name_singular) else {
            continue;
        };
        let whole = record.ts_rank_cd.is_some_and(|rank| rank > 0.0);
        complete |= whole;
        let name = record.label.as_ref().map_or("", Text::as_str);
        let likeness = match asked {
            SearchTerm::Words(words) => likeness(words, name),
            // Companies have domains; others only mention them.
            SearchTerm::Domain(_) if kind == Kind::Company => Likeness::Words,
            _ => Likeness::Other,
        };
        complete |= likeness < Likeness::Other;
        hits.push(SearchHit {
            kind,
            id: record.record_id,
            rank: record
                .ts_rank_cd
                .or(record.ts_rank)
                .filter(|rank| rank.is_finite())
                .unwrap_or(0.0),
            matched: matched(asked, likeness, whole, name),
            label: record.label,
            likeness,
        });
    }
    let all = SearchHits {
        found: hits,
        more: found.page_info.has_next_page,
        lost,
    };
    Ok((all, complete))
}

fn matched(asked: &SearchTerm, likeness: Likeness, whole: bool, name: &str) -> MatchReason {
    match (asked, likeness) {
        (SearchTerm::Id(..), _) => MatchReason::Id,
        (SearchTerm::Phone(_), _) => MatchReason::OtherText,
        (SearchTerm::Domain(_), _) => MatchReason::Domain,
        (SearchTerm::Words(words), _) if words.contains('@') && !words.contains(' ') => {
            MatchReason::Email
        }
        (SearchTerm::Words(_), Likeness::Exact | Likeness::Words) => MatchReason::Name,
        (SearchTerm::Words(_), Likeness::Loose | Likeness::Exchanged) => MatchReason::SimilarName,
        (SearchTerm::Words(words), Likeness::Other) => {
            let (name, words) = (loose(name), loose(words));
            let has = |word: &str| has_word(&name, word);
            match (whole, words_in(&words).all(has), words_in(&words).any(has)) {
                (_, true, true) => MatchReason::Name,
                (false, false, true) => MatchReason::SomeWords,
                _ => MatchReason::OtherText,
            }
        }
    }
}

/// Finds records with similarly spelt names: those with the same beginning, compared letter by
/// letter.
fn similar(ctx: &Context<'_>, words: &str, kinds: &[Kind]) -> Result<Vec<SearchHit>, Failure> {
    let words = loose(words);
    let begins: Vec<String> = words
        .split(' ')
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(|word| {
            if word.chars().count() > TRUSTED {
                word.chars().take(TRUSTED).collect()
            } else {
                word.to_owned()
            }
        })
        .collect();
    if begins.is_empty() || words.contains('@') {
        return Ok(Vec::new());
    }
    let asked = SearchTerm::Words(words.clone());
    let (all, _) = fulltext(ctx, &asked, &begins.join(" "), kinds, COMPARED)?;
    let mut near: Vec<(usize, SearchHit)> = Vec::new();
    for hit in all.found {
        let name = loose(hit.label.as_ref().map_or("", Text::as_str));
        if let Some(far) = distance(&words, &name) {
            let at = near.partition_point(|(known, _)| *known <= far);
            let hit = SearchHit {
                matched: MatchReason::SimilarName,
                likeness: Likeness::Words,
                ..hit
            };
            near.insert(at, (far, hit));
        }
    }
    near.truncate(SIMILAR);
    Ok(near.into_iter().map(|(_, hit)| hit).collect())
}
