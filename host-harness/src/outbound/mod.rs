//! Outgoing requests: what may leave, where to, and how it is sent.
//!
//! [`sender`] shows the order of checks as one list. The rooms below it: `policy` decides about a request, `body` knows the shapes of
//! bodies, `dlp` keeps values of one service from another, `secrets` holds credentials, `client` sends.

pub mod body;
pub mod call_context;
pub mod client;
pub mod dlp;
mod formats;
pub mod gate;
pub mod known_ids;
pub mod outgoing;
pub mod policy;
mod read_check;
mod request_audit;
pub mod secrets;
pub mod sender;
