//! A client for the Tezit relay, which carries messages (Tez) with context. Both published relays
//! are spoken to as one API: the protocol's own and MyPA's fork of it. What they send is text of
//! strangers: some of it they store as it came.
//!
//! Nothing here writes, and nothing here marks anything as read.

mod audience;
mod client;
pub mod envelope;
pub mod message;
mod values;

pub use audience::{Audience, Recipient, audience};
pub use client::{
    PAGE, RELAY, configured, get_contact, get_conversations, get_me, get_members, get_messages,
    get_search, get_stream, get_tez, get_unread, me, me_as_set, messages, names, read_contact,
    read_conversations, read_me, read_members, read_page, read_search, read_tez, read_unread,
    stream, team_id, tez, thread,
};
pub use values::{Contact, ContextLayer, Conversation, MessagePage, Tez, Unread};
