//! Records of the PA Workspace, in the order they were stored in.

use serde::Serialize;
use serde_json::Value;

use crate::rest::Ids;

/// A mail that a PA received or sent.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Email {
    pub(super) id: String,
    pub(super) pa_email: String,
    /// `inbound` or `outbound`.
    pub(super) direction: &'static str,
    pub(super) thread_id: String,
    pub(super) subject: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) date: String,
    pub(super) body: String,
    pub(super) label_ids: Vec<&'static str>,
    /// The `replyTo` that was sent along, unchanged.
    pub(super) reply_to: Option<Value>,
    pub(super) headers: Option<Value>,
    pub(super) attachments: Option<Value>,
}

/// An entry of the log of what a PA did.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Action {
    pub(super) id: String,
    pub(super) pa_email: String,
    pub(super) action_type: String,
    pub(super) summary: String,
    /// Kept in whole seconds.
    pub(super) timestamp: String,
    pub(super) duration_ms: Option<Value>,
    pub(super) card_id: Option<Value>,
    pub(super) email_message_id: Option<Value>,
    pub(super) calendar_event_id: Option<Value>,
    pub(super) google_calendar_event_id: Option<String>,
    pub(super) calendar_sync_status: &'static str,
}

/// An event of a calendar that is shared with a PA.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CalendarEvent {
    pub(super) id: String,
    pub(super) pa_email: String,
    pub(super) summary: String,
    /// The calendar's name in brackets, and what the event says of itself.
    pub(super) description: String,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    /// As the service writes them, in the calendar's own zone.
    pub(super) start: String,
    pub(super) end: String,
}

/// Everything that is stored.
#[derive(Clone, Default)]
pub(super) struct PaStore {
    pub(super) emails: Vec<Email>,
    pub(super) actions: Vec<Action>,
    pub(super) events: Vec<CalendarEvent>,
    ids: Ids,
}

impl PaStore {
    /// An id that was not given out before.
    pub(super) fn new_id(&mut self) -> String {
        self.ids.next(0xa55a_0000).to_string()
    }
}
