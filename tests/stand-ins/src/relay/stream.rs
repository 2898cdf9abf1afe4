//! A team's stream and the counts of what is unread.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::service::RelayCall;
use super::store::{Conversation, RelayStore};
use crate::rest::{Outcome, RestRefusal, data, list};

/// A page of rows: whether there are more is told by its being full.
pub(super) fn page(rows: &[&super::store::TezRow], asked: usize) -> Outcome {
    let meta = json!({"count": rows.len(), "hasMore": rows.len() == asked});
    Ok(list(rows, &meta))
}

impl RelayCall<'_> {
    /// `GET /tez/stream`: what the team sees, and what the caller sent.
    pub(super) fn stream(&self, store: &RelayStore) -> Outcome {
        let Some(team) = self.target.parameter("teamId") else {
            let (status, message) = (StatusCode::BAD_REQUEST, "teamId query param required");
            return Err(RestRefusal::new(status, "MISSING_TEAM", message));
        };
        store.member_of(team, self.caller)?;
        let limit = self.target.limit("limit", 50, 100);
        let before = self.target.parameter("before");
        let rows = store.newest(limit, |row| {
            row.team_id.as_deref() == Some(team)
                && (row.visibility == "team" || row.sender_user_id == self.caller)
                && before.is_none_or(|before| row.created_at.as_str() < before)
        });
        page(&rows, limit)
    }

    /// `GET /unread`: by team, of the messages that name the caller all; by conversation, of those
    /// since the caller last read it all, the caller's own among them.
    pub(super) fn unread(&self, store: &RelayStore) -> Outcome {
        let teams = store.teams.iter();
        let mine = teams.filter(|team| team.role_of(self.caller).is_some());
        let teams: Vec<(&str, usize)> = mine
            .map(|team| (team.id.as_str(), self.unread_in_team(store, &team.id)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let conversations: Vec<(&str, usize)> = store
            .conversations
            .iter()
            .filter(|one| one.party(self.caller).is_some())
            .map(|one| (one.id.as_str(), self.unread_in_conversation(store, one)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let total: usize = teams.iter().chain(&conversations).map(|(_, n)| n).sum();
        let counted = |name: &str, counts: &[(&str, usize)]| -> Vec<Value> {
            let counts = counts.iter();
            counts
                .map(|(id, count)| json!({name: id, "count": count}))
                .collect()
        };
        let counts = json!({
            "teams": counted("teamId", &teams),
            "conversations": counted("conversationId", &conversations),
            "total": total,
        });
        Ok(data(StatusCode::OK, counts))
    }

    fn unread_in_team(&self, store: &RelayStore, team: &str) -> usize {
        let in_team = |tez: &&super::store::Tez| {
            tez.row.is_active() && tez.row.team_id.as_deref() == Some(team)
        };
        let named = store.tez.iter().filter(in_team).flat_map(|t| &t.recipients);
        named
            .filter(|named| named.user_id == self.caller && named.read_at.is_none())
            .count()
    }

    /// Counts the messages in a conversation since the caller last read it.
    pub(super) fn unread_in_conversation(&self, store: &RelayStore, one: &Conversation) -> usize {
        let read = one
            .party(self.caller)
            .and_then(|p| p.last_read_at.as_deref());
        let rows = store.tez.iter().map(|tez| &tez.row);
        rows.filter(|row| {
            row.is_active()
                && row.conversation_id.as_deref() == Some(&one.id)
                && read.is_none_or(|read| row.created_at.as_str() > read)
        })
        .count()
    }
}
