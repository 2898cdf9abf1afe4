//! Egress: decides about outgoing requests, and sends them.
//!
//! [`sender`] shows the order of checks as one list. The modules around it:
//!
//! | module | task |
//! |---|---|
//! | `gate` | the `wasi:http` hook, through which the requests of a component arrive |
//! | `policy` | the allowlist: destinations, routes, documents, addresses, rate limits |
//! | `body` | the shapes of request bodies, and their redaction |
//! | `dlp` | data loss prevention: keeps values of one service from another |
//! | `secrets` | credentials, and the scan for them in answers |
//! | `client` | resolves, dials, sends and reads |

pub mod body;
pub(crate) mod call_audit;
pub mod call_context;
pub mod client;
pub mod dlp;
mod formats;
mod gate;
pub mod known_ids;
pub mod outgoing;
pub mod policy;
mod read_check;
mod request_audit;
pub mod secrets;
pub mod sender;
pub mod wasi_hook;
