//! Finds the names of tests and of types in Rust code that has no comments and no strings.

use std::iter::Peekable;

/// A name and the line it stands in, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) line: usize,
}

/// Lists the functions with an attribute `#[test]`, `#[tokio::test(...)]` or the like.
pub(crate) fn tests(code: &str) -> Vec<Named> {
    let mut tokens = Tokens::of(code).peekable();
    let mut found = Vec::new();
    let mut is_test = false;
    while let Some(token) = tokens.next() {
        match token.text {
            "#" if tokens.next_if(|next| next.text == "[").is_some() => {
                is_test |= attribute(&mut tokens) == Some("test");
            }
            "fn" => {
                let name = tokens.next().filter(|name| name.is_word());
                found.extend(name.filter(|_| is_test).map(Token::named));
                is_test = false;
            }
            ";" | "{" | "}" => is_test = false,
            _ => {}
        }
    }
    found
}

/// Reads an attribute behind `#[` to its end; returns the last part of its path.
fn attribute<'c>(tokens: &mut Peekable<Tokens<'c>>) -> Option<&'c str> {
    let mut last = None;
    while let Some(token) = tokens.next_if(|token| token.is_word() || token.text == ":") {
        if token.is_word() {
            last = Some(token.text);
        }
    }
    let mut depth = 1_usize;
    for token in tokens.by_ref() {
        match token.text {
            "[" => depth += 1,
            "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    last
}

/// Lists the types and traits of a file's modules: those within functions, and associated types,
/// are known by what they stand in.
pub(crate) fn types(code: &str) -> Vec<Named> {
    let mut found = Vec::new();
    // For each open brace: true if it is a module's.
    let mut open: Vec<bool> = Vec::new();
    let mut tokens = Tokens::of(code).peekable();
    let mut module = false;
    while let Some(token) = tokens.next() {
        match token.text {
            "mod" => {
                tokens.next();
                module = tokens.peek().is_some_and(|next| next.text == "{");
            }
            "{" => open.push(std::mem::take(&mut module)),
            "}" => {
                open.pop();
            }
            "struct" | "enum" | "union" | "trait" | "type" if open.iter().all(|module| *module) => {
                let name = tokens.next_if(|next| next.is_word());
                found.extend(name.map(Token::named));
            }
            _ => {}
        }
    }
    found
}

#[derive(Clone, Copy)]
struct Token<'c> {
    text: &'c str,
    line: usize,
}

impl Token<'_> {
    fn is_word(&self) -> bool {
        let first = self.text.chars().next();
        first.is_some_and(|c| c.is_alphabetic() || c == '_')
    }

    fn named(self) -> Named {
        Named {
            name: self.text.to_owned(),
            line: self.line,
        }
    }
}

/// Words, and every other character by itself.
struct Tokens<'c> {
    rest: &'c str,
    line: usize,
}

impl<'c> Tokens<'c> {
    fn of(code: &'c str) -> Self {
        Self {
            rest: code,
            line: 1,
        }
    }
}

impl<'c> Iterator for Tokens<'c> {
    type Item = Token<'c>;

    fn next(&mut self) -> Option<Token<'c>> {
        let trimmed = self.rest.trim_start();
        let blank = self.rest.len() - trimmed.len();
        let (skipped, rest) = self.rest.split_at(blank);
        self.line += skipped.matches('\n').count();
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let first = rest.chars().next()?;
        let end = match word(first) {
            true => rest.find(|c| !word(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (text, rest) = rest.split_at(end);
        self.rest = rest;
        Some(Token {
            text,
            line: self.line,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: Vec<Named>) -> Vec<String> {
        found.into_iter().map(|one| one.name).collect()
    }

    #[test]
    fn tests_are_found_by_their_attribute() {
        let code = "
            #[test] fn one() {}
            #[tokio::test(flavor = \"\")]
            #[allow(clippy::panic, reason = \"\")]
            async fn two() { fn inner() {} }
            #[cfg(test)] mod tests { fn helper() {} #[test] fn three() {} }
            proptest! { #[test] fn four(a in 0..9) {} }
            #[test_only] fn none() {}
            struct A { #[test] field: u8 } fn helper() {}
        ";
        assert_eq!(names(tests(code)), ["one", "two", "three", "four"]);
        let lines: Vec<usize> = tests(code).into_iter().map(|test| test.line).collect();
        assert_eq!(lines, [2, 5, 6, 7]);
    }

    #[test]
    fn types_of_modules_are_found_and_local_ones_not() {
        let code = "
            pub(crate) struct One<'a>(&'a str);
            enum Two { A { b: u8 } }
            mod inner { pub trait Three { type Item; } type Four = u8; }
            fn f() { struct Local; }
            impl Three for Two { type Item = u8; }
            mod elsewhere;
            struct Five;
        ";
        assert_eq!(names(types(code)), ["One", "Two", "Three", "Four", "Five"]);
    }
}
