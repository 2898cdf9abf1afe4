//! Builds the short text for people that every answer has. Text from strangers cannot become links,
//! images, HTML or headings in it.

use std::fmt::Write as _;

/// Escapes text from a stranger for use inside a line of Markdown (CommonMark 0.31, backslash
/// escapes). An underscore within a word has no meaning there and stays.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut characters = text.chars().peekable();
    let mut before = ' ';
    while let Some(character) = characters.next() {
        let in_word = before.is_alphanumeric()
            && characters
                .peek()
                .is_some_and(|after| after.is_alphanumeric());
        let special = match character {
            '_' => !in_word,
            other => matches!(
                other,
                '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '#'
            ),
        };
        if special {
            out.push('\\');
        }
        out.push(if character == '\n' { ' ' } else { character });
        before = character;
    }
    out
}

/// Builds a page line by line.
#[derive(Debug, Default)]
pub struct MarkdownPage(String);

impl MarkdownPage {
    /// Starts a page with a bold line.
    pub fn titled(title: &str) -> Self {
        Self(format!("**{title}**\n"))
    }

    /// Adds a plain line.
    pub fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    /// Adds a bullet.
    pub fn bullet(&mut self, line: &str) {
        self.0.push_str("- ");
        self.line(line);
    }

    /// Adds a heading with an empty line before it.
    pub fn heading(&mut self, heading: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "\n### {heading}");
    }

    /// Returns the text.
    pub fn finish(self) -> String {
        self.0.trim_end().to_owned()
    }
}

/// Formats a count with its noun: `1 task`, `2 tasks`.
pub fn count(number: u32, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_write_stays_text() {
        assert_eq!(escape("![x](http://evil/?q)"), "!\\[x\\](http://evil/?q)");
        assert_eq!(escape("America/New_York _x_"), "America/New_York \\_x\\_");
        assert_eq!(escape("<script>\n# hi"), "\\<script\\> \\# hi");
        assert_eq!(escape("O'Brien & Söhne (Nord)"), "O'Brien & Söhne (Nord)");
    }
}
