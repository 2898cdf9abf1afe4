//! An outgoing request, prepared for searching many texts in it: whatever they contain, the time
//! grows with their lengths alone.
//!
//! Pieces of one length are known by a rolling hash. A hash only says where a comparison is worth
//! while; every match is confirmed by comparing the texts.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::fold::Order;
use super::text::{self, BREAK};
use super::{JOINED_MIN, LONG_MIN, PIECE, TEXT_MIN};

/// Number of searches for texts of one length before its pieces are hashed.
const PATIENCE: usize = 16;

/// Multiplier of the rolling hash (odd, from the golden ratio).
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// Adds a character to a hash.
pub(super) fn add(hash: u64, c: char) -> u64 {
    hash.wrapping_mul(FACTOR)
        .wrapping_add(u64::from(u32::from(c)) + 1)
}

/// Returns the factor of a character once `length` more have been added.
fn power(length: usize) -> u64 {
    (0..length).fold(1, |power: u64, _| power.wrapping_mul(FACTOR))
}

/// Returns the hash of a text.
pub(super) fn hash(text: &str) -> u64 {
    text.chars().fold(0, add)
}

/// Calls `call` for each piece of `length` characters, with its start and end in bytes and its
/// hash, until `call` returns false.
pub(super) fn pieces(text: &str, length: usize, mut call: impl FnMut(usize, usize, u64) -> bool) {
    let out = power(length);
    let mut behind = text.char_indices();
    let mut hash = 0;
    for (count, (at, c)) in text.char_indices().enumerate() {
        hash = add(hash, c);
        let mut start = 0;
        if count >= length
            && let Some((_, first)) = behind.next()
        {
            hash = hash.wrapping_sub(out.wrapping_mul(u64::from(u32::from(first)) + 1));
        }
        if count + 1 < length {
            continue;
        }
        if let Some((index, _)) = behind.clone().next() {
            start = index;
        }
        if !call(start, at + c.len_utf8(), hash) {
            return;
        }
    }
}

/// The hashes of all pieces of one length.
#[derive(Debug)]
struct Pieces {
    /// A Bloom filter of two bits per hash: most pieces that are looked up are not there.
    bits: Vec<u64>,
    /// The whole hashes, where many are looked up.
    hashes: Option<HashSet<u64, BuildHasherDefault<Same>>>,
}

/// A hasher of values that are hashes already.
#[derive(Debug, Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes
            .iter()
            .fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = mixed(hash);
    }
}

/// Mixes a rolling hash, whose low bits depend only on the low bits of few characters.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    hash ^ (hash >> 32)
}

impl Pieces {
    fn of(text: &str, length: usize, whole: bool) -> Self {
        let words = (text.len() / 4).next_power_of_two().max(64);
        let mut bits = vec![0; words];
        let mut hashes = whole
            .then(|| HashSet::with_capacity_and_hasher(text.len(), BuildHasherDefault::default()));
        pieces(text, length, |_, _, hash| {
            for (word, bit) in places(hash, words) {
                if let Some(word) = bits.get_mut(word) {
                    *word |= bit;
                }
            }
            if let Some(hashes) = &mut hashes {
                hashes.insert(hash);
            }
            true
        });
        Self { bits, hashes }
    }

    fn has(&self, hash: u64) -> bool {
        let set = |(word, bit)| {
            self.bits
                .get(word)
                .is_some_and(|word: &u64| word & bit != 0)
        };
        places(hash, self.bits.len()).into_iter().all(set)
            && self
                .hashes
                .as_ref()
                .is_none_or(|hashes| hashes.contains(&hash))
    }
}

/// Returns word and mask of the two bits of a hash, among this many words (a power of two).
fn places(hash: u64, words: usize) -> [(usize, u64); 2] {
    let mixed = mixed(hash);
    [mixed, mixed.rotate_left(31)].map(|part| {
        let word = usize::try_from((part >> 6) & 0xFFFF_FFFF).unwrap_or_default();
        (word & (words - 1), 1 << (part & 63))
    })
}

/// Appends a normalized text, in both orders where they differ.
fn read(text: &str, out: &mut String) {
    text::push(text, Order::Case, out);
    out.push(BREAK);
    if text::is_two_faced(text) {
        text::push(text, Order::Form, out);
        out.push(BREAK);
    }
}

/// Texts in all their readings, prepared for searching: normalized with breaks between them, and
/// once more as letters and digits only.
#[derive(Debug, Default)]
pub(super) struct Haystack {
    spaced: Pile,
    joined: Pile,
    /// A bit for each byte of the joined text: set where a word begins or ends.
    edges: Vec<u64>,
    /// For each length of short texts: the number of searches, and the hashes of its pieces once
    /// there were many.
    short: Mutex<Vec<(usize, Option<Pieces>)>>,
}

/// One long text, with the hashes of its pieces.
#[derive(Debug, Default)]
struct Pile {
    text: String,
    starts: OnceLock<Pieces>,
    long: OnceLock<Pieces>,
}

/// The form in which texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// With spaces and signs, as they read.
    Spaced,
    /// As letters and digits only.
    Joined,
}

impl Haystack {
    /// Prepares texts that are about to be sent, each in all its readings.
    pub(super) fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut out = String::new();
        for text in texts {
            for reading in text::readings(text) {
                read(&reading, &mut out);
            }
        }
        Self::of_read(text::without_uuids(&out).into_owned())
    }

    /// Prepares texts that may be sent, as they are: their escapes are not decoded.
    pub(super) fn as_given<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut out = String::new();
        for text in texts {
            read(text, &mut out);
        }
        Self::of_read(out)
    }

    /// Prepares a text that is normalized already.
    pub(super) fn of_read(spaced: String) -> Self {
        let mut joined = String::with_capacity(spaced.len());
        let mut edges = vec![0; spaced.len() / 64 + 1];
        let mut edge = |at: usize| {
            if let Some(bits) = edges.get_mut(at / 64) {
                *bits |= 1_u64 << (at % 64);
            }
        };
        let mut within = false;
        for c in spaced.chars() {
            let part = text::is_part(c);
            if part != within {
                edge(joined.len());
                within = part;
            }
            if part {
                joined.push(c);
            } else if c == BREAK {
                joined.push(c);
                edge(joined.len());
            }
        }
        edge(joined.len());
        let mut short = Vec::new();
        short.resize_with(LONG_MIN, || (0, None));
        let pile = |text| Pile {
            text,
            starts: OnceLock::new(),
            long: OnceLock::new(),
        };
        Self {
            spaced: pile(spaced),
            joined: pile(joined),
            edges,
            short: Mutex::new(short),
        }
    }

    /// Returns the normalized text in a form.
    pub(super) fn text(&self, form: Form) -> &str {
        &self.pile(form).text
    }

    fn pile(&self, form: Form) -> &Pile {
        match form {
            Form::Spaced => &self.spaced,
            Form::Joined => &self.joined,
        }
    }

    /// Returns true if it could contain a text whose first and last piece have these hashes.
    pub(super) fn may_hold(&self, form: Form, begins: u64, ends: u64) -> bool {
        let pile = self.pile(form);
        let starts = pile
            .starts
            .get_or_init(|| Pieces::of(&pile.text, TEXT_MIN, false));
        starts.has(begins) && starts.has(ends)
    }

    /// Returns true if it could contain a piece of a long text.
    pub(super) fn may_hold_piece(&self, form: Form, hash: u64) -> bool {
        let pile = self.pile(form);
        let long = pile
            .long
            .get_or_init(|| Pieces::of(&pile.text, PIECE, true));
        long.has(hash)
    }

    /// Returns true if it contains a text in this form.
    pub(super) fn holds(&self, form: Form, text: &str) -> bool {
        memchr::memmem::find(self.text(form).as_bytes(), text.as_bytes()).is_some()
    }

    /// Returns true if it contains a text of letters and digits only, whatever joins them. A short
    /// one has to begin and end with a word, since adjacent words could form it: `and reality` does
    /// not contain `Andrea`.
    fn holds_words(&self, joined: &str) -> bool {
        let free = joined.chars().count() >= JOINED_MIN;
        let edge = |at: usize| {
            let bits = self.edges.get(at / 64).copied().unwrap_or_default();
            bits & (1 << (at % 64)) != 0
        };
        memchr::memmem::find_iter(self.joined.text.as_bytes(), joined.as_bytes())
            .any(|at| free || (edge(at) && edge(at + joined.len())))
    }

    /// Returns true if it contains a normalized text with this many letters and digits, fewer than
    /// a long text has. The cost stays low however many texts are searched for.
    pub(super) fn holds_short(&self, spaced: &str, letters: usize) -> bool {
        // Mostly signs: searched for as it is.
        if letters < TEXT_MIN {
            return self.holds(Form::Spaced, spaced);
        }
        let joined = text::joined(spaced);
        let mut short = self.short.lock().unwrap_or_else(PoisonError::into_inner);
        let may_hold = short.get_mut(letters).is_none_or(|(asked, pieces)| {
            *asked += 1;
            *asked <= PATIENCE
                || pieces
                    .get_or_insert_with(|| Pieces::of(&self.joined.text, letters, false))
                    .has(hash(&joined))
        });
        drop(short);
        if !may_hold {
            return false;
        }
        self.holds_words(&joined)
            || (self.holds(Form::Joined, &joined) && self.holds(Form::Spaced, spaced))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn piece_has_the_hash_of_its_text() {
        let mut found = Vec::new();
        pieces("aäb😀c", 3, |start, end, hash| {
            found.push((start, end, hash));
            true
        });
        assert_eq!(
            found,
            [
                (0, 4, hash("aäb")),
                (1, 8, hash("äb😀")),
                (3, 9, hash("b😀c"))
            ]
        );
        pieces("ab", 3, |_, _, _| panic!("shorter than a piece"));
    }

    proptest! {
        #[test]
        fn haystack_finds_exactly_what_it_contains(text in "[a-cä ]{0,60}", from in 0_usize..60, length in 6_usize..40) {
            let outgoing = Haystack::of([text.as_str()]);
            let held = outgoing.text(Form::Spaced).trim_end_matches(BREAK).chars().skip(from).take(length).collect::<String>();
            let letters = text::joined(&held).chars().count();
            for form in [Form::Spaced, Form::Joined] {
                let held = if form == Form::Spaced { held.clone() } else { text::joined(&held) };
                if held.chars().count() < TEXT_MIN {
                    continue;
                }
                let first = held.chars().take(TEXT_MIN).collect::<String>();
                let last = held.chars().rev().take(TEXT_MIN).collect::<Vec<_>>().into_iter().rev().collect::<String>();
                prop_assert!(outgoing.may_hold(form, hash(&first), hash(&last)));
                prop_assert!(!outgoing.may_hold(form, hash("ccczzz"), hash(&last)));
            }
            if held.chars().count() >= TEXT_MIN {
                for _ in 0..PATIENCE + 2 {
                    prop_assert!(outgoing.holds_short(&held, letters));
                    prop_assert!(!outgoing.holds_short("zzzzzz", 6));
                }
            }
        }
    }

    #[test]
    fn words_are_found_however_they_are_joined() {
        let sent = Haystack::of(["Ask North-ern Depot, and reality", "x s.i.e.m.e.n.s y"]);
        let holds = |text: &str| {
            let mut read = String::new();
            text::push(text, Order::Case, &mut read);
            let letters = text::joined(&read).chars().count();
            sent.holds_short(&read, letters)
        };
        for found in ["Northern Depot", "NorthernDepot", "Siemens", "depot, and"] {
            assert!(holds(found), "{found}");
        }
        // Parts of adjacent words are not a word.
        for other in ["Andrea", "Sandreal", "Depots", "realityx"] {
            assert!(!holds(other), "{other}");
        }
    }
}
