//! Words that say what comes next, and where it begins: `password: x`, `account no. 12345678`.

use crate::view::{TAKEN, View};

/// The link between a word and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    /// By a colon or an equals sign.
    Sign,
    /// By a space, or by `is`.
    Space,
}

/// Words between a word and its value.
const IS: [&str; 5] = ["is", "was", "ist", "lautet", "est"];

/// Farthest that a closing quote is looked for.
const QUOTED_MAX: usize = 256;

/// The index behind the word that begins at an index.
pub(crate) fn end(view: &View<'_>, index: usize) -> usize {
    view.run(index, is_word)
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric()
}

/// Finds the start of a name that ends before an index. The name is given in small letters without
/// spaces: `api key`, `api_key` and `api-key` all match `apikey`.
pub(crate) fn ends(view: &View<'_>, before: usize, name: &str) -> Option<usize> {
    let mut index = before;
    for expected in name.chars().rev() {
        let gap = index < before
            && view
                .before(index)
                .is_some_and(|c| matches!(c, ' ' | '_' | '-'));
        if gap {
            index -= 1;
        }
        let c = view.before(index)?;
        if c.to_lowercase().next() != Some(expected) {
            return None;
        }
        index -= 1;
    }
    Some(index)
}

/// Finds the link after the word that ends before an index, and the start of the value.
pub(crate) fn join(view: &View<'_>, behind: usize) -> Option<(Join, usize)> {
    let quoted = view.skip(behind, 1, is_quote);
    let spaces = view.skip(quoted, 3, |c| c == ' ');
    if view.is(spaces, |c| matches!(c, ':' | '=')) {
        let sign = view.skip(spaces + 1, 1, |c| matches!(c, '=' | '>'));
        return Some((Join::Sign, view.skip(sign, 4, char::is_whitespace)));
    }
    if spaces == behind || quoted > behind {
        return None;
    }
    let is = IS.iter().find_map(|word| {
        let end = spaces + word.len();
        let found = view.starts(spaces, word) && view.is(end, |c| c == ' ');
        found.then_some(end + 1)
    });
    Some((Join::Space, is.unwrap_or(spaces)))
}

/// The value that begins at an index: what stands in quotes, else all up to white space. None if it
/// is empty or taken already.
pub(crate) fn value(view: &View<'_>, index: usize) -> Option<(usize, usize)> {
    let close = match view.get(index)? {
        quote @ ('"' | '\'' | '`') => Some(quote),
        '\u{201c}' | '\u{201e}' => Some('\u{201d}'),
        _ => None,
    };
    let quoted = close.and_then(|close| {
        let end = view.skip(index + 1, QUOTED_MAX, |c| c != close && c != '\n');
        view.is(end, |c| c == close).then_some((index + 1, end))
    });
    let (from, to) = quoted.unwrap_or_else(|| {
        let from = view.skip(index, 1, is_quote);
        (from, view.run(from, |c| !c.is_whitespace()))
    });
    (from < to && !view.is_taken(from, to)).then_some((from, to))
}

/// Returns true if a range holds both letters and digits.
pub(crate) fn is_mixed(view: &View<'_>, from: usize, to: usize) -> bool {
    let any = |what: fn(char) -> bool| (from..to).any(|index| view.is(index, what));
    any(char::is_alphabetic) && any(|c| c.is_ascii_digit())
}

/// Returns true if any sign of a range is taken.
pub(crate) fn holds_taken(view: &View<'_>, from: usize, to: usize) -> bool {
    (from..to).any(|index| view.is(index, |c| c == TAKEN))
}

fn is_quote(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | '`' | '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2019}'
    )
}
