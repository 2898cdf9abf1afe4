//! The HTTP client: resolves, dials, speaks TLS, sends one request and reads its answer.

pub(in crate::outbound) mod answer;
pub mod cache;
mod dial;
mod error;
mod exchange;
pub(in crate::outbound) mod headers;
mod pool;
pub mod resolve;
pub mod tls;

pub use dial::{Dialler, Stream, TcpDialler};
pub use error::ClientError;
pub use exchange::{Client, Exchange};
