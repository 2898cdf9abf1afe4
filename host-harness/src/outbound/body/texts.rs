//! Texts of a body, and their redaction.

use std::collections::BTreeSet;

/// A text of a body, or a number as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// JSON pointer to the text. It continues into a text that is JSON.
    pub pointer: String,
    /// The text.
    pub text: String,
    /// True for free text, which is redacted.
    pub free: bool,
}

/// A part of a body, as its manifest types it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Free text.
    Text,
    /// Free text or JSON.
    Content,
    /// One of several words that the manifest lists.
    Word,
    /// A number.
    Number,
    /// The id or address of somebody or something.
    Id,
    /// A constant, the value of a setting, or an id that the plan generated: nothing that the
    /// component chose.
    Fixed,
}

/// Redactions made in a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redactions {
    /// Kinds of the redacted values, each once, in order.
    pub found: Vec<redaction::Kind>,
    /// True if the body has changed.
    pub changed: bool,
}

/// Redacts a text. Returns true if it has changed.
pub(super) fn take_out(text: &mut String, found: &mut BTreeSet<redaction::Kind>) -> bool {
    let redacted = redaction::redact(text);
    let changed = redacted.count > 0;
    if changed {
        found.extend(redacted.found);
        *text = redacted.text;
    }
    changed
}
