//! Normalization of characters that look the same, so that they compare equal.
//!
//! | written | read as | rule |
//! |---|---|---|
//! | `Ｎ`, `𝐍`, `Ⓝ` | `n` | compatibility decomposition (NFKD), and case |
//! | `é`, or `e` and U+0301 | `e` | combining marks are dropped |
//! | Cyrillic `о`, Greek `ο` | `o` | confusables (UTS 39) |
//! | `m` | `rn` | confusables |
//! | `I`, `i` | `l` | one stroke |
//! | `ɴ` | `n` | small capitals, for which Unicode has no mapping |

use std::sync::OnceLock;

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// Characters per page of the table.
const PAGE: usize = 256;
/// Pages that cover all of Unicode.
const PAGES: usize = 0x11_0000 / PAGE;

/// The order of case folding and confusables. A lower-case letter can look different from its
/// capital: `Н` reads as `H`, and `н` as no Latin letter. Outgoing texts are read in both orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Case folding first.
    Case,
    /// Confusables first.
    Form,
}

/// Readings of the characters of a page.
struct Page {
    text: String,
    /// For each order: start and length of a character's reading in the text.
    case: Vec<(u32, u32)>,
    form: Vec<(u32, u32)>,
}

static TABLE: [OnceLock<Page>; PAGES] = [const { OnceLock::new() }; PAGES];

/// Appends the reading of a character; nothing for a combining mark or a hidden character. White
/// space is left to the caller.
pub(super) fn push(c: char, order: Order, out: &mut String) {
    if c.is_ascii() {
        out.push(ascii(c));
        // `rn` reads as `m`.
        if matches!(c, 'm' | 'M') {
            out.push('n');
        }
        return;
    }
    let code = usize::try_from(u32::from(c)).unwrap_or_default();
    let Some(page) = TABLE.get(code / PAGE) else {
        return;
    };
    let page = page.get_or_init(|| Page::of(code / PAGE));
    let spans = match order {
        Order::Case => &page.case,
        Order::Form => &page.form,
    };
    let reading = spans.get(code % PAGE).and_then(|(start, length)| {
        let start = usize::try_from(*start).ok()?;
        page.text.get(start..start + usize::try_from(*length).ok()?)
    });
    out.push_str(reading.unwrap_or_default());
}

/// Returns the reading of an ASCII character; the first letter, if it has two. `I`, `l` and `|` are
/// one stroke.
fn ascii(c: char) -> char {
    match c {
        'I' | 'i' | 'l' | 'L' | '|' => 'l',
        'm' | 'M' => 'r',
        c => c.to_ascii_lowercase(),
    }
}

impl Page {
    fn of(page: usize) -> Self {
        let mut found = Self {
            text: String::new(),
            case: Vec::with_capacity(PAGE),
            form: Vec::with_capacity(PAGE),
        };
        for code in page * PAGE..(page + 1) * PAGE {
            let c = u32::try_from(code).ok().and_then(char::from_u32);
            for order in [Order::Case, Order::Form] {
                let start = found.text.len();
                if let Some(c) = c {
                    read(c, order, &mut found.text);
                }
                let span = (short(start), short(found.text.len() - start));
                match order {
                    Order::Case => found.case.push(span),
                    Order::Form => found.form.push(span),
                }
            }
        }
        found
    }
}

fn short(length: usize) -> u32 {
    u32::try_from(length).unwrap_or_default()
}

/// Appends the reading of a character that is not ASCII.
fn read(c: char, order: Order, out: &mut String) {
    if redaction::is_hidden(c) {
        return;
    }
    let mut parts = Vec::new();
    decompose_compatible(redaction::plain(letter(c)), |part| {
        parts.push(redaction::plain(part));
    });
    for part in parts {
        let mut one = String::new();
        match order {
            Order::Case => shaped(&folded(&part.to_string()), &mut one),
            Order::Form => {
                let mut form = String::new();
                shaped(&part.to_string(), &mut form);
                shaped(&folded(&form), &mut one);
            }
        }
        for c in folded(&one).chars() {
            if !c.is_ascii() {
                out.push(c);
            } else if c == 'm' {
                out.push_str("rn");
            } else {
                out.push(ascii(c));
            }
        }
    }
}

/// Appends the confusables skeleton of a text, without combining marks. Digits stay: numbers are
/// searched for in the same text.
fn shaped(text: &str, out: &mut String) {
    let mut one = [0; 4];
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        let skeleton = unicode_security::skeleton(c.encode_utf8(&mut one));
        let seen = skeleton.filter(|c| !is_combining_mark(*c) && !redaction::is_hidden(*c));
        out.extend(seen.map(small_capital));
    }
}

/// Folds the case of a text: `ß` becomes `ss`, and both lower-case sigmas become one.
fn folded(text: &str) -> String {
    let upper = text.chars().flat_map(char::to_uppercase);
    let lower = upper.flat_map(char::to_lowercase);
    lower
        .filter(|c| !is_combining_mark(*c) && !redaction::is_hidden(*c))
        .collect()
}

/// Returns the letter for one that is written in a circle, a square, as a flag or as a small
/// capital, where Unicode has no mapping.
fn letter(c: char) -> char {
    let nth = |first: char| {
        let index = u32::from(c) - u32::from(first);
        char::from_u32(u32::from('a') + index % 26).unwrap_or(c)
    };
    match c {
        '\u{1f150}'..='\u{1f169}' => nth('\u{1f150}'),
        '\u{1f170}'..='\u{1f189}' => nth('\u{1f170}'),
        '\u{1f1e6}'..='\u{1f1ff}' => nth('\u{1f1e6}'),
        c => small_capital(c),
    }
}

fn small_capital(c: char) -> char {
    match c {
        'ᴀ' => 'a',
        'ʙ' => 'b',
        'ᴄ' => 'c',
        'ᴅ' => 'd',
        'ᴇ' => 'e',
        'ꜰ' => 'f',
        'ɢ' => 'g',
        'ʜ' => 'h',
        'ɪ' => 'i',
        'ᴊ' => 'j',
        'ᴋ' | 'ĸ' => 'k',
        'ʟ' => 'l',
        'ᴍ' | 'ʍ' => 'm',
        'ɴ' => 'n',
        'ᴏ' => 'o',
        'ᴘ' => 'p',
        'ʀ' => 'r',
        'ꜱ' => 's',
        'ᴛ' => 't',
        'ᴜ' => 'u',
        'ᴠ' => 'v',
        'ᴡ' => 'w',
        'ʏ' => 'y',
        'ᴢ' => 'z',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str, order: Order) -> String {
        let mut out = String::new();
        text.chars().for_each(|c| push(c, order, &mut out));
        out
    }

    #[test]
    fn forms_of_one_word_read_the_same() {
        let word = reads("northern depot", Order::Case);
        for form in [
            "NORTHERN DEPOT",
            "ＮＯＲＴＨＥＲＮ depot",
            "𝐍𝐨𝐫𝐭𝐡𝐞𝐫𝐧 𝐃𝐞𝐩𝐨𝐭",
            "𝓃ℴ𝓇𝓉𝒽ℯ𝓇𝓃 𝖉𝖊𝖕𝖔𝖙",
            "Ⓝⓞⓡⓣⓗⓔⓡⓝ depot",
            "🅝🅞🅡🅣🅗🅔🅡🅝 🅳🅴🅿🅾🆃",
            "🇳🇴🇷🇹🇭🇪🇷🇳 depot",
            "ɴᴏʀᴛʜᴇʀɴ ᴅᴇᴘᴏᴛ",
            "Nоrthеrn Dероt",
            "Νοrthern Depοt",
            "N\u{f6}rth\u{e9}rn D\u{ea}p\u{f3}t",
            "no\u{308}rthe\u{301}rn depo\u{323}t",
            "Nor\u{200b}thern De\u{ad}pot",
        ] {
            let either = [Order::Case, Order::Form].map(|order| reads(form, order));
            assert!(either.contains(&word), "{form}: {either:?}");
        }
        // Capitals whose lower-case letters look like no Latin letter.
        assert_eq!(
            reads("НОRТНЕRН", Order::Form),
            reads("hortherh", Order::Case)
        );
        assert_eq!(reads("Straße", Order::Case), reads("STRASSE", Order::Case));
        assert_eq!(reads("Σίσυφος", Order::Case), reads("ΣΊΣΥΦΟΣ", Order::Case));
        assert_eq!(
            reads("lndustrles", Order::Case),
            reads("Industries", Order::Case)
        );
        assert_eq!(
            reads("Northem", Order::Case),
            reads("Northern", Order::Case)
        );
        assert_eq!(
            reads("각", Order::Case),
            reads("\u{1100}\u{1161}\u{11a8}", Order::Case)
        );
    }

    #[test]
    fn digits_stay_digits_and_words_differ() {
        assert_eq!(reads("4,500,010", Order::Case), "4,500,010");
        assert_eq!(reads("４٥०", Order::Form), "450");
        assert_ne!(reads("depot", Order::Case), reads("dept", Order::Case));
        assert_ne!(reads("東京", Order::Case), reads("京都", Order::Case));
    }
}
