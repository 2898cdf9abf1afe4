//! Looks in what is about to be sent for what came from elsewhere.

use std::cell::OnceCell;
use std::collections::HashSet;

use super::index::{Entry, Index};
use super::number::{self, Decimal};
use super::outgoing::{Outgoing, pieces};
use super::text::BREAK;
use super::{Crossing, Disclosed, Exempt, PIECE, What};

pub(super) struct Check<'c> {
    sources: &'c [(&'c str, &'c Index)],
    outgoing: Outgoing,
    disclosed: Disclosed<'c>,
    exempt: &'c Exempt,
    given: OnceCell<Given>,
}

/// What is disclosed, as a whole: a value that stands in it is given away with it.
struct Given {
    text: String,
    numbers: HashSet<Decimal>,
}

impl<'c> Check<'c> {
    pub(super) fn new(
        sources: &'c [(&'c str, &'c Index)],
        texts: &[&str],
        disclosed: Disclosed<'c>,
        exempt: &'c Exempt,
    ) -> Self {
        Self {
            sources,
            outgoing: Outgoing::of(texts),
            disclosed,
            exempt,
            given: OnceCell::new(),
        }
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
        number::each(self.outgoing.text(), &mut |number| {
            if found.is_ok() {
                found = self.number(number);
            }
        });
        found
    }

    fn short(&self, from: &str, index: &Index, entry: &Entry) -> Result<(), Crossing> {
        let text = index.text_of(entry);
        let held = self.outgoing.may_hold(entry.begins, entry.ends)
            && self.outgoing.holds_short(text, entry.length);
        if !held
            || index.is_disclosed(entry.places, self.disclosed)
            || self.exempt.text.contains(text)
            || self.given().text.contains(text)
        {
            return Ok(());
        }
        crossing(from, index, entry.places, What::Text)
    }

    fn long(&self, from: &str, index: &Index, entry: &Entry) -> Result<(), Crossing> {
        let text = index.text_of(entry);
        let mut found = Ok(());
        let mut allowed = 0;
        pieces(text, PIECE, |start, end, hash| {
            if end <= allowed || !self.outgoing.may_hold_piece(hash) {
                return true;
            }
            let (Some(piece), Some(rest)) = (text.get(start..end), text.get(start..)) else {
                return true;
            };
            if !self.outgoing.holds(piece) {
                return true;
            }
            // The first piece that is found decides about the whole.
            if allowed == 0 && index.is_disclosed(entry.places, self.disclosed) {
                return false;
            }
            let said = together(&self.exempt.text, piece, rest).max(together(
                &self.given().text,
                piece,
                rest,
            ));
            if said > 0 {
                allowed = start + said;
                return true;
            }
            found = crossing(from, index, entry.places, What::Piece);
            found.is_ok()
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
            crossing(from, index, places, What::Number)?;
        }
        Ok(())
    }

    fn given(&self) -> &Given {
        self.given.get_or_init(|| {
            let mut given = Given {
                text: String::new(),
                numbers: HashSet::new(),
            };
            for (_, index) in self.sources {
                for entry in index.entries() {
                    if index.is_disclosed(entry.places, self.disclosed) {
                        given.text.push_str(index.text_of(entry));
                        given.text.push(BREAK);
                    }
                }
                for (number, places) in index.numbers() {
                    if index.is_disclosed(places, self.disclosed) {
                        given.numbers.insert(number);
                    }
                }
            }
            number::each(&given.text, &mut |number| {
                given.numbers.insert(number);
            });
            given
        })
    }
}

/// How many bytes of a text's rest are in another text from where its first piece is found there; none if that is not.
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

/// A value crosses, unless all its places are words of a fixed list.
fn crossing(from: &str, index: &Index, places: u32, what: What) -> Result<(), Crossing> {
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
