//! Reads escapes of URLs, HTML and JSON as the characters that they stand for.

use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

/// The number of decoding rounds: a service may decode once, and the service it calls once more.
pub(crate) const DEPTH: usize = 3;
/// Longest name of an entity, with its `&` and `;`.
const NAME_MAX: usize = 12;

/// Entities of HTML that stand for signs, and for letters that no accent makes.
const ENTITIES: [(&str, char); 62] = [
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("excl", '!'),
    ("quot", '"'),
    ("QUOT", '"'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("amp", '&'),
    ("AMP", '&'),
    ("apos", '\''),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("lt", '<'),
    ("LT", '<'),
    ("equals", '='),
    ("gt", '>'),
    ("GT", '>'),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("lowbar", '_'),
    ("grave", '`'),
    ("lcub", '{'),
    ("verbar", '|'),
    ("vert", '|'),
    ("rcub", '}'),
    ("nbsp", ' '),
    ("ensp", ' '),
    ("emsp", ' '),
    ("thinsp", ' '),
    ("shy", '\u{ad}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("lrm", '\u{200e}'),
    ("rlm", '\u{200f}'),
    ("ndash", '-'),
    ("mdash", '-'),
    ("hyphen", '-'),
    ("dash", '-'),
    ("minus", '-'),
    ("middot", '.'),
    ("bull", '.'),
    ("euro", '\u{20ac}'),
    ("pound", '\u{a3}'),
    ("szlig", '\u{df}'),
    ("aelig", '\u{e6}'),
    ("AElig", '\u{c6}'),
    ("oelig", '\u{153}'),
    ("OElig", '\u{152}'),
    ("thorn", '\u{fe}'),
];

/// Accents in names of letters, such as `eacute`, with the mark of each.
const ACCENTS: [(&str, char); 10] = [
    ("acute", '\u{301}'),
    ("grave", '\u{300}'),
    ("circ", '\u{302}'),
    ("uml", '\u{308}'),
    ("tilde", '\u{303}'),
    ("cedil", '\u{327}'),
    ("ring", '\u{30a}'),
    ("caron", '\u{30c}'),
    ("slash", '\u{338}'),
    ("macr", '\u{304}'),
];

/// A character, and which bytes of the text it stands for.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    pub(crate) c: char,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Returns true if a text could hold an escape.
pub(crate) fn may_decode(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'%' | b'&' | b'\\'))
}

/// Reads a text's characters as they stand.
pub(crate) fn sources(text: &str) -> Vec<Source> {
    text.char_indices()
        .map(|(start, c)| Source {
            c,
            start,
            end: start + c.len_utf8(),
        })
        .collect()
}

/// Replaces each escape by what it stands for, once; none where there is none.
pub(crate) fn decode(given: &[Source]) -> Option<Vec<Source>> {
    let mut out: Vec<Source> = Vec::with_capacity(given.len());
    let mut at = 0;
    let mut found = false;
    while let Some(source) = given.get(at) {
        let rest = given.get(at..).unwrap_or_default();
        let before = out.len();
        let used = match source.c {
            '%' => percent(rest, &mut out),
            '&' => entity(rest, &mut out),
            '\\' => backslash(rest, &mut out),
            _ => 0,
        };
        if used == 0 {
            out.truncate(before);
            out.push(*source);
            at += 1;
        } else {
            found = true;
            at += used;
        }
    }
    found.then_some(out)
}

fn span(sources: &[Source], c: char) -> Option<Source> {
    Some(Source {
        c,
        start: sources.first()?.start,
        end: sources.last()?.end,
    })
}

fn nth(rest: &[Source], index: usize) -> Option<char> {
    rest.get(index).map(|source| source.c)
}

/// The number in so many hexadecimal digits.
fn hex(rest: &[Source], from: usize, count: usize) -> Option<u32> {
    (from..from + count).try_fold(0, |sum, index| {
        Some(sum * 16 + nth(rest, index)?.to_digit(16)?)
    })
}

/// Reads `%C3%BC` and what follows it of the same kind. Returns how many characters that takes.
fn percent(rest: &[Source], out: &mut Vec<Source>) -> usize {
    let mut bytes = Vec::new();
    while nth(rest, bytes.len() * 3) == Some('%')
        && let Some(byte) = hex(rest, bytes.len() * 3 + 1, 2)
        && let Ok(byte) = u8::try_from(byte)
    {
        bytes.push(byte);
    }
    let mut at = 0;
    while let Some(left) = bytes.get(at..).filter(|left| !left.is_empty()) {
        let whole = (1..=left.len().min(4)).find_map(|length| {
            let text = core::str::from_utf8(left.get(..length)?).ok()?;
            Some((text.chars().next()?, length))
        });
        // A byte that is no UTF-8 is one of Latin-1.
        let (c, length) = whole.unwrap_or((left.first().map_or(' ', |byte| char::from(*byte)), 1));
        let taken = rest.get(at * 3..(at + length) * 3).unwrap_or_default();
        out.extend(span(taken, c));
        at += length;
    }
    bytes.len() * 3
}

/// Reads `&#32;`, `&#x20;`, `&nbsp;`, `&eacute;`. Returns how many characters that takes.
fn entity(rest: &[Source], out: &mut Vec<Source>) -> usize {
    if nth(rest, 1) == Some('#') {
        let (from, radix) = match nth(rest, 2) {
            Some('x' | 'X') => (3, 16),
            _ => (2, 10),
        };
        let digits = (from..from + 8)
            .take_while(|index| nth(rest, *index).is_some_and(|c| c.is_digit(radix)))
            .count();
        let code = (from..from + digits).fold(0_u32, |sum, index| {
            let digit = nth(rest, index).and_then(|c| c.to_digit(radix));
            sum.saturating_mul(radix)
                .saturating_add(digit.unwrap_or_default())
        });
        let Some(c) = char::from_u32(code).filter(|_| digits > 0) else {
            return 0;
        };
        let end = from + digits;
        // Browsers read it without the semicolon too.
        let end = end + usize::from(nth(rest, end) == Some(';'));
        out.extend(span(rest.get(..end).unwrap_or_default(), c));
        return end;
    }
    let name: String = (1..NAME_MAX)
        .map_while(|index| nth(rest, index).filter(char::is_ascii_alphanumeric))
        .collect();
    let end = name.len() + 2;
    if nth(rest, end - 1) != Some(';') {
        return 0;
    }
    let taken = rest.get(..end).unwrap_or_default();
    if let Some((_, c)) = ENTITIES.iter().find(|(known, _)| *known == name) {
        out.extend(span(taken, *c));
        return end;
    }
    let mut letters = name.chars();
    let accent = letters
        .next()
        .filter(char::is_ascii_alphabetic)
        .and_then(|letter| {
            let rest = letters.as_str();
            let (_, mark) = ACCENTS.iter().find(|(known, _)| *known == rest)?;
            Some([letter, *mark])
        });
    match accent {
        Some(both) => {
            out.extend(both.into_iter().filter_map(|c| span(taken, c)));
            end
        }
        None => 0,
    }
}

/// Reads `\u0020`, `\u{20}`, `\x20`, `\n`, `\"`. Returns how many characters that takes.
fn backslash(rest: &[Source], out: &mut Vec<Source>) -> usize {
    let unit = |at: usize| match (nth(rest, at), nth(rest, at + 1)) {
        (Some('\\'), Some('u')) => hex(rest, at + 2, 4),
        _ => None,
    };
    let (c, end) = match nth(rest, 1) {
        Some('u') if nth(rest, 2) == Some('{') => {
            let digits = (3..9)
                .take_while(|index| nth(rest, *index).is_some_and(|c| c.is_ascii_hexdigit()))
                .count();
            let closed = nth(rest, 3 + digits) == Some('}');
            let code = hex(rest, 3, digits).filter(|_| closed && digits > 0);
            (code.and_then(char::from_u32), 4 + digits)
        }
        Some('u') => match (unit(0), unit(6)) {
            (Some(high @ 0xD800..=0xDBFF), Some(low @ 0xDC00..=0xDFFF)) => {
                let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                (char::from_u32(code), 12)
            }
            (code, _) => (code.and_then(char::from_u32), 6),
        },
        Some('x') => (hex(rest, 2, 2).and_then(char::from_u32), 4),
        Some('n' | 'r' | 't') => (Some(' '), 2),
        Some(c @ ('/' | '"' | '\\' | '\'')) => (Some(c), 2),
        _ => (None, 0),
    };
    match c.and_then(|c| span(rest.get(..end)?, c)) {
        Some(source) => {
            out.push(source);
            end
        }
        None => 0,
    }
}

/// Returns the ways in which a text can be read: as it stands, and with the escapes of URLs, HTML
/// and JSON taken out, up to three times, and as a form writes it, with `+` for a space.
///
/// ```
/// assert!(redaction::readings("Acme&#32;Corp").contains(&"Acme Corp".into()));
/// assert!(redaction::readings("Acme%2520Corp").contains(&"Acme Corp".into()));
/// assert_eq!(redaction::readings("Acme Corp"), ["Acme Corp"]);
/// ```
#[must_use]
pub fn readings(text: &str) -> Vec<Cow<'_, str>> {
    let mut readings = Vec::from([Cow::Borrowed(text)]);
    if may_decode(text) {
        let mut known = sources(text);
        for _ in 0..DEPTH {
            let Some(decoded) = decode(&known) else {
                break;
            };
            readings.push(Cow::Owned(decoded.iter().map(|source| source.c).collect()));
            known = decoded;
        }
    }
    let last = readings.last().map_or(text, AsRef::as_ref);
    if last.contains('+') {
        let spaced = last.replace('+', " ");
        readings.push(Cow::Owned(spaced.to_string()));
    }
    readings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(text: &str) -> String {
        readings(text).pop().unwrap().into_owned()
    }

    #[test]
    fn escapes_are_what_they_stand_for() {
        for (given, expected) in [
            ("a%40b", "a@b"),
            ("Z%C3%BCrich", "Zürich"),
            ("Jos%E9", "José"),
            ("a%2540b", "a@b"),
            ("a&#64;b", "a@b"),
            ("a&#x40;b", "a@b"),
            ("a&#64b", "a@b"),
            ("a&commat;b", "a@b"),
            ("a&amp;#64;b", "a@b"),
            ("Jos&eacute;", "Jose\u{301}"),
            (r"a\u0040b", "a@b"),
            (r"a\u{40}b", "a@b"),
            (r"a\x40b", "a@b"),
            (r"\ud83d\ude00", "😀"),
            (r#"\"a\" b\/c"#, "\"a\" b/c"),
            ("a%26%2364%3bb", "a@b"),
        ] {
            assert_eq!(last(given), expected, "{given}");
        }
        for plain in [
            "",
            "100%",
            "50% off",
            "%zz",
            "AT&T",
            "&;",
            "&#;",
            "&#xZ;",
            "&nothing;",
            "\\",
            "\\u00",
            "a\\q",
            "\\ud83d",
        ] {
            assert_eq!(readings(plain), [plain], "{plain}");
        }
        assert_eq!(readings("a+b"), ["a+b", "a b"]);
    }

    #[test]
    fn a_decoded_character_knows_where_it_stood() {
        let text = "x%C3%BC&#64;y";
        let decoded = decode(&sources(text)).unwrap();
        let spans: Vec<_> = decoded
            .iter()
            .map(|source| (source.c, &text[source.start..source.end]))
            .collect();
        assert_eq!(
            spans,
            [('x', "x"), ('ü', "%C3%BC"), ('@', "&#64;"), ('y', "y")]
        );
    }
}
