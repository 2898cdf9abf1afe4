//! Numbers, however their digits are grouped.

/// Maximum digits of an indexed number.
const DIGITS_MAX: u32 = 24;
/// Maximum groups of digits that are read as one number.
const GROUPS_MAX: usize = 8;
/// Maximum signs between two groups of one number.
const GAP_MAX: usize = 2;

/// A number without its sign: its digits, and how many of them are decimals. The last decimal is
/// not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Decimal {
    digits: u128,
    scale: u32,
}

impl Decimal {
    pub(super) fn new(mut digits: u128, mut scale: u32) -> Self {
        while scale > 0 && digits.is_multiple_of(10) {
            digits /= 10;
            scale -= 1;
        }
        Self { digits, scale }
    }

    /// Parses a number as JSON and Rust write it, without an exponent.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('-').unwrap_or(text);
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = whole.len() + decimals.len();
        let plain = !whole.is_empty()
            && whole
                .bytes()
                .chain(decimals.bytes())
                .all(|byte| byte.is_ascii_digit());
        if !plain || digits > 38 {
            return None;
        }
        let digits = format!("{whole}{decimals}").parse().ok()?;
        Some(Self::new(digits, u32::try_from(decimals.len()).ok()?))
    }

    /// Returns the number of its digits.
    pub(super) fn count(self) -> u32 {
        self.digits.checked_ilog10().map_or(0, |log| log + 1)
    }

    /// Returns a millionth of it.
    pub(super) fn millionth(self) -> Self {
        Self::new(self.digits, self.scale + 6)
    }

    /// Returns its integer part.
    pub(super) fn whole(self) -> Self {
        let divisor = 10_u128.checked_pow(self.scale);
        Self::new(divisor.map_or(0, |divisor| self.digits / divisor), 0)
    }
}

/// Parses a text that is one number: digits, at least one, and signs that group them.
pub(super) fn whole(text: &str) -> Option<Decimal> {
    if let Some(number) = Decimal::parse(text) {
        return Some(number);
    }
    let only = (text.bytes())
        .all(|byte| byte.is_ascii_digit() || is_gap(char::from(byte)) || byte == b'+');
    let digits = text.bytes().filter(u8::is_ascii_digit).collect::<Vec<_>>();
    if !only || digits.is_empty() || digits.len() > 24 {
        return None;
    }
    let digits = std::str::from_utf8(&digits).ok()?.parse().ok()?;
    Some(Decimal::new(digits, 0))
}

/// Returns true for a sign that groups digits.
fn is_gap(c: char) -> bool {
    " .,'\u{2019}_-/()".contains(c)
}

#[derive(Clone, Copy, Default)]
struct DigitGroup {
    value: u128,
    length: u32,
    /// True if only a point or a comma precedes it.
    point: bool,
}

/// Calls `call` for every number of four digits or more that a normalized text can be read to
/// contain: each group of digits, and neighbouring groups as one number, the last of them also as
/// decimals.
pub(super) fn each(text: &str, call: &mut dyn FnMut(Decimal)) {
    let mut groups: Vec<DigitGroup> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (gap, digits) = rest.split_at_checked(start).unwrap_or_default();
        let mut signs = gap.chars();
        let near = !gap.is_empty()
            && gap.len() <= 4
            && signs.clone().count() <= GAP_MAX
            && signs.all(is_gap);
        if !near {
            groups.clear();
        }
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        let (group, behind) = digits.split_at_checked(length).unwrap_or_default();
        rest = behind;
        match u32::try_from(length) {
            Ok(length) if length <= DIGITS_MAX => groups.push(DigitGroup {
                value: group.parse().unwrap_or_default(),
                length,
                point: matches!(gap, "." | ","),
            }),
            _ => groups.clear(),
        }
        if groups.len() > GROUPS_MAX {
            groups.remove(0);
        }
        ending(&groups, call);
    }
}

/// Calls `call` for the numbers that end with the last group.
fn ending(groups: &[DigitGroup], call: &mut dyn FnMut(Decimal)) {
    let Some((last, before)) = groups.split_last() else {
        return;
    };
    let mut emit = |number: Decimal| {
        if number.count() >= super::DIGITS_MIN {
            call(number);
        }
    };
    emit(Decimal::new(last.value, 0));
    let (mut value, mut length) = (last.value, last.length);
    for group in before.iter().rev() {
        if length + group.length > DIGITS_MAX {
            return;
        }
        value += group.value * 10_u128.pow(length);
        length += group.length;
        emit(Decimal::new(value, 0));
        if last.point {
            emit(Decimal::new(value, last.length));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<(u128, u32)> {
        let mut found = Vec::new();
        each(text, &mut |number| {
            found.push((number.digits, number.scale))
        });
        found
    }

    #[test]
    fn number_is_found_in_any_grouping() {
        for text in [
            "1234567",
            "1,234,567",
            "1.234.567",
            "1 234 567",
            "1'234'567",
            "1_234_567",
            "eur1,234,567!",
            "1,234,567.00",
            "-1234567",
            "(1234567)",
            "12,34,567",
            "1, 234, 567",
            "01234567",
        ] {
            assert!(
                numbers(text).contains(&(1_234_567, 0)),
                "{text}: {:?}",
                numbers(text)
            );
        }
        for text in ["12000.5", "12,000.50", "12.000,50", "12 000,500"] {
            assert!(
                numbers(text).contains(&(120_005, 1)),
                "{text}: {:?}",
                numbers(text)
            );
        }
        for text in [
            "123456",
            "12345678",
            "1 x 234567",
            "1   234567",
            "1;234;567",
            "123",
            "",
        ] {
            assert!(!numbers(text).contains(&(1_234_567, 0)), "{text}");
        }
        assert_eq!(numbers("123"), []);
        assert_eq!(numbers("0012"), []);
        assert_eq!(numbers(&"9".repeat(25)), []);
    }

    #[test]
    fn json_numbers_are_parsed() {
        for (text, expected) in [
            ("5", Some((5, 0, 1))),
            ("-5000", Some((5000, 0, 4))),
            ("12000.50", Some((120_005, 1, 6))),
            ("0.05", Some((5, 2, 1))),
            ("0", Some((0, 0, 0))),
            ("", None),
            (".5", None),
            ("1e5", None),
            ("1.2.3", None),
        ] {
            let found =
                Decimal::parse(text).map(|number| (number.digits, number.scale, number.count()));
            assert_eq!(found, expected, "{text}");
        }
        let amount = Decimal::parse("50000500000").unwrap().millionth();
        assert_eq!(amount, Decimal::parse("50000.5").unwrap());
        assert_eq!(amount.whole(), Decimal::parse("50000").unwrap());
    }

    #[test]
    fn text_of_digits_alone_is_a_number() {
        for (text, expected) in [
            ("+49 30 123456", Some("4930123456")),
            ("2026-03-31", Some("20260331")),
            ("1,234.5", Some("12345")),
            ("030 12", Some("3012")),
            ("a1", None),
            ("--", None),
            ("", None),
        ] {
            assert_eq!(whole(text), expected.and_then(Decimal::parse), "{text}");
        }
    }
}
