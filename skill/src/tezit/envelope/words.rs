//! Describes amounts and dates roughly, where the exact number is not for everybody.

use jiff::civil::Date;

use crate::day::days_between;
use crate::markdown::count;

/// The lower bounds of the bands, in units of the currency, and their text. No band has four digits
/// in a row: data loss prevention looks for numbers of so many digits.
const BANDS: [(i128, &str); 12] = [
    (0, "0"),
    (1_000, "1k"),
    (5_000, "5k"),
    (10_000, "10k"),
    (50_000, "50k"),
    (100_000, "100k"),
    (500_000, "500k"),
    (1_000_000, "1M"),
    (5_000_000, "5M"),
    (10_000_000, "10M"),
    (50_000_000, "50M"),
    (100_000_000, "100M"),
];

/// Returns the band of an amount in millionths, such as `10k to 50k EUR`, with its lower bound and
/// without its upper one. A currency that is none of ISO 4217's form is left out.
///
/// ```
/// use crm_skill::tezit::envelope::value_band;
/// assert_eq!(value_band(10_000_000_000, "EUR"), "10k to 50k EUR");
/// assert_eq!(value_band(999_999_999, "EUR"), "under 1k EUR");
/// assert_eq!(value_band(200_000_000_000_000, "gold"), "100M or more");
/// ```
pub fn value_band(micros: i128, currency: &str) -> String {
    let units = micros.div_euclid(1_000_000);
    let at = BANDS.iter().filter(|(from, _)| *from <= units).count();
    let begins = at.checked_sub(1).and_then(|at| BANDS.get(at));
    let band = match (begins, BANDS.get(at)) {
        (None, _) => "under 0".to_owned(),
        (Some((0, _)), Some((_, upper))) => format!("under {upper}"),
        (Some((_, lower)), Some((_, upper))) => format!("{lower} to {upper}"),
        (Some((_, lower)), None) => format!("{lower} or more"),
    };
    let is_code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    if is_code {
        format!("{band} {currency}")
    } else {
        band
    }
}

/// About a year: from here on days are not counted out.
const LONG: i32 = 365;

/// Describes an open deal's close date: `closes in 5 days`, `passed 3 days ago`.
pub fn closing(today: Date, date: Date) -> String {
    match days_between(today, date) {
        0 => "closes today".to_owned(),
        left @ 1..=LONG => format!("closes in {}", days(left)),
        left if left > LONG => "closes in more than a year".to_owned(),
        late if late < -LONG => "passed more than a year ago".to_owned(),
        late => format!("passed {} ago", days(late)),
    }
}

/// Formats a number of days of either sign: `1 day`, `3 days`.
pub fn days(days: i32) -> String {
    count(days.unsigned_abs(), "day", "days")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn band_contains_amount_without_four_digits() {
        for (micros, expected) in [
            (-1, "under 0 EUR"),
            (0, "under 1k EUR"),
            (999_999_999, "under 1k EUR"),
            (1_000_000_000, "1k to 5k EUR"),
            (4_999_999_999, "1k to 5k EUR"),
            (12_345_678_900, "10k to 50k EUR"),
            (50_000_000_000, "50k to 100k EUR"),
            (999_999_999_999, "500k to 1M EUR"),
            (99_999_999_999_999, "50M to 100M EUR"),
            (100_000_000_000_000, "100M or more EUR"),
            (1 << 53, "100M or more EUR"),
        ] {
            let band = value_band(micros, "EUR");
            assert_eq!(band, expected);
            let mut runs = band.split(|character: char| !character.is_ascii_digit());
            assert!(runs.all(|run| run.len() < 4), "{band}");
        }
        assert_eq!(value_band(1, "a secret"), "under 1k");
    }

    #[test]
    fn closing_is_told_in_days_and_not_beyond_a_year() {
        let today: Date = "2026-03-11".parse().unwrap();
        for (date, expected) in [
            ("2026-03-11", "closes today"),
            ("2026-03-12", "closes in 1 day"),
            ("2026-03-16", "closes in 5 days"),
            ("2026-03-08", "passed 3 days ago"),
            ("2027-03-11", "closes in 365 days"),
            ("2027-03-12", "closes in more than a year"),
            ("2016-03-11", "passed more than a year ago"),
        ] {
            assert_eq!(closing(today, date.parse().unwrap()), expected, "{date}");
        }
    }
}
