//! Writing to people: colour where it can be seen, nothing that a terminal could take for a command.

use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = AnsiColor::Yellow.on_default();
const NAME: Style = Style::new().bold();

/// Writes to stdout. A reader that has gone away is no error of ours.
pub(super) fn print(text: &str) {
    let _ = anstream::stdout().lock().write_all(text.as_bytes());
}

/// Says on stderr what went wrong.
pub(super) fn complain(text: &str) {
    let text = harmless(text);
    let _ = writeln!(
        anstream::stderr().lock(),
        "{ERROR}crm-harness:{ERROR:#} {text}"
    );
}

/// Says on stderr what an operator should know.
pub(super) fn note(text: &str) {
    let text = harmless(text);
    let _ = writeln!(anstream::stderr().lock(), "{NOTE}note:{NOTE:#} {text}");
}

/// An answer for a person: its `markdown` if it has one, else the whole.
pub(super) fn answer(answer: &Value) -> String {
    match answer.get("markdown").and_then(Value::as_str) {
        Some(markdown) => format!("{}\n", harmless(markdown.trim_end())),
        None => pretty(answer),
    }
}

/// JSON over several lines.
pub(super) fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Rows in columns that are as wide as they must be; the first column is emphasised, the last is never padded.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let cell = harmless(cell);
            let pad = if column + 1 == columns {
                0
            } else {
                width + 2 - cell.chars().count()
            };
            let style = if column == 0 { NAME } else { Style::new() };
            text.push_str(&format!("{style}{cell}{style:#}{}", " ".repeat(pad)));
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    text
}

/// Takes out characters that move the cursor or change the terminal; what a service stores must not do that.
pub(super) fn harmless(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_cannot_send_commands_to_the_terminal() {
        let hostile = serde_json::json!({"markdown": "a\u{1b}[2Jb\u{7}\u{9b}c\nd"});
        assert_eq!(answer(&hostile), "a[2Jbc\nd\n");
    }

    #[test]
    fn columns_line_up() {
        let rows = [["a", "bb", "c"], ["aaa", "b", "c"]].map(|row| row.map(str::to_owned).to_vec());
        let plain = anstream::adapter::strip_str(&table(&rows)).to_string();
        assert_eq!(plain, "a    bb  c\naaa  b   c\n");
    }
}
