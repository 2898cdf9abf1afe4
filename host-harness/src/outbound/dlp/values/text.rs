//! Normalization of texts for comparison.

use std::borrow::Cow;

use super::fold::{self, Order};
use crate::outbound::formats::is_uuid;

/// A separator of texts. No normalized text contains it, since it is a hidden character.
pub(super) const BREAK: char = '\u{1}';

/// Appends a normalized text: one spelling for characters that look the same, one space for each
/// run of white space, and none at the ends. Returns the number of its characters.
pub(super) fn push(text: &str, order: Order, out: &mut String) -> usize {
    out.reserve(text.len() + text.len() / 8);
    let start = out.len();
    let mut count = 0;
    let mut space = false;
    for given in text.chars() {
        // Most text is visible ASCII; the rest is looked up.
        let visible = matches!(given, '!'..='~');
        if !visible {
            if given.is_whitespace() || redaction::plain(given) == ' ' {
                space = true;
                continue;
            }
            if redaction::is_hidden(given) {
                continue;
            }
        }
        let before = out.len();
        if space && before > start {
            out.push(' ');
        }
        let at = out.len();
        fold::push(given, order, out);
        if out.len() == at {
            // A combining mark: the space before it is still to be written.
            out.truncate(before);
            continue;
        }
        // A letter that reads as two counts once.
        count += 1 + usize::from(at > before);
        space = false;
    }
    count
}

/// Returns true if a text reads differently in the two orders, so that both count.
pub(super) fn is_two_faced(text: &str) -> bool {
    let mut readings = [String::new(), String::new()];
    text.chars().filter(|c| !c.is_ascii()).any(|c| {
        let [case, form] = &mut readings;
        case.clear();
        form.clear();
        fold::push(c, Order::Case, case);
        fold::push(c, Order::Form, form);
        case != form
    })
}

/// Removes everything but letters, digits and breaks from a normalized text.
pub(super) fn joined(text: &str) -> String {
    text.chars()
        .filter(|c| is_part(*c) || *c == BREAK)
        .collect()
}

/// Returns true for a letter or digit of a normalized text.
pub(super) fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric())
}

/// Returns the readings of a text: those of [`redaction::readings`], with letters for look-alike
/// digits and the reverse, and with a space at each hump of `camelCase`.
pub(super) fn readings(text: &str) -> Vec<Cow<'_, str>> {
    let mut readings = redaction::readings(text);
    let more: Vec<Cow<'_, str>> = readings
        .iter()
        .flat_map(|reading| {
            // UUIDs are left out: their letters are hexadecimal digits.
            let bare = without_uuids(reading);
            [letters(&bare), digits(&bare), humps(&bare)]
        })
        .flatten()
        .map(Cow::Owned)
        .collect();
    readings.extend(more);
    readings
}

/// Rewrites each character with a view of its neighbours. Returns `None` if nothing changes.
fn rewritten(
    text: &str,
    change: impl Fn(Option<char>, char, Option<char>) -> Option<char>,
) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut changed = false;
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let new = change(before, c, rest.peek().copied());
        changed |= new.is_some();
        let c = new.unwrap_or(c);
        out.push(c);
        before = Some(c);
    }
    changed.then_some(out)
}

/// Replaces digits that stand for letters, as in `N0rthern Dep0t`.
fn letters(text: &str) -> Option<String> {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    rewritten(text, |before, c, next| {
        let new = match c {
            '0' => 'o',
            '1' => 'l',
            _ => return None,
        };
        (letter(before) || letter(next)).then_some(new)
    })
}

/// Replaces letters that stand for digits, as in `4,5OO,OOO`.
fn digits(text: &str) -> Option<String> {
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit() || matches!(c, ',' | '.'));
    let stands = |c: Option<char>| c.is_some_and(|c| matches!(c, 'O' | 'o' | 'l' | 'I' | '|'));
    rewritten(text, |before, c, next| {
        let new = match c {
            'O' | 'o' => '0',
            'l' | 'I' | '|' => '1',
            _ => return None,
        };
        let within = digit(before)
            && (digit(next) || stands(next) || !next.is_some_and(char::is_alphabetic));
        let leads = !before.is_some_and(char::is_alphanumeric) && digit(next);
        (within || leads).then_some(new)
    })
}

/// Separates words in camel case, such as `NorthernDepot`.
fn humps(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    let mut found = false;
    for c in text.chars() {
        if before.is_lowercase() && c.is_uppercase() {
            out.push(' ');
            found = true;
        }
        out.push(c);
        before = c;
    }
    found.then_some(out)
}

/// Replaces UUIDs, which are not values, by breaks.
pub(super) fn without_uuids(text: &str) -> Cow<'_, str> {
    const LENGTH: usize = 36;
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut kept = 0;
    let mut at = 0;
    while let Some(dash) =
        memchr::memchr(b'-', bytes.get(at..).unwrap_or_default()).map(|found| at + found)
    {
        at = dash + 1;
        let Some(start) = dash.checked_sub(8).filter(|start| *start >= kept) else {
            continue;
        };
        let end = start + LENGTH;
        let bounded = |byte: Option<&u8>| !byte.is_some_and(u8::is_ascii_alphanumeric);
        let before = start.checked_sub(1).and_then(|index| bytes.get(index));
        if text.get(start..end).is_some_and(is_uuid) && bounded(before) && bounded(bytes.get(end)) {
            out.push_str(text.get(kept..start).unwrap_or_default());
            out.push(BREAK);
            kept = end;
            at = end;
        }
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        let mut out = String::new();
        push(text, Order::Case, &mut out);
        out
    }

    #[test]
    fn texts_that_read_the_same_are_the_same() {
        for (given, same) in [
            ("Acme  Corp", "acme corp"),
            (" \t Acme\r\n\r\nCorp \n", "acme corp"),
            ("Ac\u{200b}me\u{a0}Co\u{ad}rp\u{1}", "acme corp"),
            ("ＡＣＭＥ　Corp", "acme corp"),
            ("ÄRGER", "ärger"),
            ("ÄRGER", "a\u{308}rger"),
            ("Jose\u{301}", "jose"),
            ("José", "jose"),
            ("٤٢", "42"),
            ("", ""),
            (" \u{200b} ", ""),
            ("a \u{301}b", "a b"),
        ] {
            assert_eq!(plain(given), plain(same), "{given:?}");
        }
        assert_eq!(plain("Acrne Corp"), plain("acme corp"));
        assert_eq!(plain(" x  y "), "x y");
    }

    #[test]
    fn letter_counts_once_whatever_its_reading() {
        for (text, count) in [
            ("Emma", 4),
            ("ⅿm", 2),
            ("a b", 3),
            ("ß", 1),
            ("", 0),
            ("e\u{301}", 1),
        ] {
            let mut out = String::new();
            assert_eq!(push(text, Order::Case, &mut out), count, "{text}");
        }
    }

    #[test]
    fn escapes_are_decoded() {
        for (given, expected) in [
            ("Acme%20Corp", "acme corp"),
            ("Acme+Corp", "acme corp"),
            ("Acme%2520Corp", "acme corp"),
            ("%41cme%20Corp", "acme corp"),
            ("Z%C3%BCrich", "zürich"),
            (r"\u0041cme\u0020Corp", "acme corp"),
            (r"Acme\nCorp", "acme corp"),
            (r"A\/B", "a/b"),
            (r"\ud83d\ude00", "😀"),
            ("Acme&#32;Corp", "acme corp"),
            ("Acme&amp;#x20;Corp", "acme corp"),
            ("&Aacute;cme&nbsp;Corp", "ácme corp"),
            ("Acme%26%2332%3bCorp", "acme corp"),
            ("AcmeCorp", "acme corp"),
            ("N0rthern Dep0t", "northern depot"),
            ("4,5OO,OOO", "4,500,000"),
            ("47l1", "4711"),
        ] {
            let readings = readings(given)
                .iter()
                .map(|text| plain(text))
                .collect::<Vec<_>>();
            assert!(readings.contains(&plain(expected)), "{given}: {readings:?}");
        }
        for plain in [
            "Acme", "100%", "%zz", "\\", "\\u", "a\\x", "&", "&#;", "AT&T", "100", "Oslo",
        ] {
            assert!(readings(plain).iter().all(|text| text == plain), "{plain}");
        }
    }

    #[test]
    fn joining_signs_are_dropped() {
        for (text, expected) in [
            ("acme corp", "acmecorp"),
            ("acme-corp_x", "acmecorpx"),
            ("a\u{1}b c", "a\u{1}bc"),
            ("東 京", "東京"),
        ] {
            assert_eq!(joined(text), expected);
        }
        assert!(is_two_faced("Νίκη"));
        assert!(!is_two_faced("Zürich") && !is_two_faced("東京"));
    }

    #[test]
    fn only_uuids_are_left_out() {
        let id = "0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001";
        for (given, expected) in [
            (id.to_owned(), "\u{1}".to_owned()),
            (format!("a {id}, {id}."), "a \u{1}, \u{1}.".to_owned()),
            (format!("x{id}"), format!("x{id}")),
            (format!("{id}0"), format!("{id}0")),
            (
                "a-b ä-ö 12345678-1".to_owned(),
                "a-b ä-ö 12345678-1".to_owned(),
            ),
        ] {
            assert_eq!(without_uuids(&given), expected);
        }
    }
}
