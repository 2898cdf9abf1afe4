//! Numbers of cards and phones whose groups stand farther apart than people write them: over
//! several lines, or with signs between them that no number has.

use alloc::vec::Vec;

use crate::Kind;
use crate::number::{self, Group, count};
use crate::phone;
use crate::view::View;

/// Most groups that are looked at together.
const GROUPS_MAX: usize = 20;
/// Most signs between two groups.
const GAP_MAX: usize = 4;

/// The separator between two groups.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// As people write numbers.
    Usual,
    /// One sign that no number has.
    Sign,
    /// A line break, with spaces.
    Line,
    /// Anything else: a card's number alone is looked for across it.
    Other,
}

/// Takes them out.
pub(crate) fn numbers(view: &mut View<'_>) {
    let mut index = 0;
    while let Some(c) = view.get(index) {
        if !c.is_ascii_digit() {
            index += 1;
            continue;
        }
        let (groups, gaps) = groups(view, index);
        let next = groups.first().map_or(index + 1, |group| group.end);
        if gaps.iter().all(|gap| *gap == Gap::Usual) {
            index = groups.last().map_or(next, |group| group.end);
            continue;
        }
        if !view.begins(index) {
            index = next;
            continue;
        }
        index = match card(view, &groups, &gaps).or_else(|| phone_number(view, &groups, &gaps)) {
            Some((kind, from, to)) => {
                view.take(from, to, kind);
                to
            }
            None => next,
        };
    }
}

/// Groups of digits from one on, and what stands behind each but the last.
fn groups(view: &View<'_>, index: usize) -> (Vec<Group>, Vec<Gap>) {
    let (mut groups, mut gaps) = (Vec::new(), Vec::new());
    let mut start = index;
    while groups.len() < GROUPS_MAX {
        let end = view.run(start, |c| c.is_ascii_digit());
        groups.push(Group { start, end });
        let cross =
            view.is(end, |c| matches!(c, 'x' | 'X')) && view.is(end + 1, |c| c.is_ascii_digit());
        let next = match cross {
            true => end + 1,
            false => view.skip(end, GAP_MAX, |c| {
                c.is_whitespace() || " -./()|~_*=^:;,'+\u{b7}".contains(c)
            }),
        };
        if next == end || !view.is(next, |c| c.is_ascii_digit()) {
            break;
        }
        gaps.push(gap(view, end, next));
        start = next;
    }
    (groups, gaps)
}

fn gap(view: &View<'_>, from: usize, to: usize) -> Gap {
    let all = |what: &dyn Fn(char) -> bool| (from..to).all(|index| view.is(index, what));
    if all(&|c| " -./()".contains(c)) {
        Gap::Usual
    } else if to - from == 1 && all(&|c| "|~_*=^".contains(c)) {
        Gap::Sign
    } else if all(&char::is_whitespace) {
        Gap::Line
    } else {
        Gap::Other
    }
}

/// A card's number in the first groups, as cards are grouped and with the same between all of them.
fn card(view: &View<'_>, groups: &[Group], gaps: &[Gap]) -> Option<(Kind, usize, usize)> {
    let length = number::card(view, groups)?;
    let taken = groups.get(..length)?;
    let lengths = || taken.iter().map(|group| group.len());
    let same = gaps
        .get(..length - 1)?
        .windows(2)
        .all(|pair| pair.first() == pair.last());
    let grouped = lengths().eq([4, 4, 4, 4]) || lengths().eq([4, 6, 5]);
    let years = taken.iter().all(|group| phone::is_year(view, *group));
    let last = taken.last()?;
    (same && grouped && !years).then_some((Kind::Card, taken.first()?.start, last.end))
}

/// A phone number: all groups up to the first gap that none has, with a plus, a zero, or as in
/// North America.
fn phone_number(view: &View<'_>, groups: &[Group], gaps: &[Gap]) -> Option<(Kind, usize, usize)> {
    let length = 1 + gaps.iter().take_while(|gap| **gap != Gap::Other).count();
    let groups = groups.get(..length)?;
    let gaps = gaps.get(..length - 1)?;
    let (first, last) = (groups.first()?, groups.last()?);
    let lengths = || groups.iter().map(|group| group.len());
    let digits = count(groups);
    let plus = phone::has_plus(view, first.start);
    let named = |from: usize| {
        view.before(from)
            .is_some_and(|c| matches!(c, '_' | '-' | '/' | '#'))
    };
    let zero = view.is(first.start, |c| c == '0')
        && (10..=13).contains(&digits)
        && (2..=6).contains(&first.len())
        && lengths().any(|length| length > 2);
    let american = groups.len() == 3
        && lengths().eq([3, 3, 4])
        && groups
            .iter()
            .take(2)
            .all(|group| view.is(group.start, |c| c > '1'));
    // A list of codes, one a line.
    let list = gaps.iter().all(|gap| *gap == Gap::Line)
        && groups.len() > 2
        && lengths().all(|length| length == first.len());
    let is_phone = (plus && (7..=15).contains(&digits))
        || (!named(first.start) && !list && (zero || american));
    let from = if plus {
        phone::start(view, first.start)
    } else {
        first.start
    };
    (is_phone && !view.is(last.end, char::is_alphanumeric)).then_some((Kind::Phone, from, last.end))
}
