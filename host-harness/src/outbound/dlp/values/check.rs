//! Searches an outgoing request for values of other services.

use std::cell::{OnceCell, RefCell};
use std::collections::HashSet;

use super::index::{Index, IndexedText};
use super::number::{self, Decimal};
use super::outgoing::{Form, Haystack, pieces};
use super::text::{self, BREAK};
use super::{Crossing, Exempt, IsDisclosed, PIECE, RepeatedAt, RepeatedValue, TEXT_MIN, ValueKind};
use crate::json_path::PathStep;

pub(super) struct Check<'c> {
    sources: &'c [(&'c str, &'c Index)],
    outgoing: Haystack,
    disclosed: IsDisclosed<'c>,
    exempt: &'c Exempt,
    given: OnceCell<DisclosedTexts>,
    /// The values found, if all of them are wanted.
    found: Option<RefCell<Vec<RepeatedValue>>>,
}

/// Disclosed texts and numbers: a value that is part of one is disclosed with it.
struct DisclosedTexts {
    text: Haystack,
    numbers: HashSet<Decimal>,
}

impl<'c> Check<'c> {
    pub(super) fn new(
        sources: &'c [(&'c str, &'c Index)],
        texts: &[&str],
        disclosed: IsDisclosed<'c>,
        exempt: &'c Exempt,
    ) -> Self {
        Self {
            sources,
            outgoing: Haystack::of(texts.iter().copied()),
            disclosed,
            exempt,
            given: OnceCell::new(),
            found: None,
        }
    }

    /// Returns every value found with its records, instead of refusing the first.
    pub(super) fn all(mut self) -> Vec<RepeatedValue> {
        self.found = Some(RefCell::default());
        // Nothing is refused in this mode.
        let _ = self.run();
        self.found.map(RefCell::into_inner).unwrap_or_default()
    }

    /// Refuses a value, or collects it where all are wanted. A word of a fixed list is not a value.
    fn report(
        &self,
        from: &str,
        index: &Index,
        places: u32,
        (what, length): (ValueKind, usize),
    ) -> Result<(), Crossing> {
        let Some(found) = &self.found else {
            return crossing(from, index, places, what);
        };
        if index.telling(places).is_none() {
            return Ok(());
        }
        let mut records = Vec::new();
        index.each_record(places, &mut |record, steps| {
            let names = steps.iter().map(|step| match step {
                PathStep::Name(name) => Some((*name).to_owned()),
                PathStep::Index(_) => None,
            });
            records.push(RepeatedAt {
                kind: record.kind.to_owned(),
                id: record.id.to_owned(),
                place: names.collect(),
            });
        });
        if !records.is_empty() {
            found.borrow_mut().push(RepeatedValue {
                what,
                length,
                records,
            });
        }
        Ok(())
    }

    pub(super) fn run(&self) -> Result<(), Crossing> {
        for (from, index) in self.sources {
            for entry in index.entries() {
                match entry.is_long() {
                    true => self.long(from, index, entry)?,
                    false => self.short(from, index, entry)?,
                }
            }
        }
        let mut found = Ok(());
        number::each(self.outgoing.text(Form::Spaced), &mut |number| {
            if found.is_ok() {
                found = self.number(number);
            }
        });
        found
    }

    fn short(&self, from: &str, index: &Index, entry: &IndexedText) -> Result<(), Crossing> {
        let text = index.text_of(entry);
        let form = match entry.letters < TEXT_MIN {
            true => Form::Spaced,
            false => Form::Joined,
        };
        let held = self.outgoing.may_hold(form, entry.begins, entry.ends)
            && self.outgoing.holds_short(text, entry.letters);
        if !held
            || index.is_disclosed(entry.places, self.disclosed)
            || self.exempt.text.holds_short(text, entry.letters)
            || self.given().text.holds_short(text, entry.letters)
        {
            return Ok(());
        }
        self.report(from, index, entry.places, (ValueKind::Text, entry.length))
    }

    fn long(&self, from: &str, index: &Index, entry: &IndexedText) -> Result<(), Crossing> {
        let text = index.text_of(entry);
        self.pieces_of(from, index, entry, Form::Spaced, text)?;
        if entry.letters < PIECE {
            return Ok(());
        }
        self.pieces_of(from, index, entry, Form::Joined, &text::joined(text))
    }

    /// Searches for the pieces of a long text, in one form.
    fn pieces_of(
        &self,
        from: &str,
        index: &Index,
        entry: &IndexedText,
        form: Form,
        text: &str,
    ) -> Result<(), Crossing> {
        let mut found = Ok(());
        let mut allowed = 0;
        pieces(text, PIECE, |start, end, hash| {
            if end <= allowed || !self.outgoing.may_hold_piece(form, hash) {
                return true;
            }
            let (Some(piece), Some(rest)) = (text.get(start..end), text.get(start..)) else {
                return true;
            };
            if !self.outgoing.holds(form, piece) {
                return true;
            }
            // The first piece found decides about the whole text.
            if allowed == 0 && index.is_disclosed(entry.places, self.disclosed) {
                return false;
            }
            let exempt = together(self.exempt.text.text(form), piece, rest);
            let said = exempt.max(together(self.given().text.text(form), piece, rest));
            if said > 0 {
                allowed = start + said;
                return true;
            }
            found = self.report(from, index, entry.places, (ValueKind::Piece, entry.length));
            // One piece stands for the whole text.
            found.is_ok() && self.found.is_none()
        });
        found
    }

    fn number(&self, number: Decimal) -> Result<(), Crossing> {
        for (from, index) in self.sources {
            let Some(places) = index.number_at(number) else {
                continue;
            };
            if index.is_disclosed(places, self.disclosed)
                || self.exempt.numbers.contains(&number)
                || self.given().numbers.contains(&number)
            {
                continue;
            }
            let length = usize::try_from(number.count()).unwrap_or_default();
            self.report(from, index, places, (ValueKind::Number, length))?;
        }
        Ok(())
    }

    fn given(&self) -> &DisclosedTexts {
        self.given.get_or_init(|| {
            let mut text = String::new();
            let mut numbers = HashSet::new();
            for (_, index) in self.sources {
                for entry in index.entries() {
                    if index.is_disclosed(entry.places, self.disclosed) {
                        text.push_str(index.text_of(entry));
                        text.push(BREAK);
                    }
                }
                for (number, places) in index.numbers() {
                    if index.is_disclosed(places, self.disclosed) {
                        numbers.insert(number);
                    }
                }
            }
            number::each(&text, &mut |number| {
                numbers.insert(number);
            });
            let text = Haystack::of_read(text);
            DisclosedTexts { text, numbers }
        })
    }
}

/// Returns the number of bytes that `rest` and `other` have in common from the first occurrence of
/// `piece` in `other`; 0 if there is none.
fn together(other: &str, piece: &str, rest: &str) -> usize {
    let Some(at) = memchr::memmem::find(other.as_bytes(), piece.as_bytes()) else {
        return 0;
    };
    let there = other.as_bytes().get(at..).unwrap_or_default();
    there
        .iter()
        .zip(rest.as_bytes())
        .take_while(|(one, other)| one == other)
        .count()
}

/// Refuses a value, unless all its places are words of a fixed list.
fn crossing(from: &str, index: &Index, places: u32, what: ValueKind) -> Result<(), Crossing> {
    let Some(at) = index.telling(places) else {
        return Ok(());
    };
    let record = index.known(at.record);
    Err(Crossing::Value {
        from: from.to_owned(),
        what,
        record: record.map(|record| (record.kind.to_owned(), record.id.to_owned())),
        at: index.shown(at.node),
    })
}
