//! Checks input that is to be written: cleans it, and refuses it where it cannot be stored as it
//! was meant.

use serde::{Deserialize, Serialize};

use crate::bindings::claw::crm::types::Kind;
use crate::bindings::claw::skill::types::RecordRef;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::text::{self, Text};
use crate::twenty::kinds::object;
use crate::twenty::values::{FullName, Micros, full_name, same_address};
use crate::twenty::{NOTHING, pattern};

/// The longest text on one line, in characters.
const LINE: usize = 200;
/// The longest note, in characters.
const NOTE: usize = 20_000;
/// And in bytes: the harness lets no longer text through.
const NOTE_BYTES: usize = 60_000;

/// Returns a reference to a record.
pub(super) fn reference(kind: Kind, id: &str) -> RecordRef {
    RecordRef {
        kind: object(kind).to_owned(),
        id: id.to_owned(),
    }
}

/// Checks one line of text.
pub(super) fn line(field: &str, given: &str) -> Result<String, Failure> {
    let line = text::clean(given)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    match line.chars().count() {
        1..=LINE => Ok(line),
        0 => Err(failure::invalid_input(
            field,
            "it is empty",
            "Give a text, or leave the field out.",
        )),
        _ => Err(failure::invalid_input(
            field,
            format!("it is longer than {LINE} characters"),
            "Give a shorter text.",
        )),
    }
}

/// Checks a text of several lines; none where nothing is left of it.
pub(super) fn note(field: &str, given: &str) -> Result<Option<String>, Failure> {
    let note = text::clean(given).trim().to_owned();
    if note.chars().count() > NOTE || note.len() > NOTE_BYTES {
        return Err(failure::invalid_input(
            field,
            format!("it is longer than {NOTE} characters or {NOTE_BYTES} bytes"),
            "Give a shorter text.",
        ));
    }
    Ok((!note.is_empty()).then_some(note))
}

/// Warns about each text from which hidden characters were removed, with their number: the written
/// text differs from the given one.
pub(super) fn hidden(given: &[(&str, Option<&str>)]) -> Vec<String> {
    let counted = given
        .iter()
        .map(|(field, text)| (field, text.map_or(0, text::count_hidden)));
    counted
        .filter(|(_, hidden)| *hidden > 0)
        .map(|(field, hidden)| match hidden {
            1 => format!("1 hidden character was taken out of the {field}."),
            _ => format!("{hidden} hidden characters were taken out of the {field}."),
        })
        .collect()
}

/// Checks an e-mail address, and returns it in lower case as the CRM stores it.
pub(super) fn email(field: &str, given: &str) -> Result<String, Failure> {
    let email = text::clean(given).trim().to_lowercase();
    let well_formed = email.len() <= 254
        && email
            .split_once('@')
            .is_some_and(|(local, host)| !local.is_empty() && local.len() <= 64 && is_host(host))
        && !email
            .chars()
            .any(|character| character.is_whitespace() || "<>()[],;:\\\"".contains(character));
    if well_formed {
        Ok(email)
    } else {
        Err(failure::invalid_input(
            field,
            "this is no e-mail address",
            "Give one address, such as ada@example.com.",
        ))
    }
}

/// Checks a phone number with its country's calling code (E.164), the form that the CRM takes and
/// splits by itself; an empty one removes the number.
pub(super) fn phone(field: &str, given: &str) -> Result<String, Failure> {
    let cleaned = text::clean(given);
    let bare: String = cleaned
        .trim()
        .replace("(0)", "")
        .chars()
        .filter(|character| {
            !character.is_whitespace() && !"-.()/\u{a0}\u{2011}\u{2013}".contains(*character)
        })
        .collect();
    if bare.is_empty() && cleaned.trim().is_empty() {
        return Ok(bare);
    }
    let digits = match bare.strip_prefix("00") {
        Some(rest) => Some(rest),
        None => bare.strip_prefix('+'),
    };
    let well_formed = digits.filter(|digits| {
        (7..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    });
    match well_formed {
        Some(digits) => Ok(format!("+{digits}")),
        None => Err(failure::invalid_input(
            field,
            "this is no phone number with its country's calling code",
            "Give it from the plus sign on, such as +49301234567, or an empty text to take the number out.",
        )),
    }
}

/// Extracts a company's domain from an address.
pub(super) fn domain(field: &str, given: &str) -> Result<String, Failure> {
    let domain = crate::twenty::records::domain(&text::clean(given));
    if is_host(&domain) {
        Ok(domain)
    } else {
        Err(failure::invalid_input(
            field,
            "this is no domain",
            "Give the domain alone, such as acme.example.",
        ))
    }
}

/// Checks for a host name of at least two labels.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .chars()
                .all(|character| character.is_alphanumeric() || character == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.contains('.') && host.split('.').all(label)
}

/// Parses an exact decimal into millionths that the CRM's number can hold.
pub(super) fn micros(field: &str, given: &str) -> Result<Micros, Failure> {
    let wrong = |reason: &str| {
        failure::invalid_input(
            field,
            reason,
            "Give an exact decimal with a point and at most six decimals, such as 1250.5.",
        )
    };
    let text = given.trim();
    let (negative, digits) = text
        .strip_prefix('-')
        .map_or((false, text), |rest| (true, rest));
    let (units, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(units) || !all_digits(decimals) {
        return Err(wrong("this is no decimal number"));
    }
    if decimals.len() > 6 {
        return Err(wrong("it has more than six decimals"));
    }
    let too_large = || {
        failure::invalid_input(
            field,
            "the CRM keeps no amount over 9223372036854.775807",
            "Give a smaller amount, or another currency.",
        )
    };
    let micros = format!("{units}{decimals:0<6}")
        .parse::<i128>()
        .ok()
        .filter(|micros| i64::try_from(*micros).is_ok())
        .map(|micros| Micros(if negative { -micros } else { micros }))
        .ok_or_else(too_large)?;
    if micros.is_writable() {
        return Ok(micros);
    }
    let (below, above) = micros.nearest();
    Err(failure::invalid_input(
        field,
        "the CRM would round it: over 9007199254.740992 it keeps not every sixth decimal, and over 576460752303 not every unit",
        format!(
            "The nearest amounts that it keeps are {} and {}: give one of them.",
            below.decimal(),
            above.decimal()
        ),
    ))
}

/// Checks a currency's code.
pub(super) fn currency(field: &str, given: &str) -> Result<String, Failure> {
    let code = given.trim();
    if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(code.to_owned());
    }
    Err(failure::invalid_input(
        field,
        "this is no currency code",
        "Give the three capital letters of ISO 4217, such as EUR.",
    ))
}

/// Somebody who works in the CRM, as a lookup by address finds them.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WorkspaceMember {
    /// Id.
    pub(super) id: String,
    #[serde(skip_serializing)]
    name: Option<FullName>,
    #[serde(skip_serializing)]
    user_email: Option<Text>,
}

impl WorkspaceMember {
    /// Returns the name, or the address where there is none.
    pub(super) fn label(&self) -> String {
        let name = full_name(self.name.as_ref());
        let email = self.user_email.as_ref().map_or("", Text::as_str);
        let label = if name == "(no name)" { email } else { &name };
        text::line(label, text::LABEL).0
    }
}

/// Returns the address of the member that a caller named by it or by `me`.
pub(super) fn member_address(
    ctx: &Context<'_>,
    field: &str,
    given: &str,
) -> Result<String, Failure> {
    if given.trim().eq_ignore_ascii_case("me") {
        return ctx.caller_email(field);
    }
    email(field, given)
}

/// Returns the pattern to look up members with: the address in any case, or a text that no member
/// has.
pub(super) fn member_pattern(address: Option<&str>) -> String {
    address.map_or_else(|| NOTHING.to_owned(), pattern)
}

/// Finds the member with an address among those that a lookup found.
pub(super) fn member(
    ctx: &Context<'_>,
    field: &str,
    address: &str,
    found: impl Iterator<Item = WorkspaceMember>,
) -> Result<WorkspaceMember, Failure> {
    let mut found = found;
    found
        .find(|member| same_address(member.user_email.as_ref(), address))
        .ok_or_else(|| no_member(ctx, field, address))
}

/// Refuses the address of somebody who is no member.
pub(super) fn no_member(ctx: &Context<'_>, field: &str, address: &str) -> Failure {
    let next = if ctx.caller_email(field).is_ok_and(|me| me == address) {
        "Ask the operator to set the caller's e-mail address to the one by which the CRM knows them, or name a colleague."
    } else {
        "Give the address of a member of the CRM workspace; crm_follow_ups with assignee \"anyone\" shows some."
    };
    failure::invalid_input(
        field,
        format!("nobody in this CRM has the e-mail address {address}"),
        next,
    )
}

/// Checks that a number is within its range.
pub(super) fn within<N: PartialOrd + std::fmt::Display + Copy>(
    field: &str,
    given: Option<N>,
    default: N,
    range: std::ops::RangeInclusive<N>,
) -> Result<N, Failure> {
    let value = given.unwrap_or(default);
    if range.contains(&value) {
        return Ok(value);
    }
    let (low, high) = (range.start(), range.end());
    Err(failure::invalid_input(
        field,
        format!("{value} is out of range"),
        format!("Give a number from {low} to {high}."),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_exact_or_refused() {
        for (given, expected) in [
            ("0", 0),
            ("1250.5", 1_250_500_000),
            ("-3", -3_000_000),
            ("0.000001", 1),
            ("0012.10", 12_100_000),
            ("9007199254.740992", 1 << 53),
            ("-9007199254.740992", -(1 << 53)),
            ("15000000000", 15_000_000_000_000_000),
            ("15000000000.50", 15_000_000_000_500_000),
            ("-576460752304", -576_460_752_304_000_000),
            ("9000000000000", 9_000_000_000_000_000_000),
        ] {
            assert_eq!(
                micros("amount", given).ok(),
                Some(Micros(expected)),
                "{given}"
            );
        }
        for wrong in [
            "",
            ".",
            "-",
            "1.",
            ".5",
            "1,000",
            "1e3",
            "+1",
            "1.0000001",
            "9007199254.740993",
            "15000000000.000001",
            "600000000001",
            "9223372036854.775808",
            "99999999999999999999999999999999999999999999",
            "NaN",
            "0x10",
            "1 000",
            "١٢",
            "--1",
            "1.2.3",
            "12 EUR",
        ] {
            assert!(
                matches!(micros("amount", wrong), Err(Failure::InvalidInput(_))),
                "{wrong}"
            );
        }
    }

    #[test]
    fn inexact_amount_names_its_neighbours() {
        for (given, below, above) in [
            ("15000000000.000001", "15000000000", "15000000000.000002"),
            ("-15000000000.000001", "-15000000000.000002", "-15000000000"),
            ("600000000001", "600000000000.999936", "600000000001.000064"),
        ] {
            let Err(Failure::InvalidInput(wrong)) = micros("amount", given) else {
                panic!("{given} is taken")
            };
            assert!(
                wrong.next.contains(&format!(" {below} and {above}:")),
                "{wrong:?}"
            );
            for near in [below, above] {
                assert!(micros("amount", near).is_ok(), "{near}");
            }
        }
    }

    #[test]
    fn addresses_are_stored_in_one_form() {
        for (given, expected) in [
            (" Ada@Example.COM ", Some("ada@example.com")),
            ("a.b+c@x-y.example", Some("a.b+c@x-y.example")),
            ("ada", None),
            ("ada@", None),
            ("@example.com", None),
            ("ada@example", None),
            ("ada@@example.com", None),
            ("Ada <ada@example.com>", None),
            ("a@b.example, c@d.example", None),
        ] {
            assert_eq!(email("email", given).ok().as_deref(), expected, "{given}");
        }
        for (given, expected) in [
            ("https://www.Acme.example/x", Some("acme.example")),
            ("acme.example", Some("acme.example")),
            ("bücher.example", Some("bücher.example")),
            ("acme", None),
            ("", None),
            ("a b.example", None),
            ("-a.example", None),
        ] {
            assert_eq!(domain("domain", given).ok().as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn phone_number_keeps_its_calling_code() {
        for (given, expected) in [
            ("+49 30 123-4567", Some("+49301234567")),
            ("0049 (0)30/1234567", Some("+49301234567")),
            (" +1 (202) 555.0143 ", Some("+12025550143")),
            ("", Some("")),
            (" ", Some("")),
            ("030 1234567", None),
            ("+0301234567", None),
            ("+49 30 CALL", None),
            ("+", None),
            ("-", None),
            ("+1234567890123456", None),
            ("not a phone", None),
        ] {
            assert_eq!(phone("phone", given).ok().as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        assert_eq!(currency("currency", "EUR").ok().as_deref(), Some("EUR"));
        for wrong in ["eur", "EU", "EURO", "€", ""] {
            assert!(currency("currency", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hidden_characters_are_counted_by_field() {
        let told = hidden(&[
            ("title", Some("pay\u{200d}load")),
            ("note", Some("a\u{202e}b\u{e0041}c\r\nd")),
            ("message", Some("می\u{200c}خواهم 👩\u{200d}💻")),
            ("ask", None),
        ]);
        assert_eq!(
            told,
            [
                "1 hidden character was taken out of the title.",
                "2 hidden characters were taken out of the note."
            ]
        );
    }

    #[test]
    fn text_is_cleaned_before_it_is_measured() {
        assert_eq!(
            line("title", " a\u{0}\u{202e}\n b ").ok().as_deref(),
            Some("a b")
        );
        assert!(line("title", "\u{200b} \n").is_err());
        assert!(line("title", &"x".repeat(200)).is_ok());
        assert!(line("title", &"x".repeat(201)).is_err());
        assert_eq!(note("note", " \u{0} ").ok(), Some(None));
        assert!(note("note", &"x".repeat(20_000)).is_ok());
        assert!(note("note", &"x".repeat(20_001)).is_err());
        assert!(note("note", &"東".repeat(20_000)).is_ok());
        assert!(note("note", &"🚀".repeat(20_000)).is_err());
    }
}
