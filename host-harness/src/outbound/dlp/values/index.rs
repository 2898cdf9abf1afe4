//! An index of the values in a service's answers, each with all its places.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::fold::Order;
use super::number::Decimal;
use super::outgoing::add;
use super::{AnswerRecord, DIGITS_MIN, IsDisclosed, LONG_MIN, TEXT_MIN, text};
use crate::json_path::PathStep;

/// Maximum number of indexed places per service.
const PLACES_MAX: usize = 2_000_000;
/// Longest member name that a refusal repeats: longer ones are hardly names.
const NAME_MAX: usize = 40;

/// An index that no list has: none here gets so long.
pub(super) const NONE: u32 = u32::MAX;

/// A step of a path; names are interned.
#[derive(Debug, Clone, Copy)]
pub(super) enum StepAt {
    Name(u32),
    Index(u32),
}

/// A place in an answer: one step below another place.
#[derive(Debug, Clone, Copy)]
struct IndexedNode {
    above: u32,
    step: StepAt,
}

/// A record in an answer.
#[derive(Debug)]
struct IndexedRecord {
    kind: u32,
    id: Option<String>,
    /// Its place.
    node: u32,
}

/// A place of a value.
#[derive(Debug, Clone, Copy)]
struct IndexedPlace {
    node: u32,
    /// The record that it belongs to.
    record: u32,
    /// True if the value is a word of a fixed list there.
    word: bool,
    /// Another place of the same value.
    next: u32,
}

/// An indexed text.
#[derive(Debug)]
pub(super) struct IndexedText {
    start: usize,
    end: usize,
    /// Number of its characters.
    pub(super) length: usize,
    /// Number of its letters and digits, once normalized.
    pub(super) letters: usize,
    /// Hashes of its first and its last letters and digits, or of its characters if it has too few
    /// of those.
    pub(super) begins: u64,
    pub(super) ends: u64,
    /// The first of its places.
    pub(super) places: u32,
}

/// The index of one service's answers.
#[derive(Debug, Default)]
pub(super) struct Index {
    names: Vec<String>,
    numbers_of_names: HashMap<String, u32>,
    nodes: Vec<IndexedNode>,
    told: Vec<IndexedRecord>,
    places: Vec<IndexedPlace>,
    /// All normalized texts, one after the other.
    texts: String,
    entries: Vec<IndexedText>,
    by_text: HashMap<u64, u32>,
    numbers: HashMap<Decimal, u32>,
    full: bool,
}

/// The current place, while an answer is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) node: u32,
    pub(super) record: u32,
    /// The nearest member name above it.
    pub(super) name: u32,
}

impl Index {
    /// Returns true if nothing is indexed.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.numbers.is_empty()
    }

    /// Returns true if there were more places than the limit.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Interns a name.
    pub(super) fn name(&mut self, name: &str) -> u32 {
        if let Some(known) = self.numbers_of_names.get(name) {
            return *known;
        }
        let number = count(&self.names);
        self.names.push(name.to_owned());
        self.numbers_of_names.insert(name.to_owned(), number);
        number
    }

    /// Returns an interned name.
    pub(super) fn name_of(&self, number: u32) -> &str {
        get(&self.names, number).map_or("", String::as_str)
    }

    /// Adds a place below another one.
    pub(super) fn node(&mut self, above: u32, step: StepAt) -> u32 {
        if self.nodes.len() >= PLACES_MAX {
            self.full = true;
            return NONE;
        }
        self.nodes.push(IndexedNode { above, step });
        count(&self.nodes) - 1
    }

    /// Adds a record at a place; its id is not known yet.
    pub(super) fn record(&mut self, kind: &str, node: u32) -> u32 {
        let kind = self.name(kind);
        self.told.push(IndexedRecord {
            kind,
            id: None,
            node,
        });
        count(&self.told) - 1
    }

    /// Sets the id of a record.
    pub(super) fn identify(&mut self, record: u32, id: String) {
        if let Some(told) = usize::try_from(record)
            .ok()
            .and_then(|index| self.told.get_mut(index))
        {
            told.id = Some(id);
        }
    }

    /// Indexes a text, if it is long enough. `word` is true if it is a word of a fixed list there.
    pub(super) fn text(&mut self, at: At, given: &str, word: bool) {
        self.reading(at, given, word, Order::Case);
        if text::is_two_faced(given) {
            self.reading(at, given, word, Order::Form);
        }
    }

    fn reading(&mut self, at: At, given: &str, word: bool, order: Order) {
        let start = self.texts.len();
        let length = text::push(given, order, &mut self.texts);
        let added = self.texts.get(start..).unwrap_or_default();
        if length < TEXT_MIN || !added.contains(text::is_part) {
            self.texts.truncate(start);
            return;
        }
        let mut hasher = DefaultHasher::new();
        added.hash(&mut hasher);
        let mut key = hasher.finish();
        // Equal hashes of different texts are all but impossible; the second text then takes the
        // next key.
        let known = loop {
            match self.by_text.get(&key) {
                None => break None,
                Some(known)
                    if get(&self.entries, *known)
                        .is_some_and(|entry| self.text_of(entry) == added) =>
                {
                    break Some(*known);
                }
                Some(_) => key = key.wrapping_add(1),
            }
        };
        let entry = known.unwrap_or_else(|| {
            let letters = added.chars().filter(|c| text::is_part(*c)).count();
            let counts = |c: &char| letters < TEXT_MIN || text::is_part(*c);
            let begins = added.chars().filter(counts).take(TEXT_MIN).fold(0, add);
            let mut last = ['\0'; TEXT_MIN];
            let behind = added.chars().rev().filter(counts);
            last.iter_mut()
                .rev()
                .zip(behind)
                .for_each(|(place, c)| *place = c);
            self.by_text.insert(key, count(&self.entries));
            self.entries.push(IndexedText {
                start,
                end: self.texts.len(),
                length,
                letters,
                begins,
                ends: last.into_iter().fold(0, add),
                places: NONE,
            });
            count(&self.entries) - 1
        });
        if known.is_some() {
            self.texts.truncate(start);
        }
        let index = usize::try_from(entry).unwrap_or(usize::MAX);
        let first = self.entries.get(index).map_or(NONE, |entry| entry.places);
        let place = self.place(at, word, first);
        if let Some(entry) = self.entries.get_mut(index) {
            entry.places = place;
        }
    }

    /// Indexes a number and its integer part, each if it has enough digits.
    pub(super) fn number(&mut self, at: At, number: Decimal) {
        let whole = number.whole();
        for number in [Some(number), Some(whole).filter(|whole| *whole != number)]
            .into_iter()
            .flatten()
        {
            if number.count() >= DIGITS_MIN {
                let first = self.numbers.get(&number).copied().unwrap_or(NONE);
                let place = self.place(at, false, first);
                self.numbers.insert(number, place);
            }
        }
    }

    fn place(&mut self, at: At, word: bool, next: u32) -> u32 {
        if self.places.len() >= PLACES_MAX {
            self.full = true;
            return next;
        }
        self.places.push(IndexedPlace {
            node: at.node,
            record: at.record,
            word,
            next,
        });
        count(&self.places) - 1
    }

    /// Returns the indexed texts.
    pub(super) fn entries(&self) -> &[IndexedText] {
        &self.entries
    }

    /// Returns the indexed numbers, each with the first of its places.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (Decimal, u32)> {
        self.numbers
            .iter()
            .map(|(number, places)| (*number, *places))
    }

    /// Returns the first place of a number.
    pub(super) fn number_at(&self, number: Decimal) -> Option<u32> {
        self.numbers.get(&number).copied()
    }

    /// Returns the normalized text of an entry.
    pub(super) fn text_of(&self, entry: &IndexedText) -> &str {
        self.texts.get(entry.start..entry.end).unwrap_or_default()
    }

    fn each_place(&self, first: u32) -> impl Iterator<Item = &IndexedPlace> {
        std::iter::successors(get(&self.places, first), |place| {
            get(&self.places, place.next)
        })
    }

    /// Returns a place where a value is more than a word of a fixed list, if possible one in a
    /// record.
    pub(super) fn telling(&self, first: u32) -> Option<At> {
        (self.each_place(first))
            .filter(|place| !place.word)
            .max_by_key(|place| place.record != NONE)
            .map(|place| At {
                node: place.node,
                record: place.record,
                name: NONE,
            })
    }

    /// Returns true if one of a value's places belongs to a disclosed field.
    pub(super) fn is_disclosed(&self, first: u32, disclosed: IsDisclosed<'_>) -> bool {
        self.each_place(first).any(|place| {
            let Some((told, record)) = self.record_of(place.record) else {
                return false;
            };
            let steps = self.steps(place.node, told.node);
            disclosed(&record, &steps)
        })
    }

    /// Calls `call` for each place of a value in a record whose id is known: with the record, and
    /// the steps to the place in it.
    pub(super) fn each_record(
        &self,
        first: u32,
        call: &mut dyn FnMut(&AnswerRecord<'_>, &[PathStep<'_>]),
    ) {
        for place in self.each_place(first) {
            if let Some((told, record)) = self.record_of(place.record) {
                call(&record, &self.steps(place.node, told.node));
            }
        }
    }

    /// Returns a record, if its id is known.
    pub(super) fn known(&self, record: u32) -> Option<AnswerRecord<'_>> {
        self.record_of(record).map(|(_, record)| record)
    }

    fn record_of(&self, record: u32) -> Option<(&IndexedRecord, AnswerRecord<'_>)> {
        let told = get(&self.told, record)?;
        let id = told.id.as_deref()?;
        let kind = self.name_of(told.kind);
        Some((told, AnswerRecord { kind, id }))
    }

    /// Returns the steps to a place from one above it.
    fn steps(&self, node: u32, from: u32) -> Vec<PathStep<'_>> {
        let mut steps = Vec::new();
        let mut at = node;
        while at != from
            && let Some(node) = get(&self.nodes, at)
        {
            steps.push(match node.step {
                StepAt::Name(name) => PathStep::Name(self.name_of(name)),
                StepAt::Index(index) => {
                    PathStep::Index(usize::try_from(index).unwrap_or(usize::MAX))
                }
            });
            at = node.above;
        }
        steps.reverse();
        steps
    }

    /// Renders a place for people, with `*` for an index and for a name that could be data.
    pub(super) fn shown(&self, node: u32) -> String {
        let steps = self.steps(node, NONE);
        if steps.is_empty() {
            return "/".to_owned();
        }
        let is_name = |name: &str| {
            (1..=NAME_MAX).contains(&name.len())
                && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        steps.iter().fold(String::new(), |shown, step| match step {
            PathStep::Name(name) if is_name(name) => shown + "/" + name,
            PathStep::Name(_) | PathStep::Index(_) => shown + "/*",
        })
    }
}

impl IndexedText {
    /// Returns true if it is searched for in pieces.
    pub(super) fn is_long(&self) -> bool {
        self.length >= LONG_MIN
    }
}

/// Returns the length of a list, which its limit keeps below [`NONE`].
fn count<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(NONE)
}

fn get<T>(list: &[T], index: u32) -> Option<&T> {
    list.get(usize::try_from(index).ok()?)
}
