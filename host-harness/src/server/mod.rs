//! Transports for clients: the Model Context Protocol over standard input and output or over HTTP,
//! and the approval channel of a parent process.

pub mod channel;
pub mod http;
pub mod lines;
pub mod mcp;
pub mod metrics;
pub mod services;
pub mod upkeep;
