//! Formats of texts that services use: UUIDs (RFC 9562), dates and times (RFC 3339).

/// Returns true if `text` matches `form`, in which `0` stands for a digit, `x` for a hexadecimal
/// digit and any other character for itself.
fn has_form(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text
            .bytes()
            .zip(form.bytes())
            .all(|(byte, expected)| match expected {
                b'0' => byte.is_ascii_digit(),
                b'x' => byte.is_ascii_hexdigit(),
                literal => byte == literal,
            })
}

/// Returns true if a text is a UUID in its usual form, with hyphens.
pub(in crate::outbound) fn is_uuid(text: &str) -> bool {
    has_form(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
}

fn in_range(text: &str, low: u8, high: u8) -> bool {
    text.parse::<u8>()
        .is_ok_and(|number| (low..=high).contains(&number))
}

/// Returns true if a text is a date, such as `2026-03-31`.
pub(in crate::outbound) fn is_date(text: &str) -> bool {
    has_form(text, "0000-00-00")
        && text.get(5..7).is_some_and(|month| in_range(month, 1, 12))
        && text.get(8..10).is_some_and(|day| in_range(day, 1, 31))
}

/// Returns true if a text is an RFC 3339 time with an upper-case `T` and an offset.
pub(in crate::outbound) fn is_date_time(text: &str) -> bool {
    let Some((date, rest)) = text.split_once('T') else {
        return false;
    };
    let (Some(clock), Some(tail)) = (rest.get(..8), rest.get(8..)) else {
        return false;
    };
    let time = has_form(clock, "00:00:00")
        && clock.get(..2).is_some_and(|hour| in_range(hour, 0, 23))
        && clock
            .get(3..5)
            .is_some_and(|minute| in_range(minute, 0, 59))
        && clock.get(6..).is_some_and(|second| in_range(second, 0, 60));
    let zone = match tail.strip_prefix('.') {
        Some(fraction) => {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if !(1..=9).contains(&digits) {
                return false;
            }
            fraction.get(digits..).unwrap_or_default()
        }
        None => tail,
    };
    let numeric = has_form(zone, "+00:00") || has_form(zone, "-00:00");
    let offset = zone == "Z"
        || numeric
            && zone.get(1..3).is_some_and(|hour| in_range(hour, 0, 23))
            && zone.get(4..).is_some_and(|minute| in_range(minute, 0, 59));
    is_date(date) && time && offset
}
