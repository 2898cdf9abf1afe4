//! Leaves of a body, read from its own bytes: every text, number, literal and empty object or list,
//! in the order in which it is sent. Numbers keep their digits, and a duplicate member appears
//! twice.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::text::{cell, visible};

/// Maximum depth that is read; a deeper body is refused before it gets here.
const DEPTH_MAX: usize = 128;

/// A leaf of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    /// The path to it, outermost segment first.
    pub(super) place: Vec<LeafStep>,
    /// The value.
    pub(super) value: LeafValue,
}

/// A segment of the path to a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LeafStep {
    /// A member of an object.
    Name(String),
    /// An item of a list.
    Index(usize),
}

/// The value of a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LeafValue {
    /// A text.
    Text(String),
    /// A number, `true`, `false`, `null`, `{}` or `[]`, as it is written.
    Bare(String),
}

impl LeafValue {
    /// Returns the value as a cell of a view: a text in quotes, anything else as it is written.
    pub(super) fn cell(&self) -> String {
        match self {
            Self::Text(text) => cell(text),
            Self::Bare(raw) => visible(raw).into_owned(),
        }
    }

    /// Returns the text without quotes, or the literal as it is written.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Bare(raw) => raw,
        }
    }
}

impl Leaf {
    /// Returns its path for people, such as `data.tags[0]`, with names in quotes unless they are
    /// plain words.
    pub(super) fn name(&self) -> String {
        if self.place.is_empty() {
            return "(all)".to_owned();
        }
        let mut name = String::new();
        for step in &self.place {
            match step {
                LeafStep::Index(index) => name.push_str(&format!("[{index}]")),
                LeafStep::Name(step) => {
                    if !name.is_empty() {
                        name.push('.');
                    }
                    if is_word(step) {
                        name.push_str(step);
                    } else {
                        name.push_str(&cell(step));
                    }
                }
            }
        }
        name
    }

    /// Returns its place as a JSON pointer below `root`.
    pub(super) fn pointer(&self, root: &str) -> String {
        let mut pointer = root.to_owned();
        for step in &self.place {
            pointer.push('/');
            match step {
                LeafStep::Index(index) => pointer.push_str(&index.to_string()),
                LeafStep::Name(name) => {
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"))
                }
            }
        }
        pointer
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Reads the leaves of a JSON text; a text that is not JSON is a single leaf.
pub(super) fn leaves(text: &str) -> Vec<Leaf> {
    let mut found = Vec::new();
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) => walk(raw.get(), &mut Vec::new(), &mut found),
        Err(_) => found.push(Leaf {
            place: Vec::new(),
            value: LeafValue::Text(text.to_owned()),
        }),
    }
    found
}

fn walk(raw: &str, place: &mut Vec<LeafStep>, found: &mut Vec<Leaf>) {
    let value = match raw.as_bytes().first() {
        Some(b'{') if place.len() < DEPTH_MAX => {
            match serde_json::from_str::<RawMembers<'_>>(raw) {
                Ok(RawMembers(members)) if !members.is_empty() => {
                    for (name, below) in members {
                        place.push(LeafStep::Name(name));
                        walk(below.get(), place, found);
                        place.pop();
                    }
                    return;
                }
                Ok(_) => LeafValue::Bare("{}".to_owned()),
                Err(_) => LeafValue::Bare(raw.to_owned()),
            }
        }
        Some(b'[') if place.len() < DEPTH_MAX => {
            match serde_json::from_str::<Vec<&RawValue>>(raw) {
                Ok(items) if !items.is_empty() => {
                    for (index, below) in items.into_iter().enumerate() {
                        place.push(LeafStep::Index(index));
                        walk(below.get(), place, found);
                        place.pop();
                    }
                    return;
                }
                Ok(_) => LeafValue::Bare("[]".to_owned()),
                Err(_) => LeafValue::Bare(raw.to_owned()),
            }
        }
        Some(b'"') => match serde_json::from_str::<String>(raw) {
            Ok(text) => LeafValue::Text(text),
            Err(_) => LeafValue::Bare(raw.to_owned()),
        },
        _ => LeafValue::Bare(raw.to_owned()),
    };
    found.push(Leaf {
        place: place.clone(),
        value,
    });
}

/// Members of an object in order, duplicates included.
struct RawMembers<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for RawMembers<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Self::Value = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Reading).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(String, String)> {
        let leaves = leaves(text);
        leaves
            .iter()
            .map(|leaf| (leaf.name(), leaf.value.cell()))
            .collect()
    }

    #[test]
    fn every_leaf_is_read_as_it_is_sent() {
        let text =
            r#"{"a":{"b":[1,"x",null,true,{},[]]},"n":12345678901234567890123,"f":1.50,"e":1E+2}"#;
        let expected = [
            ("a.b[0]", "1"),
            ("a.b[1]", "\"x\""),
            ("a.b[2]", "null"),
            ("a.b[3]", "true"),
            ("a.b[4]", "{}"),
            ("a.b[5]", "[]"),
            ("n", "12345678901234567890123"),
            ("f", "1.50"),
            ("e", "1E+2"),
        ];
        assert_eq!(shown(text), expected.map(|(n, v)| (n.into(), v.into())));
    }

    #[test]
    fn member_named_twice_is_shown_twice() {
        assert_eq!(
            shown(r#"{"a":"first","a":"second"}"#),
            [
                ("a".into(), "\"first\"".into()),
                ("a".into(), "\"second\"".into())
            ] as [(String, String); 2]
        );
    }

    #[test]
    fn json_in_a_text_stays_a_text() {
        assert_eq!(
            shown(r#"{"title":"{\"a\":\"Wire it\",\"a\":\"Call\"}"}"#),
            [(
                "title".into(),
                r#""{\"a\":\"Wire it\",\"a\":\"Call\"}""#.into()
            )] as [(String, String); 1]
        );
    }

    #[test]
    fn names_forge_no_row() {
        let leaves = leaves(r#"{"\n  permitted by":1,"a.b":2,"":3,"x":{"a[0]":4}}"#);
        let names: Vec<_> = leaves.iter().map(Leaf::name).collect();
        assert_eq!(
            names,
            [r#""\n  permitted by""#, r#""a.b""#, r#""""#, r#"x."a[0]""#]
        );
        let pointers: Vec<_> = leaves.iter().map(|leaf| leaf.pointer("")).collect();
        assert_eq!(pointers, ["/\n  permitted by", "/a.b", "/", "/x/a[0]"]);
    }

    #[test]
    fn what_is_no_json_is_shown_as_text() {
        for text in ["", "{", "[1,", "\"\u{202e}"] {
            assert_eq!(shown(text), [("(all)".to_owned(), cell(text))]);
        }
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert_eq!(leaves(&deep).len(), 1);
    }
}
