//! Takes e-mail addresses, phone numbers, card and account numbers and keys out of free text before
//! it leaves. A guest does it when it writes a text, the host before it sends one: one function, so
//! that both see the same.
//!
//! ```
//! use redaction::{Kind, redact};
//! let redacted = redact("Ask anna@example.com, or call +49 30 1234567, by 2026-03-31.");
//! assert_eq!(redacted.text, "Ask [e-mail address], or call [phone number], by 2026-03-31.");
//! assert_eq!(redacted.found, [Kind::Email, Kind::Phone]);
//! ```
//!
//! It looks for forms, so it errs, and where a form is open it errs towards taking out: nine digits
//! in a row are a phone number unless they stand by a currency, and a random token of 24 characters
//! or more is a key, a hexadecimal digest too. What it knows to be something else stays: dates,
//! times, UUIDs, amounts, percentages, years, versions, network addresses, ISBNs, and what a word
//! or a prefix calls the number of a thing: `order 4500012345`, `INV-2026001234`,
//! `customer_id: ...`. After a word for a phone seven digits are enough. What is taken out is so as
//! a whole: an IBAN whatever separates its groups, an identifier of tightly joined parts in no part
//! of it.
//!
//! Escapes of URLs, HTML and JSON are read as what they stand for ([`readings`]), letters beside
//! digits as digits (`O151`).
//!
//! Matching is done on a reading of the text in which characters without a form of their own are
//! left out and digits, dashes, spaces and full-width signs of all scripts are one, so that an
//! invisible character within an address hides nothing.
//!
//! [`glyphs`] tells of each character of a text whether a reader sees it where it stands, and
//! [`visible`] leaves out those that nobody does. Whoever cleans, compares or shows text asks
//! these, so that a joiner within a Persian word or an emoji is a letter everywhere and a hidden
//! character nowhere.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

mod account;
mod decode;
mod fixed;
mod joining;
mod key;
mod mail;
mod marked;
mod number;
mod phone;
mod spread;
mod token;
mod unicode;
mod view;
mod visible;
mod word;

pub use decode::readings;
pub use unicode::{is_hidden, plain};
pub use visible::{Glyph, count_hidden, glyphs, visible};

use view::View;

/// The most passes over a text. Redacting one thing can reveal another; in practice a second pass
/// finds nothing.
const PASSES: usize = 12;

/// A kind of redacted value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A phone number, or nine to fifteen digits that may be one.
    Phone,
    /// The number of a payment card.
    Card,
    /// The number of a bank account: an IBAN, digits that are called one, or more digits than a
    /// phone number has.
    Account,
    /// A key, a password, a token, or what is as random as one.
    Key,
}

impl Kind {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [
        Self::Email,
        Self::Phone,
        Self::Card,
        Self::Account,
        Self::Key,
    ];

    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "e-mail address",
            Self::Phone => "phone number",
            Self::Card => "card number",
            Self::Account => "account number",
            Self::Key => "key",
        }
    }

    /// Returns the placeholder for a redacted value: its name in brackets.
    #[must_use]
    pub const fn marker(self) -> &'static str {
        match self {
            Self::Email => "[e-mail address]",
            Self::Phone => "[phone number]",
            Self::Card => "[card number]",
            Self::Account => "[account number]",
            Self::Key => "[key]",
        }
    }
}

/// A text without what has been taken out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// The text, with a marker for each thing that was taken out. Where nothing was, it is the text
    /// that was given, byte for byte.
    pub text: String,
    /// The kinds that were redacted, each once, in order. Markers that the text held already do not
    /// count.
    pub found: Vec<Kind>,
    /// The number of redacted values.
    pub count: usize,
}

/// Takes out of a text what should not leave with it. Doing it again changes nothing. Takes time in
/// proportion to the text.
#[must_use]
pub fn redact(text: &str) -> Redacted {
    let mut redacted = Redacted {
        text: text.to_string(),
        found: Vec::new(),
        count: 0,
    };
    for _ in 0..PASSES {
        let Some((text, found)) = taken_out(&redacted.text) else {
            return redacted;
        };
        redacted.text = text;
        redacted.count += found.len();
        redacted.found.extend(found);
        redacted.found.sort_unstable();
        redacted.found.dedup();
    }
    // Made to change for ever: nothing of it is to be trusted.
    Redacted {
        text: Kind::Key.marker().to_string(),
        found: Vec::from([Kind::Key]),
        count: 1,
    }
}

/// Redacts a text once; returns the rest and the kinds found, or `None` if nothing was found. Three
/// readings are tried: with look-alike letters as digits, as written, and with escapes decoded. The
/// first reading that finds something ends the pass.
fn taken_out(text: &str) -> Option<(String, Vec<Kind>)> {
    let views = [View::loose, |text| Some(View::of(text)), View::decoded];
    views.into_iter().find_map(|view| {
        let mut view = view(text)?;
        look(&mut view);
        view.rendered()
    })
}

/// One look: each step sees what those before it left.
fn look(view: &mut View<'_>) {
    key::in_urls(view);
    mail::addresses(view);
    mail::spelt(view);
    key::blocks(view);
    key::named(view);
    fixed::leave(view);
    account::ibans(view);
    token::random(view);
    numbers(view);
}

/// The steps that look for digits alone.
fn numbers(view: &mut View<'_>) {
    fixed::leave(view);
    account::ibans(view);
    account::named(view);
    phone::named(view);
    marked::leave(view);
    number::cards(view);
    phone::numbers(view);
    spread::numbers(view);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of about `length` bytes, each made to be as slow as can be for one step.
    fn slow(length: usize) -> Vec<(&'static str, String)> {
        [
            "a",
            "@",
            "a@",
            "a@b.",
            "1",
            "1 ",
            "12 ",
            "1234 ",
            "+",
            "+1",
            "(",
            "(1)",
            "-",
            "-----BEGIN",
            "-----END",
            "eyJ",
            "eyJa.",
            "sk-",
            "password:",
            "password:\u{201c}a ",
            "token=",
            "account ",
            "account no: ",
            "IBAN DE",
            "DE89 ",
            "://",
            "://a:",
            "Ab1",
            "aA1-",
            "/",
            "[key]",
            "[",
            "\u{200b}",
            "1\u{200b}",
            "2026-03-31",
            "12:",
            "0.",
            "\"",
            "\"a@",
            " (at) ",
            "\u{ff11}",
            "Bearer ",
            "bearer 1",
            "é",
            "authorization: ",
            "00",
            "100 000 ",
            "4111 1111 1111 1112 ",
            "password is ",
            "pass_word_",
            "12-34-",
            "x@y.xn--",
            "_",
            "0b7e7dee-1f0e-4b8e-9a31-",
            "&#49;",
            "%31",
            "\\u0031",
            "&amp;",
            "1|",
            "1\n",
            "1x",
            "0151\n",
            "+49~",
            "order 1 ",
            "#1 ",
            "INV-1",
            "_id: 1 ",
            "Tel 1 ",
            "phone no. ",
            "a at b dot ",
            " dot ",
            "O1 ",
            "1-",
            "1234.",
            "978-",
        ]
        .into_iter()
        .map(|piece| (piece, piece.repeat(length / piece.len())))
        .collect()
    }

    fn work(text: &str) -> usize {
        let mut view = View::of(text);
        look(&mut view);
        view.reads()
    }

    #[test]
    fn the_work_grows_with_the_text_and_not_faster() {
        for ((piece, short), (_, long)) in slow(1 << 12).into_iter().zip(slow(1 << 15)) {
            let (short, long) = (work(&short), work(&long));
            assert!(
                long <= short * 9 + 10_000,
                "{piece:?}: {short}, then {long}"
            );
        }
    }

    #[test]
    fn looks_per_character_are_bounded() {
        for piece in ["1 2-", "password:\u{201c}a ", "://a:"] {
            let text = piece.repeat((1 << 20) / piece.len());
            let reads = work(&text);
            assert!(reads < text.len() * 300, "{piece:?}: {reads}");
        }
    }

    #[test]
    fn two_passes_suffice_for_slow_texts() {
        for (piece, text) in slow(2_000) {
            let mut view = View::of(&text);
            look(&mut view);
            let Some((once, _)) = view.rendered() else {
                continue;
            };
            let mut view = View::of(&once);
            look(&mut view);
            assert!(view.rendered().is_none(), "{piece:?}: {once}");
        }
    }
}
