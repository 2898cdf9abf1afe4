//! Recorded exchanges: reading them, and telling which root fields they ask for.

use std::path::Path;

use serde_json::Value;

/// A request and what answered it.
pub(crate) struct Exchange {
    pub name: String,
    pub method: String,
    pub path: String,
    /// True if a key was sent.
    pub with_key: bool,
    /// The key to send, where the exchange says which.
    pub key: Option<String>,
    pub body: Value,
    /// `None`: the server never answered.
    pub response: Option<Response>,
}

pub(crate) struct Response {
    pub status: u64,
    pub content_type: String,
    pub body: Value,
}

impl Exchange {
    /// Every exchange with `/graphql` and `/metadata` in a folder, by name.
    pub(crate) fn read_all(folder: &Path) -> Vec<Self> {
        let mut all: Vec<Self> = std::fs::read_dir(folder)
            .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
            .map(|entry| entry.expect("a readable folder").path())
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .map(|path| Self::read(&path))
            .filter(|exchange| {
                exchange.path.starts_with("/graphql") || exchange.path.starts_with("/metadata")
            })
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    pub(crate) fn read(path: &Path) -> Self {
        let text =
            std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let json: Value =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let text = |pointer: &str| {
            json.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let header = |of: &str, name: &str| {
            let headers = json.pointer(of).and_then(Value::as_object);
            headers
                .and_then(|h| h.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)))
                .and_then(|(_, v)| v.as_str())
                .map(str::to_owned)
        };
        let response = json
            .pointer("/response/status")
            .and_then(Value::as_u64)
            .map(|status| Response {
                status,
                content_type: header("/response/headers", "content-type").unwrap_or_default(),
                body: json.pointer("/response/body").cloned().unwrap_or_default(),
            });
        let key = header("/request/headers", "authorization");
        Self {
            name: text("/name"),
            method: text("/request/method"),
            path: text("/request/path"),
            with_key: key.is_some(),
            key: key.and_then(|k| {
                k.strip_prefix("Bearer ")
                    .filter(|k| *k != "<redacted>")
                    .map(str::to_owned)
            }),
            body: json.pointer("/request/body").cloned().unwrap_or_default(),
            response,
        }
    }

    pub(crate) fn query(&self) -> &str {
        self.body
            .get("query")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(crate) fn is_mutation(&self) -> bool {
        self.query().trim_start().starts_with("mutation")
    }

    /// The names of the root fields, read off the text: what stands at depth one, outside
    /// parentheses, after any alias.
    pub(crate) fn roots(&self) -> Vec<String> {
        let (mut braces, mut parens, mut word, mut roots) = (0, 0, String::new(), Vec::new());
        for letter in self.query().chars() {
            let in_root = braces == 1 && parens == 0;
            if in_root && (letter.is_alphanumeric() || letter == '_') {
                word.push(letter);
                continue;
            }
            if in_root && letter == ':' {
                word.clear();
            } else if !word.is_empty() {
                roots.push(std::mem::take(&mut word));
            }
            match letter {
                '{' if parens == 0 => braces += 1,
                '}' if parens == 0 => braces -= 1,
                '(' => parens += 1,
                ')' => parens -= 1,
                _ => {}
            }
        }
        roots
    }

    /// The page sizes written into the query or its variables.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        let digits = |text: &str| {
            text.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
                .parse()
                .ok()
        };
        let written = ["first:", "last:", "limit:"];
        let from_text = written
            .iter()
            .flat_map(|word| self.query().split(word).skip(1).filter_map(digits));
        let variables = self.body.get("variables").and_then(Value::as_object);
        let from_variables = variables
            .into_iter()
            .flatten()
            .filter_map(|(_, v)| usize::try_from(v.as_u64()?).ok());
        from_text.chain(from_variables).filter(|n| *n > 0).collect()
    }
}
