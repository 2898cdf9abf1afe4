//! Messages in the relay's JSON.

use serde::Serialize;

use crate::bindings::claw::crm::types::{Intent, Urgency};
use crate::bindings::exports::claw::crm::read::{Layer, LayerKind, LayerSource};

/// The body of a post to a conversation, a team or a thread; each takes some of these members.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) team_id: Option<String>,
    pub(super) surface_text: &'a str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) urgency: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action_requested: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) visibility: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) recipients: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) context: Vec<Piece<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Piece<'a> {
    pub(super) layer: &'static str,
    pub(super) content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mime_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) confidence: Option<u8>,
    pub(super) source: &'static str,
}

/// Converts a layer of context.
pub(super) fn piece(layer: &Layer) -> Piece<'_> {
    Piece {
        layer: kind(layer.kind),
        content: &layer.content,
        mime_type: layer.mime_type.as_deref(),
        confidence: layer.confidence,
        source: source(layer.source),
    }
}

/// Returns the relay's name of an intent.
pub fn intent(intent: Intent) -> &'static str {
    match intent {
        Intent::Handoff => "handoff",
        Intent::Update => "update",
        Intent::Question => "question",
        Intent::Decision => "decision",
    }
}

pub(super) fn urgency(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Critical => "critical",
        Urgency::High => "high",
        Urgency::Normal => "normal",
        Urgency::Low => "low",
        Urgency::Fyi => "fyi",
    }
}

/// Returns the relay's name of a layer's kind.
pub fn kind(kind: LayerKind) -> &'static str {
    match kind {
        LayerKind::Background => "background",
        LayerKind::Fact => "fact",
        LayerKind::Artifact => "artifact",
        LayerKind::Relationship => "relationship",
        LayerKind::Constraint => "constraint",
        LayerKind::Hint => "hint",
    }
}

/// Returns the relay's name of a layer's source.
pub fn source(source: LayerSource) -> &'static str {
    match source {
        LayerSource::Stated => "stated",
        LayerSource::Inferred => "inferred",
        LayerSource::Verified => "verified",
    }
}
