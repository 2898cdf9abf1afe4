//! A Model Context Protocol server, independent of transports: the skill's actions as tools, on
//! behalf of a caller.
//!
//! Reading tools answer; writing tools propose a plan. If the client supports elicitation, and its
//! report of a decision counts for this caller, the person sees the host's own preview and accepts
//! or declines. Otherwise the plan waits, and a read-only tool reports its state. No tool approves.

mod answers;
mod approval;
mod calls;
mod concurrency;
mod instructions;
mod pending_approvals;
mod progress;
mod server;
mod state;
mod tools;

pub use approval::PersonDecision;
pub use state::{Leaving, Mcp, OnBehalf, Pace, Whose, listed};
