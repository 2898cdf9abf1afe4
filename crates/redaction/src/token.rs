//! Keys that nothing names: long, and random.

use crate::Kind;
use crate::view::View;

/// From which length on a random token is a key.
const LEAST: usize = 24;

/// Takes out random tokens: 24 characters or more with letters and digits that change places as
/// often as chance has it. Words joined by dashes and numbered names do not. A hexadecimal digest
/// does, and is taken for a key: many keys look the same.
pub(crate) fn random(view: &mut View<'_>) {
    let mut index = 0;
    while let Some(c) = view.get(index) {
        if !is_part(c) {
            index += 1;
            continue;
        }
        let to = view.run(index, is_part);
        if to - index >= LEAST {
            pieces(view, index, to);
        }
        index = to;
    }
}

/// The whole, or each of its pieces between signs.
fn pieces(view: &mut View<'_>, from: usize, to: usize) {
    if is_random(view, from, to) {
        return view.take(from, to, Kind::Key);
    }
    for inner in [|c: char| c != '/', |c: char| c.is_ascii_alphanumeric()] {
        let mut index = from;
        while index < to {
            let end = view.run(index, |c| is_part(c) && inner(c)).min(to);
            if end - index >= LEAST && is_random(view, index, end) {
                view.take(index, end, Kind::Key);
            }
            index = end + 1;
        }
    }
}

/// Returns true if the range changes between small letters, capitals and digits often enough to be
/// random. A capital before a small letter is no change: it begins a word.
fn is_random(view: &View<'_>, from: usize, to: usize) -> bool {
    let (mut changes, mut small, mut capital, mut digit, mut signs) =
        (0, false, false, false, false);
    let mut last = ' ';
    for c in (from..to).filter_map(|index| view.get(index)) {
        changes += usize::from(matches!(
            (last, c),
            ('a'..='z', 'A'..='Z' | '0'..='9') | ('A'..='Z', '0'..='9') | ('0'..='9', 'a'..='z' | 'A'..='Z')
        ));
        small |= c.is_ascii_lowercase();
        capital |= c.is_ascii_uppercase();
        digit |= c.is_ascii_digit();
        signs |= !c.is_ascii_alphanumeric();
        last = c;
    }
    // With all three it is hardly anything else, less so with signs between them.
    let share = match (small && capital, signs) {
        (true, false) => 6,
        (true, true) => 5,
        (false, _) => 4,
    };
    digit && (small || capital) && changes * share >= to - from
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=_-".contains(c)
}
