//! The parts of the relay's answers that the skill reads.

use jiff::Timestamp;

use crate::rest::{JsonCursor, ShapeError};
use crate::text::Text;

/// Reads the items of a list.
pub(super) fn list<T>(
    list: &JsonCursor<'_>,
    read: impl Fn(&JsonCursor<'_>) -> Result<T, ShapeError>,
) -> Result<Vec<T>, ShapeError> {
    list.items()?.iter().map(read).collect()
}

/// A piece of a message's context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextLayer {
    /// The kind of layer, such as `artifact`.
    pub layer: String,
    /// Its text, cleaned. Where that is JSON, escapes in it may still stand for hidden characters:
    /// read its strings as [`Text`].
    pub content: String,
}

/// A message.
#[derive(Debug, Clone)]
pub struct Tez {
    /// Its id.
    pub id: String,
    /// The team that can read it, if it was sent to one.
    pub team_id: Option<String>,
    /// The conversation that it stands in, if it does. A reply to such a message stands in none.
    pub conversation_id: Option<String>,
    /// The thread that it belongs to: the id of the message that began it.
    pub thread_id: Option<String>,
    /// The message that it replies to.
    pub parent_tez_id: Option<String>,
    /// Its text.
    pub surface_text: Text,
    /// The intent, such as `question`.
    pub kind: String,
    /// The urgency, such as `high`.
    pub urgency: Option<String>,
    /// The action that the recipients are asked for.
    pub action_requested: Option<Text>,
    /// The user id of who sent it.
    pub sender: String,
    /// The time of sending.
    pub created_at: Timestamp,
    /// The time of the last change.
    pub updated_at: Option<Timestamp>,
    /// Its context; empty in lists.
    pub context: Vec<ContextLayer>,
    /// The user ids of those whom it names; empty in lists.
    pub recipients: Vec<String>,
}

impl Tez {
    pub(super) fn read(part: &JsonCursor<'_>) -> Result<Self, ShapeError> {
        let id = |name: &str| part.at(name).some().map(|id| id.id()).transpose();
        let text = |name: &str| part.at(name).some().map(|text| text.text()).transpose();
        let layers = part.at("context").some();
        let recipients = part.at("recipients").some();
        Ok(Self {
            id: part.at("id").id()?,
            team_id: id("teamId")?,
            conversation_id: id("conversationId")?,
            thread_id: id("threadId")?,
            parent_tez_id: id("parentTezId")?,
            surface_text: part.at("surfaceText").text()?,
            kind: part.at("type").word()?,
            urgency: part
                .at("urgency")
                .some()
                .map(|word| word.word())
                .transpose()?,
            action_requested: text("actionRequested")?,
            sender: part.at("senderUserId").word()?,
            created_at: part.at("createdAt").time()?,
            updated_at: part
                .at("updatedAt")
                .some()
                .map(|time| time.time())
                .transpose()?,
            context: layers.map_or(Ok(Vec::new()), |layers| {
                list(&layers, |layer| {
                    Ok(ContextLayer {
                        layer: layer.at("layer").word()?,
                        content: layer.at("content").text()?.as_str().to_owned(),
                    })
                })
            })?,
            recipients: recipients.map_or(Ok(Vec::new()), |recipients| {
                list(&recipients, |recipient| recipient.at("userId").word())
            })?,
        })
    }
}

/// A page of messages.
#[derive(Debug, Default)]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<Tez>,
    /// Set if there are older messages.
    pub more: bool,
}

/// Somebody whom the relay knows.
#[derive(Debug, Clone)]
pub struct Contact {
    /// Their user id.
    pub id: String,
    /// Their name.
    pub name: Option<String>,
    /// Their e-mail address; not every relay tells it.
    pub email: Option<String>,
    /// Their address for other relays, `user@host`.
    pub tez_address: Option<String>,
}

impl Contact {
    pub(super) fn read(part: &JsonCursor<'_>) -> Result<Self, ShapeError> {
        let word = |name: &str| part.at(name).some().map(|word| word.word()).transpose();
        Ok(Self {
            id: part.at("id").word()?,
            name: word("displayName")?.filter(|name| !name.is_empty()),
            email: word("email")?,
            tez_address: word("tezAddress")?,
        })
    }
}

/// Unread messages as the relay counts them. It never clears the counts of a team, and counts the
/// caller's own messages in conversations.
#[derive(Debug, Default)]
pub struct Unread {
    /// By team: messages that name the caller.
    pub teams: Vec<(String, u32)>,
    /// By conversation.
    pub conversations: Vec<(String, u32)>,
}

impl Unread {
    pub(super) fn read(part: &JsonCursor<'_>) -> Result<Self, ShapeError> {
        let counts = |name: &str, id: &str| {
            list(&part.at(name), |count| {
                Ok((count.at(id).word()?, count.at("count").number()?))
            })
        };
        Ok(Self {
            teams: counts("teams", "teamId")?,
            conversations: counts("conversations", "conversationId")?,
        })
    }
}

/// A conversation.
#[derive(Debug)]
pub struct Conversation {
    /// Its id.
    pub id: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The user ids of those in it, and up to when they have read it.
    pub members: Vec<(String, Option<Timestamp>)>,
    /// The time of the newest message.
    pub last_message_at: Option<Timestamp>,
}

impl Conversation {
    /// Returns the time up to which somebody has read it.
    pub fn read_by(&self, user: &str) -> Option<Timestamp> {
        let member = self.members.iter().find(|(id, _)| id == user);
        member.and_then(|(_, read)| *read)
    }

    pub(super) fn read(part: &JsonCursor<'_>) -> Result<Self, ShapeError> {
        let last = part.at("lastMessage").some();
        Ok(Self {
            id: part.at("id").id()?,
            name: part.at("name").some().map(|name| name.word()).transpose()?,
            members: list(&part.at("members"), |member| {
                let read = member.at("lastReadAt").some();
                Ok((
                    member.at("userId").word()?,
                    read.map(|read| read.time()).transpose()?,
                ))
            })?,
            last_message_at: last.map(|last| last.at("createdAt").time()).transpose()?,
        })
    }
}
