//! The doors through which clients come in: the Model Context Protocol, over standard input and output or over HTTP,
//! and the channel of a program that starts this one and asks its person.

pub mod channel;
pub mod http;
pub mod lines;
pub mod mcp;
pub mod metrics;
pub mod services;
pub mod upkeep;
