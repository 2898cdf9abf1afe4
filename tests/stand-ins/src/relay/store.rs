//! Records of the relay, in the order they were stored in.

use serde::Serialize;
use serde_json::Number;

use crate::rest::Ids;

/// A message without what hangs on it.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TezRow {
    pub(super) id: String,
    pub(super) team_id: Option<String>,
    pub(super) conversation_id: Option<String>,
    pub(super) thread_id: String,
    pub(super) parent_tez_id: Option<String>,
    pub(super) surface_text: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) urgency: String,
    pub(super) action_requested: Option<String>,
    pub(super) sender_user_id: String,
    pub(super) visibility: String,
    pub(super) source_channel: Option<String>,
    pub(super) source_address: Option<String>,
    pub(super) status: String,
    pub(super) created_at: String,
    pub(super) updated_at: String,
}

impl TezRow {
    /// Returns true if lists and counts include it.
    pub(super) fn is_active(&self) -> bool {
        self.status == "active"
    }
}

/// One entry of a message's context.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Layer {
    pub(super) id: String,
    pub(super) tez_id: String,
    pub(super) layer: String,
    pub(super) content: String,
    pub(super) mime_type: Option<String>,
    pub(super) confidence: Option<Number>,
    pub(super) source: Option<String>,
    pub(super) derived_from: Option<String>,
    pub(super) created_at: String,
    pub(super) created_by: String,
}

/// A recipient that a message names. Nothing ever sets when it was read.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Recipient {
    pub(super) tez_id: String,
    pub(super) user_id: String,
    pub(super) delivered_at: String,
    pub(super) read_at: Option<String>,
    pub(super) acknowledged_at: Option<String>,
}

/// A message with what hangs on it.
#[derive(Clone, Serialize)]
pub(super) struct Tez {
    #[serde(flatten)]
    pub(super) row: TezRow,
    pub(super) context: Vec<Layer>,
    pub(super) recipients: Vec<Recipient>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Team {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created_by: String,
    pub(super) created_at: String,
    pub(super) members: Vec<TeamMember>,
}

/// A team's member. One who is added twice is in it twice.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TeamMember {
    pub(super) team_id: String,
    pub(super) user_id: String,
    pub(super) role: String,
    pub(super) joined_at: String,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Conversation {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) name: Option<String>,
    pub(super) created_by: String,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    pub(super) members: Vec<Party>,
}

/// A member of a conversation.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Party {
    pub(super) conversation_id: String,
    pub(super) user_id: String,
    pub(super) joined_at: String,
    pub(super) last_read_at: Option<String>,
}

/// A registered profile.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Contact {
    pub(super) id: String,
    pub(super) display_name: String,
    pub(super) email: Option<String>,
    pub(super) avatar_url: Option<String>,
    pub(super) tez_address: String,
    pub(super) status: String,
    pub(super) channels: Vec<String>,
    pub(super) preferred_channel: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) telegram_id: Option<String>,
    pub(super) last_seen_at: Option<String>,
    pub(super) registered_at: String,
    pub(super) updated_at: String,
}

/// Everything that is stored.
#[derive(Clone, Default)]
pub(super) struct RelayStore {
    pub(super) tez: Vec<Tez>,
    pub(super) teams: Vec<Team>,
    pub(super) conversations: Vec<Conversation>,
    pub(super) contacts: Vec<Contact>,
    ids: Ids,
}

impl RelayStore {
    /// An id that was not given out before.
    pub(super) fn new_id(&mut self) -> String {
        self.ids.next(0x7e5a_0000).to_string()
    }

    pub(super) fn find(&self, id: &str) -> Option<&Tez> {
        self.tez.iter().find(|tez| tez.row.id == id)
    }

    pub(super) fn team(&self, id: &str) -> Option<&Team> {
        self.teams.iter().find(|team| team.id == id)
    }

    pub(super) fn conversation(&self, id: &str) -> Option<&Conversation> {
        self.conversations.iter().find(|one| one.id == id)
    }

    /// Returns true if a user is in a team; an unknown team has no members.
    pub(super) fn is_member(&self, team: &str, user: &str) -> bool {
        self.team(team)
            .is_some_and(|team| team.role_of(user).is_some())
    }

    /// The newest rows that pass, at most so many. Of those of one moment the one stored last comes
    /// first.
    pub(super) fn newest(&self, most: usize, passes: impl Fn(&TezRow) -> bool) -> Vec<&TezRow> {
        let mut rows: Vec<&TezRow> = self.tez.iter().rev().map(|tez| &tez.row).collect();
        rows.retain(|row| row.is_active() && passes(row));
        rows.sort_by(|a, b| b.created_at.cmp(&a.created_at));
        rows.truncate(most);
        rows
    }
}

impl Team {
    /// A user's role in it.
    pub(super) fn role_of(&self, user: &str) -> Option<&str> {
        let member = self.members.iter().find(|member| member.user_id == user);
        member.map(|member| member.role.as_str())
    }
}

impl Conversation {
    pub(super) fn party(&self, user: &str) -> Option<&Party> {
        self.members.iter().find(|party| party.user_id == user)
    }
}
