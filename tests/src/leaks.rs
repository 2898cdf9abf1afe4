//! A second pair of eyes: whatever a test did, no value of the CRM that was not given away may be
//! in anything that left for another service, in no form in which a reader or a machine would know
//! it again. Every environment is looked at when its test ends; nothing here is shared with the
//! harness's own check.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::TestEnv;

/// Fields that are given away on request alone, and where a record holds them.
const ON_REQUEST: [(&str, &str, &str); 4] = [
    ("person", "/emails/primaryEmail", "email"),
    ("person", "/phones/primaryPhoneNumber", "phone"),
    ("task", "/bodyV2/markdown", "body"),
    ("opportunity", "/amount/amountMicros", "amount"),
];
/// Fields that are never given away.
const NEVER: [(&str, &str); 4] = [
    ("note", "/bodyV2/markdown"),
    ("person", "/city"),
    ("company", "/domainName/primaryLinkUrl"),
    ("company", "/address/addressCity"),
];
/// The shortest value that counts, in characters, and the piece of a longer one that does.
const SHORTEST: usize = 6;
const PIECE: usize = 24;

/// The texts of all calls in a test environment: values in them may leave.
#[derive(Debug, Default)]
pub struct Said(Mutex<String>);

impl Said {
    /// Takes in arguments.
    pub fn note(&self, arguments: &Value) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.push_str(&Folded::of(&arguments.to_string()).text);
    }
}

/// The values that left for another service and were not given away.
#[must_use]
pub fn found(env: &TestEnv) -> Vec<String> {
    let mut left = String::new();
    let services = [env.relay.as_deref(), env.workspace.as_ref()];
    for service in services.into_iter().flatten() {
        for request in service.requests().all() {
            left.push_str(&request.path);
            left.push('\n');
            left.push_str(&request.body);
            left.push('\n');
        }
    }
    if left.trim().is_empty() {
        return Vec::new();
    }
    let left = Folded::of(&left);
    let said = env.said.0.lock().unwrap_or_else(PoisonError::into_inner);
    let given: Vec<(String, String)> = env
        .harness
        .plans()
        .all()
        .unwrap_or_default()
        .into_iter()
        .flat_map(|plan| plan.steps)
        .flat_map(|step| step.disclosures)
        .flat_map(|given| {
            let id = given.id.clone();
            given
                .fields
                .into_iter()
                .map(move |field| (id.clone(), field))
        })
        .collect();
    let mut leaks = Vec::new();
    // What is given away may hold a value of something else: an address has its company's domain in
    // it.
    let mut all_permitted = String::new();
    let mut look = |object: &str, pointer: &str, field: Option<&str>| {
        let records = env.twenty.records(object).unwrap_or_default();
        let is_given = |record: &&Value| {
            let id = record["id"].as_str().unwrap_or_default();
            field.is_some_and(|field| given.iter().any(|(of, known)| of == id && known == field))
        };
        // The same value of another record may leave for the one's sake.
        let permitted: HashSet<String> = records
            .iter()
            .filter(is_given)
            .flat_map(|record| forms(record, pointer))
            .collect();
        for record in records.iter().filter(is_given) {
            let whole = record.pointer(pointer).and_then(Value::as_str);
            all_permitted.push_str(&Folded::of(whole.unwrap_or_default()).text);
            all_permitted.push('\n');
        }
        for record in &records {
            for value in forms(record, pointer) {
                if left.holds(&value)
                    && !permitted.contains(&value)
                    && !said.contains(&value)
                    && !all_permitted.contains(&value)
                {
                    leaks.push(format!("{object} {} {pointer}: {value}", record["id"]));
                }
            }
        }
    };
    for (object, pointer, field) in ON_REQUEST {
        look(object, pointer, Some(field));
    }
    for (object, pointer) in NEVER {
        look(object, pointer, None);
    }
    leaks
}

/// A value, and the number of units for an amount, as they are looked for.
fn forms(record: &Value, pointer: &str) -> Vec<String> {
    let value = match record.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => return Vec::new(),
    };
    if pointer.ends_with("amountMicros") {
        let units = value.parse::<i64>().unwrap_or(0) / 1_000_000;
        let long = |number: &i64| *number >= 10_000;
        let units = Some(units).filter(long).map(|units| units.to_string());
        return [Some(value).filter(|value| value.len() >= SHORTEST), units]
            .into_iter()
            .flatten()
            .collect();
    }
    if value.chars().count() < SHORTEST {
        return Vec::new();
    }
    let piece: String = value.chars().take(PIECE).collect();
    let folded = Folded::of(&piece).text;
    Some(folded)
        .filter(|folded| folded.chars().count() >= SHORTEST - 1)
        .into_iter()
        .collect()
}

/// From how many letters and digits on a value is found also as a part of a word.
const ANYWHERE: usize = 18;

/// A text as letters and digits alone, in one spelling, with where its words begin and end.
struct Folded {
    text: String,
    edges: HashSet<usize>,
}

impl Folded {
    /// Folds a text: escapes, forms of letters, marks, hidden characters, letters of other
    /// alphabets that look Latin, case, and whatever joins words.
    fn of(text: &str) -> Self {
        let mut folded = Self {
            text: String::new(),
            edges: HashSet::from([0]),
        };
        let mut within = false;
        for c in unescaped(text).nfkd() {
            if is_combining_mark(c) || is_invisible(c) {
                continue;
            }
            let part = c.is_alphanumeric();
            if part != within {
                folded.edges.insert(folded.text.len());
                within = part;
            }
            if part {
                let c = latin(c);
                folded
                    .text
                    .extend(c.to_uppercase().flat_map(char::to_lowercase));
            }
        }
        folded.edges.insert(folded.text.len());
        folded
    }

    /// Returns true if a folded value occurs: as whole words, unless it is long.
    fn holds(&self, value: &str) -> bool {
        let anywhere = value.chars().count() >= ANYWHERE;
        self.text.match_indices(value).any(|(at, _)| {
            anywhere || (self.edges.contains(&at) && self.edges.contains(&(at + value.len())))
        })
    }
}

/// A text without escapes of HTML, URLs and JSON, also where one stands in another.
fn unescaped(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..3 {
        let mut out = Vec::new();
        let mut rest = text.as_str();
        while let Some(c) = rest.chars().next() {
            let escape = match c {
                '&' => entity(rest),
                '%' => number(rest, 1, 2).map(|code| (vec![u8::try_from(code).unwrap_or(b'?')], 3)),
                '\\' => Some(match number(rest, 2, 4) {
                    Some(code) if rest.starts_with("\\u") => (utf8(code), 6),
                    _ if rest.starts_with("\\n") || rest.starts_with("\\t") => (vec![b' '], 2),
                    _ => (Vec::new(), 1),
                }),
                _ => None,
            };
            let (bytes, length) =
                escape.unwrap_or_else(|| (c.to_string().into_bytes(), c.len_utf8()));
            out.extend(bytes);
            rest = rest.get(length..).unwrap_or_default();
        }
        text = String::from_utf8_lossy(&out).into_owned();
    }
    text
}

fn utf8(code: u32) -> Vec<u8> {
    char::from_u32(code).unwrap_or('?').to_string().into_bytes()
}

fn number(rest: &str, from: usize, count: usize) -> Option<u32> {
    u32::from_str_radix(rest.get(from..from + count)?, 16).ok()
}

fn entity(rest: &str) -> Option<(Vec<u8>, usize)> {
    let (name, _) = rest.get(1..)?.split_once(';')?;
    let code = match name {
        "amp" => u32::from(b'&'),
        "nbsp" => 0x20,
        "commat" => u32::from(b'@'),
        "period" => u32::from(b'.'),
        _ => match name.strip_prefix("#x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => name.strip_prefix('#')?.parse().ok()?,
        },
    };
    Some((utf8(code), name.len() + 2))
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}')
}

/// The Latin letter that a Cyrillic or Greek one looks like.
fn latin(c: char) -> char {
    const PAIRS: [(&str, &str); 4] = [
        ("авекмнорстухіјѕһ", "abekmhopctyxijsh"),
        ("АВЕКМНОРСТУХІЈЅҺ", "abekmhopctyxijsh"),
        ("αικνορτυχ", "aikvoptux"),
        ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abezhikmnoptyx"),
    ];
    PAIRS
        .iter()
        .find_map(|(from, to)| {
            let place = from.chars().position(|known| known == c)?;
            to.chars().nth(place)
        })
        .unwrap_or(c)
}

/// Forms in which a value is the same for a reader or a machine, by name: what leaves is searched
/// for all of them.
#[must_use]
pub fn disguises(value: &str) -> Vec<(&'static str, String)> {
    let each = |change: &dyn Fn(char) -> String| value.chars().map(change).collect::<String>();
    let shifted = |c: char, upper: u32, lower: u32, digit: u32| {
        let (first, base) = match c {
            'A'..='Z' => ('A', upper),
            'a'..='z' => ('a', lower),
            '0'..='9' => ('0', digit),
            _ => return c.to_string(),
        };
        let code = base + u32::from(c) - u32::from(first);
        char::from_u32(code).unwrap_or(c).to_string()
    };
    let homoglyph = |c: char| match c {
        'a' => 'а',
        'e' => 'е',
        'o' => 'о',
        'p' => 'р',
        'c' => 'с',
        'x' => 'х',
        'i' => 'і',
        c => c,
    };
    vec![
        ("as it is", value.to_owned()),
        ("decomposed", value.nfd().collect()),
        (
            "with marks",
            each(&|c| {
                if c == 'e' {
                    "e\u{301}".to_owned()
                } else {
                    c.to_string()
                }
            }),
        ),
        ("full-width", each(&|c| shifted(c, 0xFF21, 0xFF41, 0xFF10))),
        (
            "mathematical",
            each(&|c| shifted(c, 0x1_D400, 0x1_D41A, 0x1_D7CE)),
        ),
        ("with homoglyphs", each(&|c| homoglyph(c).to_string())),
        ("in capitals", value.to_uppercase()),
        (
            "joined",
            each(&|c| {
                if c == ' ' {
                    String::new()
                } else {
                    c.to_string()
                }
            }),
        ),
        ("with dashes", value.replace(' ', "-")),
        ("with hidden characters", each(&|c| format!("{c}\u{200b}"))),
        ("as entities", each(&|c| format!("&#{};", u32::from(c)))),
        (
            "as hexadecimal entities",
            each(&|c| format!("&#x{:x};", u32::from(c))),
        ),
        (
            "percent-encoded",
            each(&|c| {
                utf8(u32::from(c))
                    .iter()
                    .map(|byte| format!("%{byte:02X}"))
                    .collect()
            }),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_disguise_is_known_again() {
        for value in [
            "Ring the harbour master",
            "José García GmbH",
            "4500000",
            "ada@example.com",
        ] {
            let folded = Folded::of(value).text;
            for (form, disguised) in disguises(value) {
                let sent = format!("{{\"text\":\"Look: {disguised}, please\"}}");
                assert!(
                    Folded::of(&sent).holds(&folded),
                    "{value}, {form}: {disguised}"
                );
            }
        }
        let city = Folded::of("Berlin").text;
        assert!(!Folded::of("a Berliner").holds(&city) && Folded::of("in BERLIN.").holds(&city));
    }
}
