//! Values found in an outgoing request. None of these types holds the value itself.

use std::fmt;

use thiserror::Error;

use crate::json_path::PathStep;

/// A record in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerRecord<'v> {
    /// Its kind, in the skill's words.
    pub kind: &'v str,
    /// Its id.
    pub id: &'v str,
}

/// A rule that returns true if a field is disclosed: of this record, at this place in it.
pub type IsDisclosed<'f> = &'f dyn Fn(&AnswerRecord<'_>, &[PathStep<'_>]) -> bool;

/// A value that would cross from one service to another. Never holds the value itself.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Crossing {
    /// A value that is not disclosed.
    #[error(
        "it holds a {what} that came from `{from}`{} at `{at}`, and nothing says that it may be given away",
        record.as_ref().map(|(kind, id)| format!(", of {kind} {id},")).unwrap_or_default()
    )]
    Value {
        /// The destination that it came from.
        from: String,
        /// The sort of value.
        what: ValueKind,
        /// Kind and id of its record, if they are known.
        record: Option<(String, String)>,
        /// Its place in the answer: steps, with `*` for an index.
        at: String,
    },
    /// A service returned more than can be searched.
    #[error(
        "more came from `{from}` than can be looked through, so nothing may go to another service in this call"
    )]
    TooMuch {
        /// The destination.
        from: String,
    },
}

/// The sort of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A text.
    Text,
    /// A piece of a long text.
    Piece,
    /// A number.
    Number,
}

impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Piece => "piece of a text",
            Self::Number => "number",
        })
    }
}

/// A value of records that is repeated in an outgoing request. Never holds the value itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepeatedValue {
    /// The sort of value.
    pub what: ValueKind,
    /// Number of its characters or digits.
    pub length: usize,
    /// Its places in records.
    pub records: Vec<RepeatedAt>,
}

/// A place of a repeated value in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepeatedAt {
    /// The record's kind, in the skill's words.
    pub kind: String,
    /// The record's id.
    pub id: String,
    /// Steps from the record to the value: names, and `None` for an index.
    pub place: Vec<Option<String>>,
}
