//! Names as people write them: compared exactly first, then regardless of what people leave out or
//! write otherwise, and found by the CRM's full-text search, which does not match accents (its
//! `ilike` does).

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::{is_uuid, kind, object};
use crate::bindings::claw::crm::types::Kind;
use crate::context::Context;
use crate::failure::Failure;
use crate::text::Text;
use crate::twenty::records::domain;
use crate::twenty::{Document, Query, documents, fetch};

/// The number of a word's first letters that are searched where the whole word is found nowhere,
/// and the fewest that identify a longer word.
const TRUSTED: usize = 3;
/// The most hits that are compared with a word that may be misspelt, and the most that Twenty gives
/// at once.
const COMPARED: u32 = 100;
/// The most similar names that are shown.
const SIMILAR: usize = 10;
/// Fewest and most digits of a phone number (E.164, and the shortest that is worth looking for).
const DIGITS: std::ops::RangeInclusive<usize> = 6..=15;

/// Normalises a text without loss for readers: one Unicode form, lower case, single spaces.
pub(super) fn exact(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| {
            word.nfc()
                .collect::<String>()
                .to_lowercase()
                .nfc()
                .collect()
        })
        .collect();
    words.join(" ")
}

/// Normalises a text to match other spellings: drops case, accents, width, apostrophes and hyphens,
/// and spells letters that are two elsewhere (ß and ss) alike.
pub(super) fn loose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let plain = text
        .chars()
        .filter(|&character| !is_apostrophe(character))
        .map(|character| if is_dash(character) { ' ' } else { character });
    for character in plain.collect::<String>().nfkd() {
        match character {
            // Accents of Latin, Greek and Cyrillic letters; marks of other scripts are letters of
            // their own.
            '\u{300}'..='\u{36f}' => {}
            other => other.to_lowercase().for_each(|lower| push(&mut out, lower)),
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Appends a letter in the spelling of Twenty's search, for letters that Unicode does not
/// decompose.
fn push(out: &mut String, letter: char) {
    match letter {
        'ß' => out.push_str("ss"),
        'æ' => out.push_str("ae"),
        'œ' => out.push_str("oe"),
        'ø' => out.push('o'),
        'ł' => out.push('l'),
        'đ' | 'ð' => out.push('d'),
        'þ' => out.push_str("th"),
        'ħ' => out.push('h'),
        'ı' => out.push('i'),
        '\u{300}'..='\u{36f}' => {}
        other => out.push(other),
    }
}

fn is_apostrophe(character: char) -> bool {
    matches!(
        character,
        '\'' | '`'
            | '\u{b4}'
            | '\u{2018}'
            | '\u{2019}'
            | '\u{201b}'
            | '\u{2bc}'
            | '\u{2b9}'
            | '\u{2032}'
            | '\u{ff07}'
    )
}

fn is_dash(character: char) -> bool {
    matches!(
        character,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}'
    )
}

/// The similarity of a name to the wanted one; smaller is closer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Likeness {
    /// It is the name.
    Exact,
    /// It is the name, written otherwise.
    Loose,
    /// It is the name with its words in another order.
    Exchanged,
    /// It has every word, or a longer one that begins with it.
    Words,
    /// None of that.
    Other,
}

/// Compares a name with the wanted one.
pub(crate) fn likeness(wanted: &str, name: &str) -> Likeness {
    if exact(wanted) == exact(name) {
        return Likeness::Exact;
    }
    let (wanted, name) = (loose(wanted), loose(name));
    if wanted.is_empty() {
        return Likeness::Other;
    }
    if wanted == name {
        return Likeness::Loose;
    }
    let sorted = |text: &str| {
        let mut words: Vec<String> = text
            .split([' ', ','])
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        words.sort();
        words
    };
    if sorted(&wanted) == sorted(&name) {
        return Likeness::Exchanged;
    }
    if has_all(&name, &wanted) {
        Likeness::Words
    } else {
        Likeness::Other
    }
}

/// The match of a word in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum WordMatch {
    /// Nowhere.
    Not,
    /// At the beginning of a longer word, with too few letters to tell that one from others.
    Beginning,
    /// As a word, or as a beginning that tells one.
    Found,
}

/// Matches a word in a text; both must be `loose`.
fn stands(text: &str, word: &str) -> WordMatch {
    // Scripts without case say more with a letter, and many of them put nothing between words.
    let caseless = !(word.is_ascii() || word.chars().any(char::is_lowercase));
    let telling = caseless || word.chars().count() >= TRUSTED;
    let is_part = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    let begins_within = |at: usize| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        !caseless && is_part(before) && is_part(word.chars().next())
    };
    let goes_on = |at: usize| {
        let after = text.get(at.saturating_add(word.len())..);
        is_part(after.and_then(|after| after.chars().next()))
    };
    text.match_indices(word)
        .filter(|(at, _)| !begins_within(*at))
        .map(|(at, _)| match telling || !goes_on(at) {
            true => WordMatch::Found,
            false => WordMatch::Beginning,
        })
        .max()
        .unwrap_or(WordMatch::Not)
}

/// Splits a text into words, without the punctuation around them.
fn words_in(text: &str) -> impl Iterator<Item = &str> {
    let around =
        |character: char| ",;:.!?\"()[]\u{201c}\u{201d}\u{201e}\u{ab}\u{bb}".contains(character);
    text.split(' ')
        .map(move |word| word.trim_matches(around))
        .filter(|word| !word.is_empty())
}

/// Checks that names together have every wanted word.
pub(super) fn together<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> bool {
    let names: Vec<String> = names.map(loose).collect();
    has_all(&names.join(" "), &loose(wanted))
}

/// Checks that a name has every word, and that one of them identifies it (`Bo L` is short for `Bo
/// Lang`, and `B` for too many); both must be `loose`.
fn has_all(name: &str, wanted: &str) -> bool {
    let all: Vec<WordMatch> = words_in(wanted).map(|word| stands(name, word)).collect();
    all.contains(&WordMatch::Found) && !all.contains(&WordMatch::Not)
}

/// Checks whether names together are close enough to be offered: they have half of the wanted
/// words, or words with half of the letters of the longer ones, allowing for a stray letter.
pub(super) fn is_near(wanted: &str, names: &[&str]) -> bool {
    let names = loose(&names.join(" "));
    let wanted = loose(wanted);
    let words: Vec<(usize, bool)> = words_in(&wanted)
        .map(|word| {
            let found = stands(&names, word) == WordMatch::Found || nearest(word, &names).is_some();
            (word.chars().count(), found)
        })
        .collect();
    let found = words.iter().filter(|(_, found)| *found).count();
    // Articles and the like say nothing for or against a name.
    let long = || words.iter().filter(|(letters, _)| *letters > TRUSTED);
    let letters: usize = long().map(|(letters, _)| letters).sum();
    let found_letters: usize = long()
        .filter(|(_, found)| *found)
        .map(|(letters, _)| letters)
        .sum();
    let half = |part: usize, whole: usize| part > 0 && part.saturating_mul(2) >= whole;
    half(found, words.len()) || half(found_letters, letters)
}

/// A search term, by its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SearchTerm {
    /// A record's id, of a kind where an address of the CRM names it.
    Id(Option<Kind>, String),
    /// A phone number.
    Phone(PhoneNumber),
    /// A web address, by its domain.
    Domain(String),
    /// Words.
    Words(String),
}

impl SearchTerm {
    /// Recognises the form of a caller's words.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.trim();
        let text = text.strip_prefix("mailto:").unwrap_or(text);
        if is_uuid(text) {
            return Self::Id(None, text.to_ascii_lowercase());
        }
        let is_address = text.contains("://") || text.to_ascii_lowercase().starts_with("www.");
        if is_address && !text.contains(char::is_whitespace) {
            return Self::address(text);
        }
        let spoken = text.strip_prefix("tel:").unwrap_or(text);
        if let Some(number) = PhoneNumber::parse(spoken) {
            return Self::Phone(number);
        }
        if is_domain(text) {
            return Self::Domain(domain(text));
        }
        Self::Words(without_possessives(text))
    }

    /// Reads an address; Twenty's own pages are `/object/<kind>/<id>`.
    fn address(text: &str) -> Self {
        let path = text.split(['?', '#']).next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').collect();
        let found = parts
            .iter()
            .zip(parts.iter().skip(1))
            .find(|(_, id)| is_uuid(id));
        match found {
            Some((before, id)) => Self::Id(kind(before), id.to_ascii_lowercase()),
            None => Self::Domain(domain(text)),
        }
    }

    /// Returns the words of a term that is words.
    pub(super) fn words(&self) -> Option<&str> {
        match self {
            Self::Words(words) => Some(words),
            Self::Id(..) | Self::Phone(_) | Self::Domain(_) => None,
        }
    }

    /// Returns the query for the full-text search.
    fn query(&self) -> String {
        match self {
            Self::Id(_, id) => id.clone(),
            Self::Phone(number) => number.candidates().join(" "),
            Self::Domain(domain) => domain.clone(),
            Self::Words(words) => searched(words),
        }
    }
}

/// Checks for a domain alone: labels of letters, digits and hyphens, the last one of letters.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|character| character.is_alphanumeric() || character == '-')
    };
    text.rsplit_once('.').is_some_and(|(rest, last)| {
        rest.split('.').all(label) && last.len() >= 2 && last.chars().all(char::is_alphabetic)
    })
}

/// Normalises words as the CRM's index does: one form, usual width, split at apostrophes.
fn searched(words: &str) -> String {
    let apart: String = words
        .chars()
        .map(|character| {
            if is_apostrophe(character) {
                ' '
            } else {
                character
            }
        })
        .collect();
    let words: String = apart.nfkc().collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    // Letters that come apart make a text longer than it was given.
    words.chars().take(super::LONGEST_NAME).collect()
}

/// Removes English possessives: "Sam's renewal" is about Sam.
fn without_possessives(text: &str) -> String {
    let words: Vec<&str> = text
        .split_whitespace()
        .map(|word| {
            let bare = word
                .strip_suffix(['s', 'S'])
                .and_then(|rest| rest.strip_suffix(is_apostrophe))
                .or_else(|| word.strip_suffix(is_apostrophe))
                .unwrap_or(word);
            if bare.is_empty() { word } else { bare }
        })
        .collect();
    words.join(" ")
}

/// A phone number as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PhoneNumber {
    digits: String,
    /// Set if it begins with its country's calling code.
    international: bool,
}

impl PhoneNumber {
    /// Parses a number; none where there are too few or too many digits for one, or characters that
    /// people do not write between them. A date is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text: String = text.nfkc().collect();
        let text = text.trim();
        let usual = |character: char| {
            character.is_ascii_digit()
                || character.is_whitespace()
                || is_dash(character)
                || "+()./".contains(character)
        };
        let date = text.parse::<jiff::civil::Date>().is_ok();
        if date || !text.chars().all(usual) || text.rfind('+').is_some_and(|at| at > 0) {
            return None;
        }
        // A zero in brackets is dialled within the country only.
        let dialled = text.replace("(0)", "");
        let digits: String = dialled.chars().filter(char::is_ascii_digit).collect();
        let abroad = digits.strip_prefix("00").filter(|_| !text.starts_with('+'));
        let international = text.starts_with('+') || abroad.is_some();
        let digits = abroad.map_or_else(|| digits.clone(), str::to_owned);
        DIGITS.contains(&digits.len()).then_some(Self {
            digits,
            international,
        })
    }

    /// Returns the possible national numbers: calling codes have one to three digits.
    fn candidates(&self) -> Vec<String> {
        let national = |skip: usize| {
            self.digits
                .get(skip..)
                .map(|rest| rest.trim_start_matches('0').to_owned())
        };
        let skips: &[usize] = if self.international { &[1, 2, 3] } else { &[0] };
        let mut candidates: Vec<String> = Vec::new();
        for candidate in skips.iter().filter_map(|&skip| national(skip)) {
            if candidate.len() >= 4 && !candidates.contains(&candidate) {
                candidates.push(candidate);
            }
        }
        candidates
    }

    /// Checks whether a number that the CRM holds, with its calling code, is this one.
    pub(super) fn is(&self, held: &str) -> bool {
        let digits = digits_of(held);
        if self.international {
            return digits == self.digits;
        }
        let own = self.digits.trim_start_matches('0');
        own.len() >= *DIGITS.start() && digits.ends_with(own) && digits.len() - own.len() <= 3
    }

    /// Checks whether a number that the CRM holds contains this one.
    pub(super) fn is_in(&self, held: &str) -> bool {
        let digits = digits_of(held);
        let mut candidates = self.candidates().into_iter();
        candidates.any(|candidate| digits.contains(&candidate))
    }
}

fn digits_of(held: &str) -> String {
    held.chars().filter(char::is_ascii_digit).collect()
}

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
pub(super) fn look(
    ctx: &Context<'_>,
    asked: &SearchTerm,
    kinds: &[Kind],
    limit: u32,
) -> Result<SearchHits, Failure> {
    look_until(ctx, asked, kinds, limit, |_| false)
}

/// Searches as [`look`] does, and skips the second request where the first hits are enough.
pub(super) fn look_until(
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
            let has = |word: &str| stands(&name, word) > WordMatch::Not;
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

/// Sums the letters by which words differ from the nearest ones of a name; none where one of them
/// is another word.
fn distance(words: &str, name: &str) -> Option<usize> {
    let mut sum = 0_usize;
    for word in words.split(' ') {
        sum = sum.saturating_add(nearest(word, name)?);
    }
    Some(sum)
}

/// Counts the letters by which a word differs from the nearest one of a name; none where that is
/// another word.
fn nearest(word: &str, name: &str) -> Option<usize> {
    let most = match word.chars().count() {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    };
    name.split(|character: char| !character.is_alphanumeric())
        .map(|known| strsim::osa_distance(word, known))
        .min()
        .filter(|near| *near <= most)
}

/// A choice among several records by name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// This one.
    One(usize),
    /// One of these.
    Several(Vec<usize>),
    /// None of them.
    None,
}

/// Chooses the only best fit among records, by their names and their aliases; a match by alias
/// counts as `alias`.
pub(super) fn choose<'n>(
    wanted: &str,
    alias: Likeness,
    records: impl Iterator<Item = (&'n str, &'n [String])>,
) -> Choice {
    let mut best = Likeness::Other;
    let mut fitting = Vec::new();
    for (at, (name, aliases)) in records.enumerate() {
        let known = |alias: &String| exact(alias) == exact(wanted);
        let by_alias = if aliases.iter().any(known) {
            alias
        } else {
            words_of(wanted, name, aliases)
        };
        let fit = likeness(wanted, name).min(by_alias);
        if fit == Likeness::Other {
            continue;
        }
        if fit < best {
            best = fit;
            fitting.clear();
        }
        if fit == best {
            fitting.push(at);
        }
    }
    match fitting.as_slice() {
        [] => Choice::None,
        [one] => Choice::One(*one),
        _ => Choice::Several(fitting),
    }
}

/// Checks whether name and aliases together have every word.
fn words_of(wanted: &str, name: &str, aliases: &[String]) -> Likeness {
    let all = loose(&format!("{name} {}", aliases.join(" ")));
    if has_all(&all, &loose(wanted)) {
        Likeness::Words
    } else {
        Likeness::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_alike_however_they_are_written() {
        for (wanted, name, expected) in [
            ("Jose Alvarez", "José Álvarez", Likeness::Loose),
            ("JOSÉ ÁLVAREZ", "José Álvarez", Likeness::Exact),
            (
                "Jose\u{301} A\u{301}lvarez",
                "José Álvarez",
                Likeness::Exact,
            ),
            ("Álvarez José", "Jose Alvarez", Likeness::Exchanged),
            ("Alvarez, Jose", "José Álvarez", Likeness::Exchanged),
            ("Strauss Soehne", "Strauß Söhne", Likeness::Other),
            ("Strauss Sohne", "Strauß Söhne", Likeness::Loose),
            ("STRAUSS", "Strauß", Likeness::Loose),
            ("O'Brien", "O\u{2019}Brien", Likeness::Loose),
            ("O\u{2bc}Brien", "OBrien", Likeness::Loose),
            ("Ａｃｍｅ", "Acme", Likeness::Loose),
            ("Lodz Sorensen", "Łódź Sørensen", Likeness::Loose),
            ("Anna Maria", "Anna-Maria", Likeness::Loose),
            ("anna", "Anna Berg", Likeness::Words),
            ("Anna Berg", "Anna Bergmann", Likeness::Words),
            ("Anna Berg", "Anne Burg", Likeness::Other),
            ("Anna", "Susanna Berg", Likeness::Other),
            ("no", "Northern depot", Likeness::Other),
            ("a", "Anna Berg", Likeness::Other),
            ("Bo", "Bo Berg", Likeness::Words),
            ("Bo B.", "Bo Berg", Likeness::Words),
            ("B B", "Bo Berg", Likeness::Other),
            (
                "Berg, \u{201c}Bo\u{201d}",
                "Bo \u{201c}the\u{201d} Berg",
                Likeness::Words,
            ),
            ("R&D", "New R&D site", Likeness::Words),
            ("東京", "東京電力", Likeness::Words),
            ("電力", "東京電力", Likeness::Words),
            ("...", "Anna", Likeness::Other),
            ("かき", "がき", Likeness::Other),
            ("", "Anna", Likeness::Other),
        ] {
            assert_eq!(likeness(wanted, name), expected, "{wanted} {name}");
        }
    }

    /// Recognises ids, addresses of the CRM, phone numbers, domains and words.
    #[test]
    fn search_term_is_recognised_by_its_form() {
        let id = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
        let words = |text: &str| SearchTerm::Words(text.to_owned());
        for (text, expected) in [
            (id.to_owned(), SearchTerm::Id(None, id.to_owned())),
            (
                format!("https://crm.example.com/object/person/{id}?viewId=1"),
                SearchTerm::Id(Some(Kind::Person), id.to_owned()),
            ),
            (
                format!(
                    "https://crm.example.com/object/opportunity/{}",
                    id.to_uppercase()
                ),
                SearchTerm::Id(Some(Kind::Opportunity), id.to_owned()),
            ),
            (
                "https://www.Acme.example/about".to_owned(),
                SearchTerm::Domain("acme.example".to_owned()),
            ),
            (
                "www.acme.example".to_owned(),
                SearchTerm::Domain("acme.example".to_owned()),
            ),
            ("Sam\u{2019}s renewal".to_owned(), words("Sam renewal")),
            ("the Joneses' house".to_owned(), words("the Joneses house")),
            ("'s".to_owned(), words("'s")),
            ("2026-03-31".to_owned(), words("2026-03-31")),
            (
                "acme.example".to_owned(),
                SearchTerm::Domain("acme.example".to_owned()),
            ),
            ("v2.0".to_owned(), words("v2.0")),
            ("St. Gallen".to_owned(), words("St. Gallen")),
            ("12345".to_owned(), words("12345")),
            ("Route 66 deal".to_owned(), words("Route 66 deal")),
            (
                "mailto:ada@example.com".to_owned(),
                words("ada@example.com"),
            ),
        ] {
            assert_eq!(SearchTerm::parse(&text), expected, "{text}");
        }
    }

    #[test]
    fn national_and_international_numbers_match() {
        for text in [
            "+49 30 1234567",
            "0049 30 1234567",
            "+49 (0)30 1234567",
            "030 1234567",
            "030/1234567",
            "(030) 123-4567",
            "tel:+49301234567",
            "\u{ff0b}\u{ff14}\u{ff19}301234567",
        ] {
            let SearchTerm::Phone(number) = SearchTerm::parse(text) else {
                panic!("{text} is no number")
            };
            assert!(number.is("+49 301234567"), "{text}");
            assert!(!number.is("+49 301234568"), "{text}");
            let candidates = number.candidates();
            assert!(
                candidates.contains(&"301234567".to_owned()),
                "{text}: {candidates:?}"
            );
        }
        let SearchTerm::Phone(abroad) = SearchTerm::parse("+43 30 1234567") else {
            panic!("no number")
        };
        assert!(!abroad.is("+49 301234567"));
    }

    #[test]
    fn the_best_fit_is_chosen_where_there_is_one() {
        let none: &[String] = &[];
        let choose = |wanted: &str, names: &[&str]| {
            choose(
                wanted,
                Likeness::Exact,
                names.iter().map(|name| (*name, none)),
            )
        };
        assert_eq!(
            choose("jose alvarez", &["José Álvarez", "Jose Alvarez"]),
            Choice::One(1)
        );
        assert_eq!(
            choose("jose alvarez", &["José Álvarez", "Josef Alvarez Ruiz"]),
            Choice::One(0)
        );
        assert_eq!(
            choose("jose", &["José Álvarez", "Josef Ruiz"]),
            Choice::Several(vec![0, 1])
        );
        assert_eq!(choose("nobody", &["José Álvarez"]), Choice::None);
    }

    #[test]
    fn near_names_share_half_of_the_words() {
        for (wanted, name, expected) in [
            ("no deal of this name", "Northern depot relaunch", false),
            ("no deal of this name", "Name tag printing", false),
            ("of", "Office move", false),
            ("the depot deal", "Northern depot relaunch", true),
            ("nothern depot deal", "Northern depot relaunch", true),
            ("big fish", "Big deal", true),
            ("acme renewal", "Acme pilot", true),
            ("acme support renewal", "Acme pilot", false),
            ("acme pilot renewal", "Acme pilot", true),
            ("Bo Li", "Bo Berg", true),
        ] {
            assert_eq!(is_near(wanted, &[name]), expected, "{wanted} {name}");
        }
        assert!(is_near(
            "pilot with bluefin",
            &["Pilot", "Bluefin Logistics"]
        ));
    }

    #[test]
    fn stray_letter_is_near_another_word_is_not() {
        for (words, name, expected) in [
            ("jefery", "jeffery lang", Some(1)),
            ("ingrids angebot", "angebot fur ingrid", Some(1)),
            ("nothern depot", "northern depot relaunch", Some(1)),
            ("depto", "northern depot", Some(1)),
            ("sam", "sim", None),
            ("acme renewal", "acme", None),
        ] {
            assert_eq!(distance(words, name), expected, "{words} {name}");
        }
    }
}
