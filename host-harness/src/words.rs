//! Display words for the fields, records and writes of services, from `[words]` of a manifest, so
//! that the harness can describe a plan in sentences without knowing any service itself.
//!
//! ```toml
//! [words.records]
//! item = { called = "item", label = "name" }       # place of the name in a write that creates one
//! member = { called = "colleague", person = true } # its label is the name of a person
//!
//! [words.fields]                     # by place in a body, its first step left out if an object
//! dueAt = { title = "due", holds = "instant" }
//! ownerId = { title = "owner", holds = "record", from = ["owner.id"] }
//!
//! [words.deeds]                      # by the name of a document, or by service, method and path
//! make_item = "New item {name}[ for {ownerId}][, due {dueAt}]"
//! link_item = { say = "about the {targetId}", part = true }
//! "chat: POST /rooms/*/messages" = "Message to {recipients}"
//! ```
//!
//! `{PLACE}` stands for the value sent there, `{record}` for the record that a document is about,
//! `{recipients}` for the recipients of a write. A part in brackets is left out if one of its
//! places has no value.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use thiserror::Error;

/// The words of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Words {
    /// Kinds of records.
    pub records: BTreeMap<String, RecordWords>,
    /// Fields, by their place in a body: names joined by `.`, `*` for any item of a list.
    pub fields: BTreeMap<String, FieldWords>,
    /// The labels of fields' options, in a response.
    pub options: Option<OptionWords>,
    /// Writes, by the name of a document or by service, method and path.
    pub deeds: BTreeMap<String, DeedWords>,
}

/// Words for a kind of record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RecordWords {
    /// Display name of such a record.
    pub called: String,
    /// The place of the label in a write that creates such a record.
    pub label: Option<String>,
    /// Marks a kind whose labels are names of people.
    #[serde(default)]
    pub person: bool,
}

/// Words for a field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FieldWords {
    /// Display name of the field.
    pub title: String,
    /// Type of its value.
    #[serde(default)]
    pub holds: Holds,
    /// The place of an amount's unit.
    pub unit: Option<String>,
    /// Other places of the same value, in a record of a response.
    #[serde(default)]
    pub from: Vec<String>,
}

/// Type of a field's value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// Words.
    #[default]
    Text,
    /// The text that the recipients of a message read.
    Message,
    /// A moment (RFC 3339).
    Instant,
    /// The id of a record.
    Record,
    /// One of a list of values for which the service has labels.
    Option,
    /// One of several words that the manifest lists; shown without quotes.
    Word,
    /// A number of millionths of a unit.
    Millionths,
    /// A number of milliseconds.
    Milliseconds,
    /// A value that says nothing of its own; short views leave it out without counting it.
    Constant,
}

/// The document whose response has the labels of fields' options, and the JSON pointers to them, in
/// which `*` is every item of a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OptionWords {
    /// The name of the document.
    pub document: String,
    /// Pointer below `data` to the kinds of records.
    pub at: String,
    /// Pointer from a kind to its name.
    pub kind: String,
    /// Pointer from a kind to its fields.
    pub fields: String,
    /// Pointer from a field to its name.
    pub name: String,
    /// Pointer from a field to its options.
    pub options: String,
    /// Pointer from an option to its value.
    pub value: String,
    /// Pointer from an option to its label.
    pub label: String,
}

/// Words for a write.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DeedWords {
    /// A sentence.
    Say(Sentence),
    /// A sentence that continues an earlier one.
    Part(PartWords),
}

/// A sentence that continues the one of an earlier step.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PartWords {
    /// The sentence.
    pub say: Sentence,
    /// Marks it as a continuation.
    pub part: bool,
}

impl DeedWords {
    /// Returns the sentence.
    #[must_use]
    pub fn sentence(&self) -> &Sentence {
        match self {
            Self::Say(sentence) => sentence,
            Self::Part(part) => &part.say,
        }
    }

    /// Returns true if it continues the sentence of an earlier step.
    #[must_use]
    pub fn is_part(&self) -> bool {
        matches!(self, Self::Part(PartWords { part: true, .. }))
    }
}

/// A sentence with places for values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Sentence(Vec<Piece>);

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Words.
    Words(String),
    /// The value at a place.
    Place(String),
    /// Pieces that are left out if a place among them has no value.
    Optional(Vec<Self>),
}

/// Error of a text that is not a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is no sentence: write words, `{{PLACE}}`, and `[...]` around what can be left out, with nothing nested in either"
)]
pub struct SentenceError(
    /// The text.
    pub String,
);

impl TryFrom<String> for Sentence {
    type Error = SentenceError;

    fn try_from(text: String) -> Result<Self, SentenceError> {
        match pieces(&text, true) {
            Some(pieces) => Ok(Self(pieces)),
            None => Err(SentenceError(text)),
        }
    }
}

impl Sentence {
    /// Returns the pieces of the sentence.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }
}

fn pieces(text: &str, outer: bool) -> Option<Vec<Piece>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}', '[', ']']) {
        let (words, marked) = rest.split_at(at);
        if !words.is_empty() {
            found.push(Piece::Words(words.to_owned()));
        }
        let (piece, behind) = if let Some(inner) = marked.strip_prefix('{') {
            let (place, behind) = inner.split_once('}')?;
            let good = !place.is_empty() && !place.contains(['{', '[', ']', ' ']);
            (Piece::Place(good.then(|| place.to_owned())?), behind)
        } else {
            let inner = marked.strip_prefix('[').filter(|_| outer)?;
            let (optional, behind) = inner.split_once(']')?;
            (Piece::Optional(pieces(optional, false)?), behind)
        };
        found.push(piece);
        rest = behind;
    }
    if !rest.is_empty() {
        found.push(Piece::Words(rest.to_owned()));
    }
    Some(found)
}

impl Words {
    /// Returns the words for the field at a place, given by the names of its steps with `*` for an
    /// item of a list. If the whole place is not listed, the part below its first step counts.
    #[must_use]
    pub fn field(&self, place: &str) -> Option<&FieldWords> {
        let below = place.split_once('.').map(|(_, below)| below);
        self.fields.get(place).or_else(|| self.fields.get(below?))
    }

    /// Returns the display name of a kind of record; the kind itself if the manifest has none.
    #[must_use]
    pub fn called<'w>(&'w self, kind: &'w str) -> &'w str {
        self.records
            .get(kind)
            .map_or(kind, |words| words.called.as_str())
    }

    /// Returns true if labels of this kind are names of people.
    #[must_use]
    pub fn is_person(&self, kind: &str) -> bool {
        self.records.get(kind).is_some_and(|words| words.person)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_read_or_refused() {
        let read = |text: &str| Sentence::try_from(text.to_owned());
        let place = |name: &str| Piece::Place(name.to_owned());
        let words = |text: &str| Piece::Words(text.to_owned());
        assert_eq!(
            read("New {name}[ for {a.b}]!").unwrap().pieces(),
            [
                words("New "),
                place("name"),
                Piece::Optional(vec![words(" for "), place("a.b")]),
                words("!"),
            ]
        );
        for wrong in ["{", "}", "{}", "{a", "[a", "a]", "[a[b]]", "{a b}", "[{a]}"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn field_is_found_below_its_first_step() {
        let words: Words = toml::from_str(
            "[fields]\nname = { title = \"name\" }\n\"price.micros\" = { title = \"price\", holds = \"millionths\", unit = \"price.unit\" }\n",
        )
        .unwrap();
        assert_eq!(words.field("data.name").unwrap().title, "name");
        assert_eq!(words.field("name").unwrap().title, "name");
        assert_eq!(
            words.field("data.price.micros").unwrap().holds,
            Holds::Millionths
        );
        assert_eq!(words.field("data.other"), None);
    }
}
