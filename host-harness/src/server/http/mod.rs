//! The protocol over HTTP: who comes in, how much of it, and how it ends.
//!
//! `/mcp` is the protocol (streamable HTTP), for those with a token. `/healthz`, `/readyz` and `/metrics` are for whoever can reach the
//! address under one of its names: they tell counts and no names. A client that ends its connection, or stops reading the answer of
//! a call, has cancelled that call; an answer cannot be fetched later.

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
pub use limits::Limits;
pub use serve::serve;
