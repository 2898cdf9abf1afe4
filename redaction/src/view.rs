//! A text as it is matched: one sign for each character that can be seen, in one spelling, with its place in the text.

use alloc::string::String;
use alloc::vec::Vec;
#[cfg(test)]
use core::cell::Cell;

use crate::Kind;
use crate::unicode::{is_hidden, plain};

/// The sign of what is taken out already or must stay as it is. No detector takes it for anything.
pub(crate) const TAKEN: char = '\0';

/// A character, or several that count as one.
struct Sign {
    c: char,
    /// Where it begins in the text.
    start: usize,
    /// Where it ends, with the hidden characters behind it.
    end: usize,
    /// Which of the things taken out it belongs to.
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
        let mut signs: Vec<Sign> = Vec::with_capacity(text.len());
        let mut at = 0;
        while let Some(rest) = text.get(at..)
            && let Some(first) = rest.chars().next()
        {
            let (c, mut start, length) = match opened(rest) {
                Some((c, length)) => (c, at, length),
                None => (plain(first), at, first.len_utf8()),
            };
            let mut end = at + length;
            if is_hidden(first) {
                if let Some(last) = signs.last_mut() {
                    last.end = end;
                }
                at = end;
                continue;
            }
            // ` (at) ` is one sign with the spaces around it.
            if length > 1 && matches!(c, '@' | '.') && first.is_ascii() {
                if let Some(space) = signs.pop_if(|last| last.c == ' ') {
                    start = space.start;
                }
                if text.as_bytes().get(end) == Some(&b' ') {
                    end += 1;
                }
            }
            signs.push(Sign {
                c,
                start,
                end,
                thing: None,
            });
            at = end;
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

    /// Whether the sign at an index is such a one.
    pub(crate) fn is(&self, index: usize, what: impl FnOnce(char) -> bool) -> bool {
        self.get(index).is_some_and(what)
    }

    /// Whether a word or number may begin at an index: no letter or digit stands before it.
    pub(crate) fn begins(&self, index: usize) -> bool {
        !self.before(index).is_some_and(char::is_alphanumeric)
    }

    /// Whether these ASCII characters stand at an index.
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

    /// Whether all signs of a range are taken.
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

    /// How often a sign was looked at.
    #[cfg(test)]
    pub(crate) fn reads(&self) -> usize {
        self.reads.get()
    }
}

/// What a bracket opens that counts as one sign: a marker, or an `@` or a dot in words. Its length is in bytes.
fn opened(rest: &str) -> Option<(char, usize)> {
    if !rest.starts_with(['[', '(', '{']) {
        return None;
    }
    let marker = Kind::ALL
        .into_iter()
        .map(Kind::marker)
        .find(|marker| rest.starts_with(marker));
    if let Some(marker) = marker {
        return Some((TAKEN, marker.len()));
    }
    [("at", '@'), ("dot", '.')]
        .into_iter()
        .find_map(|(word, c)| {
            let given = rest.get(1..=word.len())?;
            let closed =
                (rest.as_bytes().get(word.len() + 1)).is_some_and(|byte| b")]}".contains(byte));
            (closed && given.eq_ignore_ascii_case(word)).then_some((c, word.len() + 2))
        })
}
