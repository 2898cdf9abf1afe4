//! Phone numbers, and digits of which nothing says that they are not one.

use crate::Kind;
use crate::number::{Group, count, each_run, is_amount, is_spelt};
use crate::view::View;

/// Most digits of a phone number (ITU-T E.164).
const MOST: usize = 15;
/// Fewest digits of one that is written as such.
const FEWEST: usize = 7;
/// From how many digits on a bare number is taken for one.
const BARE: usize = 9;

/// Takes out phone numbers, and numbers with more digits than one has as account numbers.
pub(crate) fn numbers(view: &mut View<'_>) {
    each_run(view, |view, run| {
        let mut first = 0;
        while let Some(groups) = run.groups.get(first..)
            && !groups.is_empty()
        {
            first += step(view, groups);
        }
    });
}

/// Looks at the number that begins with the first group, and answers how many groups to pass over.
fn step(view: &mut View<'_>, groups: &[Group]) -> usize {
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
        let end = taken.last().map_or(head.end, |group| group.end);
        // What is something else as a whole is not looked at again in parts.
        if !lead.plus && !lead.zero && is_other(view, taken) {
            return length;
        }
        if is_phone(view, taken, &lead) {
            view.take(lead.from, end, Kind::Phone);
            return length;
        }
    }
    1
}

/// How a number begins.
struct Lead {
    /// Where, with its plus and its bracket.
    from: usize,
    plus: bool,
    /// Whether the first group is in brackets with nothing else in them.
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

/// Whether groups are written as a phone number is.
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

/// Whether groups are an amount, or a list of years or of round numbers.
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

/// Whether the first two groups are a number with decimals.
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

/// Two groups: `555-0199`, `7946 0958`, `415 5550199`; but no range of years or of round numbers and no decimal.
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

/// Whether a group stands in brackets of its own and another follows.
fn in_brackets(view: &View<'_>, group: Group) -> bool {
    group.len() <= 5 && view.before(group.start) == Some('(') && view.is(group.end, |c| c == ')')
}

fn is_round(view: &View<'_>, group: Group) -> bool {
    let zeros = |from| (from..group.end).all(|index| view.is(index, |c| c == '0'));
    group.len() > 2
        && zeros(group.end - 2)
        && (!view.is(group.start, |c| c == '0') || zeros(group.start))
}

/// Whether a group is a year of these two centuries.
pub(crate) fn is_year(view: &View<'_>, group: Group) -> bool {
    group.len() == 4 && (view.starts(group.start, "19") || view.starts(group.start, "20"))
}
