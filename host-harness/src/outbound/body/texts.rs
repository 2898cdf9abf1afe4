//! Texts of a body, and what is taken out of them.

use std::collections::BTreeSet;

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

/// What was taken out of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redactions {
    /// Each kind once, in order.
    pub found: Vec<redaction::Kind>,
    /// Whether the body is another one than before.
    pub changed: bool,
}

/// Redacts a text, and says whether it has changed.
pub(super) fn take_out(text: &mut String, found: &mut BTreeSet<redaction::Kind>) -> bool {
    let redacted = redaction::redact(text);
    let changed = redacted.count > 0;
    if changed {
        found.extend(redacted.found);
        *text = redacted.text;
    }
    changed
}
