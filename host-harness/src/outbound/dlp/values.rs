//! Values that services returned during one call, and that must not cross to another service.
//!
//! Of every answer, each text of six characters or more and each number of four digits or more is
//! indexed with its places. A request to another service must not contain one of them, in any part
//! of it and between any words, unless
//!
//! - one of the value's places belongs to a disclosed field, or the value is part of a disclosed
//!   text;
//! - the caller's own arguments, or settings, contain it;
//! - it is not a value: a UUID, a type's name (`__typename`), or, in members that the manifest
//!   lists, an id (letters, digits, `_` and `-`) or a word of a fixed list (capitals, digits and
//!   `_`).
//!
//! Both sides are normalized: compatibility forms (NFKD) without diacritics and hidden characters,
//! confusables (UTS 39), one case, and one form for the digits of all scripts. Escapes of URLs,
//! HTML and JSON are decoded. Texts are matched as they are, and as letters and digits only,
//! whatever joins them: `NorthernDepot`, `Northern-Depot`; numbers whatever groups their digits,
//! and only as a whole. Of a text of 32 characters or more each piece of 24 counts. An answer that
//! is not JSON counts with its pieces between signs and line breaks. JSON in a text counts with its
//! own values too.
//!
//! This finds copies, not paraphrases. A guest that wants to deceive can spell a value out; it does
//! not get far with it, since a person sees what is sent.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

mod check;
mod exempt;
mod fold;
mod found;
mod index;
mod limits;
mod number;
mod outgoing;
mod places;
mod text;
mod walk;

use check::Check;
use index::Index;

pub use exempt::Exempt;
pub use found::{AnswerRecord, Crossing, IsDisclosed, RepeatedAt, RepeatedValue, ValueKind};
pub use limits::{ANSWERS_MAX, BYTES_MAX, DIGITS_MIN, JOINED_MIN, LONG_MIN, PIECE, TEXT_MIN};
pub use places::{MemberNames, RecordPlace};

/// The values of one call, by service. Taking in an answer is cheap: it is indexed once something
/// is about to go to another service.
#[derive(Debug, Default)]
pub struct Values {
    names: MemberNames,
    sources: Mutex<Vec<ServiceValues>>,
}

/// The answers of one service.
#[derive(Debug)]
struct ServiceValues {
    name: String,
    /// Answers that are not indexed yet.
    unread: Vec<(Arc<[RecordPlace]>, Bytes)>,
    answers: usize,
    bytes: usize,
    too_much: bool,
    index: Index,
}

impl Values {
    /// Creates a collection without any answers.
    #[must_use]
    pub fn new(names: MemberNames) -> Self {
        Self {
            names,
            sources: Mutex::default(),
        }
    }

    /// Keeps an answer of a service. Answers without records, such as a list of fields, need not be
    /// passed.
    pub fn take_in(&self, destination: &str, places: &Arc<[RecordPlace]>, body: Bytes) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sources.iter().position(|source| source.name == destination);
        let index = known.unwrap_or_else(|| {
            sources.push(ServiceValues {
                name: destination.to_owned(),
                unread: Vec::new(),
                answers: 0,
                bytes: 0,
                too_much: false,
                index: Index::default(),
            });
            sources.len() - 1
        });
        let Some(source) = sources.get_mut(index) else {
            return;
        };
        source.answers += 1;
        source.bytes = source.bytes.saturating_add(body.len());
        if source.answers > ANSWERS_MAX || source.bytes > BYTES_MAX {
            source.too_much = true;
            source.unread = Vec::new();
        } else if !body.is_empty() {
            source.unread.push((Arc::clone(places), body));
        }
    }

    /// Checks that a request to `to` contains no value of another destination that may not leave
    /// it. `texts` are all parts that could contain one: of a URL the parts that the guest chose,
    /// as sent or decoded; of a body its texts, numbers and member names, those of JSON in its
    /// texts included.
    ///
    /// # Errors
    /// Returns the value that would cross, or that there are too many answers to search.
    pub fn check(
        &self,
        to: &str,
        texts: &[&str],
        disclosed: IsDisclosed<'_>,
        exempt: &Exempt,
    ) -> Result<(), Crossing> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if texts.iter().all(|text| text.is_empty()) {
            return Ok(());
        }
        for source in sources.iter_mut().filter(|source| source.name != to) {
            source.read(&self.names);
            if source.too_much {
                let from = source.name.clone();
                return Err(Crossing::TooMuch { from });
            }
        }
        let others = (sources.iter().filter(|source| source.name != to))
            .map(|source| (source.name.as_str(), &source.index))
            .collect::<Vec<_>>();
        if others.iter().all(|(_, index)| index.is_empty()) {
            return Ok(());
        }
        Check::new(&others, texts, disclosed, exempt).run()
    }
}

impl Values {
    /// Returns the values of other destinations' records in a request to `to`, but for those that
    /// are disclosed or exempt.
    pub fn repeated(
        &self,
        to: &str,
        texts: &[&str],
        disclosed: IsDisclosed<'_>,
        exempt: &Exempt,
    ) -> Vec<RepeatedValue> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        for source in sources.iter_mut().filter(|source| source.name != to) {
            source.read(&self.names);
        }
        let others = (sources.iter().filter(|source| source.name != to))
            .map(|source| (source.name.as_str(), &source.index))
            .collect::<Vec<_>>();
        if others.iter().all(|(_, index)| index.is_empty()) {
            return Vec::new();
        }
        Check::new(&others, texts, disclosed, exempt).all()
    }

    /// Returns the number of bytes of answers kept.
    pub fn bytes(&self) -> usize {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.iter().map(|source| source.bytes).sum()
    }
}

impl ServiceValues {
    fn read(&mut self, names: &MemberNames) {
        for (places, body) in std::mem::take(&mut self.unread) {
            walk::answer(&mut self.index, &places, names, &body);
            self.too_much |= self.index.is_full();
        }
    }
}

#[cfg(test)]
mod tests;
