//! The sample's relay: the people of the sample workspace in Twenty, two teams, and what they have
//! written each other, laid out around a given moment, the same every time.
//!
//! * Team "North" ([`TEAM_ID`]): Robin (its admin), Sam, Priya and Ingrid. Team "South"
//!   ([`OTHER_TEAM_ID`]): Tomás (its admin) and Sam Olsen. Nobody is in both.
//! * Everybody is registered with a name and an address. "Sam" finds two, Sam Okafor ([`SAM`]) and
//!   Sam Olsen ([`SAM_OLSEN`]), who is not in Robin's team.
//! * Robin has six conversations, five of them with something unread: Sam's urgent handoff
//!   ([`HANDOFF_CONVERSATION`]), Priya's question ([`QUESTION_CONVERSATION`]), Ingrid's notes
//!   ([`NOTES_CONVERSATION`]), a group where Robin had the last word ([`GROUP_CONVERSATION`]), and
//!   a note from Tomás that gives orders to whoever reads it ([`INJECTED_CONVERSATION`]). Robin has
//!   read the sixth to its end ([`READ_CONVERSATION`]).
//! * North's stream has, newest first, Sam's handoff to Robin ([`TEAM_HANDOFF`]), Ingrid's question
//!   to Robin and Priya ([`TEAM_QUESTION`]), Priya's reply to Robin's own message, which asks for
//!   an amount ([`CONTEXT_REQUEST`] to [`ROBINS_TEZ`]), a note that gives orders
//!   ([`INJECTED_TEZ`]), an update of two days ago that names nobody ([`OLD_UPDATE`]).
//! * Not in Robin's stream, but counted as unread: what Sam shared with Robin as `dm`
//!   ([`HIDDEN_TEZ`]). So the team's count for Robin is 3, and those of the conversations 1, 1, 2,
//!   3 (one of them Robin's own) and 1.

mod conversations;
mod lay_out;
mod shared;

use uuid::Uuid;

use super::store::RelayStore;

/// Robin Hale, the caller of the demo.
pub const ROBIN: Uuid = id(1, 1);
/// Sam Okafor, in Robin's team.
pub const SAM: Uuid = id(1, 2);
/// Priya Raman, in Robin's team.
pub const PRIYA: Uuid = id(1, 3);
/// Tomás Vega, in the other team.
pub const TOMAS: Uuid = id(1, 4);
/// Ingrid Solberg, in Robin's team.
pub const INGRID: Uuid = id(1, 5);
/// Sam Olsen, in the other team.
pub const SAM_OLSEN: Uuid = id(1, 6);

/// Team "North", Robin's.
pub const TEAM_ID: Uuid = id(2, 1);
/// Team "South", which Robin is not in.
pub const OTHER_TEAM_ID: Uuid = id(2, 2);

/// Robin and Sam: Sam's handoff is unread.
pub const HANDOFF_CONVERSATION: Uuid = id(3, 1);
/// Robin and Priya: Priya's question is unread.
pub const QUESTION_CONVERSATION: Uuid = id(3, 2);
/// Robin and Ingrid: two notes are unread.
pub const NOTES_CONVERSATION: Uuid = id(3, 3);
/// Robin, Sam and Priya: two notes and Robin's own answer are unread.
pub const GROUP_CONVERSATION: Uuid = id(3, 4);
/// Robin and Tomás: [`INJECTED_MESSAGE`] is unread.
pub const INJECTED_CONVERSATION: Uuid = id(3, 5);
/// Robin, Priya and Ingrid: Robin has read everything.
pub const READ_CONVERSATION: Uuid = id(3, 6);

/// Sam's handoff in a conversation: urgency high, with a task and a deal as context.
pub const HANDOFF_MESSAGE: Uuid = id(4, 2);
/// Priya's question in a conversation.
pub const QUESTION_MESSAGE: Uuid = id(4, 3);
/// Robin's own message, the last in its conversation and unread by Robin's own count.
pub const ROBINS_MESSAGE: Uuid = id(4, 8);
/// A note that gives orders, with zero-width and bidi characters in it.
pub const INJECTED_MESSAGE: Uuid = id(4, 9);

/// Sam's handoff to Robin in the team's stream.
pub const TEAM_HANDOFF: Uuid = id(5, 1);
/// Ingrid's question to Robin and Priya in the team's stream.
pub const TEAM_QUESTION: Uuid = id(5, 2);
/// Robin's own update in the team's stream, about the deal [`crate::twenty::sample::HEALTHY`].
pub const ROBINS_TEZ: Uuid = id(5, 3);
/// Priya's reply to it, with a request for the deal's amount as a `constraint`.
pub const CONTEXT_REQUEST: Uuid = id(5, 4);
/// A note in the team's stream that gives orders.
pub const INJECTED_TEZ: Uuid = id(5, 5);
/// An update of two days ago that names nobody.
pub const OLD_UPDATE: Uuid = id(5, 6);
/// A message that Sam shared with Robin as `dm`: counted, and in no list of Robin's.
pub const HIDDEN_TEZ: Uuid = id(5, 7);

const fn id(kind: u8, n: u32) -> Uuid {
    Uuid::from_u128((0x7e00_0000 | kind as u128) << 96 | 0x4000 << 64 | 0x8000 << 48 | n as u128)
}

/// Everybody there is, with the names they are registered under.
pub const PEOPLE: [(Uuid, &str, &str); 6] = [
    (ROBIN, "Robin Hale", "robin@example.com"),
    (SAM, "Sam Okafor", "sam@example.com"),
    (PRIYA, "Priya Raman", "priya@example.com"),
    (TOMAS, "Tomás Vega", "tomas@example.com"),
    (INGRID, "Ingrid Solberg", "ingrid@example.com"),
    (SAM_OLSEN, "Sam Olsen", "sam.olsen@example.com"),
];

/// The relay around `now_ms`.
pub(super) fn store(now_ms: i64, host: &str) -> RelayStore {
    lay_out::sample(now_ms, host)
}
