//! MCP over streamable HTTP: authentication, limits, sessions and shutdown.
//!
//! `/mcp` serves clients with a bearer token. `/healthz`, `/readyz` and `/metrics` are open to
//! whoever can reach the address under one of its names, and show counts without names. A client
//! that closes its connection, or stops reading the response of a call, cancels that call; a
//! response cannot be fetched later.

mod accept;
mod admission;
mod body;
mod connections;
mod front;
mod hosts;
mod limits;
mod mcp;
mod message;
mod pages;
mod plan_counts;
mod refusal;
mod serve;
mod sessions;

pub use hosts::Hosts;
pub use limits::HttpLimits;
pub use serve::serve;
