//! Renders text for people: aligned columns, and no characters that hide text, forge a line, or
//! command a terminal.
//!
//! Text from a model, a component, a record or a message is shown by [`cell`]: in quotes, on one
//! line, with every invisible character as an escape. Different texts have different cells, so what
//! is shown is what is meant. [`redaction::glyphs`] decides what is visible: a joiner within a
//! Persian word or an emoji is, the same joiner between Latin letters is not.

use std::borrow::Cow;

use serde_json::Value;

/// Characters after the end of an excerpt that are examined, as the neighbours of its last ones.
const BESIDE: usize = 64;
/// Most passes over a text whose escapes change the visibility of other characters; in practice two
/// are enough.
const ROUNDS: usize = 8;

/// Markers around the first column to set it off: the command line's colours, or nothing.
#[derive(Debug, Clone, Default)]
pub struct Emphasis {
    /// Text before the column.
    pub start: String,
    /// Text after the column.
    pub end: String,
}

/// Renders rows in columns as wide as needed; the first column is emphasised, the last is never
/// padded.
#[must_use]
pub fn table(rows: &[Vec<String>], emphasis: &Emphasis) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let rows: Vec<Vec<Cow<'_, str>>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| visible(cell)).collect())
        .collect();
    let width = |column: usize| {
        rows.iter()
            // The last cell of a row is never padded, so it widens no column.
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

/// Quotes a text as one cell of a view: in double quotes, with `"`, `\` and every invisible
/// character escaped.
#[must_use]
pub fn cell(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// Escapes a text as [`cell`] does, for a place with quotes of its own.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (c, seen) in text.chars().zip(seen(text)) {
        put(&mut out, c, seen, true);
    }
    out
}

/// Quotes the beginning of a text, in at most `most` characters but at least one character of the
/// text, and returns the number of characters left out.
#[must_use]
pub fn excerpt(text: &str, most: usize) -> (String, usize) {
    // Characters far after the end change nothing before it.
    let near = match text.char_indices().nth(most.saturating_add(BESIDE)) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    };
    let mut out = String::from("\"");
    let mut length = 2;
    let mut taken: Vec<(char, bool)> = Vec::new();
    let mut next = String::new();
    for (c, seen) in near.chars().zip(seen(near)) {
        next.clear();
        put(&mut next, c, seen, true);
        let count = next.chars().count();
        if !taken.is_empty() && length + count > most {
            break;
        }
        out.push_str(&next);
        length += count;
        taken.push((c, seen));
    }
    let mut left = text.chars().skip(taken.len()).count();
    // A joiner or a tag whose second half is cut off joins nothing.
    while left > 0 && redaction::count_hidden(&out) > 0 {
        match taken.pop() {
            Some((_, true)) => {
                out.pop();
                left += 1;
            }
            Some(_) | None => break,
        }
    }
    out.push('"');
    (out, left)
}

/// Shortens an escaped text to at most `most` characters without cutting an escape in two, and
/// returns the number of characters left out.
#[must_use]
pub fn clip(shown: &str, most: usize) -> (&str, usize) {
    let Some((end, _)) = shown.char_indices().nth(most) else {
        return (shown, 0);
    };
    let mut kept = shown.get(..end).unwrap_or_default();
    let backslashes = |text: &str| text.len() - text.trim_end_matches('\\').len();
    if let Some((before, _)) = kept
        .rsplit_once("\\u{")
        .filter(|(before, behind)| !behind.contains('}') && backslashes(before) % 2 == 0)
    {
        kept = before;
    }
    if backslashes(kept) % 2 == 1 {
        kept = kept.get(..kept.len() - 1).unwrap_or_default();
    }
    while let Some(last) = kept
        .chars()
        .next_back()
        .filter(|_| redaction::count_hidden(kept) > 0)
    {
        kept = kept.get(..kept.len() - last.len_utf8()).unwrap_or_default();
    }
    (kept, shown.chars().count() - kept.chars().count())
}

/// Escapes every invisible character, without quotes: for texts of the host's own that are shown
/// beside others.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for (c, seen) in text.chars().zip(seen(text)) {
        put(&mut out, c, seen, false);
    }
    Cow::Owned(out)
}

fn put(out: &mut String, c: char, seen: bool, quoted: bool) {
    match c {
        '"' | '\\' if quoted => out.extend(['\\', c]),
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        '\r' => out.push_str("\\r"),
        c if seen => out.push(c),
        c => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
    }
}

/// Determines for each character of a text if it is shown as itself. A joiner, a mark, a selector
/// or a tag is, if it is visible between neighbours that are shown as themselves: an escape carries
/// no mark and joins with nothing, so that a text and its cell are read alike.
fn seen(text: &str) -> Vec<bool> {
    if !text.chars().any(redaction::is_hidden) {
        let mut before = None;
        let judged = text.chars().map(|c| {
            let seen = is_seen(c, before);
            before = seen.then_some(c);
            seen
        });
        return judged.collect();
    }
    let chars: Vec<char> = text.chars().collect();
    // Escapes are treated like spaces: marks and joiners act on neither.
    let mut shown = text.to_owned();
    for _ in 0..ROUNDS {
        let mut before = None;
        let judged = redaction::glyphs(&shown).into_iter().map(|glyph| {
            let c = glyph.c;
            let seen = if redaction::is_hidden(c) {
                !glyph.hidden
            } else {
                is_seen(c, before)
            };
            before = seen.then_some(c);
            if seen { c } else { ' ' }
        });
        let judged: String = judged.collect();
        if judged == shown {
            return chars
                .iter()
                .zip(judged.chars())
                .map(|(c, now)| *c == now)
                .collect();
        }
        shown = judged;
    }
    // A text that is still changing was made to hide something.
    let now = chars.iter().zip(shown.chars());
    now.map(|(c, now)| *c == now && !redaction::is_hidden(*c))
        .collect()
}

/// Returns true if a character that is not on the redactor's list is visible after another one, and
/// cannot be taken for nothing or for a space.
fn is_seen(c: char, before: Option<char>) -> bool {
    if c.is_ascii() {
        return !c.is_control();
    }
    if c.is_whitespace() {
        return false;
    }
    // By the standard library's own tables, what `Debug` escapes is a control, a format or
    // separator character, of private use, or unassigned. A character by itself is escaped also if
    // it is a mark, which is visible on a letter.
    let on_letter = before.is_some_and(char::is_alphanumeric);
    let alone = c.escape_debug().next() != Some('\\');
    let pair = String::from_iter(['a', c]);
    let within = pair.escape_debug().nth(1) != Some('\\');
    alone || (within && on_letter)
}

/// Removes characters that move the cursor or change the terminal, since a service's data must not
/// do that.
#[must_use]
pub fn harmless(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

/// Renders a failure as one sentence and the next step.
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
            ("Jose\u{301}", "\"Jose\u{301}\""),
            ("\u{301}x\n\u{301}", "\"\\u{301}x\\n\\u{301}\""),
            ("\u{202e}\u{301}", "\"\\u{202e}\\u{301}\""),
            ("می\u{200c}خواهم", "\"می\u{200c}خواهم\""),
            ("👩\u{200d}💻 ☎\u{fe0f}", "\"👩\u{200d}💻 ☎\u{fe0f}\""),
            (
                "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
                "\"🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}\"",
            ),
            ("🏴\u{e0067}\u{e007f}", "\"🏴\\u{e0067}\\u{e007f}\""),
            ("pay\u{200d}load", "\"pay\\u{200d}load\""),
            // Characters that joined over a hidden one do not join over its escape.
            ("م\u{200b}\u{200c}خ", "\"م\\u{200b}\\u{200c}خ\""),
            ("👩\u{200d}\u{200d}💻", "\"👩\\u{200d}\\u{200d}💻\""),
            ("\u{928}\u{93f}", "\"\u{928}\u{93f}\""),
            ("\u{941}\u{93f}", "\"\\u{941}\u{93f}\""),
            ("\u{1f600}", "\"\u{1f600}\""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }

    /// Reads a cell back.
    fn text_of(cell: &str) -> String {
        let inner = &cell[1..cell.len() - 1];
        let mut out = String::new();
        let mut left = inner.chars();
        while let Some(c) = left.next() {
            match (c == '\\').then(|| left.next().unwrap()) {
                None => out.push(c),
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('u') => {
                    let digits: String = left.by_ref().skip(1).take_while(|c| *c != '}').collect();
                    let code = u32::from_str_radix(&digits, 16).unwrap();
                    out.push(char::from_u32(code).unwrap());
                }
                Some(c) => out.push(c),
            }
        }
        out
    }

    #[test]
    fn no_hidden_character_passes_a_cell() {
        let mut count = 0;
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let text = format!("a{c}");
            let cell = cell(&text);
            assert_eq!(redaction::count_hidden(&cell), 0, "{c:?}");
            if redaction::count_hidden(&text) > 0 || c.is_control() {
                assert!(!cell.contains(c), "{c:?} is printed as it is");
                count += 1;
            }
            assert!(!cell.contains(['\n', '\t', '\r', '\u{2028}']), "{c:?}");
        }
        assert!(count > 4_000, "{count}");
    }

    /// Texts of up to four characters that hide, join, carry or escape others: each is read back
    /// from its cell, hides nothing there, and is shown alike beside other texts.
    #[test]
    fn different_texts_are_shown_differently() {
        const PARTS: [&str; 17] = [
            "a",
            "\"",
            "\\",
            "\n",
            " ",
            "م",
            "خ",
            "\u{200c}",
            "\u{200d}",
            "\u{200b}",
            "\u{301}",
            "👩",
            "\u{fe0f}",
            "🏴",
            "\u{e0067}",
            "\u{e007f}",
            "क्",
        ];
        let mut texts = vec![String::new()];
        let mut last = texts.clone();
        for _ in 0..4 {
            last = last
                .iter()
                .flat_map(|text| PARTS.map(|part| format!("{text}{part}")))
                .collect();
            texts.extend(last.iter().cloned());
        }
        let mut cells = std::collections::BTreeSet::new();
        for text in &texts {
            let cell = cell(text);
            assert_eq!(text_of(&cell), *text, "{cell}");
            assert_eq!(redaction::count_hidden(&cell), 0, "{text:?}");
            assert_eq!(visible(&cell), cell, "{text:?}");
            for most in 3..6 {
                let (part, left) = excerpt(text, most);
                assert_eq!(redaction::count_hidden(&part), 0, "{text:?} in {most}");
                let begin = text_of(&part);
                assert!(text.starts_with(&begin), "{text:?} in {most}: {part}");
                assert_eq!(begin.chars().count() + left, text.chars().count());
                let (part, _) = clip(&cell, most);
                assert_eq!(redaction::count_hidden(part), 0, "{text:?} in {most}");
            }
            cells.insert(cell);
        }
        assert_eq!(cells.len(), texts.len());
        println!("{} texts", texts.len());
    }

    #[test]
    fn clip_cuts_no_escape_in_two() {
        for (shown, most, kept, left) in [
            ("abc", 3, "abc", 0),
            ("abc", 2, "ab", 1),
            ("a\\u{202e}b", 4, "a", 9),
            ("a\\u{202e}b", 9, "a\\u{202e}", 1),
            ("a\\nb", 2, "a", 3),
            ("a\\\\b", 3, "a\\\\", 1),
            ("👩\u{200d}💻", 2, "👩", 2),
        ] {
            assert_eq!(clip(shown, most), (kept, left), "{shown}");
        }
    }

    #[test]
    fn excerpt_counts_what_it_leaves_out() {
        assert_eq!(excerpt("abc", 5), ("\"abc\"".to_owned(), 0));
        assert_eq!(excerpt("abcd", 5), ("\"abc\"".to_owned(), 1));
        assert_eq!(excerpt("\u{202e}bcd", 3), ("\"\\u{202e}\"".to_owned(), 3));
        assert_eq!(excerpt("", 0), ("\"\"".to_owned(), 0));
        assert_eq!(
            excerpt("👩\u{200d}💻", 4),
            ("\"👩\"".to_owned(), 2),
            "a joiner without its other half"
        );
    }

    #[test]
    fn a_cell_cannot_send_commands_to_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\u{7}\u{9b}c\nd"), "a[2Jbc\nd");
    }
}
