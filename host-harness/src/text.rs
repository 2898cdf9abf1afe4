//! Texts for people: columns that line up, and nothing in them that hides, forges a line, or commands a terminal.
//!
//! Whatever a model, a component, a record or a message has written is shown by [`cell`]: in quotes, on one line, with every
//! character that is not seen as an escape. It maps different texts to different cells, so what is shown is what is meant.

use std::borrow::Cow;

use serde_json::Value;

/// What stands around the first column, to set it off; the command line's colours, or nothing.
#[derive(Debug, Clone, Default)]
pub struct Emphasis {
    /// Before it.
    pub start: String,
    /// After it.
    pub end: String,
}

/// Rows in columns that are as wide as they must be; the first column is emphasised, the last is never padded.
#[must_use]
pub fn table(rows: &[Vec<String>], emphasis: &Emphasis) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let rows: Vec<Vec<Cow<'_, str>>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| visible(cell)).collect())
        .collect();
    let width = |column: usize| {
        rows.iter()
            // What stands last is never padded, so it widens nothing.
            .filter(|row| column + 1 < row.len())
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let pad = if column + 1 == row.len() {
                0
            } else {
                (width + 2).saturating_sub(cell.chars().count())
            };
            let pad = " ".repeat(pad);
            if column == 0 {
                text.push_str(&format!("{}{cell}{}{pad}", emphasis.start, emphasis.end));
            } else {
                text.push_str(&format!("{cell}{pad}"));
            }
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    text
}

/// Quotes a text as one cell of a view: in double quotes, with `"`, `\` and every character that is not seen escaped.
#[must_use]
pub fn cell(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// Escapes a text as [`cell`] does, for a place that has quotes of its own.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    for c in text.chars() {
        put(&mut out, c, before, true);
        before = last(&out);
    }
    out
}

/// Quotes the beginning of a text, in at most `most` characters or one character of the text, and counts what it leaves out.
#[must_use]
pub fn excerpt(text: &str, most: usize) -> (String, usize) {
    let mut out = String::from("\"");
    let mut length = 2;
    let mut before = None;
    let mut left = text.chars();
    let mut next = String::new();
    while let Some(c) = left.clone().next() {
        next.clear();
        put(&mut next, c, before, true);
        let count = next.chars().count();
        if before.is_some() && length + count > most {
            break;
        }
        out.push_str(&next);
        length += count;
        before = last(&out);
        left.next();
    }
    out.push('"');
    (out, left.count())
}

/// Shows every character that is not seen as an escape, without quotes: for texts of the host's own that stand beside others.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    for c in text.chars() {
        put(&mut out, c, before, false);
        before = last(&out);
    }
    Cow::Owned(out)
}

/// What stands before the next character: the end of what is shown, so that a text and its cell are read alike.
fn last(out: &str) -> Option<char> {
    out.chars().next_back()
}

fn put(out: &mut String, c: char, before: Option<char>, quoted: bool) {
    match c {
        '"' | '\\' if quoted => out.extend(['\\', c]),
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        '\r' => out.push_str("\\r"),
        c if is_seen(c, before) => out.push(c),
        c => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
    }
}

/// Checks that a character is seen as itself behind another one, and cannot be taken for nothing or for a space.
fn is_seen(c: char, before: Option<char>) -> bool {
    if c.is_ascii() {
        return !c.is_control();
    }
    if redaction::is_hidden(c) || c.is_whitespace() {
        return false;
    }
    // The standard library's own tables: what `Debug` escapes is a control, a format or separator character, of private use, or
    // unassigned. Of a character alone it also escapes marks, which are seen where they stand on a letter.
    let on_letter = before.is_some_and(char::is_alphanumeric);
    let alone = c.escape_debug().next() != Some('\\');
    let pair = String::from_iter(['a', c]);
    let within = pair.escape_debug().nth(1) != Some('\\');
    alone || (within && on_letter)
}

/// Takes out characters that move the cursor or change the terminal; what a service stores must not do that.
#[must_use]
pub fn harmless(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

/// A failure in one sentence and what to do next.
#[must_use]
pub fn sentence(failure: &Value) -> String {
    let text = |key: &str| failure.get(key).and_then(Value::as_str).unwrap_or_default();
    let field = Some(text("field"))
        .filter(|field| !field.is_empty())
        .map(|field| format!("{field} "));
    let case = text("case").replace('-', " ");
    let reason = text("reason").trim_end_matches('.');
    format!(
        "{case}: {}{reason}. {}",
        field.unwrap_or_default(),
        text("next")
    )
    .trim_end()
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["a", "bb", "c"], ["aaa", "b", "c"]].map(|row| row.map(str::to_owned).to_vec());
        let plain = table(&rows, &Emphasis::default());
        assert_eq!(plain, "a    bb  c\naaa  b   c\n");
        let emphasis = Emphasis {
            start: "<".into(),
            end: ">".into(),
        };
        assert!(table(&rows, &emphasis).starts_with("<a>    bb  c\n"));
    }

    #[test]
    fn long_last_cell_pads_no_other_row() {
        let rows = [
            vec!["a".to_owned(), "x".repeat(99)],
            vec!["b".into(), "y".into(), "z".into()],
        ];
        assert!(table(&rows, &Emphasis::default()).ends_with("b  y  z\n"));
    }

    #[test]
    fn row_stays_one_line_whatever_its_cells_hold() {
        let rows = [vec![
            "a\n  digest 00".to_owned(),
            "b\u{202e}\r\t\u{2028}c".to_owned(),
        ]];
        assert_eq!(
            table(&rows, &Emphasis::default()),
            "a\\n  digest 00  b\\u{202e}\\r\\t\\u{2028}c\n"
        );
    }

    #[test]
    fn cell_shows_what_is_there_and_hides_nothing() {
        for (text, expected) in [
            ("", "\"\""),
            ("Call them", "\"Call them\""),
            ("a\"b\\n", "\"a\\\"b\\\\n\""),
            ("a\nb\tc\rd", "\"a\\nb\\tc\\rd\""),
            ("\u{1b}[2J\u{9b}", "\"\\u{1b}[2J\\u{9b}\""),
            ("a\u{202e}b\u{2066}", "\"a\\u{202e}b\\u{2066}\""),
            (
                "a\u{e0041}\u{fe0f}\u{ad}",
                "\"a\\u{e0041}\\u{fe0f}\\u{ad}\"",
            ),
            (
                "\u{115f}\u{3164}\u{2800}",
                "\"\\u{115f}\\u{3164}\\u{2800}\"",
            ),
            ("a\u{a0}b\u{3000}c", "\"a\\u{a0}b\\u{3000}c\""),
            (
                "\u{e000}\u{378}\u{f0000}",
                "\"\\u{e000}\\u{378}\\u{f0000}\"",
            ),
            ("Jos\u{e9}", "\"Jos\u{e9}\""),
            ("Jose\u{301}", "\"Jose\\u{301}\""),
            ("\u{928}\u{93f}", "\"\u{928}\u{93f}\""),
            ("\u{941}\u{93f}", "\"\\u{941}\u{93f}\""),
            ("\u{1f600}", "\"\u{1f600}\""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }

    /// Every character that the redactor calls hidden is shown as an escape, and every cell reads back as its text.
    #[test]
    fn no_hidden_character_passes_a_cell() {
        let mut count = 0;
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let cell = cell(&format!("a{c}"));
            if redaction::is_hidden(c) || c.is_control() {
                assert!(!cell.contains(c), "{c:?} is printed as it is");
                count += 1;
            }
            assert!(!cell.contains(['\n', '\t', '\r', '\u{2028}']), "{c:?}");
        }
        assert!(count > 4_300, "{count}");
    }

    #[test]
    fn excerpt_counts_what_it_leaves_out() {
        assert_eq!(excerpt("abc", 5), ("\"abc\"".to_owned(), 0));
        assert_eq!(excerpt("abcd", 5), ("\"abc\"".to_owned(), 1));
        assert_eq!(excerpt("\u{202e}bcd", 3), ("\"\\u{202e}\"".to_owned(), 3));
        assert_eq!(excerpt("", 0), ("\"\"".to_owned(), 0));
    }

    #[test]
    fn a_cell_cannot_send_commands_to_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\u{7}\u{9b}c\nd"), "a[2Jbc\nd");
    }
}
