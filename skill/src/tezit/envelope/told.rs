//! What one message tells: of which records which fields, and what was taken out of its texts.

use std::collections::{BTreeMap, BTreeSet};

use super::kinds::{Ref, Shared};
use crate::plan::Disclosure;
use crate::text;

/// What one message tells. Envelopes write here whatever they hold, so that a step's disclosures and its body cannot disagree.
#[derive(Debug, Default)]
pub struct Told {
    fields: BTreeMap<Ref, BTreeSet<&'static str>>,
    redacted: BTreeSet<&'static str>,
}

impl Told {
    /// A field of a record is told.
    pub fn tell(&mut self, kind: Shared, id: &str, field: &'static str) {
        let record = self.fields.entry((kind, id.to_owned())).or_default();
        record.insert(field);
    }

    /// A text that may leave: without addresses, numbers and keys. What was taken out is kept in mind.
    pub fn text(&mut self, text: &str) -> String {
        let redacted = redaction::redact(text);
        let found = redacted.found.into_iter();
        self.redacted.extend(found.map(redaction::Kind::name));
        redacted.text
    }

    /// One line of a text that may leave.
    pub fn line(&mut self, given: &str) -> String {
        let (one, _) = text::line(given, usize::MAX);
        // Cut only what is clean, and look once more at what cutting has left.
        let clean = self.text(&one);
        self.text(&text::line(&clean, text::LABEL).0)
    }

    /// What was taken out of texts, such as `phone number`.
    pub fn redacted(&self) -> impl Iterator<Item = &'static str> {
        self.redacted.iter().copied()
    }

    /// As a step says it.
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
