//! The doors through which clients come in: the Model Context Protocol, over standard input and output or over HTTP.

pub mod http;
pub mod mcp;
pub mod meter;
pub mod upkeep;
