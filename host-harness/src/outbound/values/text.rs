//! Texts in the form in which they are compared.

use std::borrow::Cow;

use super::super::variables::is_uuid;

/// Stands between texts that are not one. No text holds it: it is a hidden character.
pub(super) const BREAK: char = '\u{1}';

/// Adds a text: without hidden characters, in small letters, with one space for each run of white space and none at its ends.
pub(super) fn push(text: &str, out: &mut String) {
    out.reserve(text.len());
    let start = out.len();
    let mut space = false;
    for given in text.chars() {
        // Most text is this; the rest is looked up.
        let visible = matches!(given, '!'..='~');
        if !visible && !given.is_whitespace() && redaction::is_hidden(given) {
            continue;
        }
        let c = if visible {
            given
        } else {
            redaction::plain(given)
        };
        if c.is_whitespace() {
            space = true;
            continue;
        }
        if space && out.len() > start {
            out.push(' ');
        }
        space = false;
        if c.is_ascii() {
            out.push(c.to_ascii_lowercase());
        } else {
            out.extend(c.to_lowercase());
        }
    }
}

/// The ways in which a text can be read: as it is, with its percent escapes taken out, as forms write it, with JSON's escapes taken
/// out.
pub(super) fn readings(text: &str) -> Vec<Cow<'_, str>> {
    let mut readings = vec![Cow::Borrowed(text)];
    let mut plain = Cow::Borrowed(text);
    // A service may decode once, and what it calls once more.
    for _ in 0..2 {
        let Some(decoded) = percent(&plain) else {
            break;
        };
        readings.push(Cow::Owned(decoded.clone()));
        plain = Cow::Owned(decoded);
    }
    if plain.contains('+') {
        readings.push(Cow::Owned(plain.replace('+', " ")));
    }
    if text.contains('\\') {
        readings.push(Cow::Owned(unescaped(text)));
    }
    readings
}

/// A text without percent escapes; none where it has none.
fn percent(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    let mut found = false;
    while let Some((first, behind)) = rest.split_first() {
        let escaped = match (first, behind) {
            (b'%', [high, low, ..]) => hex(&[*high, *low]),
            _ => None,
        };
        found |= escaped.is_some();
        bytes.push(escaped.map_or(*first, |code| u8::try_from(code).unwrap_or(*first)));
        rest = behind
            .get(if escaped.is_some() { 2 } else { 0 }..)
            .unwrap_or_default();
    }
    found.then(|| String::from_utf8_lossy(&bytes).into_owned())
}

/// A text without JSON's escapes. What is none stays.
fn unescaped(text: &str) -> String {
    let mut units = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        let escape = (c == '\\').then(|| rest.as_bytes().first()).flatten();
        let code = match escape {
            Some(b'u') => rest
                .as_bytes()
                .get(1..5)
                .and_then(hex)
                .map(|code| (code, 5)),
            Some(b'n' | b'r' | b't') => Some((u32::from(b' '), 1)),
            Some(byte @ (b'/' | b'"' | b'\\')) => Some((u32::from(*byte), 1)),
            _ => None,
        };
        match code.and_then(|(code, length)| Some((u16::try_from(code).ok()?, length))) {
            Some((unit, length)) => {
                units.push(unit);
                rest = rest.get(length..).unwrap_or_default();
            }
            None => units.extend_from_slice(c.encode_utf16(&mut [0; 2])),
        }
    }
    String::from_utf16_lossy(&units)
}

fn hex(digits: &[u8]) -> Option<u32> {
    (digits.iter()).try_fold(0, |sum, digit| {
        Some(sum * 16 + char::from(*digit).to_digit(16)?)
    })
}

/// Replaces UUIDs, which are no values, by breaks. The text is a compared one.
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
        push(text, &mut out);
        out
    }

    #[test]
    fn texts_that_read_the_same_are_the_same() {
        for (given, expected) in [
            ("Acme  Corp", "acme corp"),
            (" \t Acme\r\n\r\nCorp \n", "acme corp"),
            ("Ac\u{200b}me\u{a0}Co\u{ad}rp\u{1}", "acme corp"),
            ("ＡＣＭＥ　Corp", "acme corp"),
            ("ÄRGER", "ärger"),
            ("Jose\u{301}", "jose"),
            ("٤٢", "42"),
            ("", ""),
            (" \u{200b} ", ""),
        ] {
            assert_eq!(plain(given), expected, "{given:?}");
        }
    }

    #[test]
    fn escapes_are_read_as_what_they_stand_for() {
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
        ] {
            let readings = readings(given)
                .iter()
                .map(|text| plain(text))
                .collect::<Vec<_>>();
            assert!(
                readings.iter().any(|text| text == expected),
                "{given}: {readings:?}"
            );
        }
        for plain in ["Acme", "100%", "%zz", "\\", "\\u00", "a\\x"] {
            assert!(readings(plain).iter().all(|text| text == plain), "{plain}");
        }
    }

    #[test]
    fn uuids_are_left_out_and_nothing_else() {
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
