//! Text from strangers: cleaned when it is read, cut when it is shown, never followed.

use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Visitor};

use crate::failure::{self, Failure};

/// The longest name or title in an answer, in characters.
pub const LABEL: usize = 200;
/// The longest query or name that a caller may give, in characters.
pub const LONGEST_NAME: usize = 200;
/// The longest body in an answer, in characters.
pub const BODY: usize = 2_000;

/// Text from a service, without invisible characters.
///
/// ```
/// use crm_skill::text::Text;
/// let name: Text = serde_json::from_str(r#""Ada\u202e Love\u200blace\u0000""#).unwrap();
/// assert_eq!(name.as_str(), "Ada Lovelace");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Checks whether nothing readable is left.
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(clean(text))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Cleaning;
        impl Visitor<'_> for Cleaning {
            type Value = Text;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(clean(text)))
            }
        }
        deserializer.deserialize_str(Cleaning)
    }
}

/// Removes characters that cannot be seen and could mislead a reader or carry hidden words: control
/// characters except line breaks and tabs, and characters that [`redaction::glyphs`] knows to be
/// hidden in their place. Joiners within a word of Persian or Malayalam, emoji and accents stay.
pub fn clean(text: &str) -> String {
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return text.to_owned();
    }
    let seen = redaction::glyphs(text)
        .into_iter()
        .filter(|glyph| !glyph.hidden && !breaks(glyph.c));
    seen.map(|glyph| glyph.c).collect()
}

/// Counts the characters that [`clean`] removes and a reader would not miss. Carriage returns are
/// not counted.
pub fn count_hidden(text: &str) -> usize {
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return 0;
    }
    let glyphs = redaction::glyphs(text).into_iter();
    glyphs
        .filter(|glyph| glyph.hidden || (breaks(glyph.c) && glyph.c != '\r'))
        .count()
}

/// Checks for control characters and line separators other than a line break or a tab.
fn breaks(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}')
        || (character.is_control() && !matches!(character, '\n' | '\t'))
}

/// Fits text into one line of at most `most` characters, and reports whether something was cut.
/// Runs of white space become one space.
pub fn line(text: &str, most: usize) -> (String, bool) {
    let mut out = String::with_capacity(text.len().min(most.saturating_mul(4)));
    let spaced = text.split_whitespace().enumerate().flat_map(|(at, word)| {
        let gap = if at > 0 { " " } else { "" };
        gap.chars().chain(word.chars())
    });
    for (at, character) in spaced.enumerate() {
        if at == most {
            // The mark takes the place of the last character that fits.
            out.pop();
            out.push('…');
            return (out, true);
        }
        out.push(character);
    }
    (out, false)
}

/// Cuts text to at most `most` characters with its line breaks, and reports whether something was
/// cut.
pub fn block(text: &str, most: usize) -> (String, bool) {
    let text = text.trim();
    match text.char_indices().nth(most) {
        None => (text.to_owned(), false),
        Some((end, _)) => {
            let mut out: String = text.get(..end).unwrap_or_default().trim_end().to_owned();
            out.push('…');
            (out, true)
        }
    }
}

/// Cleans words from a caller.
///
/// # Errors
/// `invalid-input` for an empty or overlong text, and for one of punctuation alone.
pub fn words(field: &str, text: &str) -> Result<String, Failure> {
    let text = clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return Err(failure::invalid_input(
            field,
            "it is empty",
            "Give at least one word.",
        ));
    }
    // To the CRM's search signs alone are an empty query, and that finds everything.
    if !text.chars().any(char::is_alphanumeric) {
        return Err(failure::invalid_input(
            field,
            "it holds no letter and no digit",
            "Give at least one word of a name.",
        ));
    }
    if text.chars().count() > LONGEST_NAME {
        return Err(failure::invalid_input(
            field,
            format!("it is longer than {LONGEST_NAME} characters"),
            "Give fewer words.",
        ));
    }
    Ok(text)
}

/// Formats an instant as answers do: RFC 3339 in UTC, to the second.
pub fn instant(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second())
        .unwrap_or(time)
        .to_string()
}

/// Cuts labels and remembers whether any of them was cut.
#[derive(Debug, Default)]
pub struct Cutter {
    /// Set once something was cut.
    pub cut: bool,
}

impl Cutter {
    /// Cuts to one line of at most [`LABEL`] characters.
    pub fn label(&mut self, text: &str) -> String {
        let (text, cut) = line(text, LABEL);
        self.cut |= cut;
        text
    }

    /// Cuts to a block of at most [`BODY`] characters.
    pub fn body(&mut self, text: &str) -> String {
        let (text, cut) = block(text, BODY);
        self.cut |= cut;
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_go_and_readable_ones_stay() {
        for (given, kept) in [
            ("plain", "plain"),
            ("a\u{0}b", "ab"),
            ("a\u{202e}b\u{2066}c\u{2069}", "abc"),
            ("zero\u{200b}width\u{feff}", "zerowidth"),
            ("tag\u{e0041}\u{e0042}s", "tags"),
            ("two\nlines\tand tab", "two\nlines\tand tab"),
            ("Zoë Łódź 東京 שלום 🚀", "Zoë Łódź 東京 שלום 🚀"),
            ("carriage\r\nreturn", "carriage\nreturn"),
            ("esc\u{1b}[31m", "esc[31m"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("അവന്\u{200d}", "അവന്\u{200d}"),
            (
                "👩\u{200d}💻 ☎\u{fe0e} 1\u{fe0f}\u{20e3}",
                "👩\u{200d}💻 ☎\u{fe0e} 1\u{fe0f}\u{20e3}",
            ),
            (
                "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
                "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
            ),
            ("Jose\u{301}", "Jose\u{301}"),
            ("pay\u{200d}load\u{fe0f}", "payload"),
            ("one\u{2028}two", "onetwo"),
        ] {
            assert_eq!(clean(given), kept, "{given:?}");
            let gone = given.chars().count() - kept.chars().count();
            let counted = gone - usize::from(given.contains('\r'));
            assert_eq!(count_hidden(given), counted, "{given:?}");
        }
    }

    #[test]
    fn a_line_is_cut_at_its_limit_and_says_so() {
        assert_eq!(line("  a \n b  ", 10), ("a b".to_owned(), false));
        assert_eq!(line("abcdef", 6), ("abcdef".to_owned(), false));
        assert_eq!(line("abcdefg", 6), ("abcde…".to_owned(), true));
        assert_eq!(line("abc defgh", 6), ("abc d…".to_owned(), true));
        for most in 1..12 {
            for text in [
                "",
                "a",
                "東京 東京 東京",
                "abc def ghi jkl",
                "aaaaaaaaaaaaaaaaaa",
            ] {
                assert!(
                    line(text, most).0.chars().count() <= most,
                    "{text:?} at {most}"
                );
            }
        }
    }
}
