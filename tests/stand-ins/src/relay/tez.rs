//! Messages: sharing, replying, reading one and its thread, and M's change of status.

use hyper::StatusCode;
use serde_json::json;

use super::forms::{self, Given, Message};
use super::service::{RelayCall, Variant};
use super::store::{Layer, Recipient, RelayStore, Tez, TezRow};
use super::text::{MOST_CONTENT, cleaned, mime_type, units};
use crate::rest::{Outcome, RestRefusal, data};

/// The handling of text before it is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cleaning {
    /// Shared messages and replies: cleaned, and content measured.
    Done,
    /// Messages in a conversation: stored as they come.
    Left,
}

impl RelayCall<'_> {
    /// `POST /tez/share`.
    pub(super) fn share(&self, store: &mut RelayStore) -> Outcome {
        let message = forms::share(self.body, self.variant)?;
        store.member_of(message.team, self.caller)?;
        let id = match message.id {
            Some(taken) if store.find(taken).is_some() => {
                return Err(RestRefusal::internal("Failed to share Tez"));
            }
            Some(free) => free.to_owned(),
            None => store.new_id(),
        };
        let row = TezRow {
            team_id: Some(message.team.to_owned()),
            visibility: message.visibility.to_owned(),
            ..self.row(&id, &message, Cleaning::Done)
        };
        self.save(store, row, &message, Cleaning::Done)
            .map_err(|()| RestRefusal::internal("Failed to share Tez"))?;
        let shared = json!({
            "id": id,
            "threadId": id,
            "type": message.kind,
            "surfaceText": message.surface_text,
            "createdAt": self.now,
        });
        Ok(data(StatusCode::CREATED, shared))
    }

    /// `POST /tez/:id/reply`.
    pub(super) fn reply(&self, store: &mut RelayStore, parent: &str) -> Outcome {
        let message = forms::reply(self.body)?;
        let to = store.readable(parent, self.caller, self.variant)?;
        let (team, thread) = (to.row.team_id.clone(), to.row.thread_id.clone());
        let visibility = to.row.visibility.clone();
        let id = store.new_id();
        let row = TezRow {
            team_id: team,
            thread_id: thread.clone(),
            parent_tez_id: Some(parent.to_owned()),
            visibility,
            ..self.row(&id, &message, Cleaning::Done)
        };
        self.save(store, row, &message, Cleaning::Done)
            .map_err(|()| RestRefusal::internal("Failed to reply"))?;
        let replied = json!({
            "id": id,
            "threadId": thread,
            "parentTezId": parent,
            "surfaceText": message.surface_text,
            "createdAt": self.now,
        });
        Ok(data(StatusCode::CREATED, replied))
    }

    /// `GET /tez/:id`, which does not mark anything as read.
    pub(super) fn one(&self, store: &RelayStore, id: &str) -> Outcome {
        let tez = store.readable(id, self.caller, self.variant)?;
        Ok(data(StatusCode::OK, tez))
    }

    /// `GET /tez/:id/thread`.
    pub(super) fn thread(&self, store: &RelayStore, id: &str) -> Outcome {
        let thread = &store.readable(id, self.caller, self.variant)?.row.thread_id;
        let mut rows = store.newest(usize::MAX, |row| row.thread_id == *thread);
        rows.reverse();
        let thread = json!({
            "threadId": thread,
            "rootTezId": thread,
            "messageCount": rows.len(),
            "messages": rows,
        });
        Ok(data(StatusCode::OK, thread))
    }

    /// `PATCH /tez/:id`, which P does not have.
    pub(super) fn change_status(&self, store: &mut RelayStore, id: &str) -> Outcome {
        if self.variant == Variant::P {
            return Err(RestRefusal::no_route());
        }
        let status = forms::status(self.body)?;
        let Some(tez) = store.tez.iter_mut().find(|tez| tez.row.id == id) else {
            return Err(RestRefusal::not_found("Tez not found"));
        };
        if tez.row.sender_user_id != self.caller {
            return Err(RestRefusal::forbidden(
                "Only the sender can change Tez status",
            ));
        }
        status.clone_into(&mut tez.row.status);
        self.now.clone_into(&mut tez.row.updated_at);
        let changed = json!({"id": id, "status": status, "updatedAt": self.now});
        Ok(data(StatusCode::OK, changed))
    }

    /// The row of a message that starts a thread, in neither a team nor a conversation yet.
    pub(super) fn row(&self, id: &str, message: &Message<'_>, cleaning: Cleaning) -> TezRow {
        let text = |given: &str| match cleaning {
            Cleaning::Done => cleaned(given),
            Cleaning::Left => given.to_owned(),
        };
        TezRow {
            id: id.to_owned(),
            team_id: None,
            conversation_id: None,
            thread_id: id.to_owned(),
            parent_tez_id: None,
            surface_text: text(message.surface_text),
            kind: message.kind.to_owned(),
            urgency: message.urgency.to_owned(),
            action_requested: message.action_requested.map(text),
            sender_user_id: self.caller.to_owned(),
            visibility: String::new(),
            source_channel: message.source_channel.map(str::to_owned),
            source_address: message.source_address.map(str::to_owned),
            status: "active".to_owned(),
            created_at: self.now.to_owned(),
            updated_at: self.now.to_owned(),
        }
    }

    /// Stores a message as the service does: first its row, then its context one after the other,
    /// then whom it names; what goes wrong in between leaves the rest out.
    pub(super) fn save(
        &self,
        store: &mut RelayStore,
        row: TezRow,
        message: &Message<'_>,
        cleaning: Cleaning,
    ) -> Result<(), ()> {
        let mut tez = Tez {
            row,
            context: Vec::new(),
            recipients: Vec::new(),
        };
        let mut stored = if self.half_stored { Err(()) } else { Ok(()) };
        for given in &message.context {
            if cleaning == Cleaning::Done && units(given.content) > MOST_CONTENT {
                stored = Err(());
            }
            if stored.is_err() {
                break;
            }
            let layer = self.layer(store.new_id(), &tez.row.id, given, cleaning);
            tez.context.push(layer);
        }
        if stored.is_ok() {
            let named = message.recipients.iter();
            tez.recipients = named
                .map(|user| self.recipient(&tez.row.id, user))
                .collect();
        }
        store.tez.push(tez);
        stored
    }

    fn layer(&self, id: String, tez: &str, given: &Given<'_>, cleaning: Cleaning) -> Layer {
        let (content, mime) = match cleaning {
            Cleaning::Done => (
                cleaned(given.content),
                given.mime_type.map(|given| mime_type(given).to_owned()),
            ),
            Cleaning::Left => (given.content.to_owned(), given.mime_type.map(str::to_owned)),
        };
        Layer {
            id,
            tez_id: tez.to_owned(),
            layer: given.layer.to_owned(),
            content,
            mime_type: mime,
            confidence: given.confidence.cloned(),
            source: given.source.map(str::to_owned),
            derived_from: None,
            created_at: self.now.to_owned(),
            created_by: self.caller.to_owned(),
        }
    }

    fn recipient(&self, tez: &str, user: &str) -> Recipient {
        Recipient {
            tez_id: tez.to_owned(),
            user_id: user.to_owned(),
            delivered_at: self.now.to_owned(),
            read_at: None,
            acknowledged_at: None,
        }
    }
}
