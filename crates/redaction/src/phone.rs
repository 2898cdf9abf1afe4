//! Phone numbers, and digits of which nothing says that they are not one.

use alloc::string::String;

use crate::Kind;
use crate::number::{self, Group, count, each_run, is_amount, is_spelt, is_tight};
use crate::view::View;
use crate::word;

/// Most digits of a phone number (ITU-T E.164).
const MOST: usize = 15;
/// Most groups of a number that is longer than a phone's.
const LONG_MAX: usize = 24;
/// Fewest digits of one that is written as such.
const FEWEST: usize = 7;
/// From how many digits on a bare number is taken for one.
const BARE: usize = 9;

/// Words for a phone, in small letters, in common languages. `phone`, `phone no.` and
/// `phone number` are one.
const NAMES: [&str; 52] = [
    "phone",
    "phones",
    "telephone",
    "cellphone",
    "mobile",
    "mobil",
    "mob",
    "cell",
    "ph",
    "tel",
    "gsm",
    "fax",
    "whatsapp",
    "telefon",
    "fon",
    "handy",
    "mobiltelefon",
    "rufnummer",
    "telefoon",
    "mobiel",
    "tlf",
    "tlfn",
    "puh",
    "puhelin",
    "t\u{e9}l",
    "t\u{e9}l\u{e9}phone",
    "portable",
    "tel\u{e9}fono",
    "telefono",
    "telefone",
    "m\u{f3}vil",
    "movil",
    "celular",
    "cellulare",
    "telem\u{f3}vel",
    "telemovel",
    "\u{442}\u{435}\u{43b}",
    "\u{442}\u{435}\u{43b}\u{435}\u{444}\u{43e}\u{43d}",
    "\u{43c}\u{43e}\u{431}",
    "\u{3c4}\u{3b7}\u{3bb}",
    "\u{96fb}\u{8a71}",
    "\u{7535}\u{8bdd}",
    "\u{624b}\u{673a}",
    "\u{624b}\u{6a5f}",
    "\u{643a}\u{5e2f}",
    "\u{c804}\u{d654}",
    "\u{d734}\u{b300}\u{d3f0}",
    "\u{647}\u{627}\u{62a}\u{641}",
    "\u{62c}\u{648}\u{627}\u{644}",
    "\u{92b}\u{94b}\u{928}",
    "\u{e42}\u{e17}\u{e23}",
    "\u{111}t",
];
/// Words between one of those and the number, or at its end.
const BETWEEN: [&str; 13] = [
    "no",
    "nr",
    "num",
    "number",
    "nummer",
    "numero",
    "n\u{fa}mero",
    "num\u{e9}ro",
    "is",
    "ist",
    "est",
    "at",
    "n",
];
/// Longest word that is looked at.
const WORD_MAX: usize = 32;
/// From which length on a name also ends a longer word: `Diensttelefon`, but not `hotel`.
const ENDING_MIN: usize = 5;

/// Takes out seven digits or more after a word for a phone.
pub(crate) fn named(view: &mut View<'_>) {
    let mut index = 0;
    while let Some(c) = view.get(index) {
        // A word ends here.
        let ends = !c.is_alphabetic() && view.before(index).is_some_and(char::is_alphabetic);
        if !ends || !is_name(view, index) {
            index += 1;
            continue;
        }
        index = match called(view, index) {
            Some((from, to)) => {
                view.take(from, to, Kind::Phone);
                to
            }
            None => index + 1,
        };
    }
}

/// Returns true if a word for a phone ends before an index.
fn is_name(view: &View<'_>, end: usize) -> bool {
    let mut start = end;
    while end - start < WORD_MAX && view.before(start).is_some_and(char::is_alphabetic) {
        start -= 1;
    }
    let word: String = (start..end)
        .filter_map(|index| view.get(index))
        .flat_map(char::to_lowercase)
        .collect();
    let is = |word: &str| {
        NAMES.iter().any(|name| {
            // Han, Hangul and Thai have no spaces between words.
            let spaceless = name.starts_with(|c: char| c > '\u{e00}');
            word == *name || ((spaceless || name.len() >= ENDING_MIN) && word.ends_with(name))
        })
    };
    is(&word)
        || BETWEEN
            .iter()
            .filter_map(|suffix| word.strip_suffix(suffix))
            .any(is)
}

/// The number that follows a word for a phone.
fn called(view: &View<'_>, behind: usize) -> Option<(usize, usize)> {
    let is_gap = |c: char| " .:=#-\"/\t(+\u{ff1a}".contains(c);
    let mut at = view.skip(behind, 4, is_gap);
    for _ in 0..2 {
        let end = view.run(at, char::is_alphabetic);
        let between = end > at
            && BETWEEN
                .iter()
                .any(|name| word::ends(view, end, name) == Some(at));
        if !between {
            break;
        }
        at = view.skip(end, 4, is_gap);
    }
    if !view.is(at, |c| c.is_ascii_digit()) {
        return None;
    }
    let run = number::run(view, at);
    let mut digits = 0;
    let groups = run.groups.iter().take_while(|group| {
        digits += group.len();
        digits <= MOST
    });
    let taken = groups.count();
    let groups = run.groups.get(..taken)?;
    let end = groups.last()?.end;
    let years = groups.iter().all(|group| is_year(view, *group));
    let cut = run
        .groups
        .get(taken)
        .is_some_and(|next| next.start == end + 1);
    let fits = (FEWEST..=MOST).contains(&count(groups))
        && !years
        && !cut
        && !view.is(end, char::is_alphanumeric)
        && !is_amount(view, at, end);
    fits.then(|| (start(view, at), end))
}

/// Returns true if a plus precedes the number at an index.
pub(crate) fn has_plus(view: &View<'_>, index: usize) -> bool {
    lead(
        view,
        Group {
            start: index,
            end: index + 1,
        },
    )
    .plus
}

/// Returns the start of the number at an index, with its plus and its bracket.
pub(crate) fn start(view: &View<'_>, index: usize) -> usize {
    lead(
        view,
        Group {
            start: index,
            end: index + 1,
        },
    )
    .from
}

/// Takes out phone numbers, and numbers with more digits than one has as account numbers.
pub(crate) fn numbers(view: &mut View<'_>) {
    each_run(view, |view, run| {
        let mut first = 0;
        while first < run.groups.len() {
            first += step(view, &run.groups, first);
        }
    });
}

/// Looks at the number that begins with a group, and answers how many groups to pass over.
fn step(view: &mut View<'_>, all: &[Group], first: usize) -> usize {
    let groups = all.get(first..).unwrap_or_default();
    let Some(head) = groups.first().copied() else {
        return 1;
    };
    let lead = lead(view, head);
    if !lead.plus && !lead.zero && is_decimal(view, groups) {
        return 2;
    }
    if head.len() > MOST {
        if !is_amount(view, head.start, head.end) {
            view.take(lead.from, head.end, Kind::Account);
        }
        return 1;
    }
    let begins = first
        .checked_sub(1)
        .and_then(|at| all.get(at))
        .is_none_or(|before| {
            head.start - before.end > 1 || view.is_taken(before.start, before.end)
        });
    if begins && let Some(length) = long(view, groups) {
        let end = groups.get(length - 1).map_or(head.end, |group| group.end);
        view.take(
            country(view, head.start).unwrap_or(lead.from),
            end,
            Kind::Account,
        );
        return length;
    }
    // A part of something is not taken out of it.
    let part = first > 0
        && !lead.plus
        && all.get(first - 1).is_some_and(|before| {
            is_tight(view, *before, head) && !view.is_taken(before.start, before.end)
        });
    if part {
        return 1;
    }
    let mut longest = 0;
    let mut digits = 0;
    for group in groups {
        digits += group.len();
        if digits > MOST {
            break;
        }
        longest += 1;
    }
    for length in (1..=longest).rev() {
        let Some(taken) = groups.get(..length) else {
            continue;
        };
        let last = taken.last().copied().unwrap_or(head);
        // What is something else as a whole is not looked at again in parts.
        if !lead.plus && !lead.zero && is_other(view, taken) {
            return length;
        }
        let cut = groups
            .get(length)
            .is_some_and(|next| is_tight(view, last, *next));
        if !cut && is_phone(view, taken, &lead) {
            view.take(lead.from, last.end, Kind::Phone);
            return length;
        }
    }
    1
}

/// Counts the leading groups that form one number with more digits than a phone has: tightly
/// joined, or in fours as accounts are written.
fn long(view: &View<'_>, groups: &[Group]) -> Option<usize> {
    let near = |pair: &[Group]| match pair {
        [one, other] => other.start - one.end == 1,
        _ => false,
    };
    let pairs = groups.windows(2).take(LONG_MAX);
    let length = 1 + pairs.take_while(|pair| near(pair)).count();
    let taken = groups.get(..length).filter(|_| length < LONG_MAX)?;
    let (last, before) = taken.split_last()?;
    let fours = before.iter().all(|group| group.len() == 4) && last.len() <= 4;
    let tight = taken.windows(2).all(|pair| match pair {
        [one, other] => is_tight(view, *one, *other) && one.len() > 1,
        _ => false,
    });
    let years = taken.iter().all(|group| is_year(view, *group));
    let round = taken.iter().all(|group| is_round(view, *group));
    let other = years || round || is_amount(view, taken.first()?.start, last.end);
    (length > 1 && count(taken) > MOST && (fours || tight) && !other).then_some(length)
}

/// Finds the start of the IBAN country and check digits before the groups at an index.
fn country(view: &View<'_>, index: usize) -> Option<usize> {
    let start = index.checked_sub(5)?;
    let is = |offset: usize, what: fn(char) -> bool| view.is(start + offset, what);
    let digit = |c: char| c.is_ascii_digit();
    let found = view.begins(start)
        && is(0, |c| c.is_ascii_alphabetic())
        && is(1, |c| c.is_ascii_alphabetic())
        && is(2, digit)
        && is(3, digit)
        && is(4, |c| c == ' ');
    found.then_some(start)
}

/// The beginning of a number.
struct Lead {
    /// The start, with its plus and its bracket.
    from: usize,
    plus: bool,
    /// True if the first group stands alone in brackets.
    bracket: bool,
    zero: bool,
}

fn lead(view: &View<'_>, head: Group) -> Lead {
    let mut from = head.start;
    let (mut plus, mut bracket) = (false, false);
    for _ in 0..3 {
        match view.before(from) {
            Some('+') => plus = true,
            Some('(') => bracket = true,
            Some(' ')
                if from
                    .checked_sub(2)
                    .is_some_and(|index| view.is(index, |c| c == '+')) => {}
            _ => break,
        }
        from -= 1;
    }
    // `a+1234567` is a sum.
    if view.before(from).is_some_and(char::is_alphanumeric) {
        (from, plus) = (head.start, false);
    }
    Lead {
        from,
        plus,
        bracket: bracket && view.is(head.end, |c| c == ')'),
        zero: view.is(head.start, |c| c == '0') && (head.len() > 1 || bracket),
    }
}

/// Returns true if the groups are written as a phone number.
fn is_phone(view: &View<'_>, groups: &[Group], lead: &Lead) -> bool {
    let digits = count(groups);
    if digits < FEWEST {
        return false;
    }
    let inner = groups.len() > 1 && groups.iter().any(|group| in_brackets(view, *group));
    if lead.plus || (lead.bracket && groups.len() > 1) || inner {
        return true;
    }
    if lead.zero && (digits >= BARE || groups.len() > 1) {
        return true;
    }
    if is_spelt(groups) {
        return digits >= BARE;
    }
    match groups {
        [_] => digits >= BARE,
        [first, second] => pair(view, *first, *second),
        [first, rest @ ..] => {
            (1..=7).contains(&first.len())
                && rest.iter().all(|group| (2..=7).contains(&group.len()))
        }
        [] => false,
    }
}

/// Returns true if the groups are an amount, or a list of years or of round numbers.
fn is_other(view: &View<'_>, groups: &[Group]) -> bool {
    let (Some(first), Some(last)) = (groups.first(), groups.last()) else {
        return false;
    };
    let digits = count(groups);
    let rest = groups.get(1..).unwrap_or_default();
    let thousands =
        first.len() <= 3 && !rest.is_empty() && rest.iter().all(|group| group.len() == 3);
    (thousands && digits < BARE)
        || (!rest.is_empty() && groups.iter().all(|group| is_year(view, *group)))
        || (!rest.is_empty() && groups.iter().all(|group| is_round(view, *group)))
        || (digits >= FEWEST && is_amount(view, first.start, last.end))
}

/// Returns true if the first two groups are a number with decimals.
fn is_decimal(view: &View<'_>, groups: &[Group]) -> bool {
    let joined = |one: &Group, other: &Group, signs: &str| {
        other.start - one.end == 1 && view.is(one.end, |c| signs.contains(c))
    };
    match groups {
        [whole, decimals, rest @ ..] => {
            joined(whole, decimals, ".")
                && !rest
                    .first()
                    .is_some_and(|next| joined(decimals, next, ".-"))
        }
        _ => false,
    }
}

/// Two groups: `555-0199`, `7946 0958`, `415 5550199`; but no range of years or of round numbers
/// and no decimal.
fn pair(view: &View<'_>, first: Group, second: Group) -> bool {
    let wide = second.start - first.end > 1;
    let sign = view.get(first.end).filter(|_| !wide);
    let years = is_year(view, first) || is_year(view, second);
    let round = is_round(view, first) || is_round(view, second);
    match (first.len(), second.len()) {
        (3, 4) => sign == Some('-'),
        (4, 4) => sign.is_some_and(|sign| matches!(sign, '-' | ' ')) && !years && !round,
        (a, b) if a + b >= BARE => {
            sign.is_some_and(|sign| matches!(sign, '-' | ' ' | '/')) && !years && !round
        }
        _ => false,
    }
}

/// Returns true if a group stands alone in brackets.
fn in_brackets(view: &View<'_>, group: Group) -> bool {
    group.len() <= 5 && view.before(group.start) == Some('(') && view.is(group.end, |c| c == ')')
}

fn is_round(view: &View<'_>, group: Group) -> bool {
    let zeros = |from| (from..group.end).all(|index| view.is(index, |c| c == '0'));
    group.len() > 2
        && zeros(group.end - 2)
        && (!view.is(group.start, |c| c == '0') || zeros(group.start))
}

/// Returns true for a year of the twentieth or twenty-first century.
pub(crate) fn is_year(view: &View<'_>, group: Group) -> bool {
    group.len() == 4 && (view.starts(group.start, "19") || view.starts(group.start, "20"))
}
