//! Route patterns: a path in which `*` matches one whole segment, and the query keys that a request
//! may carry.
//!
//! | pattern | matches | does not match |
//! |---|---|---|
//! | `/people` | `/people` | `/people/`, `/people/7`, `/people?depth=0` |
//! | `/people/*` | `/people/7` | `/people`, `/people/7/notes` |
//! | `/people/*?depth` | `/people/7`, `/people/7?depth=0` | `/people/7?other=0` |

use std::fmt;

use thiserror::Error;

/// Longest segment that `*` matches, in characters.
pub const SEGMENT_MAX: usize = 64;
/// Longest value of a query key, in characters as sent.
pub const QUERY_VALUE_MAX: usize = 256;

/// A path pattern of a manifest, such as `/rest/people/*?depth`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePattern {
    segments: Vec<Segment>,
    query: Vec<String>,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Any,
}

/// An error in a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RouteError {
    /// It does not begin with a slash.
    #[error("route `{0}` must begin with `/`")]
    NoSlash(String),
    /// An empty segment: a doubled or trailing slash.
    #[error("route `{0}` has an empty segment: remove the doubled or trailing slash")]
    EmptySegment(String),
    /// A segment that is neither text nor `*`.
    #[error(
        "route `{pattern}` has the segment `{segment}`: use letters, digits, `.`, `_`, `-`, or `*` for one whole segment"
    )]
    Segment {
        /// The pattern.
        pattern: String,
        /// The segment.
        segment: String,
    },
    /// A query part that is not a list of keys.
    #[error("route `{pattern}` has the query key `{key}`: name keys only, as in `?a,b`")]
    QueryKey {
        /// The pattern.
        pattern: String,
        /// The key.
        key: String,
    },
}

/// The part of a request's URL that does not match a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// The path.
    Path,
    /// A query key or value; the path matches.
    Query,
}

impl RoutePattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// Returns the first fault found.
    pub fn parse(pattern: &str) -> Result<Self, RouteError> {
        let (path, query) = match pattern.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (pattern, None),
        };
        let rest = path
            .strip_prefix('/')
            .ok_or_else(|| RouteError::NoSlash(pattern.to_owned()))?;
        let segments = rest
            .split('/')
            .map(|segment| Self::segment(pattern, segment))
            .collect::<Result<_, _>>()?;
        let query = query
            .into_iter()
            .flat_map(|keys| keys.split(','))
            .map(|key| Self::key(pattern, key))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            segments,
            query,
            text: pattern.to_owned(),
        })
    }

    fn segment(pattern: &str, segment: &str) -> Result<Segment, RouteError> {
        let literal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        match segment {
            "" => Err(RouteError::EmptySegment(pattern.to_owned())),
            "*" => Ok(Segment::Any),
            // `.` and `..` are navigation, not names.
            text if text.chars().all(literal) && !text.chars().all(|c| c == '.') => {
                Ok(Segment::Literal(text.to_owned()))
            }
            text => Err(RouteError::Segment {
                pattern: pattern.to_owned(),
                segment: text.to_owned(),
            }),
        }
    }

    fn key(pattern: &str, key: &str) -> Result<String, RouteError> {
        if is_word(key) {
            Ok(key.to_owned())
        } else {
            Err(RouteError::QueryKey {
                pattern: pattern.to_owned(),
                key: key.to_owned(),
            })
        }
    }

    /// Checks that a path and query, in canonical spelling, match.
    ///
    /// # Errors
    /// Returns the part that does not match.
    pub fn matches(&self, path: &str, query: Option<&str>) -> Result<(), Mismatch> {
        let rest = path.strip_prefix('/').ok_or(Mismatch::Path)?;
        let mut given = rest.split('/');
        for expected in &self.segments {
            let fits = given.next().is_some_and(|segment| match expected {
                Segment::Literal(text) => text == segment,
                Segment::Any => is_word(segment),
            });
            if !fits {
                return Err(Mismatch::Path);
            }
        }
        if given.next().is_some() {
            return Err(Mismatch::Path);
        }
        query.map_or(Ok(()), |query| self.query_fits(query))
    }

    fn query_fits(&self, query: &str) -> Result<(), Mismatch> {
        let mut seen = Vec::new();
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let known = self.query.iter().any(|allowed| allowed == key) && !seen.contains(&key);
            let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '\\' | '#' | '+');
            if !known
                || value.len() > QUERY_VALUE_MAX
                || !value.chars().all(plain)
                || hides_control(value)
            {
                return Err(Mismatch::Query);
            }
            seen.push(key);
        }
        Ok(())
    }

    /// Returns the segments that the `*` of the pattern match in a path, in order.
    pub fn wildcards<'p>(&'p self, path: &'p str) -> impl Iterator<Item = &'p str> {
        let given = path.strip_prefix('/').unwrap_or(path).split('/');
        self.segments
            .iter()
            .zip(given)
            .filter(|(expected, _)| **expected == Segment::Any)
            .map(|(_, segment)| segment)
    }

    /// Returns the number of `*` in the pattern.
    #[must_use]
    pub fn wildcard_count(&self) -> usize {
        let any = |segment: &&Segment| **segment == Segment::Any;
        self.segments.iter().filter(any).count()
    }

    /// Returns the query keys that a request may carry.
    pub fn query(&self) -> impl Iterator<Item = &str> {
        self.query.iter().map(String::as_str)
    }

    /// Returns the pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the number of leading segments that match; it finds the nearest of several patterns.
    #[must_use]
    pub(in crate::outbound) fn likeness(&self, path: &str) -> usize {
        let given = path.strip_prefix('/').unwrap_or(path).split('/');
        self.segments
            .iter()
            .zip(given)
            .take_while(|(expected, segment)| match expected {
                Segment::Literal(text) => text == segment,
                Segment::Any => is_word(segment),
            })
            .count()
    }
}

impl fmt::Display for RoutePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Returns true for a text that `*` matches, or that can be a query key.
fn is_word(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=SEGMENT_MAX).contains(&text.len()) && text.chars().all(inside)
}

/// Returns true if a value has a broken percent escape, or one of a control character.
fn hides_control(value: &str) -> bool {
    value.split('%').skip(1).any(|escape| {
        let byte = escape
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        byte.is_none_or(|byte| byte < 0x20 || byte == 0x7f)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_matches_whole_paths_and_listed_keys() {
        let route = RoutePattern::parse("/rest/people/*?depth,limit").unwrap();
        for (path, query, expected) in [
            ("/rest/people/abc", None, Ok(())),
            ("/rest/people/abc", Some("depth=0"), Ok(())),
            ("/rest/people/abc", Some("depth=0&limit=5"), Ok(())),
            (
                "/rest/people/abc",
                Some("depth=0&depth=1"),
                Err(Mismatch::Query),
            ),
            ("/rest/people/abc", Some("other=0"), Err(Mismatch::Query)),
            ("/rest/people/abc", Some("depth=%00"), Err(Mismatch::Query)),
            ("/rest/people/abc", Some("depth=%zz"), Err(Mismatch::Query)),
            ("/rest/people/abc", Some("depth=%20x"), Ok(())),
            ("/rest/people/abc", Some(""), Err(Mismatch::Query)),
            ("/rest/people", None, Err(Mismatch::Path)),
            ("/rest/people/", None, Err(Mismatch::Path)),
            ("/rest/people/a/b", None, Err(Mismatch::Path)),
            ("/rest/people/..", None, Err(Mismatch::Path)),
        ] {
            assert_eq!(route.matches(path, query), expected, "{path} {query:?}");
        }
    }

    #[test]
    fn pattern_has_no_dot_segments_or_escapes() {
        for bad in [
            "/a/..", "/a/.", "/a/%2e", "a", "/", "/a//b", "/a?", "/a?b=c", "/a*",
        ] {
            assert!(RoutePattern::parse(bad).is_err(), "{bad}");
        }
        for good in ["/a", "/a.json", "/*/b", "/a?b", "/a?b,c-d"] {
            assert!(RoutePattern::parse(good).is_ok(), "{good}");
        }
    }
}
