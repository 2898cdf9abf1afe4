//! Conversations: opening and listing them, their messages, and marking one as read.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::forms;
use super::service::RelayCall;
use super::store::{Conversation, Party, RelayStore, TezRow};
use super::stream::page;
use super::tez::Cleaning;
use crate::rest::{Outcome, RestRefusal, data};

impl RelayCall<'_> {
    /// `POST /conversations`: one between two exists once, and asking again gives the same one.
    /// Whoever is named is in it, known or not.
    pub(super) fn open(&self, store: &mut RelayStore) -> Outcome {
        let opening = forms::conversation(self.body)?;
        let mut users = vec![self.caller];
        for user in opening.members {
            if !users.contains(&user) {
                users.push(user);
            }
        }
        if opening.kind == "dm" {
            if users.len() != 2 {
                let message = "DM requires exactly 2 members (including yourself)";
                return Err(RestRefusal::invalid(message));
            }
            let mut open = store.conversations.iter();
            let same = |one: &&Conversation| {
                one.kind == "dm" && users.iter().all(|user| one.party(user).is_some())
            };
            if let Some(open) = open.find(same) {
                return Ok(data(StatusCode::CREATED, open));
            }
        } else if users.len() < 2 {
            return Err(RestRefusal::invalid("Group requires at least 2 members"));
        } else if opening.name.is_none() {
            return Err(RestRefusal::invalid("Group name is required"));
        }
        let id = store.new_id();
        let party = |user: &&str| Party {
            conversation_id: id.clone(),
            user_id: (*user).to_owned(),
            joined_at: self.now.to_owned(),
            last_read_at: None,
        };
        let conversation = Conversation {
            id: id.clone(),
            kind: opening.kind.to_owned(),
            name: opening.name.map(str::to_owned),
            created_by: self.caller.to_owned(),
            created_at: self.now.to_owned(),
            updated_at: self.now.to_owned(),
            members: users.iter().map(party).collect(),
        };
        let opened = data(StatusCode::CREATED, &conversation);
        store.conversations.push(conversation);
        Ok(opened)
    }

    /// `GET /conversations`, the one with the latest message first.
    pub(super) fn conversations(&self, store: &RelayStore) -> Outcome {
        let mine = store.conversations.iter().rev();
        let mut mine: Vec<&Conversation> = mine
            .filter(|one| one.party(self.caller).is_some())
            .collect();
        mine.sort_by(|a, b| b.updated_at.cmp(&a.updated_at));
        mine.truncate(self.target.limit("limit", 50, 50));
        let shown = mine.into_iter().map(|one| self.listed(store, one));
        Ok(data(StatusCode::OK, shown.collect::<Vec<Value>>()))
    }

    fn listed(&self, store: &RelayStore, one: &Conversation) -> Value {
        let in_it = |row: &TezRow| row.conversation_id.as_deref() == Some(&one.id);
        let last = store.newest(1, in_it).first().map(|row| {
            json!({
                "surfaceText": row.surface_text,
                "senderUserId": row.sender_user_id,
                "createdAt": row.created_at,
            })
        });
        let mut shown = json!(one);
        if let Value::Object(fields) = &mut shown {
            let unread = self.unread_in_conversation(store, one);
            fields.insert("lastMessage".to_owned(), json!(last));
            fields.insert("unreadCount".to_owned(), json!(unread));
        }
        shown
    }

    /// `POST /conversations/:id/messages`. Text is stored as it comes.
    pub(super) fn send(&self, store: &mut RelayStore, id: &str) -> Outcome {
        let message = forms::message(self.body)?;
        let kind = &self.party_to(store, id)?.kind;
        let visibility = if kind == "dm" { "dm" } else { "team" };
        let tez = store.new_id();
        let row = TezRow {
            conversation_id: Some(id.to_owned()),
            visibility: visibility.to_owned(),
            ..self.row(&tez, &message, Cleaning::Left)
        };
        self.save(store, row, &message, Cleaning::Left)
            .map_err(|()| RestRefusal::internal("Failed to send message"))?;
        let mut conversations = store.conversations.iter_mut();
        if let Some(one) = conversations.find(|one| one.id == id) {
            self.now.clone_into(&mut one.updated_at);
        }
        let sent = json!({
            "id": tez,
            "conversationId": id,
            "surfaceText": message.surface_text,
            "type": message.kind,
            "senderUserId": self.caller,
            "createdAt": self.now,
        });
        Ok(data(StatusCode::CREATED, sent))
    }

    /// `GET /conversations/:id/messages`, without context.
    pub(super) fn messages(&self, store: &RelayStore, id: &str) -> Outcome {
        self.party_to(store, id)?;
        let limit = self.target.limit("limit", 50, 100);
        let before = self.target.parameter("before");
        let rows = store.newest(limit, |row| {
            row.conversation_id.as_deref() == Some(id)
                && before.is_none_or(|before| row.created_at.as_str() < before)
        });
        page(&rows, limit)
    }

    /// `POST /conversations/:id/read`.
    pub(super) fn mark_read(&self, store: &mut RelayStore, id: &str) -> Outcome {
        self.party_to(store, id)?;
        let parties = store.conversations.iter_mut().filter(|one| one.id == id);
        let mut parties = parties.flat_map(|one| &mut one.members);
        if let Some(party) = parties.find(|party| party.user_id == self.caller) {
            party.last_read_at = Some(self.now.to_owned());
        }
        Ok(data(StatusCode::OK, json!({"success": true})))
    }

    /// The conversation, if the caller takes part in it. One that there is not is nobody's.
    fn party_to<'w>(
        &self,
        store: &'w RelayStore,
        id: &str,
    ) -> Result<&'w Conversation, RestRefusal> {
        let one = store.conversation(id);
        one.filter(|one| one.party(self.caller).is_some())
            .ok_or_else(|| RestRefusal::forbidden("Not a member of this conversation"))
    }
}
