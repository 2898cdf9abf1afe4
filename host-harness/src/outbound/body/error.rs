//! Reasons why a body does not have the shape that a manifest lists, and why a shape cannot be read.

use thiserror::Error;

use crate::json_path::PatternError;

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
    pub(super) fn at(self, at: &str) -> Unfit {
        Unfit {
            at: at.to_owned(),
            why: self,
        }
    }
}
