//! A text as it is matched: one sign for each character that can be seen, in one spelling, with its
//! place in the text.

use alloc::string::String;
use alloc::vec::Vec;
#[cfg(test)]
use core::cell::Cell;

use crate::Kind;
use crate::decode::{self, Source};
use crate::unicode::{is_hidden, plain};

/// The sign of what is taken out already or must stay as it is. No detector takes it for anything.
pub(crate) const TAKEN: char = '\0';

/// A character, or several that count as one.
struct Sign {
    c: char,
    /// Start in the text.
    start: usize,
    /// End in the text, including the hidden characters that follow.
    end: usize,
    /// Index of the redacted thing that it belongs to.
    thing: Option<usize>,
}

/// A text, its signs, and what has been taken out of it.
pub(crate) struct View<'t> {
    text: &'t str,
    signs: Vec<Sign>,
    things: Vec<Kind>,
    #[cfg(test)]
    reads: Cell<usize>,
}

impl<'t> View<'t> {
    /// Reads a text. A marker is one sign, and none that anything is made of.
    pub(crate) fn of(text: &'t str) -> Self {
        Self::read(text, &decode::sources(text))
    }

    /// Reads a text with its escapes taken out; none where it has none.
    pub(crate) fn decoded(text: &'t str) -> Option<Self> {
        let sources = decoded(text)?;
        Some(Self::read(text, &sources))
    }

    /// Reads a text with letters that stand for digits as those, its escapes taken out; none where
    /// no letter does.
    pub(crate) fn loose(text: &'t str) -> Option<Self> {
        if !text.contains(['O', 'o', 'l', 'I']) {
            return None;
        }
        let mut sources = decoded(text).unwrap_or_else(|| decode::sources(text));
        loosen(&mut sources).then(|| Self::read(text, &sources))
    }

    fn read(text: &'t str, sources: &[Source]) -> Self {
        let mut signs: Vec<Sign> = Vec::with_capacity(sources.len());
        let mut at = 0;
        while let Some(first) = sources.get(at).copied() {
            let rest = sources.get(at..).unwrap_or_default();
            let (c, mut length) = opened(rest).unwrap_or((plain(first.c), 1));
            let mut start = first.start;
            if is_hidden(first.c) {
                if let Some(last) = signs.last_mut() {
                    last.end = first.end;
                }
                at += 1;
                continue;
            }
            // ` (at) ` is one sign with the spaces around it.
            if length > 1 && matches!(c, '@' | '.') {
                if let Some(space) = signs.pop_if(|last| last.c == ' ') {
                    start = space.start;
                }
                if rest.get(length).is_some_and(|next| next.c == ' ') {
                    length += 1;
                }
            }
            let end = rest.get(length - 1).map_or(first.end, |last| last.end);
            signs.push(Sign {
                c,
                start,
                end,
                thing: None,
            });
            at += length;
        }
        Self {
            text,
            signs,
            things: Vec::new(),
            #[cfg(test)]
            reads: Cell::new(0),
        }
    }

    /// The sign at an index.
    pub(crate) fn get(&self, index: usize) -> Option<char> {
        #[cfg(test)]
        self.reads.set(self.reads.get() + 1);
        self.signs.get(index).map(|sign| sign.c)
    }

    /// The sign before an index.
    pub(crate) fn before(&self, index: usize) -> Option<char> {
        self.get(index.checked_sub(1)?)
    }

    /// Returns true if the sign at an index matches.
    pub(crate) fn is(&self, index: usize, what: impl FnOnce(char) -> bool) -> bool {
        self.get(index).is_some_and(what)
    }

    /// Returns true if a word or number may begin at an index: no letter or digit precedes it.
    pub(crate) fn begins(&self, index: usize) -> bool {
        !self.before(index).is_some_and(char::is_alphanumeric)
    }

    /// Returns true if these ASCII characters stand at an index.
    pub(crate) fn starts(&self, index: usize, with: &str) -> bool {
        (with.chars().enumerate()).all(|(offset, c)| self.get(index + offset) == Some(c))
    }

    /// The index behind the signs of one sort that begin at an index.
    pub(crate) fn run(&self, mut index: usize, what: impl Fn(char) -> bool) -> usize {
        while self.is(index, &what) {
            index += 1;
        }
        index
    }

    /// The index behind at most so many signs of one sort.
    pub(crate) fn skip(&self, mut index: usize, most: usize, what: impl Fn(char) -> bool) -> usize {
        let end = index + most;
        while index < end && self.is(index, &what) {
            index += 1;
        }
        index
    }

    /// Returns true if all signs of a range are taken.
    pub(crate) fn is_taken(&self, from: usize, to: usize) -> bool {
        (from..to).all(|index| self.is(index, |c| c == TAKEN))
    }

    /// Takes a range out.
    pub(crate) fn take(&mut self, from: usize, to: usize, kind: Kind) {
        let thing = self.things.len();
        self.things.push(kind);
        for sign in self.signs.get_mut(from..to).unwrap_or_default() {
            sign.c = TAKEN;
            sign.thing = Some(thing);
        }
    }

    /// Keeps a range as it is, whatever the later steps would see in it.
    pub(crate) fn keep(&mut self, from: usize, to: usize) {
        for sign in self.signs.get_mut(from..to).unwrap_or_default() {
            sign.c = TAKEN;
        }
    }

    /// The text with markers, and what each stands for; none where nothing was taken out.
    pub(crate) fn rendered(&self) -> Option<(String, Vec<Kind>)> {
        if self.things.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(self.text.len());
        let mut found = Vec::new();
        let mut at = 0;
        let mut last = None;
        for sign in &self.signs {
            if let Some(thing) = sign.thing {
                if last != sign.thing
                    && let Some(kind) = self.things.get(thing)
                {
                    out.push_str(self.text.get(at..sign.start).unwrap_or_default());
                    out.push_str(kind.marker());
                    found.push(*kind);
                }
                at = sign.end;
            }
            last = sign.thing;
        }
        out.push_str(self.text.get(at..).unwrap_or_default());
        Some((out, found))
    }

    /// The number of times that signs were read.
    #[cfg(test)]
    pub(crate) fn reads(&self) -> usize {
        self.reads.get()
    }
}

/// A text's characters with its escapes taken out, as often as there are some.
fn decoded(text: &str) -> Option<Vec<Source>> {
    if !decode::may_decode(text) {
        return None;
    }
    let mut sources = decode::decode(&decode::sources(text))?;
    for _ in 1..decode::DEPTH {
        let Some(again) = decode::decode(&sources) else {
            break;
        };
        sources = again;
    }
    Some(sources)
}

/// Replaces letters by the digits that they stand for: `O151`, `3O`, `l5`; not in words, nor behind
/// a number as its unit.
fn loosen(sources: &mut [Source]) -> bool {
    let mut changed = false;
    for index in 0..sources.len() {
        let at = |index: Option<usize>| index.and_then(|index| sources.get(index)).map(|at| at.c);
        let before = at(index.checked_sub(1));
        let next = at(index.checked_add(1));
        let digit = match at(Some(index)) {
            Some('O' | 'o') => '0',
            Some('l' | 'I') => '1',
            _ => continue,
        };
        let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
        let before_digits = !letter(before) && is_digit(next);
        let stands = |c: Option<char>| matches!(c, Some('O' | 'o' | 'l' | 'I'));
        let capital = at(Some(index)) == Some('O');
        let behind_digits = is_digit(before) && capital && (!letter(next) || stands(next));
        if (before_digits || behind_digits)
            && let Some(source) = sources.get_mut(index)
        {
            source.c = digit;
            changed = true;
        }
    }
    changed
}

/// Reads a bracket that counts as one sign (a marker, or an `@` or a dot in words); returns the
/// sign and its length.
fn opened(rest: &[Source]) -> Option<(char, usize)> {
    let is = |index: usize, c: char| rest.get(index).is_some_and(|source| source.c == c);
    if !rest
        .first()
        .is_some_and(|source| matches!(source.c, '[' | '(' | '{'))
    {
        return None;
    }
    let stands = |text: &str| text.chars().enumerate().all(|(index, c)| is(index, c));
    let marker = Kind::ALL
        .into_iter()
        .map(Kind::marker)
        .find(|marker| stands(marker));
    if let Some(marker) = marker {
        return Some((TAKEN, marker.len()));
    }
    [("at", '@'), ("dot", '.')]
        .into_iter()
        .find_map(|(word, c)| {
            let given = rest.get(1..=word.len())?.iter();
            let same = given
                .zip(word.chars())
                .all(|(source, c)| source.c.eq_ignore_ascii_case(&c));
            let closed = (rest.get(word.len() + 1))
                .is_some_and(|source| matches!(source.c, ')' | ']' | '}'));
            (closed && same).then_some((c, word.len() + 2))
        })
}
