//! What came from services during one call, and may not cross to another.
//!
//! Of every answer each text of six characters or more and each number of four digits or more is known by where it stood. What is
//! about to be sent elsewhere must not hold one of them, in whatever place and between whatever words, unless
//!
//! - one of the places where it stood is of a field that is disclosed, or it stands in a text that is;
//! - the caller's own arguments, or settings, say it;
//! - it is no value: a UUID, a type's name (`__typename`), or, under names that the manifest lists, an id (letters, digits, `_` and
//!   `-`) or a word of a fixed list (capitals, digits and `_`).
//!
//! Both sides are read in one spelling: compatibility forms (NFKD) without marks and hidden characters, confusables as UTS 39 has
//! them, in one case, digits of all scripts as one. Escapes of URLs, HTML and JSON are read as what they stand for. Texts are matched
//! as they stand, and as letters and digits alone, whatever joins them: `NorthernDepot`, `Northern-Depot`; numbers whatever stands
//! between their groups of digits, and only as a whole. Of a text of 32 characters or more each piece of 24 counts. An answer that is
//! no JSON counts with its pieces between signs and line breaks. JSON in a text counts with its own values too.
//!
//! It finds what is copied, not what is reworded. A guest that wants to deceive can spell a value out; it does not get far with it,
//! since a person sees what is sent.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde_json::Value;
use thiserror::Error;

use crate::json_path::{Pattern, Step};

mod check;
mod fold;
mod index;
mod number;
mod outgoing;
mod text;
mod walk;

use check::Check;
use index::Index;
use number::Decimal;
use outgoing::{Form, Haystack};

/// Fewest characters of a text that counts.
pub const TEXT_MIN: usize = 6;
/// Fewest digits of a number that counts.
pub const DIGITS_MIN: u32 = 4;
/// From how many characters on a text counts in pieces.
pub const LONG_MIN: usize = 32;
/// How many characters a piece has.
pub const PIECE: usize = 24;
/// From how many letters and digits on a text is found wherever they stand in a row; a shorter one between whole words.
pub const JOINED_MIN: usize = 10;
/// Most answers that are kept of a service; with more, nothing may go from it to another.
pub const ANSWERS_MAX: usize = 256;
/// Most bytes that are kept of a service's answers; with more, nothing may go from it to another.
pub const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Where answers of a service tell of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPlace {
    /// The records' kind, in the skill's words.
    pub kind: String,
    /// Where in the whole answer. The record's `id` stands in it; where one stands in another, its values are of the inner one.
    pub at: Pattern,
}

/// A record that an answer told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'v> {
    /// Its kind, in the skill's words.
    pub kind: &'v str,
    /// Its id.
    pub id: &'v str,
}

/// Says whether a field is disclosed: of this record, at this place in it.
pub type Disclosed<'f> = &'f dyn Fn(&Record<'_>, &[Step<'_>]) -> bool;

/// A value would cross from one service to another. Never holds the value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Crossing {
    /// A value that nothing discloses.
    #[error(
        "it holds a {what} that came from `{from}`{} at `{at}`, and nothing says that it may be given away",
        record.as_ref().map(|(kind, id)| format!(", of {kind} {id},")).unwrap_or_default()
    )]
    Value {
        /// The destination that it came from.
        from: String,
        /// What it is.
        what: What,
        /// Kind and id of the record that it is of, if it is known to be of one.
        record: Option<(String, String)>,
        /// Where it stood in the answer: steps with `*` for the number of an item.
        at: String,
    },
    /// So much came from a service that it cannot be looked through.
    #[error(
        "more came from `{from}` than can be looked through, so nothing may go to another service in this call"
    )]
    TooMuch {
        /// The destination.
        from: String,
    },
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A text.
    Text,
    /// A piece of a long text.
    Piece,
    /// A number.
    Number,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Piece => "piece of a text",
            Self::Number => "number",
        })
    }
}

/// A value of records that is repeated in what is about to be sent. Never holds the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeat {
    /// What it is.
    pub what: What,
    /// Its characters or digits.
    pub length: usize,
    /// Each place where it stood.
    pub records: Vec<RepeatedAt>,
}

/// A place in a record where a repeated value stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepeatedAt {
    /// The record's kind, in the skill's words.
    pub kind: String,
    /// The record's id.
    pub id: String,
    /// Where in it: names, and none for the number of an item.
    pub place: Vec<Option<String>>,
}

/// What may go anywhere since it came from no service: what the caller said, and settings.
#[derive(Debug, Default)]
pub struct Exempt {
    text: Haystack,
    numbers: HashSet<Decimal>,
}

impl Exempt {
    /// Of the texts and numbers of a call's arguments, and of settings.
    #[must_use]
    pub fn of<'s>(arguments: &Value, settings: impl IntoIterator<Item = &'s str>) -> Self {
        let mut texts = Vec::new();
        said(arguments, &mut texts);
        texts.extend(settings.into_iter().map(str::to_owned));
        let text = Haystack::as_given(texts.iter().map(String::as_str));
        let mut numbers = HashSet::new();
        number::each(text.text(Form::Spaced), &mut |number| {
            numbers.insert(number);
        });
        Self { text, numbers }
    }
}

/// Collects the texts and numbers of arguments.
fn said(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Number(number) => texts.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| said(item, texts)),
        Value::Object(members) => members.values().for_each(|member| said(member, texts)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// What a manifest says of members of answers, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Their numbers count in millionths: the numbers that they stand for are known too.
    pub micros: HashSet<String>,
    /// Their texts are words of a fixed list, if they look like one.
    pub words: HashSet<String>,
    /// Their texts and numbers are ids, if they look like one.
    pub ids: HashSet<String>,
}

/// What came from services during one call. Taking an answer in costs next to nothing; it is read when something is about to go to
/// another service.
#[derive(Debug, Default)]
pub struct Values {
    names: Names,
    sources: Mutex<Vec<Source>>,
}

/// What came from one service.
#[derive(Debug)]
struct Source {
    name: String,
    /// Not read yet.
    unread: Vec<(Arc<[RecordPlace]>, Bytes)>,
    answers: usize,
    bytes: usize,
    too_much: bool,
    index: Index,
}

impl Values {
    /// None yet.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self {
            names,
            sources: Mutex::default(),
        }
    }

    /// Keeps a service's answer. What tells of no record, such as a list of fields, need not be given.
    pub fn take_in(&self, destination: &str, places: &Arc<[RecordPlace]>, body: Bytes) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sources.iter().position(|source| source.name == destination);
        let index = known.unwrap_or_else(|| {
            sources.push(Source {
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

    /// Whether what is about to be sent holds nothing that came from another destination and may not leave it. `texts` are those in
    /// which something could stand: of a URL the parts that are the guest's choice, as sent or decoded; of a body its texts, numbers
    /// and names of members, those of JSON in its texts too.
    ///
    /// # Errors
    /// What would cross, or that it cannot be known.
    pub fn check(
        &self,
        to: &str,
        texts: &[&str],
        disclosed: Disclosed<'_>,
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
    /// Returns the values of other destinations' records that are about to be sent to one, but for those that are disclosed or exempt.
    pub fn repeated(
        &self,
        to: &str,
        texts: &[&str],
        disclosed: Disclosed<'_>,
        exempt: &Exempt,
    ) -> Vec<Repeat> {
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

    /// Returns how many bytes of answers are kept.
    pub fn bytes(&self) -> usize {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.iter().map(|source| source.bytes).sum()
    }
}

impl Source {
    fn read(&mut self, names: &Names) {
        for (places, body) in std::mem::take(&mut self.unread) {
            walk::answer(&mut self.index, &places, names, &body);
            self.too_much |= self.index.is_full();
        }
    }
}

#[cfg(test)]
mod tests;
