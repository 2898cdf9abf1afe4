//! The HTTP client: resolves, dials, speaks TLS, sends one request and reads its answer.

pub(in crate::outbound) mod answer;
pub mod cache;
mod exchange;
pub(in crate::outbound) mod headers;
mod pool;
pub mod resolve;
pub mod tls;

pub use exchange::{Client, ClientError, Dialler, Exchange, Stream, TcpDialler};
