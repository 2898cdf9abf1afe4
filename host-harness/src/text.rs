//! Texts for people: columns that line up, and nothing that a terminal could take for a command.

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
    fn a_cell_cannot_send_commands_to_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\u{7}\u{9b}c\nd"), "a[2Jbc\nd");
    }
}
