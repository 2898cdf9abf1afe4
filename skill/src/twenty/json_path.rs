//! Names the place in an answer where reading it failed. serde_json tells line and column; people
//! want `tasks.edges[0].node.id`.
//!
//! A deserializer that tracks the path would tell too, but its second copy of every type's reader
//! made the component 500 KB larger (measured).

/// A part of the way to a value: a key of an object, or an index of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PathSegment {
    /// A key.
    Key(String),
    /// An index.
    Index(usize),
}

/// Formats a path: `tasks.edges[0].node.id`.
pub(super) fn shown(path: &[PathSegment]) -> String {
    let mut shown = String::new();
    for segment in path {
        match segment {
            PathSegment::Index(index) => shown.push_str(&format!("[{index}]")),
            PathSegment::Key(key) => {
                if !shown.is_empty() {
                    shown.push('.');
                }
                shown.push_str(key);
            }
        }
    }
    shown
}

/// Finds the path to the value at a line and column (both as `serde_json::Error` counts them) of a
/// well-formed JSON text.
pub(super) fn path_to(text: &[u8], line: usize, column: usize) -> Vec<PathSegment> {
    let before: usize = text
        .split_inclusive(|&byte| byte == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let end = text
        .len()
        .min(before.saturating_add(column).saturating_sub(1));

    let mut path: Vec<OpenSegment> = Vec::new();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        if text.len() - rest.len() >= end {
            break;
        }
        rest = after;
        match byte {
            b'{' => path.push(OpenSegment::Key(&[])),
            b'[' => path.push(OpenSegment::Index(0)),
            b'}' | b']' => {
                path.pop();
            }
            b',' => {
                if let Some(OpenSegment::Index(index)) = path.last_mut() {
                    *index += 1;
                }
            }
            b'"' => {
                let length = string_length(rest);
                let (string, after) = rest.split_at(length.min(rest.len()));
                rest = after.get(1..).unwrap_or_default();
                // A string before a colon is a key; a value's own text is none.
                if rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
                    && let Some(OpenSegment::Key(key)) = path.last_mut()
                {
                    *key = string;
                }
            }
            _ => {}
        }
    }

    path.into_iter()
        .filter_map(|step| match step {
            OpenSegment::Index(index) => Some(PathSegment::Index(index)),
            OpenSegment::Key([]) => None,
            OpenSegment::Key(key) => {
                Some(PathSegment::Key(String::from_utf8_lossy(key).into_owned()))
            }
        })
        .collect()
}

enum OpenSegment<'t> {
    Key(&'t [u8]),
    Index(usize),
}

/// Returns the length of a string's text up to its closing quote.
fn string_length(text: &[u8]) -> usize {
    let mut escaped = false;
    text.iter()
        .position(|&byte| match (escaped, byte) {
            (true, _) => {
                escaped = false;
                false
            }
            (false, b'\\') => {
                escaped = true;
                false
            }
            (false, byte) => byte == b'"',
        })
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read for its errors")]
    struct Page {
        tasks: Vec<Row>,
        end: Option<u32>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read for its errors")]
    struct Row {
        id: String,
        count: u32,
    }

    #[test]
    fn the_place_of_a_wrong_value_is_named() {
        for (text, place) in [
            (
                r#"{"tasks":[{"id":"a","count":1},{"id":null,"count":2}]}"#,
                "tasks[1].id",
            ),
            (r#"{"tasks":[{"id":"a","count":-1}]}"#, "tasks[0].count"),
            (r#"{"tasks":[{"id":"a"}]}"#, "tasks[0].id"),
            (r#"{"tasks":{}}"#, "tasks"),
            (r#"{"tasks":[],"end":"x"}"#, "end"),
            (
                r#"{"tasks":[{"id":"with \" and , { [ in it","count":true}]}"#,
                "tasks[0].count",
            ),
            (
                "{\n \"tasks\": [\n  {\"id\": 7,\n \"count\": 1}]}",
                "tasks[0].id",
            ),
        ] {
            let error = serde_json::from_str::<Page>(text).unwrap_err();
            assert_eq!(
                shown(&path_to(text.as_bytes(), error.line(), error.column())),
                place,
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn no_position_of_any_text_is_a_panic() {
        for text in ["", "{", "[[[", "\"", "{\"a\\", "}}}]]", "{\"a\":\"\\\""] {
            for line in 0..4 {
                for column in 0..20 {
                    path_to(text.as_bytes(), line, column);
                }
            }
        }
    }
}
