//! The log of what one message discloses: the fields by record, and the kinds of text that were
//! redacted.

use std::collections::{BTreeMap, BTreeSet};

use super::kinds::{ShareableKind, SharedRef};
use crate::plan::Disclosure;
use crate::text;

/// A log of disclosed fields. Envelopes write all their fields here, so that a step's disclosures
/// and its body cannot disagree.
#[derive(Debug, Default)]
pub struct DisclosureLog {
    fields: BTreeMap<SharedRef, BTreeSet<&'static str>>,
    redacted: BTreeSet<&'static str>,
}

impl DisclosureLog {
    /// Logs a field of a record as disclosed.
    pub fn disclose(&mut self, kind: ShareableKind, id: &str, field: &'static str) {
        let record = self.fields.entry((kind, id.to_owned())).or_default();
        record.insert(field);
    }

    /// Redacts addresses, numbers and keys from a text that leaves, and logs what was redacted.
    pub fn redact(&mut self, text: &str) -> String {
        let redacted = redaction::redact(text);
        let found = redacted.found.into_iter();
        self.redacted.extend(found.map(redaction::Kind::name));
        redacted.text
    }

    /// Redacts a text that leaves, as one line.
    pub fn redact_line(&mut self, given: &str) -> String {
        let (one, _) = text::line(given, usize::MAX);
        // Cut only what is clean, and look once more at what cutting has left.
        let clean = self.redact(&one);
        self.redact(&text::line(&clean, text::LABEL).0)
    }

    /// Returns the kinds of text that were redacted, such as `phone number`.
    pub fn redacted(&self) -> impl Iterator<Item = &'static str> {
        self.redacted.iter().copied()
    }

    /// Returns the disclosures in the form that a step declares.
    pub fn disclosures(&self) -> Vec<Disclosure> {
        self.fields
            .iter()
            .map(|((kind, id), fields)| Disclosure {
                ref_: kind.reference(id),
                fields: fields.iter().map(|&field| field.to_owned()).collect(),
            })
            .collect()
    }
}
