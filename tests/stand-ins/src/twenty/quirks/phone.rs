//! Phone numbers within a mutation's `data`. The service takes a number apart into its country, its
//! calling code and the rest; the stand-in does so for countries whose numbers were seen to come
//! apart, and keeps a number that is apart already.

use crate::twenty::catalogue::ColumnId;
use crate::twenty::composite::Values;
use crate::twenty::data::text;
use crate::twenty::errors::{GqlError, Refusal};
use crate::twenty::input::Input;
use crate::twenty::value::Value;

/// A country whose numbers come apart.
struct Country {
    /// Its calling code, without the plus.
    calling: &'static str,
    code: &'static str,
    /// The digits before a number that is dialled within the country.
    trunk: &'static str,
}

const fn country(calling: &'static str, code: &'static str, trunk: &'static str) -> Country {
    Country {
        calling,
        code,
        trunk,
    }
}

/// Countries that have a calling code to themselves.
const COUNTRIES: [Country; 7] = [
    country("852", "HK", ""),
    country("49", "DE", "0"),
    country("44", "GB", "0"),
    country("43", "AT", "0"),
    country("41", "CH", "0"),
    country("33", "FR", "0"),
    country("46", "SE", "0"),
];

/// Area codes that tell the countries behind +1 apart.
const AREAS: [(&str, &str); 6] = [
    ("202", "US"),
    ("212", "US"),
    ("415", "US"),
    ("416", "CA"),
    ("514", "CA"),
    ("604", "CA"),
];

/// Reads a number; `None` where its parts stay as they are given.
pub(in crate::twenty) fn read(
    name: &str,
    parts: &[(&'static str, ColumnId)],
    given: &[(&'static str, ColumnId, &Input)],
) -> Result<Option<Values>, Refusal> {
    let unknown = |what: &str| Refusal::not_known(format!("{name} {what}"));
    let part = |wanted: &str| {
        let found = given.iter().find(|(part, ..)| *part == wanted);
        found.map(|(.., value)| *value)
    };
    let apart = |number: &str, country: &str, calling: &str| {
        let values = [
            ("primaryPhoneNumber", number.to_owned()),
            ("primaryPhoneCountryCode", country.to_owned()),
            ("primaryPhoneCallingCode", format!("+{calling}")),
        ];
        let placed = values.into_iter().filter_map(|(wanted, value)| {
            let (_, column) = parts.iter().find(|(part, _)| *part == wanted)?;
            Some((*column, Value::text(value)))
        });
        placed.collect::<Values>()
    };
    let codes = [
        part("primaryPhoneCallingCode"),
        part("primaryPhoneCountryCode"),
    ];
    match (given, codes) {
        ([("primaryPhoneNumber", column, value)], _) => {
            let typed = value.as_text().ok_or_else(|| unknown("that is no text"))?;
            if typed.is_empty() {
                // The number goes, the codes stay.
                return Ok(Some(vec![(*column, text(name, "text", value)?)]));
            }
            if !typed.bytes().any(|b| b.is_ascii_digit()) {
                let message = format!("Provided phone number is invalid {typed}");
                return Err(GqlError::input(&message, "INVALID_PHONE_NUMBER", &message).into());
            }
            let (country, number) = international(typed).ok_or_else(|| unknown(typed))?;
            Ok(Some(apart(number, country.code, country.calling)))
        }
        (_, [Some(Input::Text(calling)), country]) => {
            let calling = calling
                .strip_prefix('+')
                .ok_or_else(|| unknown("with a calling code that has no plus"))?;
            let typed = part("primaryPhoneNumber").and_then(Input::as_text);
            let digits = typed.and_then(national);
            let digits = digits.ok_or_else(|| unknown("with codes and no number of digits"))?;
            let country = country.and_then(Input::as_text);
            let known = COUNTRIES.iter().find(|known| known.calling == calling);
            let trunk = known.map_or("", |known| known.trunk);
            let number = digits.strip_prefix(trunk).unwrap_or(&digits);
            let area = || AREAS.iter().find(|(area, _)| number.starts_with(area));
            let inferred = match known {
                Some(known) => Some(known.code),
                None if calling == "1" => area().map(|(_, country)| *country),
                None => None,
            };
            match (inferred, country) {
                (Some(inferred), Some(given)) if inferred != given => {
                    let message = "Provided and inferred country code are conflicting";
                    Err(GqlError::input(message, "CONFLICTING_PHONE_COUNTRY_CODE", message).into())
                }
                (Some(_), Some(_)) if typed == Some(number) => Ok(None),
                (None, Some(country)) if country.len() == 2 && typed == Some(number) => Ok(None),
                (Some(inferred), _) if given.len() <= 3 => {
                    Ok(Some(apart(number, inferred, calling)))
                }
                _ => Err(unknown(
                    "other than a number with its country and calling codes",
                )),
            }
        }
        _ => Err(unknown("other than a number with its calling code")),
    }
}

/// The country of an international number, and the rest of the number.
fn international(typed: &str) -> Option<(&'static Country, &str)> {
    let digits = typed.strip_prefix('+')?;
    let whole = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let country = COUNTRIES
        .iter()
        .find(|country| digits.starts_with(country.calling));
    let country = country.filter(|_| whole)?;
    Some((country, digits.strip_prefix(country.calling)?))
}

/// The digits of a number as it is dialled within a country.
fn national(typed: &str) -> Option<String> {
    let digits: String = typed
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '(' | ')'))
        .collect();
    let whole = (4..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    whole.then_some(digits)
}
