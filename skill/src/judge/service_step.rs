//! Reads steps to the relay and to PA Workspace, and the answers to them.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::write_outcome::WriteOutcome;
use crate::bindings::claw::skill::plan::{Method, Step};
use crate::bindings::exports::claw::skill::judge::ServiceAnswer;
use crate::failure;
use crate::ids::is_uuid;
use crate::rest::json::parse;
use crate::rest::{Service, errors};
use crate::text::Text;
use crate::tezit::{ContextLayer, RELAY};
use crate::transport::{Response, is_id};
use crate::workspace::WORKSPACE;

/// The largest lag of the relay's clock behind ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A step to the relay or to PA Workspace.
#[derive(Debug)]
pub(super) enum ServiceStep {
    /// Opens a conversation with one colleague, or finds the one that there is.
    Open,
    /// Sends a message to a conversation.
    Message {
        conversation: String,
        sent: SentMessage,
    },
    /// Sends a message to the team.
    Share { id: String, sent: SentMessage },
    /// Answers a message of the team.
    Reply { to: String, sent: SentMessage },
    /// Sends an e-mail.
    Email,
    /// Logs an entry in the assistant's timesheet.
    Log(LoggedEntry),
}

/// A message as it was sent.
#[derive(Debug)]
pub(super) struct SentMessage {
    pub(super) kind: String,
    pub(super) text: Text,
    pub(super) context: Vec<ContextLayer>,
    /// The earliest possible time of sending: its records were read then. None where it carries no
    /// such time.
    pub(super) since: Option<Timestamp>,
}

/// A timesheet entry as it was sent.
#[derive(Debug)]
pub(super) struct LoggedEntry {
    pub(super) action: String,
    pub(super) summary: Text,
    pub(super) duration_ms: Option<u64>,
}

impl ServiceStep {
    /// Reads a step; none where it is none of this skill's.
    pub(super) fn read(step: &Step) -> Option<Self> {
        if !matches!(step.method, Method::Post) {
            return None;
        }
        let body = parse(step.body.as_bytes())?;
        let path: Vec<&str> = step.path.strip_prefix('/')?.split('/').collect();
        match (step.destination.as_str(), path.as_slice()) {
            ("tezit", ["conversations"]) => (body.get("type")? == "dm").then_some(Self::Open),
            ("tezit", ["conversations", id, "messages"]) if is_id(id) => Some(Self::Message {
                conversation: (*id).to_owned(),
                sent: SentMessage::read(&body)?,
            }),
            // What is shared as `dm` reaches nobody: the relay never lists it for those who get it.
            ("tezit", ["tez", "share"]) if body.get("visibility")? == "team" => Some(Self::Share {
                id: body.get("id")?.as_str().filter(|id| is_id(id))?.to_owned(),
                sent: SentMessage::read(&body)?,
            }),
            ("tezit", ["tez", id, "reply"]) if is_id(id) => Some(Self::Reply {
                to: (*id).to_owned(),
                sent: SentMessage::read(&body)?,
            }),
            ("workspace", ["api", "email", "send"]) => {
                body.get("to")?.as_str().map(|_| Self::Email)
            }
            ("workspace", ["api", "calendar", "log-action"]) => Some(Self::Log(LoggedEntry {
                action: body.get("actionType")?.as_str()?.to_owned(),
                summary: Text::from(body.get("summary")?.as_str()?),
                duration_ms: body.get("durationMs").and_then(Value::as_u64),
            })),
            _ => None,
        }
    }

    fn service(&self) -> &'static Service {
        match self {
            Self::Email | Self::Log(_) => &WORKSPACE,
            _ => &RELAY,
        }
    }

    /// Checks that an answer names the result, as the harness and later steps need it.
    fn is_named(&self, body: &str) -> bool {
        let body = parse(body.as_bytes()).unwrap_or_default();
        let id = match self {
            Self::Email => body.pointer("/data/messageId"),
            _ => body.pointer("/data/id"),
        };
        match (self, id.and_then(Value::as_str)) {
            (Self::Open, Some(id)) => is_uuid(id),
            (_, id) => id.is_some_and(|id| !id.is_empty()),
        }
    }

    /// Reads an answer.
    pub(super) fn outcome(&self, answer: &ServiceAnswer) -> WriteOutcome {
        let response = Response {
            status: answer.status,
            retry_after: None,
            body: answer.body.as_bytes().to_vec(),
        };
        let why = || failure::explain(&errors::failure(self.service(), &response));
        match answer.status {
            200..=299 if self.is_named(&answer.body) => WriteOutcome::Done,
            // It was turned away before anything was done with it, and the operator can mend that
            // or time does.
            401 | 429 | 300..=399 => WriteOutcome::Again(why()),
            408 => WriteOutcome::Unclear,
            400..=499 => WriteOutcome::Failed(format!("{} Then propose again.", why())),
            // A message may be stored although its answer is an error, even half of it.
            _ => WriteOutcome::Unclear,
        }
    }
}

impl SentMessage {
    fn read(body: &Value) -> Option<Self> {
        let text = |value: &Value, name: &str| value.get(name)?.as_str().map(str::to_owned);
        let layers = match body.get("context") {
            None => &[][..],
            Some(layers) => layers.as_array()?,
        };
        let context: Option<Vec<ContextLayer>> = layers
            .iter()
            .map(|layer| {
                Some(ContextLayer {
                    layer: text(layer, "layer")?,
                    content: Text::from(text(layer, "content")?.as_str())
                        .as_str()
                        .to_owned(),
                })
            })
            .collect();
        let context = context?;
        let since = context
            .iter()
            .filter_map(|layer| fetched_at(&layer.content))
            .min();
        Some(Self {
            kind: text(body, "type").unwrap_or_else(|| "note".to_owned()),
            text: Text::from(text(body, "surfaceText")?.as_str()),
            since: since.and_then(|since| since.checked_sub(SKEW).ok()),
            context,
        })
    }

    /// Checks whether the relay may have stored the texts in another form: it composes characters
    /// (Unicode NFC), and this skill does not. Only scripts that are known to stay as they are do.
    pub(super) fn may_be_composed(&self) -> bool {
        let stays = |character| {
            matches!(character,
                '\0'..='\u{2ff}' | '\u{400}'..='\u{481}' | '\u{2010}'..='\u{20cf}' | '\u{3041}'..='\u{3096}'
                | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{1f300}'..='\u{1faff}')
        };
        let layers = self.context.iter().map(|layer| layer.content.as_str());
        std::iter::once(self.text.as_str())
            .chain(layers)
            .any(|text| !text.chars().all(stays))
    }
}

/// Returns the time at which a record in a layer was read.
fn fetched_at(content: &str) -> Option<Timestamp> {
    let content = parse(content.as_bytes())?;
    content
        .pointer("/provenance/fetchedAt")?
        .as_str()?
        .parse()
        .ok()
}
