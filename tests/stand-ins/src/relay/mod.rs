//! A stand-in for the Tezit relay over data in memory, in both published variants ([`Variant`]):
//! messages ("tez") shared with a team or sent in conversations, replies, unread counts, teams and
//! contacts.
//!
//! It keeps the defects that a client has to survive:
//!
//! * Nothing is idempotent. A client's own `id` is taken by P only, where using it twice is a 500;
//!   M ignores it.
//! * Recipients are not checked: not that they exist, nor that they are in the team.
//! * `dm` and `private` messages of `/tez/share` are not in their recipient's stream, yet every
//!   team member who knows the id reads them. Without `visibility` they are `team` on P and
//!   `private` on M.
//! * A team's unread count never goes down. A conversation's counts one's own messages too.
//! * A reply to a conversation's message belongs to no conversation: it is not among its messages,
//!   and nobody but who wrote it can read its context.
//! * A context entry of more than 262,144 UTF-16 units is a 500, with the message stored without
//!   context and recipients.
//! * What is shared is cleaned of zero-width and bidi characters; what is sent in a conversation is
//!   not.
//! * A body that is too long or not JSON is answered with a page on P and with a 500 on M.
//! * One request too many is a 429 without `retry-after`.
//!
//! Not played, and answered with 501: `/events/subscribe`, `/contacts/admin/upsert`, federation.
//! Entity tags are left out.

mod access;
mod check;
mod contacts;
mod conversations;
mod forms;
mod limit;
mod pages;
pub mod sample;
mod service;
mod state;
mod store;
mod stream;
mod teams;
mod text;
mod tez;

pub use service::{Options, RelayStandIn, Variant};

pub use crate::rest::Seed;
pub use crate::tokens::token;
