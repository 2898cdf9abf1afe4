//! E-mail addresses.

use crate::Kind;
use crate::view::View;

/// How far before `@` a quoted name can begin: RFC 5321 gives it 64 characters and the quotes.
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

/// The index behind the domain that begins at an index: labels of which the last begins with two letters or is in Punycode. What
/// stands behind it, such as the next sentence without a space, does not matter.
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
