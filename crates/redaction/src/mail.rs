//! E-mail addresses.

use crate::Kind;
use crate::view::View;

/// The longest quoted name before `@`: RFC 5321 gives it 64 characters and the quotes.
const QUOTED_MAX: usize = 66;

/// Takes out the addresses of a text.
pub(crate) fn addresses(view: &mut View<'_>) {
    let mut index = 0;
    while let Some(c) = view.get(index) {
        match (c == '@').then(|| address(view, index)).flatten() {
            Some((from, to)) => {
                view.take(from, to, Kind::Email);
                index = to;
            }
            None => index += 1,
        }
    }
}

/// Words for `@` and for a dot, in common languages.
const AT: [&str; 5] = ["at", "\u{e4}t", "arroba", "chiocciola", "aapenstaart"];
const DOT: [&str; 5] = ["dot", "punkt", "punto", "point", "ponto"];
/// Most labels of a domain in words.
const LABELS_MAX: usize = 6;

/// Takes out addresses that are spelt out: `anna at example dot com`. A dot in words has to follow:
/// `meet me at noon` is none.
pub(crate) fn spelt(view: &mut View<'_>) {
    let mut index = 0;
    while let Some(c) = view.get(index) {
        if !c.is_alphanumeric() || !view.begins(index) {
            index += 1;
            continue;
        }
        let end = view.run(index, char::is_alphanumeric);
        index = match spelt_around(view, index, end) {
            Some((from, to)) => {
                view.take(from, to, Kind::Email);
                to
            }
            None => end,
        };
    }
}

fn is_one_of(view: &View<'_>, from: usize, to: usize, words: &[&str]) -> bool {
    words.iter().any(|word| {
        word.chars().count() == to - from
            && word.chars().enumerate().all(|(offset, c)| {
                view.is(from + offset, |given| {
                    given.to_lowercase().next() == Some(c)
                })
            })
    })
}

/// The word behind white space; none where there is none.
fn next_word(view: &View<'_>, from: usize) -> Option<(usize, usize)> {
    let start = view.skip(from, 3, char::is_whitespace);
    let end = view.run(start, |c| c.is_alphanumeric() || c == '-' || c == '_');
    (start > from && end > start).then_some((start, end))
}

/// The address around a word for `@`.
fn spelt_around(view: &View<'_>, from: usize, to: usize) -> Option<(usize, usize)> {
    if !is_one_of(view, from, to, &AT) {
        return None;
    }
    let (_, mut end) = next_word(view, to)?;
    let mut labels = 1;
    while labels < LABELS_MAX
        && let Some((dot, behind)) = next_word(view, end)
        && is_one_of(view, dot, behind, &DOT)
        && let Some((label, stop)) = next_word(view, behind)
        && !is_one_of(view, label, stop, &DOT)
    {
        labels += 1;
        end = stop;
    }
    if labels == 1 {
        return None;
    }
    let mut start = word_before(view, from)?;
    // `anna dot lee at ...`
    for _ in 0..LABELS_MAX {
        let Some(dot) = word_before(view, start) else {
            break;
        };
        let stop = view.run(dot, char::is_alphanumeric);
        match word_before(view, dot).filter(|_| is_one_of(view, dot, stop, &DOT)) {
            Some(name) => start = name,
            None => break,
        }
    }
    Some((start, end))
}

/// Finds the start of the word before an index, with white space between.
fn word_before(view: &View<'_>, index: usize) -> Option<usize> {
    let mut end = index;
    while index - end < 3 && view.before(end).is_some_and(char::is_whitespace) {
        end -= 1;
    }
    let mut start = end;
    while view.before(start).is_some_and(is_local) {
        start -= 1;
    }
    (end < index && start < end).then_some(start)
}

/// The address around an `@`.
fn address(view: &View<'_>, at: usize) -> Option<(usize, usize)> {
    let to = domain(view, at + 1)?;
    if view.before(at) == Some('"') {
        let earliest = at.saturating_sub(QUOTED_MAX);
        let quote = (earliest..at - 1)
            .rev()
            .take_while(|index| !view.is(*index, |c| c == '\n'))
            .find(|index| view.is(*index, |c| c == '"'))?;
        return Some((quote, to));
    }
    let mut from = at;
    while view.before(from).is_some_and(is_local) {
        from -= 1;
    }
    // Quotes and list marks stand before an address more often than in it.
    while from < at
        && !view.is(from, |c| {
            c.is_alphanumeric() || matches!(c, '_' | '+' | '%' | '$' | '&')
        })
    {
        from += 1;
    }
    (from < at).then_some((from, to))
}

fn is_local(c: char) -> bool {
    c.is_alphanumeric() || ".!#$%&'*+-_~".contains(c)
}

/// The index behind the domain that begins at an index: labels of which the last begins with two
/// letters or is in Punycode. What stands behind it, such as the next sentence without a space,
/// does not matter.
fn domain(view: &View<'_>, from: usize) -> Option<usize> {
    let mut end = None;
    let mut start = from;
    loop {
        let stop = view.run(start, |c| c.is_alphanumeric() || c == '-');
        if stop == start {
            return end;
        }
        if start > from {
            let letters = view.run(start, char::is_alphabetic);
            if view.starts(start, "xn--") || view.starts(start, "XN--") {
                end = Some(stop);
            } else if letters >= start + 2 {
                end = Some(letters.min(stop));
            }
        }
        if view.get(stop) != Some('.') {
            return end;
        }
        start = stop + 1;
    }
}
