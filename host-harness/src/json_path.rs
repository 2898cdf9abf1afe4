//! Paths into JSON values: patterns, as a manifest writes them (`/people/*/name`), and lists of
//! steps, the parts of a JSON pointer (RFC 6901) in which `*` is every item of a list.

use std::fmt;

use serde_json::Value;
use thiserror::Error;

/// Most steps of a pattern.
pub const STEPS_MAX: usize = 16;
/// Longest step of a pattern, in bytes.
pub const STEP_MAX: usize = 64;

/// One step of a path in a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathStep<'v> {
    /// Step to a member of an object.
    Name(&'v str),
    /// Step to an item of a list.
    Index(usize),
}

/// A pattern of paths in a JSON value: names of members, and `*` for each item of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    steps: Vec<Wanted>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wanted {
    Name(String),
    Item,
}

/// Error of a text that is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is no place in a JSON value: write `/`, a member's name (letters, digits, `_`, `-`, `.`; at most {STEP_MAX}) or `*` for each item of a list, and so on, at most {STEPS_MAX} steps"
)]
pub struct PatternError(
    /// The text.
    pub String,
);

impl Pattern {
    /// Parses a pattern, such as `/people/*/name`.
    ///
    /// # Errors
    /// Returns an error if the text is not a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let wrong = || PatternError(text.to_owned());
        let rest = text.strip_prefix('/').ok_or_else(wrong)?;
        let steps = rest
            .split('/')
            .map(|step| match step {
                "*" => Some(Wanted::Item),
                name => is_name(name).then(|| Wanted::Name(name.to_owned())),
            })
            .collect::<Option<Vec<_>>>()
            .filter(|steps| steps.len() <= STEPS_MAX)
            .ok_or_else(wrong)?;
        Ok(Self { steps })
    }

    /// Returns true if the pattern matches a path.
    #[must_use]
    pub fn is_at(&self, place: &[PathStep<'_>]) -> bool {
        self.steps.len() == place.len() && self.covers(place)
    }

    /// Returns true if the pattern matches a path or one above it.
    #[must_use]
    pub fn covers(&self, place: &[PathStep<'_>]) -> bool {
        self.steps.len() <= place.len()
            && (self.steps.iter().zip(place)).all(|(wanted, step)| match (wanted, step) {
                (Wanted::Name(wanted), PathStep::Name(name)) => wanted == name,
                (Wanted::Item, PathStep::Index(_)) => true,
                _ => false,
            })
    }

    /// Returns the number of steps.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.steps.len()
    }

    pub(crate) fn steps(&self) -> &[Wanted] {
        &self.steps
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| match step {
            Wanted::Name(name) => write!(f, "/{name}"),
            Wanted::Item => f.write_str("/*"),
        })
    }
}

/// Returns true if a text can be a step of a pattern.
fn is_name(text: &str) -> bool {
    (1..=STEP_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// Returns the value at a path. A null on the way is the result: a record without a company has no
/// company's owner.
pub(crate) fn at<'v>(value: &'v Value, steps: &[String]) -> Option<&'v Value> {
    steps.iter().try_fold(value, |value, step| match value {
        Value::Null => Some(value),
        value => value.get(step.as_str()),
    })
}

/// Calls `take` with every value that the path leads to.
pub(crate) fn each<'v>(value: &'v Value, steps: &[String], take: &mut dyn FnMut(&'v Value)) {
    let Some((step, rest)) = steps.split_first() else {
        return take(value);
    };
    match (step.as_str(), value) {
        ("*", Value::Array(items)) => items.iter().for_each(|item| each(item, rest, take)),
        ("*", _) => {}
        (step, value) => {
            if let Some(below) = value.get(step) {
                each(below, rest, take);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PathStep::{Index, Name};

    #[test]
    fn pattern_round_trips_and_nonsense_is_refused() {
        for text in ["/a", "/a/*/b", "/a_b/c-d/e.f", "/*"] {
            assert_eq!(Pattern::parse(text).unwrap().to_string(), text);
        }
        let long = format!("/{}", "a".repeat(STEP_MAX + 1));
        let deep = "/a".repeat(STEPS_MAX + 1);
        for text in [
            "", "a", "/", "//", "/a/", "/a b", "/a~1b", "/**", "/{a}", "/ä", &long, &deep,
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn pattern_covers_its_paths_and_those_below() {
        let pattern = Pattern::parse("/a/*/b").unwrap();
        for (place, at, covers) in [
            (&[Name("a"), Index(3), Name("b")][..], true, true),
            (&[Name("a"), Index(0), Name("b"), Name("c")], false, true),
            (&[Name("a"), Index(0)], false, false),
            (&[Name("a"), Name("0"), Name("b")], false, false),
            (&[Name("a"), Name("*"), Name("b")], false, false),
            (&[Name("a"), Index(0), Name("c")], false, false),
            (&[], false, false),
        ] {
            assert_eq!(
                (pattern.is_at(place), pattern.covers(place)),
                (at, covers),
                "{place:?}"
            );
        }
    }
}
