//! The gate: what may leave, where to, and how it is sent.

pub mod addresses;
pub mod cache;
pub mod cases;
pub mod client;
pub mod credentials;
pub mod denial;
pub mod documents;
pub mod gate;
pub mod input;
pub mod ledger;
mod message;
pub mod origin;
pub mod policy;
mod pool;
pub mod rate;
pub mod record;
pub mod resolve;
pub mod route;
pub mod scan;
pub mod secret;
pub mod sender;
pub mod tls;
pub mod variables;
mod watch;
