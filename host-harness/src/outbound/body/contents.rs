//! JSON that free texts of a body may contain: record envelopes, and shapes of the manifest.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::error::{BodyMisfit, BodyShapeError, Why};
use super::json_input::Unique;
use super::tree::Tree;
use crate::outbound::dlp::disclosure::DisclosureSchema;

/// The JSON that a text of a body may contain: record envelopes, and shapes of the manifest.
#[derive(Debug)]
pub struct Contents {
    pub(super) kinds: DisclosureSchema,
    shapes: Vec<Tree>,
    pub(super) destinations: BTreeSet<String>,
    pub(super) skill: String,
}

impl Contents {
    /// Parses the shapes of a manifest, each a map of places to types. `destinations` are the names
    /// that a record can come from; `skill` is the name and version that its provenance must state,
    /// such as `demo/0.1.0`.
    ///
    /// # Errors
    /// Fails if a shape cannot be parsed, holds `content`, or has no constant that identifies it.
    pub fn parse(
        shapes: &BTreeMap<String, BTreeMap<String, String>>,
        kinds: DisclosureSchema,
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

    /// Returns the disclosure schemas.
    #[must_use]
    pub fn kinds(&self) -> &DisclosureSchema {
        &self.kinds
    }

    /// Classifies a text.
    pub(super) fn read<'c>(&'c self, at: &str, text: &str) -> Result<Content<'c>, BodyMisfit> {
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

/// The class of a text in a body.
pub(super) enum Content<'c> {
    /// Plain text.
    Plain,
    /// JSON of a listed shape.
    Shape(&'c Tree, Value),
    /// JSON whose `kind` has a disclosure schema: a record envelope.
    Record(Value),
}
