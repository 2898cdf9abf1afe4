//! Line numbers of the keys in a TOML file. Only numbers are kept, since the text of an operator
//! file could hold a secret.

use std::collections::BTreeMap;

use toml_edit::{Document, Item, TableLike};

/// Lines by key, such as `limits.time-ms`, `destinations.service.routes[0].path` or, for tables of
/// an array that have names, ``destinations.service.documents `find`: sha256``.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyLines(BTreeMap<String, usize>);

impl KeyLines {
    /// Returns the lines of a text; none if it is not TOML.
    pub(super) fn of(text: &str) -> Self {
        let mut lines = Self::default();
        if let Ok(document) = Document::parse(text) {
            lines.table(&Starts::of(text), "", ".", document.as_table());
        }
        lines
    }

    /// Returns the line of a key, or of the nearest part of it that is written down.
    pub(super) fn line(&self, key: &str) -> Option<usize> {
        let mut part = key;
        loop {
            if let Some(line) = self.0.get(part) {
                return Some(*line);
            }
            let cut = part.rfind(['.', '[', ':', '`'])?;
            part = part.get(..cut)?.trim_end();
        }
    }

    fn table(&mut self, starts: &Starts, prefix: &str, join: &str, table: &dyn TableLike) {
        for (name, item) in table.iter() {
            let key = if prefix.is_empty() {
                name.to_owned()
            } else {
                format!("{prefix}{join}{name}")
            };
            let span = table.key(name).and_then(toml_edit::Key::span);
            if let Some(span) = span.or_else(|| item.span()) {
                self.0.insert(key.clone(), starts.line_at(span.start));
            }
            match item {
                Item::ArrayOfTables(tables) => {
                    for (index, table) in tables.iter().enumerate() {
                        let one = format!("{key}[{index}]");
                        let line = table.span().map(|span| starts.line_at(span.start));
                        self.0.extend(line.map(|line| (one.clone(), line)));
                        self.table(starts, &one, ".", table);
                        if let Some(name) = table.get("name").and_then(Item::as_str) {
                            let named = format!("{key} `{name}`");
                            self.0.extend(line.map(|line| (named.clone(), line)));
                            self.table(starts, &named, ": ", table);
                        }
                    }
                }
                item => {
                    if let Some(table) = item.as_table_like() {
                        self.table(starts, &key, ".", table);
                    }
                }
            }
        }
    }
}

/// Offsets of the beginnings of lines, in bytes.
struct Starts(Vec<usize>);

impl Starts {
    fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(
            std::iter::once(0)
                .chain(ends.map(|(at, _)| at + 1))
                .collect(),
        )
    }

    fn line_at(&self, byte: usize) -> usize {
        self.0.partition_point(|start| *start <= byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_however_it_is_written() {
        let text = "[limits]\ntime-ms = 5\n\n[a.b]\nx = { y = 1 }\n\n[[a.b.list]]\nname = \"one\"\nv = 1\n\n[[a.b.list]]\nname = \"two\"\nv = 2\nw = { q = 1 }\n";
        let lines = KeyLines::of(text);
        for (key, line) in [
            ("limits", Some(1)),
            ("limits.time-ms", Some(2)),
            ("limits.other", Some(1)),
            ("a.b.x.y", Some(5)),
            ("a.b.list[1]", Some(11)),
            ("a.b.list[1].v", Some(13)),
            ("a.b.list `two`: v", Some(13)),
            ("a.b.list `two`: w.q", Some(14)),
            ("a.b.list `two`: missing", Some(11)),
            ("nowhere", None),
        ] {
            assert_eq!(lines.line(key), line, "{key}");
        }
        assert_eq!(KeyLines::of("= no toml").line("a"), None);
    }
}
