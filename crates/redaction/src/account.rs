//! Bank accounts: IBANs, and digits that a text calls an account.

use crate::Kind;
use crate::number::{self, count, is_amount};
use crate::phone::is_year;
use crate::view::View;
use crate::word;

/// Countries that have IBANs, each with their length (ISO 13616).
const IBANS: &str = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27\
GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31\
MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";

/// Words for an account, without spaces and in small letters.
const NAMES: [&str; 17] = [
    "iban",
    "account",
    "accounts",
    "acct",
    "accountno",
    "accountnumber",
    "acctno",
    "konto",
    "kontonummer",
    "kontonr",
    "kto",
    "compte",
    "cuenta",
    "conto",
    "rekening",
    "bankverbindung",
    "routing",
];

/// Words between one of those and the digits.
const BETWEEN: [&str; 12] = [
    "no", "nr", "num", "number", "nummer", "numero", "is", "ist", "code", "id", "n", "at",
];

/// Most signs between two groups of an IBAN.
const GAP_MAX: usize = 4;
/// Fewest digits of an account.
const FEWEST: usize = 8;

/// Takes out IBANs whose check digits fit.
pub(crate) fn ibans(view: &mut View<'_>) {
    let mut index = 0;
    while let Some(c) = view.get(index) {
        if !c.is_ascii_alphabetic() || !view.begins(index) {
            index += 1;
            continue;
        }
        match iban(view, index) {
            Some(end) => {
                view.take(index, end, Kind::Account);
                index = end;
            }
            None => index += 1,
        }
    }
}

/// The length of a country's IBANs.
fn length(country: (char, char)) -> Option<usize> {
    let country = (
        country.0.to_ascii_uppercase(),
        country.1.to_ascii_uppercase(),
    );
    let mut rest = IBANS;
    while let Some((entry, behind)) = rest.split_at_checked(4) {
        let mut chars = entry.chars();
        if chars.next() == Some(country.0) && chars.next() == Some(country.1) {
            return chars.as_str().parse().ok();
        }
        rest = behind;
    }
    None
}

/// The end of the IBAN that begins at an index: in one or in groups, whatever signs and line breaks
/// are between them. Its check digits fit, or it is written as one is: in groups of four, or with
/// all its digits in a row. Then somebody copied it wrongly.
fn iban(view: &View<'_>, index: usize) -> Option<usize> {
    let letter = |index| view.get(index).filter(char::is_ascii_alphabetic);
    let length = length((letter(index)?, letter(index + 1)?))?;
    let mut read = 0;
    let mut at = index;
    let (mut in_fours, mut numeric) = (true, true);
    // Check digits and country come last in the sum, so they are kept until then.
    let (mut head, mut sum) = (0, 0);
    while read < length {
        let next = match read {
            0 | 1 => at,
            _ => view.skip(at, GAP_MAX, is_gap),
        };
        in_fours &= next == at || read % 4 == 0;
        at = next;
        let digit = view.get(at)?.to_digit(36)?;
        if (2..4).contains(&read) && digit > 9 {
            return None;
        }
        numeric &= read < 4 || digit < 10;
        let part = if read < 4 { &mut head } else { &mut sum };
        *part = (*part * if digit > 9 { 100 } else { 10 } + digit) % 97_000_000;
        if read >= 4 {
            sum %= 97;
        }
        read += 1;
        at += 1;
    }
    // The head has at most six digits: two letters of two, and two digits.
    let fits = (sum * 1_000_000 + head) % 97 == 1 || (in_fours && numeric);
    (fits && !view.is(at, char::is_alphanumeric)).then_some(at)
}

/// Returns true for a separator between two groups.
fn is_gap(c: char) -> bool {
    c.is_whitespace() || "-.,:;_/|~*\u{b7}".contains(c)
}

/// Takes out eight digits or more after a word for an account.
pub(crate) fn named(view: &mut View<'_>) {
    let mut index = 0;
    while let Some(c) = view.get(index) {
        if !c.is_alphabetic() || !view.begins(index) {
            index += 1;
            continue;
        }
        let behind = word::end(view, index);
        index = match called(view, index, behind) {
            Some((from, to)) => {
                view.take(from, to, Kind::Account);
                to
            }
            None => behind,
        };
    }
}

/// The digits that follow a word for an account.
fn called(view: &View<'_>, index: usize, behind: usize) -> Option<(usize, usize)> {
    let is_name = (NAMES.iter())
        .any(|name| word::ends(view, behind, name).is_some_and(|start| start >= index));
    // `account_id` and `accountId` name a record.
    let is_field = view.starts(behind, "_id") && !view.is(behind + 3, char::is_alphanumeric);
    if !is_name || is_field {
        return None;
    }
    let mut at = behind;
    for _ in 0..3 {
        at = view.skip(at, 4, |c| " .:=#-\"".contains(c));
        let end = view.skip(at, 8, char::is_alphabetic);
        let between = (BETWEEN.iter()).any(|name| word::ends(view, end, name) == Some(at));
        if !between {
            break;
        }
        at = end;
    }
    at = view.skip(at, 4, |c| " .:=#-\"(".contains(c));
    // An IBAN that was copied wrongly.
    let country = view.skip(at, 2, |c| c.is_ascii_alphabetic());
    let digits = if country == at + 2 { country } else { at };
    if !view.is(digits, |c| c.is_ascii_digit()) {
        return None;
    }
    let run = number::run(view, digits);
    let end = number::behind(&run);
    let amount = !view.is(digits, |c| c == '0') && is_amount(view, digits, end);
    let years = run.groups.iter().all(|group| is_year(view, *group));
    (count(&run.groups) >= FEWEST && !amount && !years).then_some((at, end))
}
