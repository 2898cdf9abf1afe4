//! Turns the sample's stories into stored records around a given moment.

use uuid::Uuid;

use super::conversations::CONVERSATIONS;
use super::shared::SHARED;
use super::{INGRID, OTHER_TEAM_ID, PEOPLE, PRIYA, ROBIN, SAM, SAM_OLSEN, TEAM_ID, TOMAS, id};
use crate::clock::iso;
use crate::relay::store::{
    Contact, Conversation, Layer, Party, Recipient, RelayStore, Team, TeamMember, Tez, TezRow,
};

const MINUTE_MS: i64 = 60_000;
/// The age of all memberships, in minutes.
const LONG_AGO: i64 = 90 * 24 * 60;

/// One entry of context: its layer, its source, its content; JSON where it starts like that.
pub(super) type SampleContext = (&'static str, Option<&'static str>, &'static str);

/// A message and when it was written.
pub(super) struct Said {
    pub(super) id: Uuid,
    pub(super) by: Uuid,
    pub(super) minutes_ago: i64,
    pub(super) kind: &'static str,
    pub(super) urgency: &'static str,
    pub(super) text: &'static str,
    pub(super) context: &'static [SampleContext],
}

/// A conversation and how far Robin has read it.
pub(super) struct Talk {
    pub(super) id: Uuid,
    /// A group's name.
    pub(super) name: Option<&'static str>,
    /// The members; the first one started it.
    pub(super) members: &'static [Uuid],
    /// The age of Robin's last reading, in minutes.
    pub(super) read_by_robin: Option<i64>,
    pub(super) messages: &'static [Said],
}

/// A message shared with Robin's team.
pub(super) struct SampleTez {
    pub(super) said: Said,
    pub(super) visibility: &'static str,
    pub(super) action: Option<&'static str>,
    pub(super) recipients: &'static [Uuid],
    /// The message that it replies to.
    pub(super) parent: Option<Uuid>,
}

pub(super) fn sample(now_ms: i64, host: &str) -> RelayStore {
    let mut layout = RelayLayout {
        store: RelayStore::default(),
        now_ms,
        layers: 0,
    };
    for (user, name, email) in PEOPLE {
        layout.contact(user, name, email, host);
    }
    layout.team(TEAM_ID, "North", &[ROBIN, SAM, PRIYA, INGRID]);
    layout.team(OTHER_TEAM_ID, "South", &[TOMAS, SAM_OLSEN]);
    for talk in CONVERSATIONS {
        layout.talk(talk);
    }
    for shared in SHARED {
        layout.share(shared);
    }
    // Stored in the order they were written in.
    layout
        .store
        .tez
        .sort_by(|a, b| a.row.created_at.cmp(&b.row.created_at));
    layout.store
}

struct RelayLayout {
    store: RelayStore,
    now_ms: i64,
    layers: u32,
}

impl RelayLayout {
    fn ago(&self, minutes: i64) -> String {
        iso(self
            .now_ms
            .saturating_sub(minutes.saturating_mul(MINUTE_MS)))
    }

    fn contact(&mut self, user: Uuid, name: &str, email: &str, host: &str) {
        let long_ago = self.ago(LONG_AGO);
        self.store.contacts.push(Contact {
            id: user.to_string(),
            display_name: name.to_owned(),
            email: Some(email.to_owned()),
            avatar_url: None,
            tez_address: format!("{user}@{host}"),
            status: "active".to_owned(),
            channels: Vec::new(),
            preferred_channel: None,
            phone: None,
            telegram_id: None,
            last_seen_at: None,
            registered_at: long_ago.clone(),
            updated_at: long_ago,
        });
    }

    /// A team whose first member is its admin.
    fn team(&mut self, team: Uuid, name: &str, members: &[Uuid]) {
        let joined = self.ago(LONG_AGO);
        let members = members.iter().enumerate().map(|(nth, user)| TeamMember {
            team_id: team.to_string(),
            user_id: user.to_string(),
            role: if nth == 0 { "admin" } else { "member" }.to_owned(),
            joined_at: joined.clone(),
        });
        self.store.teams.push(Team {
            id: team.to_string(),
            name: name.to_owned(),
            created_by: members
                .clone()
                .next()
                .map_or_else(String::new, |m| m.user_id),
            created_at: joined.clone(),
            members: members.collect(),
        });
    }

    fn talk(&mut self, talk: &Talk) {
        let opened = self.ago(LONG_AGO);
        let last = talk.messages.iter().map(|said| said.minutes_ago).min();
        let party = |user: &Uuid| Party {
            conversation_id: talk.id.to_string(),
            user_id: user.to_string(),
            joined_at: opened.clone(),
            last_read_at: talk
                .read_by_robin
                .filter(|_| *user == ROBIN)
                .map(|minutes| self.ago(minutes)),
        };
        let conversation = Conversation {
            id: talk.id.to_string(),
            kind: talk.name.map_or("dm", |_| "group").to_owned(),
            name: talk.name.map(str::to_owned),
            created_by: talk
                .members
                .first()
                .map_or_else(String::new, Uuid::to_string),
            created_at: opened.clone(),
            updated_at: last.map_or_else(|| opened.clone(), |minutes| self.ago(minutes)),
            members: talk.members.iter().map(party).collect(),
        };
        self.store.conversations.push(conversation);
        for said in talk.messages {
            let mut tez = self.tez(said);
            tez.row.conversation_id = Some(talk.id.to_string());
            talk.name
                .map_or("dm", |_| "team")
                .clone_into(&mut tez.row.visibility);
            self.store.tez.push(tez);
        }
    }

    fn share(&mut self, shared: &SampleTez) {
        let mut tez = self.tez(&shared.said);
        tez.row.team_id = Some(TEAM_ID.to_string());
        shared.visibility.clone_into(&mut tez.row.visibility);
        tez.row.action_requested = shared.action.map(str::to_owned);
        if let Some(parent) = shared.parent {
            tez.row.thread_id = parent.to_string();
            tez.row.parent_tez_id = Some(parent.to_string());
        }
        let recipient = |user: &Uuid| Recipient {
            tez_id: tez.row.id.clone(),
            user_id: user.to_string(),
            delivered_at: tez.row.created_at.clone(),
            read_at: None,
            acknowledged_at: None,
        };
        tez.recipients = shared.recipients.iter().map(recipient).collect();
        self.store.tez.push(tez);
    }

    fn tez(&mut self, said: &Said) -> Tez {
        let at = self.ago(said.minutes_ago);
        let row = TezRow {
            id: said.id.to_string(),
            team_id: None,
            conversation_id: None,
            thread_id: said.id.to_string(),
            parent_tez_id: None,
            surface_text: said.text.to_owned(),
            kind: said.kind.to_owned(),
            urgency: said.urgency.to_owned(),
            action_requested: None,
            sender_user_id: said.by.to_string(),
            visibility: String::new(),
            source_channel: None,
            source_address: None,
            status: "active".to_owned(),
            created_at: at.clone(),
            updated_at: at.clone(),
        };
        let context = said.context.iter();
        let context = context.map(|(layer, source, content)| {
            self.layers += 1;
            let mime = content
                .starts_with('{')
                .then(|| "application/json".to_owned());
            Layer {
                id: id(6, self.layers).to_string(),
                tez_id: said.id.to_string(),
                layer: (*layer).to_owned(),
                content: (*content).to_owned(),
                mime_type: mime,
                confidence: None,
                source: source.map(str::to_owned),
                derived_from: None,
                created_at: at.clone(),
                created_by: said.by.to_string(),
            }
        });
        Tez {
            context: context.collect(),
            row,
            recipients: Vec::new(),
        }
    }
}
