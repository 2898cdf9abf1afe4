//! Digits in groups, and payment cards among them.

use alloc::vec::Vec;

use crate::Kind;
use crate::view::View;

/// Most signs between two groups of one number.
const GAP_MAX: usize = 4;

/// Signs of money and shares.
const MONEY: &str = "\u{20ac}$\u{a3}\u{a5}\u{20b9}\u{20bd}\u{20a9}\u{20ba}%";

/// Words behind a number, or before it, that make it an amount.
const UNITS: [&str; 48] = [
    "eur", "usd", "gbp", "chf", "jpy", "cny", "inr", "sek", "nok", "dkk", "pln", "czk", "huf",
    "ron", "bgn", "try", "cad", "aud", "nzd", "sgd", "hkd", "zar", "brl", "mxn", "ils", "aed",
    "sar", "krw", "thb", "rub", "uah", "k", "m", "bn", "euro", "euros", "dollar", "dollars",
    "pound", "pounds", "percent", "million", "millions", "mio", "billion", "mrd", "thousand",
    "bps",
];

/// Longest of them.
const UNIT_MAX: usize = 8;

/// Digits without anything between them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    /// The first.
    pub(crate) start: usize,
    /// Behind the last.
    pub(crate) end: usize,
}

impl Group {
    /// The number of digits.
    pub(crate) fn len(self) -> usize {
        self.end - self.start
    }
}

/// Groups of digits that may be one number: between them stand spaces, dashes, dots, slashes and
/// brackets.
pub(crate) struct Run {
    /// The groups, in order.
    pub(crate) groups: Vec<Group>,
}

/// The run that begins with the digit at an index.
pub(crate) fn run(view: &View<'_>, index: usize) -> Run {
    let mut groups = Vec::new();
    let mut start = index;
    loop {
        let end = view.run(start, |c| c.is_ascii_digit());
        groups.push(Group { start, end });
        let next = view.skip(end, GAP_MAX, |c| " -./()".contains(c));
        if next == end || !view.is(next, |c| c.is_ascii_digit()) {
            return Run { groups };
        }
        start = next;
    }
}

/// The index behind a run.
pub(crate) fn behind(run: &Run) -> usize {
    run.groups.last().map_or(0, |group| group.end)
}

/// Counts the digits of all groups.
pub(crate) fn count(groups: &[Group]) -> usize {
    groups.iter().map(|group| group.len()).sum()
}

/// Calls for each run of a text: with the run, and whether a letter stands at its end, so that its
/// last group is no number.
pub(crate) fn each_run(view: &mut View<'_>, mut call: impl FnMut(&mut View<'_>, &Run)) {
    let mut index = 0;
    while let Some(c) = view.get(index) {
        if !c.is_ascii_digit() {
            index += 1;
        } else if view.begins(index) {
            let mut found = run(view, index);
            let end = behind(&found);
            if view.is(end, char::is_alphanumeric) && !is_extension(view, end) {
                found.groups.pop();
            }
            if !found.groups.is_empty() {
                call(view, &found);
            }
            index = end;
        } else {
            index = view.run(index, |c| c.is_ascii_digit());
        }
    }
}

/// `x12` and `ext. 12` behind a phone number.
fn is_extension(view: &View<'_>, index: usize) -> bool {
    (view.starts(index, "x") && view.is(index + 1, |c| c.is_ascii_digit()))
        || view.starts(index, "ext")
}

/// Returns true if a single `-`, `.` or `/` joins two groups: they are parts of one number.
pub(crate) fn is_tight(view: &View<'_>, one: Group, other: Group) -> bool {
    other.start - one.end == 1 && view.is(one.end, |c| "-./".contains(c))
}

/// Returns true if all groups are single digits: a number spelt out.
pub(crate) fn is_spelt(groups: &[Group]) -> bool {
    groups.len() > 1 && groups.iter().all(|group| group.len() == 1)
}

/// Returns true if a range is an amount of money or a share: its unit stands beside it.
pub(crate) fn is_amount(view: &View<'_>, from: usize, to: usize) -> bool {
    let mut end = to;
    // Cents.
    if view.is(end, |c| matches!(c, ',' | '.')) {
        let cents = view.skip(end + 1, 3, |c| c.is_ascii_digit());
        if cents > end + 1 {
            end = cents;
        }
    }
    let after = view.skip(end, 1, |c| c == ' ');
    let word = view.skip(after, UNIT_MAX + 1, char::is_alphabetic);
    let mut start = from;
    if view.before(start) == Some(' ') {
        start -= 1;
    }
    let mut begin = start;
    while start - begin <= UNIT_MAX && view.before(begin).is_some_and(char::is_alphabetic) {
        begin -= 1;
    }
    view.is(after, |c| MONEY.contains(c))
        || view.before(start).is_some_and(|c| MONEY.contains(c))
        || is_unit(view, after, word)
        // Small words stand before numbers that are none of theirs: `call me at 5 m`.
        || (start - begin == 3 && is_unit(view, begin, start))
}

fn is_unit(view: &View<'_>, from: usize, to: usize) -> bool {
    (UNITS.iter().filter(|unit| unit.len() == to - from)).any(|unit| {
        unit.chars()
            .enumerate()
            .all(|(offset, c)| view.is(from + offset, |given| given.to_ascii_lowercase() == c))
    })
}

/// Takes out the numbers of payment cards: 13 to 19 digits, alone or in groups, that fit their
/// check digit.
pub(crate) fn cards(view: &mut View<'_>) {
    each_run(view, |view, run| {
        let mut first = 0;
        while let Some(groups) = run.groups.get(first..)
            && !groups.is_empty()
        {
            let joined = |at: usize| match run.groups.get(at..at + 2) {
                Some([one, other]) => is_tight(view, *one, *other),
                _ => false,
            };
            let part = |length: usize| {
                joined(first + length - 1) || first.checked_sub(1).is_some_and(joined)
            };
            first += match card(view, groups).filter(|length| !part(*length)) {
                Some(length) => {
                    let last = groups.get(length - 1).map_or(0, |group| group.end);
                    let from = groups.first().map_or(last, |group| group.start);
                    view.take(from, last, Kind::Card);
                    length
                }
                None => 1,
            };
        }
    });
}

/// Returns the largest count of leading groups that form a card number.
pub(crate) fn card(view: &View<'_>, groups: &[Group]) -> Option<usize> {
    let start = groups.first()?.start;
    // Cards that people pay with begin so.
    if !view.is(start, |c| ('2'..='6').contains(&c)) {
        return None;
    }
    let mut digits = 0;
    let mut found = None;
    for (index, group) in groups.iter().enumerate() {
        digits += group.len();
        if digits > 19 {
            return found;
        }
        let taken = groups.get(..=index)?;
        // Groups of a card have three digits or more, but for the last.
        let grouped = is_spelt(taken) || taken.iter().rev().skip(1).all(|group| group.len() >= 3);
        if !grouped {
            return found;
        }
        if digits >= 13 && is_valid(view, taken) {
            found = Some(index + 1);
        }
    }
    found
}

/// Luhn's check.
fn is_valid(view: &View<'_>, groups: &[Group]) -> bool {
    let digits = (groups.iter().rev())
        .flat_map(|group| (group.start..group.end).rev())
        .filter_map(|index| view.get(index)?.to_digit(10));
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}
