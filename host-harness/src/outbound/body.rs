//! What the body of a write may hold: places and types that a manifest lists, and nothing else.
//!
//! ```toml
//! [destinations.chat.routes.write.body]
//! "/to/*" = "id"
//! "/text" = "text 500"          # free text of so many characters at most; what should not leave is taken out of it
//! "/parts/*/content" = "content 8000" # free text, or JSON: a record's envelope, or one of the manifest's shapes
//! "/urgent" = "yes|no"          # one of these words; one alone is a constant
//! "/minutes" = "int 1..90"
//! "/room" = "setting chat.room" # what the setting says
//! "/key" = "uuid"
//! "/cc" = "email"
//! ```
//!
//! A member may be left out, but none may be there that is not listed, null is no value, and no object may name a member twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use thiserror::Error;

use super::input::Unique;
use super::kinds::Kinds;
use super::pattern::{PatternError, Step};

mod envelope;
mod tree;
mod types;

pub use envelope::{Envelope, Provenance};

use tree::Tree;
use types::Type;

/// Why a body cannot be described so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BodyShapeError {
    /// A place that is none.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// A type that is none.
    #[error(
        "`{at}`: `{ty}` is no type: write `text N`, `content N`, `id`, `uuid`, `email`, `int A..B`, `setting KEY`, or words as in `a|b`"
    )]
    Type {
        /// The place.
        at: String,
        /// What stands there.
        ty: String,
    },
    /// A place that is also on the way to another one, or a list that is also an object.
    #[error("`{0}` is both a value and on the way to one, or both a list and an object")]
    Overlap(
        /// The place.
        String,
    ),
    /// A shape with a type that has no meaning there.
    #[error("shape `{shape}`, `{at}`: JSON in a text holds no `content`")]
    Nested {
        /// The shape.
        shape: String,
        /// The place.
        at: String,
    },
    /// A shape without a constant cannot be told from others.
    #[error("shape `{0}` needs a constant by which it is known, such as `\"/kind\" = \"note\"`")]
    Constant(
        /// The shape.
        String,
    ),
}

/// What does not fit. Names places that the manifest names and their numbers in lists, never a name or a value of the guest's own.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{at}` {why}")]
pub struct Unfit {
    /// Where: a JSON pointer. Below a text that is JSON it goes on into that.
    pub at: String,
    /// In what way.
    pub why: Why,
}

/// The ways in which something does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Why {
    /// Not an object, a list or a value where one should be.
    #[error("is to be {0}")]
    Form(
        /// What it is to be.
        &'static str,
    ),
    /// A member that is not listed.
    #[error("has a member that is not listed there")]
    Member,
    /// A member that has to be there.
    #[error("lacks `{0}`")]
    Missing(
        /// The member.
        &'static str,
    ),
    /// A value of another type.
    #[error("is not of type `{0}`")]
    Type(
        /// The type, in the manifest's words.
        String,
    ),
    /// Too long, too many, or too deep.
    #[error("is too long, holds too much, or is too deep")]
    Size,
    /// A setting that nobody has set.
    #[error("is to be what `{0}` says, which is not set")]
    Unset(
        /// The setting.
        String,
    ),
    /// Another value than the setting's.
    #[error("is not what `{0}` says")]
    Setting(
        /// The setting.
        String,
    ),
    /// A text that begins as JSON and is none, or names a member twice.
    #[error("begins as JSON and is none, or names a member twice")]
    Json,
    /// JSON that is neither of a known kind nor of a known shape.
    #[error("is JSON of no kind and no shape that the manifest lists")]
    Shape,
    /// A field that is not given away for this kind of record.
    #[error("names a field that the manifest does not list for `{0}`")]
    Field(
        /// The kind.
        String,
    ),
    /// What is said of a record does not agree with itself.
    #[error("is not what the rest of it says: `{0}`")]
    Provenance(
        /// The member.
        &'static str,
    ),
}

impl Why {
    fn at(self, at: &str) -> Unfit {
        Unfit {
            at: at.to_owned(),
            why: self,
        }
    }
}

/// A text of a body, or a number as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Where: a JSON pointer. Below a text that is JSON it goes on into that.
    pub pointer: String,
    /// What stands there.
    pub text: String,
    /// Whether it is free text, out of which is taken what should not leave.
    pub free: bool,
}

/// A part of a body, as its manifest types it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Free text.
    Text,
    /// Free text or JSON.
    Content,
    /// One of several words of the manifest's.
    Word,
    /// A number.
    Number,
    /// The id or address of somebody or something.
    Id,
    /// A constant, what a setting says, or an id that the plan has made up: it says nothing of its own.
    Fixed,
}

/// What stands in a body, for what is decided next.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Held {
    /// Everything that can carry a value from elsewhere: texts, numbers, addresses, ids, and names of members where they are free.
    /// Words of a list, settings and provenance cannot.
    pub texts: Vec<Text>,
    /// The records in it.
    pub envelopes: Vec<Envelope>,
}

/// What was taken out of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redactions {
    /// Each kind once, in order.
    pub found: Vec<redaction::Kind>,
    /// Whether the body is another one than before.
    pub changed: bool,
}

/// The JSON that may stand in texts: records of a kind, and shapes.
#[derive(Debug)]
pub struct Contents {
    kinds: Kinds,
    shapes: Vec<Tree>,
    destinations: BTreeSet<String>,
    skill: String,
}

impl Contents {
    /// Of these shapes, each of places and their types, and of these kinds. `destinations` are the names that a record can come
    /// from; `skill` is what its provenance names, such as `demo/0.1.0`.
    ///
    /// # Errors
    /// What is wrong with a shape.
    pub fn parse(
        shapes: &BTreeMap<String, BTreeMap<String, String>>,
        kinds: Kinds,
        destinations: impl IntoIterator<Item = String>,
        skill: String,
    ) -> Result<Self, BodyShapeError> {
        let shapes = shapes.iter().map(|(name, section)| {
            let tree = Tree::parse(section)?;
            if let Some(at) = tree.content() {
                let (shape, at) = (name.clone(), at.to_owned());
                return Err(BodyShapeError::Nested { shape, at });
            }
            match tree.is_known() {
                true => Ok(tree),
                false => Err(BodyShapeError::Constant(name.clone())),
            }
        });
        Ok(Self {
            shapes: shapes.collect::<Result<_, _>>()?,
            kinds,
            destinations: destinations.into_iter().collect(),
            skill,
        })
    }

    /// The kinds.
    #[must_use]
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// What a text is.
    fn read<'c>(&'c self, at: &str, text: &str) -> Result<Content<'c>, Unfit> {
        let shown = text.trim_start_matches(|c: char| c.is_whitespace() || redaction::is_hidden(c));
        if !shown.starts_with('{') {
            return Ok(Content::Plain);
        }
        let Ok(Unique(value)) = serde_json::from_str::<Unique>(text) else {
            return Err(Why::Json.at(at));
        };
        if let Some(shape) = self.shapes.iter().find(|shape| shape.is_meant(&value)) {
            return Ok(Content::Shape(shape, value));
        }
        match value.get("kind").and_then(Value::as_str) {
            Some(kind) if self.kinds.get(kind).is_some() => Ok(Content::Record(value)),
            _ => Err(Why::Shape.at(at)),
        }
    }
}

/// What a text is.
enum Content<'c> {
    /// Words.
    Plain,
    /// JSON of a shape.
    Shape(&'c Tree, Value),
    /// JSON that says it is a record of a known kind.
    Record(Value),
}

/// What a body may hold.
#[derive(Debug, Clone)]
pub struct BodyShape {
    tree: Arc<Tree>,
    contents: Arc<Contents>,
}

impl BodyShape {
    /// Reads a manifest's places and types.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(
        body: &BTreeMap<String, String>,
        contents: &Arc<Contents>,
    ) -> Result<Self, BodyShapeError> {
        Ok(Self {
            tree: Arc::new(Tree::parse(body)?),
            contents: Arc::clone(contents),
        })
    }

    /// Returns which part of a body stands at a place; none where nothing may stand.
    #[must_use]
    pub fn part_at(&self, place: &[Step<'_>]) -> Option<Part> {
        let ty = self.tree.type_at(place)?;
        Some(match ty {
            Type::Text(_) => Part::Text,
            Type::Content(_) => Part::Content,
            Type::Words(_) if ty.constant().is_none() => Part::Word,
            Type::Int(..) => Part::Number,
            Type::Id | Type::Email => Part::Id,
            Type::Words(_) | Type::Setting(_) | Type::Uuid => Part::Fixed,
        })
    }

    /// Looks through a body. `setting` gives what a setting says, none where it is not set.
    ///
    /// # Errors
    /// Where it does not fit, and in what way.
    pub fn check(
        &self,
        body: &Value,
        setting: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Held, Unfit> {
        let mut held = Held::default();
        self.tree.walk(body, "", &mut |at, ty, value| {
            ty.check(at, value, setting)?;
            match (ty, value) {
                (Type::Content(_), Value::String(text)) => match self.contents.read(at, text)? {
                    Content::Plain => hold(&mut held, at, ty, value),
                    Content::Shape(shape, inner) => {
                        shape.walk(&inner, at, &mut |at, ty, value| {
                            ty.check(at, value, setting)?;
                            hold(&mut held, at, ty, value);
                            Ok(())
                        })?
                    }
                    Content::Record(inner) => self.contents.envelope(at, inner, &mut held)?,
                },
                _ => hold(&mut held, at, ty, value),
            }
            Ok(())
        })?;
        Ok(held)
    }

    /// Takes out of a body's free texts what should not leave with them. Where there is nothing, the body stays as it is, byte for
    /// byte; JSON in a text is written anew only if something in it was taken out.
    ///
    /// # Errors
    /// When the body does not fit, or no longer does since what stands in the place of something is longer. It may then have been
    /// changed in part.
    pub fn redact(&self, body: &mut Value) -> Result<Redactions, Unfit> {
        let mut found = BTreeSet::new();
        let mut changed = false;
        self.tree.walk_mut(body, "", &mut |at, ty, value| {
            let Value::String(text) = value else {
                return Ok(());
            };
            changed |= match ty {
                Type::Text(_) => take_out(text, &mut found),
                Type::Content(_) => self.contents.redact(at, text, &mut found)?,
                _ => false,
            };
            ty.check_size(at, text)
        })?;
        Ok(Redactions {
            found: found.into_iter().collect(),
            changed,
        })
    }
}

impl Contents {
    /// Redacts a text that is free or JSON, and says whether it has changed.
    fn redact(
        &self,
        at: &str,
        text: &mut String,
        found: &mut BTreeSet<redaction::Kind>,
    ) -> Result<bool, Unfit> {
        let mut changed = false;
        let value = match self.read(at, text)? {
            Content::Plain => return Ok(take_out(text, found)),
            Content::Shape(shape, mut value) => {
                shape.walk_mut(&mut value, at, &mut |at, ty, value| match (ty, value) {
                    (Type::Text(_), Value::String(text)) => {
                        changed |= take_out(text, found);
                        ty.check_size(at, text)
                    }
                    _ => Ok(()),
                })?;
                value
            }
            Content::Record(mut value) => {
                changed = self.redact_fields(&mut value, found);
                value
            }
        };
        if changed {
            *text = value.to_string();
        }
        Ok(changed)
    }
}

/// Redacts a text, and says whether it has changed.
fn take_out(text: &mut String, found: &mut BTreeSet<redaction::Kind>) -> bool {
    let redacted = redaction::redact(text);
    let changed = redacted.count > 0;
    if changed {
        found.extend(redacted.found);
        *text = redacted.text;
    }
    changed
}

/// Keeps what can carry a value from elsewhere.
fn hold(held: &mut Held, at: &str, ty: &Type, value: &Value) {
    let text = match (ty, value) {
        (Type::Words(_) | Type::Setting(_), _) => return,
        (_, Value::String(text)) => text.clone(),
        (_, value) => value.to_string(),
    };
    held.texts.push(Text {
        pointer: at.to_owned(),
        text,
        free: matches!(ty, Type::Text(_) | Type::Content(_)),
    });
}

#[cfg(test)]
mod tests;
