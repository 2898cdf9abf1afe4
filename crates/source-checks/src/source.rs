//! Splits source text into comments and code, as far as checks of style need it: what stands in a
//! string is no comment, and what stands in a comment is no code.

/// The comment syntax of a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `//` and `/* */`, strings as in Rust: Rust, WIT, Cedar.
    Slashes,
    /// `#`, strings in one or three quotes: TOML.
    Hash,
}

/// The kind of a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommentKind {
    /// `///` or `/** */`: documentation of what follows.
    Outer,
    /// `//!` or `/*! */`: documentation of what it stands in.
    Inner,
    /// Any other comment.
    Plain,
}

/// A comment, up to the end of its line or of its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its kind.
    pub kind: CommentKind,
    /// The line it begins in, from 1.
    pub line: usize,
    /// The characters before it in that line.
    pub column: usize,
    /// The whole comment, with its marker.
    pub text: String,
}

impl Comment {
    /// Returns the text without the marker.
    #[must_use]
    pub fn body(&self) -> &str {
        let text = self.text.trim_end_matches("*/");
        text.trim_start_matches(['/', '!', '*', '#']).trim()
    }
}

/// A source text, split.
pub struct Source {
    /// The comments in their order.
    pub comments: Vec<Comment>,
    /// The text with blanks in the place of comments and of the insides of strings.
    pub code: String,
}

impl Source {
    /// Splits a text.
    #[must_use]
    pub fn read(text: &str, syntax: Syntax) -> Self {
        let mut reader = Reader {
            chars: text.chars().collect(),
            at: 0,
            line: 1,
            column: 0,
            source: Self {
                comments: Vec::new(),
                code: String::with_capacity(text.len()),
            },
        };
        while let Some(c) = reader.peek(0) {
            match syntax {
                Syntax::Slashes => reader.slashes(c),
                Syntax::Hash => reader.hash(c),
            }
        }
        reader.source
    }

    /// Returns the first line of each documentation: adjacent lines of one kind are one.
    #[must_use]
    pub fn summaries(&self) -> Vec<&Comment> {
        let mut first = Vec::new();
        let mut last: Option<&Comment> = None;
        let documentation = self.comments.iter();
        for comment in documentation.filter(|comment| comment.kind != CommentKind::Plain) {
            let continued = last.is_some_and(|last| {
                last.kind == comment.kind
                    && last.column == comment.column
                    && last.line + 1 == comment.line
            });
            if !continued {
                first.push(comment);
            }
            last = Some(comment);
        }
        first
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
    column: usize,
    source: Source,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn is(&self, text: &str) -> bool {
        let mut ahead = text.chars().enumerate();
        ahead.all(|(index, c)| self.peek(index) == Some(c))
    }

    /// Moves on by one character, which is code or is blanked in the code.
    fn advance(&mut self, code: bool) {
        let Some(c) = self.peek(0) else { return };
        self.source
            .code
            .push(if code || c == '\n' { c } else { ' ' });
        self.at += 1;
        if c == '\n' {
            self.line += 1;
            self.column = 0;
        } else {
            self.column += 1;
        }
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.advance(false);
        }
    }

    fn slashes(&mut self, c: char) {
        if self.is("//") {
            return self.comment_to_line_end();
        }
        if self.is("/*") {
            return self.block();
        }
        match c {
            '"' => self.string('"', true),
            'r' if !self.follows_word() => self.raw_string(),
            '\'' => self.quote(),
            _ => self.advance(true),
        }
    }

    fn hash(&mut self, c: char) {
        match c {
            '#' => self.comment_to_line_end(),
            '"' | '\'' => {
                let three: String = [c; 3].iter().collect();
                if self.is(&three) {
                    self.skip(3);
                    while self.peek(0).is_some() && !self.is(&three) {
                        let escaped = c == '"' && self.peek(0) == Some('\\');
                        self.skip(1 + usize::from(escaped));
                    }
                    self.skip(3);
                } else {
                    self.string(c, c == '"');
                }
            }
            _ => self.advance(true),
        }
    }

    fn comment_to_line_end(&mut self) {
        let (line, column) = (self.line, self.column);
        let mut text = String::new();
        while let Some(c) = self.peek(0).filter(|c| *c != '\n') {
            text.push(c);
            self.advance(false);
        }
        let kind = match () {
            () if text.starts_with("//!") => CommentKind::Inner,
            () if text.starts_with("///") && !text.starts_with("////") => CommentKind::Outer,
            () => CommentKind::Plain,
        };
        self.push(kind, line, column, text);
    }

    fn block(&mut self) {
        let (line, column) = (self.line, self.column);
        let mut text = String::new();
        let mut depth = 0_usize;
        while let Some(c) = self.peek(0) {
            let mark = if self.is("/*") {
                depth += 1;
                true
            } else if self.is("*/") {
                depth = depth.saturating_sub(1);
                true
            } else {
                false
            };
            text.push(c);
            self.advance(false);
            if mark {
                text.extend(self.peek(0));
                self.advance(false);
                if depth == 0 {
                    break;
                }
            }
        }
        let kind = match () {
            () if text.starts_with("/*!") => CommentKind::Inner,
            () if text.starts_with("/**") && !text.starts_with("/***") && text.len() > 4 => {
                CommentKind::Outer
            }
            () => CommentKind::Plain,
        };
        self.push(kind, line, column, text);
    }

    fn push(&mut self, kind: CommentKind, line: usize, column: usize, text: String) {
        self.source.comments.push(Comment {
            kind,
            line,
            column,
            text,
        });
    }

    fn string(&mut self, close: char, escapes: bool) {
        self.advance(true);
        while let Some(c) = self.peek(0).filter(|c| *c != close) {
            self.skip(1 + usize::from(escapes && c == '\\'));
        }
        self.advance(true);
    }

    /// Reads `r"…"` and `r#"…"#`; anything else that begins with `r` is code.
    fn raw_string(&mut self) {
        let hashes = (1..)
            .take_while(|ahead| self.peek(*ahead) == Some('#'))
            .count();
        if self.peek(1 + hashes) != Some('"') {
            return self.advance(true);
        }
        let close = format!("\"{}", "#".repeat(hashes));
        self.skip(hashes + 2);
        while self.peek(0).is_some() && !self.is(&close) {
            self.advance(false);
        }
        self.skip(hashes + 1);
    }

    /// Tells a character such as `'"'` from a lifetime such as `'a`.
    fn quote(&mut self) {
        if self.peek(1) == Some('\\') {
            self.skip(3);
            while self.peek(0).is_some_and(|c| c != '\'' && c != '\n') {
                self.advance(false);
            }
            self.skip(1);
        } else if self.peek(2) == Some('\'') {
            self.skip(3);
        } else {
            self.advance(true);
        }
    }

    /// Returns true behind a letter that is no string prefix: `r` ends a word there.
    fn follows_word(&self) -> bool {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let before = |back: usize| self.at.checked_sub(back).and_then(|at| self.chars.get(at));
        match before(1) {
            Some('b' | 'c') => before(2).copied().is_some_and(word),
            Some(c) => word(*c),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, syntax: Syntax) -> Vec<String> {
        let source = Source::read(text, syntax);
        assert_eq!(source.code.chars().count(), text.chars().count());
        source.comments.into_iter().map(|c| c.text).collect()
    }

    #[test]
    fn comments_are_found_beside_strings_and_chars() {
        for (text, expected) in [
            ("let a = 1; // one", &["// one"][..]),
            (r#"let a = "// none"; // one"#, &["// one"]),
            (r#"let a = "\" // none"; // one"#, &["// one"]),
            (r##"let a = r#"" // none"#; // one"##, &["// one"]),
            (r##"let a = br#"" // none"#; // one"##, &["// one"]),
            (r#"let a = r"\"; // one"#, &["// one"]),
            ("let for_r = bar; // one", &["// one"]),
            ("let a = r#type; // one", &["// one"]),
            ("let a = '\"'; // one", &["// one"]),
            (r"let a = '\''; // one", &["// one"]),
            (r"let a = '\u{22}'; // one", &["// one"]),
            ("fn f<'a>(a: &'a str) {} // it's one", &["// it's one"]),
            (
                "a /* one /* inner */ \" */ b // two",
                &["/* one /* inner */ \" */", "// two"],
            ),
            ("let a = \"b\n// none\nc\"; // one", &["// one"]),
        ] {
            assert_eq!(texts(text, Syntax::Slashes), expected, "{text}");
        }
    }

    #[test]
    fn toml_strings_hold_no_comments() {
        for (text, expected) in [
            ("a = 1 # one", &["# one"][..]),
            ("a = \"# none\\\" #\" # one", &["# one"]),
            ("a = 'c:\\' # one", &["# one"]),
            ("a = \"\"\"\n# none \"\n\"\"\" # one", &["# one"]),
            ("a = '''\n# none\n''' # one", &["# one"]),
        ] {
            assert_eq!(texts(text, Syntax::Hash), expected, "{text}");
        }
    }

    #[test]
    fn code_keeps_its_place_without_comments() {
        let source = Source::read("a\"bc\"; /* d\ne */ f", Syntax::Slashes);
        assert_eq!(source.code, "a\"  \";     \n     f");
    }

    #[test]
    fn summaries_are_first_lines_of_documentation() {
        let text = "//! One.\n//! More.\n\n/// Two.\n/// More.\nfn f() {}\n// None.\n//// None.\n/** Three. */\nstruct A {\n    /// Four.\n    a: u8,\n    /// Five.\n    b: u8,\n}\n";
        let source = Source::read(text, Syntax::Slashes);
        let summaries = source.summaries();
        let bodies: Vec<&str> = summaries.iter().map(|c| c.body()).collect();
        assert_eq!(bodies, ["One.", "Two.", "Three.", "Four.", "Five."]);
        let lines: Vec<usize> = summaries.iter().map(|c| c.line).collect();
        assert_eq!(lines, [1, 4, 9, 11, 13]);
    }
}
