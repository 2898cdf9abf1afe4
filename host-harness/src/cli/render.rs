//! Output for people: colour where it can be seen, and nothing that a terminal could take for a
//! command.

use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use crm_harness::text::{self, Emphasis};
use serde_json::Value;

pub(super) use crm_harness::text::harmless;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = AnsiColor::Yellow.on_default();
const NAME: Style = Style::new().bold();

/// Writes to stdout. A reader that has gone away is no error.
pub(super) fn print(text: &str) {
    let _ = anstream::stdout().lock().write_all(text.as_bytes());
}

/// Prints an error on stderr.
pub(super) fn complain(text: &str) {
    let text = harmless(text);
    let _ = writeln!(
        anstream::stderr().lock(),
        "{ERROR}crm-harness:{ERROR:#} {text}"
    );
}

/// Prints a note for the operator on stderr.
pub(super) fn note(text: &str) {
    let text = harmless(text);
    let _ = writeln!(anstream::stderr().lock(), "{NOTE}note:{NOTE:#} {text}");
}

/// Renders an answer for a person: its `markdown` if it has one, otherwise all of it.
pub(super) fn answer(answer: &Value) -> String {
    match answer.get("markdown").and_then(Value::as_str) {
        Some(markdown) => format!("{}\n", harmless(markdown.trim_end())),
        None => pretty(answer),
    }
}

/// Renders JSON over several lines.
pub(super) fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Renders rows in columns of the least width; the first column is emphasised, the last is never
/// padded.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    text::table(rows, &emphasis())
}

/// Returns the emphasis of names on the command line.
pub(super) fn emphasis() -> Emphasis {
    Emphasis {
        start: format!("{NAME}"),
        end: format!("{NAME:#}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_cannot_send_terminal_commands() {
        let hostile = serde_json::json!({"markdown": "a\u{1b}[2Jb\u{7}\u{9b}c\nd"});
        assert_eq!(answer(&hostile), "a[2Jbc\nd\n");
    }
}
