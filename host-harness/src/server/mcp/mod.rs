//! A server of the Model Context Protocol, without a transport: the skill's actions as tools, on behalf of a caller.
//!
//! Reading tools answer; writing tools propose a plan. Where the client can ask its person (elicitation) and its word on their answer counts
//! for this caller, the person sees the host's own preview and says yes or no; elsewhere the plan waits, and a read-only tool tells what
//! became of it. No tool approves.

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

pub use approval::Decision;
pub use state::{Leaving, Mcp, OnBehalf, Pace, Whose, listed};
