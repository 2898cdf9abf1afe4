//! Recognises the form of a search term: an id, a phone number, a domain, or words.

use unicode_normalization::UnicodeNormalization as _;

use crate::bindings::claw::crm::types::Kind;
use crate::ids::is_uuid;
use crate::names::{is_apostrophe, is_dash};
use crate::text::LONGEST_NAME;
use crate::twenty::kinds::kind;
use crate::twenty::records::domain;

/// Fewest and most digits of a phone number (E.164, and the shortest that is worth looking for).
const DIGITS: std::ops::RangeInclusive<usize> = 6..=15;

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
    pub(super) fn query(&self) -> String {
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
    words.chars().take(LONGEST_NAME).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
