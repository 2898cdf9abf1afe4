//! Body shapes: the places and types that a manifest lists for the body of a write.
//!
//! ```toml
//! [destinations.chat.routes.write.body]
//! "/to/*" = "id"
//! "/text" = "text 500"                # free text of at most 500 characters, which is redacted
//! "/parts/*/content" = "content 8000" # free text, a record envelope, or a shape of the manifest
//! "/urgent" = "yes|no"                # one of these words; a single word is a constant
//! "/minutes" = "int 1..90"
//! "/room" = "setting chat.room"       # the value of the setting
//! "/key" = "uuid"
//! "/cc" = "email"
//! ```
//!
//! A member may be left out, but one that is not listed is refused, and so are null and an object
//! that names a member twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::contents::{Content, Contents};
use super::envelope::BodyContents;
use super::error::{BodyMisfit, BodyShapeError};
use super::texts::{Part, Redactions, Text, take_out};
use super::tree::Tree;
use super::types::Type;
use crate::json_path::PathStep;

/// The shape of a request body.
#[derive(Debug, Clone)]
pub struct BodyShape {
    tree: Arc<Tree>,
    contents: Arc<Contents>,
}

impl BodyShape {
    /// Parses the places and types of a manifest.
    ///
    /// # Errors
    /// Returns the first fault found.
    pub fn parse(
        body: &BTreeMap<String, String>,
        contents: &Arc<Contents>,
    ) -> Result<Self, BodyShapeError> {
        Ok(Self {
            tree: Arc::new(Tree::parse(body)?),
            contents: Arc::clone(contents),
        })
    }

    /// Returns the part of a body at a place; `None` where nothing may be.
    #[must_use]
    pub fn part_at(&self, place: &[PathStep<'_>]) -> Option<Part> {
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

    /// Checks that a body matches the shape. `setting` returns the value of a setting, if it is
    /// set.
    ///
    /// # Errors
    /// Returns the first mismatch.
    pub fn check(
        &self,
        body: &Value,
        setting: &dyn Fn(&str) -> Option<String>,
    ) -> Result<BodyContents, BodyMisfit> {
        let mut held = BodyContents::default();
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

    /// Redacts the free texts of a body. A body without anything to redact stays as it is, byte for
    /// byte; JSON in a text is written anew only if something in it was redacted.
    ///
    /// # Errors
    /// Fails if the body does not match the shape, or no longer does because a marker is longer
    /// than the text that it replaces. The body may then have been changed in part.
    pub fn redact(&self, body: &mut Value) -> Result<Redactions, BodyMisfit> {
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
    /// Redacts a free text, or the JSON in it. Returns true if it has changed.
    fn redact(
        &self,
        at: &str,
        text: &mut String,
        found: &mut BTreeSet<redaction::Kind>,
    ) -> Result<bool, BodyMisfit> {
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

/// Collects a value that can carry data from another service.
fn hold(held: &mut BodyContents, at: &str, ty: &Type, value: &Value) {
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
