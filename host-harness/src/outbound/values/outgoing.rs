//! What is about to be sent, so that many texts can be looked for in it: whatever they and it are, the time grows with their lengths
//! alone.
//!
//! Pieces of one length are known by a rolling hash. It only ever says where looking is worth while; what is found is compared.

use std::cell::{OnceCell, RefCell};
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use super::text::{self, BREAK};
use super::{LONG_MIN, PIECE, TEXT_MIN};

/// How often texts of one length are looked for before their pieces are hashed.
const PATIENCE: usize = 16;

/// Multiplier of the rolling hash (odd, from the golden ratio).
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// Adds a character to a hash.
pub(super) fn add(hash: u64, c: char) -> u64 {
    hash.wrapping_mul(FACTOR)
        .wrapping_add(u64::from(u32::from(c)) + 1)
}

/// By what a character is multiplied once so many others have been added.
fn power(length: usize) -> u64 {
    (0..length).fold(1, |power: u64, _| power.wrapping_mul(FACTOR))
}

/// The hash of a text.
pub(super) fn hash(text: &str) -> u64 {
    text.chars().fold(0, add)
}

/// Calls for each piece of so many characters, with where it begins and ends in bytes and its hash, while the call says to go on.
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
struct Pieces {
    /// Two bits for some of each hash: most that is asked for is not there.
    bits: Vec<u64>,
    /// The whole hashes, where many are asked for.
    hashes: Option<HashSet<u64, BuildHasherDefault<Same>>>,
}

/// Hashes are hashed already.
#[derive(Default)]
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

/// The low bits of a rolling hash depend on few characters' low bits; those of this on all.
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

/// The two bits of a hash among so many words, a power of two.
fn places(hash: u64, words: usize) -> [(usize, u64); 2] {
    let mixed = mixed(hash);
    [mixed, mixed.rotate_left(31)].map(|part| {
        let word = usize::try_from((part >> 6) & 0xFFFF_FFFF).unwrap_or_default();
        (word & (words - 1), 1 << (part & 63))
    })
}

/// Texts that are about to be sent, each in all its readings, as one compared text with breaks between them.
pub(super) struct Outgoing {
    text: String,
    starts: OnceCell<Pieces>,
    long: OnceCell<Pieces>,
    /// For each length of short texts: how often one was looked for, and the pieces once that was often.
    short: RefCell<Vec<(usize, Option<Pieces>)>>,
}

impl Outgoing {
    pub(super) fn of(texts: &[&str]) -> Self {
        let mut out = String::new();
        for text in texts {
            for reading in text::readings(text) {
                text::push(&reading, &mut out);
                out.push(BREAK);
            }
        }
        let text = text::without_uuids(&out).into_owned();
        let mut short = Vec::new();
        short.resize_with(LONG_MIN, || (0, None));
        Self {
            text,
            starts: OnceCell::new(),
            long: OnceCell::new(),
            short: RefCell::new(short),
        }
    }

    /// The compared text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a text could be in it that begins and ends with pieces of these hashes.
    pub(super) fn may_hold(&self, begins: u64, ends: u64) -> bool {
        let starts = self
            .starts
            .get_or_init(|| Pieces::of(&self.text, TEXT_MIN, false));
        starts.has(begins) && starts.has(ends)
    }

    /// Whether a piece of a long text could be in it.
    pub(super) fn may_hold_piece(&self, hash: u64) -> bool {
        let long = self
            .long
            .get_or_init(|| Pieces::of(&self.text, PIECE, true));
        long.has(hash)
    }

    /// Whether a text is in it.
    pub(super) fn holds(&self, text: &str) -> bool {
        memchr::memmem::find(self.text.as_bytes(), text.as_bytes()).is_some()
    }

    /// The same for a text of so many characters, fewer than a long one has, however many are asked for.
    pub(super) fn holds_short(&self, text: &str, length: usize) -> bool {
        let mut short = self.short.borrow_mut();
        let Some((asked, pieces)) = short.get_mut(length) else {
            return self.holds(text);
        };
        *asked += 1;
        if *asked > PATIENCE
            && !pieces
                .get_or_insert_with(|| Pieces::of(&self.text, length, false))
                .has(hash(text))
        {
            return false;
        }
        self.holds(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pieces_of_a_text_have_the_hash_of_what_they_are() {
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
        fn what_is_there_is_found_and_what_is_not_is_not(text in "[a-cä ]{0,60}", from in 0_usize..60, length in 6_usize..40) {
            let outgoing = Outgoing::of(&[&text]);
            let held = outgoing.text().trim_end_matches(BREAK).chars().skip(from).take(length).collect::<String>();
            if held.chars().count() >= TEXT_MIN {
                let first = held.chars().take(TEXT_MIN).collect::<String>();
                let last = held.chars().rev().take(TEXT_MIN).collect::<Vec<_>>().into_iter().rev().collect::<String>();
                prop_assert!(outgoing.may_hold(hash(&first), hash(&last)));
                prop_assert!(!outgoing.may_hold(hash("ccczzz"), hash(&last)));
                for _ in 0..PATIENCE + 2 {
                    prop_assert!(outgoing.holds_short(&held, held.chars().count()));
                    prop_assert!(!outgoing.holds_short("zzzzzz", 6));
                }
            }
        }
    }
}
