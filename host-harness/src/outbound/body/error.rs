//! Errors in a body shape, and reasons why a body does not match one.

use thiserror::Error;

use crate::json_path::PatternError;

/// An error in a body shape.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BodyShapeError {
    /// An invalid place.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// An unknown type.
    #[error(
        "`{at}`: `{ty}` is no type: write `text N`, `content N`, `id`, `uuid`, `email`, `int A..B`, `setting KEY`, or words as in `a|b`"
    )]
    Type {
        /// The place.
        at: String,
        /// The text in place of the type.
        ty: String,
    },
    /// A place that is also the parent of another one, or a list that is also an object.
    #[error("`{0}` is both a value and on the way to one, or both a list and an object")]
    Overlap(
        /// The place.
        String,
    ),
    /// A shape with `content`, which JSON in a text cannot contain.
    #[error("shape `{shape}`, `{at}`: JSON in a text holds no `content`")]
    Nested {
        /// The shape.
        shape: String,
        /// The place.
        at: String,
    },
    /// A shape without a constant, which cannot be told from other shapes.
    #[error("shape `{0}` needs a constant by which it is known, such as `\"/kind\" = \"note\"`")]
    Constant(
        /// The shape.
        String,
    ),
}

/// A mismatch between a body and its shape. Names only places of the manifest and indexes of lists,
/// never a name or a value of the guest's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{at}` {why}")]
pub struct BodyMisfit {
    /// JSON pointer to the value. It continues into a text that is JSON.
    pub at: String,
    /// The reason.
    pub why: Why,
}

/// Reasons why a value does not match.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Why {
    /// Not an object, a list or a value where one is expected.
    #[error("is to be {0}")]
    Form(
        /// The expected form.
        &'static str,
    ),
    /// A member that is not listed.
    #[error("has a member that is not listed there")]
    Member,
    /// A required member is missing.
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
    /// A setting without a value.
    #[error("is to be what `{0}` says, which is not set")]
    Unset(
        /// The setting.
        String,
    ),
    /// A value other than that of the setting.
    #[error("is not what `{0}` says")]
    Setting(
        /// The setting.
        String,
    ),
    /// A text that begins like JSON but is not, or that names a member twice.
    #[error("begins as JSON and is none, or names a member twice")]
    Json,
    /// JSON of neither a listed kind nor a listed shape.
    #[error("is JSON of no kind and no shape that the manifest lists")]
    Shape,
    /// A field that the manifest does not list for this kind of record.
    #[error("names a field that the manifest does not list for `{0}`")]
    Field(
        /// The kind.
        String,
    ),
    /// Provenance that contradicts the rest of the envelope.
    #[error("is not what the rest of it says: `{0}`")]
    Provenance(
        /// The member.
        &'static str,
    ),
}

impl Why {
    pub(super) fn at(self, at: &str) -> BodyMisfit {
        BodyMisfit {
            at: at.to_owned(),
            why: self,
        }
    }
}
