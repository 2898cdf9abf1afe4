//! Builds envelopes and layers.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::disclosure_log::DisclosureLog;
use super::kinds::ShareableKind;
use crate::bindings::exports::claw::crm::read::{Layer, LayerKind, LayerSource};
use crate::context::Context;
use crate::text;

/// The name and version of the envelope's maker.
const SKILL: &str = concat!("crm/", env!("CARGO_PKG_VERSION"));

/// A selection of a record's fields.
#[derive(Debug, Clone, Copy)]
pub enum FieldSelection<'w> {
    /// The default fields, and these.
    Default(&'w [&'static str]),
    /// These fields alone.
    Just(&'w [&'static str]),
}

impl FieldSelection<'_> {
    fn has(self, kind: ShareableKind, field: &str) -> bool {
        match self {
            Self::Default(more) => kind.default_fields().contains(&field) || more.contains(&field),
            Self::Just(fields) => fields.contains(&field),
        }
    }
}

/// A record as a message carries it.
#[derive(Debug)]
pub struct Envelope {
    /// The kind of record.
    pub kind: ShareableKind,
    /// Its id.
    pub id: String,
    /// Its fields.
    pub fields: Map<String, Value>,
    /// Fields that records of its kind have and that are not given. An empty one that was wanted is
    /// not among them.
    pub omitted: Vec<&'static str>,
    /// Fields among those that are there and could not be read.
    pub unreadable: Vec<&'static str>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) created: bool,
}

impl Envelope {
    /// Returns the envelope as a layer of context.
    pub fn layer(&self, ctx: &Context<'_>) -> Layer {
        #[derive(Serialize)]
        struct Json<'a> {
            kind: &'static str,
            id: &'a str,
            fields: &'a Map<String, Value>,
            omitted: &'a [&'static str],
            provenance: Provenance<'a>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Provenance<'a> {
            source: &'static str,
            object: &'static str,
            record_id: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            record_updated_at: Option<String>,
            /// The plan makes it, so it has not been changed yet.
            #[serde(skip_serializing_if = "Option::is_none")]
            created: Option<bool>,
            fetched_at: String,
            skill: &'static str,
        }
        let content = serde_json::to_string(&Json {
            kind: self.kind.name(),
            id: &self.id,
            fields: &self.fields,
            omitted: &self.omitted,
            provenance: Provenance {
                source: "twenty",
                object: self.kind.object(),
                record_id: &self.id,
                record_updated_at: self.updated_at.map(text::instant),
                created: self.created.then_some(true),
                fetched_at: ctx.fetched_at(),
                skill: SKILL,
            },
        });
        json_layer(
            LayerKind::Artifact,
            content.unwrap_or_default(),
            LayerSource::Verified,
        )
    }
}

/// Creates a layer of JSON.
pub fn json_layer(kind: LayerKind, content: String, source: LayerSource) -> Layer {
    Layer {
        kind,
        content,
        mime_type: Some("application/json".to_owned()),
        confidence: None,
        source,
    }
}

/// Creates a layer of prose.
pub fn prose_layer(
    kind: LayerKind,
    content: String,
    source: LayerSource,
    confidence: Option<u8>,
) -> Layer {
    Layer {
        kind,
        content,
        mime_type: None,
        confidence,
        source,
    }
}

/// Builds an envelope, and logs every field that it takes as disclosed.
#[derive(Debug)]
pub(super) struct EnvelopeBuilder<'a> {
    log: &'a mut DisclosureLog,
    wanted: FieldSelection<'a>,
    envelope: Envelope,
}

impl<'a> EnvelopeBuilder<'a> {
    pub(super) fn new(
        log: &'a mut DisclosureLog,
        kind: ShareableKind,
        id: &str,
        wanted: FieldSelection<'a>,
    ) -> Self {
        Self {
            log,
            wanted,
            envelope: Envelope {
                kind,
                id: id.to_owned(),
                fields: Map::new(),
                omitted: Vec::new(),
                unreadable: Vec::new(),
                updated_at: None,
                created: false,
            },
        }
    }

    /// Adds a field; `value` runs only if the field is selected, and returns none where it is
    /// empty.
    pub(super) fn put(
        &mut self,
        field: &'static str,
        value: impl FnOnce(&mut DisclosureLog) -> Option<Value>,
    ) {
        let envelope = &mut self.envelope;
        if !self.wanted.has(envelope.kind, field) {
            envelope.omitted.push(field);
        } else if let Some(value) = value(self.log) {
            envelope.fields.insert(field.to_owned(), value);
            self.log.disclose(envelope.kind, &envelope.id, field);
        }
    }

    /// Marks a field as unreadable, if it is.
    pub(super) fn unless(&mut self, unreadable: bool, field: &'static str) {
        let envelope = &mut self.envelope;
        if unreadable
            && self.wanted.has(envelope.kind, field)
            && !envelope.fields.contains_key(field)
        {
            envelope.omitted.push(field);
            envelope.unreadable.push(field);
        }
    }

    /// Marks a field as not read.
    pub(super) fn unread(&mut self, field: &'static str) {
        self.envelope.omitted.push(field);
    }

    /// Adds a line of free text.
    pub(super) fn text(&mut self, field: &'static str, value: Option<&str>) {
        self.put(field, |log| Some(Value::from(log.redact_line(value?))));
    }

    /// Adds a block of free text.
    pub(super) fn body(&mut self, field: &'static str, value: Option<&str>) {
        self.put(field, |log| {
            let text = log.redact(value?);
            Some(Value::from(text::block(&text, text::BODY).0))
        });
    }

    /// Adds a value that is no free text.
    pub(super) fn exact<V: Into<Value>>(&mut self, field: &'static str, value: Option<V>) {
        self.put(field, |_| value.map(Into::into));
    }

    pub(super) fn done(self, updated_at: Option<Timestamp>) -> Envelope {
        Envelope {
            updated_at,
            ..self.envelope
        }
    }
}
