//! Provenance of the values in a read: each must come from a source that this service may know.
//!
//! Nobody approves a read, and a value in another encoding (in hexadecimal, word by word, as the
//! path of a request) passes every search for known values. So once another service has answered
//! during the call, everything that the component chose in a read has to be
//!
//! - part of the call's arguments or of a setting: as written, in lower case, or with one space for
//!   each run of white space. In a text variable of a trusted document only letters and digits are
//!   compared, since a search accepts words in many forms;
//! - a whole value that this same service has returned during the call, such as an id or a cursor;
//! - a number of at most four digits, a date or a time;
//! - a constant of the skill, which the manifest lists under `[values] constants`.
//!
//! In paths and query values each character has one spelling (RFC 3986: everything but the
//! unreserved characters is percent-encoded), so that a choice among several cannot carry data.
//! Variables of trusted documents that are numbers, ids, dates or words of a closed list are free:
//! their types limit what they can hold.
//!
//! A component that judges a step of a plan is held to this from its first request on, since it is
//! given the step: it may carry only values of the step, and only to the step's service.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde_json::Value;

use crate::outbound::formats::{is_date, is_date_time};

/// Maximum digits of a number that any read may carry.
const DIGITS_MAX: usize = 4;
/// Longest value of an answer that is remembered, in bytes; nothing longer fits into a query.
const TOLD_MAX: usize = 1024;

/// Sources of the values that the reads of one call may carry.
#[derive(Debug, Default)]
pub(crate) struct Provenance {
    /// Arguments and settings, in the compared forms.
    given: Forms,
    /// Constants of the skill.
    constants: HashSet<String>,
    state: Mutex<ProvenanceState>,
}

#[derive(Debug, Default)]
struct ProvenanceState {
    services: HashMap<String, ServiceTexts>,
    /// The only service that may be read, while the component judges a step that goes to it.
    judged: Option<String>,
}

/// Values that one service has returned.
#[derive(Debug, Default)]
struct ServiceTexts {
    /// Answers that have not been parsed yet.
    unread: Vec<Bytes>,
    values: HashSet<String>,
    /// True if an answer described more than the service itself.
    counts: bool,
}

/// Texts in the compared forms, separated by line breaks, which no compared value contains.
#[derive(Debug, Default)]
struct Forms {
    written: String,
    collapsed: String,
    small: String,
    /// Letters and digits only.
    folded: String,
}

impl Forms {
    fn add(&mut self, text: &str) {
        let collapsed = collapsed(text);
        for (form, text) in [
            (&mut self.written, text),
            (&mut self.small, &collapsed.to_lowercase()),
            (&mut self.folded, &folded(text)),
            (&mut self.collapsed, &collapsed),
        ] {
            form.push_str(text);
            form.push('\n');
        }
    }

    fn hold(&self, value: &str) -> bool {
        !value.contains('\n')
            && [&self.written, &self.collapsed, &self.small]
                .iter()
                .any(|form| form.contains(value))
    }

    fn hold_folded(&self, value: &str) -> bool {
        self.folded.contains(&folded(value))
    }
}

/// The position of a value in a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextPlace {
    /// In a path or a query.
    Url,
    /// In a text variable of a trusted document, where `%` is a wildcard and `\` escapes a
    /// character.
    Variable,
}

impl Provenance {
    /// Creates the sources that come with a call: its arguments, settings, and the constants that
    /// the manifest lists.
    pub(crate) fn of<'s>(
        arguments: &Value,
        settings: impl IntoIterator<Item = &'s str>,
        constants: &[String],
    ) -> Self {
        let mut given = Forms::default();
        each_text(arguments, &mut |text| given.add(text));
        settings.into_iter().for_each(|setting| given.add(setting));
        Self {
            given,
            constants: constants.iter().cloned().collect(),
            state: Mutex::default(),
        }
    }

    /// Takes in an answer of a service. `counts` is true if it describes more than the service
    /// itself.
    pub(crate) fn take_in(&self, service: &str, body: Bytes, counts: bool) {
        if body.is_empty() {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let told = state.services.entry(service.to_owned()).or_default();
        told.counts |= counts;
        told.unread.push(body);
    }

    /// Restricts reads to judging a step that goes to this service, which may know the contents of
    /// the step.
    pub(crate) fn judge(&self, service: &str, path: &str, body: &str, answer: Option<&[u8]>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.judged = Some(service.to_owned());
        let told = state.services.entry(service.to_owned()).or_default();
        told.values
            .extend(path.split(['/', '?', '&', '=']).map(str::to_owned));
        told.unread.push(Bytes::copy_from_slice(body.as_bytes()));
        told.unread.extend(answer.map(Bytes::copy_from_slice));
    }

    /// Returns the service of the judged step, if it is another one.
    pub(crate) fn other_than_judged(&self, service: &str) -> Option<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.judged.clone().filter(|judged| judged != service)
    }

    /// Returns true if the values sent to this service are checked: another one has answered, or a
    /// step is judged.
    pub(crate) fn applies(&self, service: &str) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.applies(service)
    }

    /// Returns the description of the first of these values that this service may not be sent.
    pub(crate) fn unfounded<'v>(
        &self,
        service: &str,
        values: &'v [(String, TextPlace, String)],
    ) -> Option<&'v str> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.applies(service) {
            return None;
        }
        let told = state.services.entry(service.to_owned()).or_default();
        told.read();
        let found = values
            .iter()
            .find(|(_, place, value)| !self.founded(*place, value, &told.values));
        found.map(|(name, _, _)| name.as_str())
    }

    fn founded(&self, place: TextPlace, value: &str, told: &HashSet<String>) -> bool {
        let number = value.len() <= DIGITS_MAX && value.bytes().all(|byte| byte.is_ascii_digit());
        if number || is_moment(value) || self.constants.contains(value) || told.contains(value) {
            return true;
        }
        match place {
            TextPlace::Url => self.given.hold(value),
            TextPlace::Variable => {
                !value.chars().any(redaction::is_hidden)
                    && pieces(value)
                        .iter()
                        .all(|piece| told.contains(piece) || self.given.hold_folded(piece))
            }
        }
    }
}

impl ProvenanceState {
    fn applies(&self, service: &str) -> bool {
        let others = |(name, told): (&String, &ServiceTexts)| name != service && told.counts;
        self.judged.is_some() || self.services.iter().any(others)
    }
}

impl ServiceTexts {
    fn read(&mut self) {
        for body in std::mem::take(&mut self.unread) {
            let Ok(body) = serde_json::from_slice::<Value>(&body) else {
                continue;
            };
            each_text(&body, &mut |text| {
                if text.len() <= TOLD_MAX {
                    self.values.insert(text.to_owned());
                }
            });
        }
    }
}

/// Calls `take` for each text and number of a value, those of JSON within texts included.
fn each_text(value: &Value, take: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => members.values().for_each(|member| each_text(member, take)),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, take)),
        Value::String(text) => {
            take(text);
            if text.starts_with(['{', '['])
                && let Ok(inner @ (Value::Object(_) | Value::Array(_))) =
                    serde_json::from_str::<Value>(text)
            {
                each_text(&inner, take);
            }
        }
        Value::Number(number) => take(&number.to_string()),
        Value::Bool(_) | Value::Null => {}
    }
}

/// Checks for a date, or a time to the second in an offset that a zone can have: anything finer
/// only hides something. The last millisecond of a second is the end of a span.
fn is_moment(text: &str) -> bool {
    let year = text
        .get(..2)
        .is_some_and(|century| matches!(century, "19" | "20" | "21"));
    let fraction = text.get(19..).and_then(|rest| rest.strip_prefix('.'));
    let fine = fraction.is_some_and(|rest| !rest.starts_with("000") && !rest.starts_with("999"))
        || fraction.is_some_and(|rest| rest.as_bytes().get(3).is_some_and(u8::is_ascii_digit));
    year && !fine && (is_date(text) || is_date_time(text) && is_real_offset(text))
}

/// Checks that a time stands in UTC, or in an offset of whole quarters of an hour up to 14 hours
/// (those of the IANA time zones).
fn is_real_offset(text: &str) -> bool {
    let Some((hours, minutes)) = text.get(text.len().saturating_sub(6)..).and_then(|offset| {
        let (hours, minutes) = offset.strip_prefix(['+', '-'])?.split_once(':')?;
        Some((hours.parse::<u8>().ok()?, minutes))
    }) else {
        return text.ends_with('Z');
    };
    hours <= 14 && ["00", "15", "30", "45"].contains(&minutes)
}

/// Returns the texts between the wildcards of a pattern, without escapes.
fn pieces(pattern: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        let c = match c {
            '%' => {
                pieces.push(String::new());
                continue;
            }
            '\\' => characters.next().unwrap_or('\\'),
            c => c,
        };
        if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// Removes hidden characters, and collapses each run of white space to one space.
fn collapsed(text: &str) -> String {
    let seen: String = text
        .chars()
        .filter(|c| c.is_whitespace() || !redaction::is_hidden(*c))
        .collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the letters and digits of a text, in lower case and without diacritics.
fn folded(text: &str) -> String {
    let plain = text.chars().map(redaction::plain);
    plain
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Returns true if a value is percent-encoded in the normal form of RFC 3986: unreserved characters
/// as they are, everything else in upper-case hexadecimal digits.
pub(crate) fn is_spelled_plainly(value: &str) -> bool {
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        let unreserved =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if byte != b'%' {
            if !unreserved(byte) {
                return false;
            }
            continue;
        }
        let digit = |byte: Option<u8>| {
            byte.filter(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte))
                .and_then(|byte| char::from(byte).to_digit(16))
        };
        let code = digit(rest.next()).zip(digit(rest.next()));
        let code = code.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        if code.is_none_or(unreserved) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn provenance() -> Provenance {
        let arguments =
            json!({"to": ["Sam  Okafor"], "about": "Northern Depot & Söhne", "n": 123_456});
        let constants = ["me".to_owned()];
        Provenance::of(&arguments, ["team-7", "robin@example.com"], &constants)
    }

    fn may_carry(provenance: &Provenance, place: TextPlace, value: &str) -> bool {
        let values = [("q".to_owned(), place, value.to_owned())];
        provenance.unfounded("teller", &values).is_none()
    }

    #[test]
    fn read_carries_what_its_service_may_know() {
        let provenance = provenance();
        let secret = "4e6f72746865726e";
        // Nothing can leak before a service has answered.
        assert!(may_carry(&provenance, TextPlace::Url, secret));
        provenance.take_in(
            "teller",
            Bytes::from(r#"{"data":[{"id":"u-1","n":987654}]}"#),
            true,
        );
        assert!(may_carry(&provenance, TextPlace::Url, secret));
        provenance.take_in(
            "knower",
            Bytes::from(r#"{"data":{"name":"Northern"}}"#),
            true,
        );
        for founded in [
            "",
            "50",
            "9999",
            "me",
            "Sam  Okafor",
            "Sam Okafor",
            "sam okafor",
            "Okafor",
            "team-7",
            "robin@example.com",
            "u-1",
            "987654",
            "123456",
            "2026-03-01",
            "2026-03-01T09:00:00Z",
            "2026-03-01T09:00:00+02:00",
            "2026-03-01T23:59:59.999-03:30",
            "2026-03-01T09:00:00.000Z",
            "Söhne",
        ] {
            assert!(may_carry(&provenance, TextPlace::Url, founded), "{founded}");
        }
        for unfounded in [
            secret,
            "10000",
            "SAM OKAFOR",
            "Sam\u{200b}Okafor",
            "Sam   Okafor",
            "u-",
            "u-12",
            "Northern\nDepot",
            "2026-03-01T09:00:00.123Z",
            "2026-03-01T09:00:00.0001Z",
            "2026-03-01T09:00:00+02:07",
            "2026-03-01T09:00:00-20:00",
            "2026-03-01T09:00:00+99:99",
            "9026-03-01",
            "me too",
            "0x12",
            "northerndepot",
        ] {
            assert!(
                !may_carry(&provenance, TextPlace::Url, unfounded),
                "{unfounded}"
            );
        }
    }

    #[test]
    fn text_variable_compares_letters_and_digits() {
        let provenance = provenance();
        provenance.take_in("other", Bytes::from("{}"), true);
        for founded in [
            "%northern depot%",
            "Northern%Söhne",
            "NORTHERN DEPOT",
            "northern-depot",
            "100\\%".get(..0).unwrap(),
            "robin@example.com",
            "%",
            "me",
        ] {
            assert!(
                may_carry(&provenance, TextPlace::Variable, founded),
                "{founded}"
            );
        }
        for unfounded in ["%4e6f72%", "Southern", "Northern%Annex", "Nor\u{200b}thern"] {
            assert!(
                !may_carry(&provenance, TextPlace::Variable, unfounded),
                "{unfounded}"
            );
        }
    }

    #[test]
    fn description_of_a_service_does_not_count() {
        let provenance = provenance();
        // A list of fields describes no record.
        provenance.take_in("knower", Bytes::from(r#"{"data":{}}"#), false);
        assert!(may_carry(&provenance, TextPlace::Url, "anything"));
    }

    #[test]
    fn judge_carries_only_values_of_its_step() {
        let provenance = Provenance::default();
        let body = r#"{"text":"Hello","id":"m-1","context":[{"content":"{\"id\":\"d-9\"}"}]}"#;
        provenance.judge(
            "teller",
            "/conversations/c-5/messages?x=y-1",
            body,
            Some(br#"{"data":{"id":"n-2"}}"#),
        );
        for founded in ["c-5", "m-1", "n-2", "d-9", "y-1", "50"] {
            assert!(may_carry(&provenance, TextPlace::Url, founded), "{founded}");
        }
        for unfounded in ["before: 9000", "c-6", "hello"] {
            assert!(
                !may_carry(&provenance, TextPlace::Url, unfounded),
                "{unfounded}"
            );
        }
        assert_eq!(provenance.other_than_judged("teller"), None);
        assert_eq!(
            provenance.other_than_judged("knower").as_deref(),
            Some("teller")
        );
    }

    #[test]
    fn each_character_of_a_url_has_one_spelling() {
        for good in [
            "",
            "abc",
            "Sam%20Okafor",
            "2026-03-01T09%3A00%3A00Z",
            "%C3%A9",
            "a_b-c.d~e",
        ] {
            assert!(is_spelled_plainly(good), "{good}");
        }
        for bad in [
            "%41bc", "a+b", "a%2f", "a:b", "a,b", "%", "%4", "%zz", "a b", "%7e",
        ] {
            assert!(!is_spelled_plainly(bad), "{bad}");
        }
    }
}
