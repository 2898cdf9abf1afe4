//! Errors of the HTTP client.

use std::io;

use thiserror::Error;

use crate::outbound::policy::addresses::AddressRefusal;

/// A reason why there is no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The name cannot be looked up.
    #[error("the host name cannot be resolved: {0}")]
    Resolve(io::Error),
    /// An address may not be dialled.
    #[error("{0}")]
    Address(AddressRefusal),
    /// Nobody accepts the connection.
    #[error("the connection was refused or failed: {0}")]
    Connect(io::Error),
    /// Connecting took too long.
    #[error("connecting took too long")]
    ConnectTimeout,
    /// The trusted roots cannot be used.
    #[error("{0}")]
    Roots(String),
    /// The peer did not prove its identity, or TLS failed otherwise.
    #[error("TLS failed: {0}")]
    Tls(io::Error),
    /// The answer took too long.
    #[error("the service took too long to answer")]
    Timeout,
    /// The answer's body is too large.
    #[error("the answer is larger than {limit} bytes")]
    ResponseTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer to a document is not a JSON object, and was withheld.
    #[error("the answer to `{document}` is no JSON object: something else may be at this address")]
    NoObject {
        /// The document.
        document: String,
    },
    /// The connection broke after the request was sent.
    #[error("the connection broke before the answer was complete: {0}")]
    Broken(hyper::Error),
    /// The request or the response is not HTTP.
    #[error("the exchange is not valid HTTP: {0}")]
    Protocol(String),
}

impl ClientError {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Resolve(_) => "resolve",
            Self::Address(_) => "address",
            Self::Connect(_) => "connect",
            Self::ConnectTimeout => "connect-timeout",
            Self::Roots(_) => "roots",
            Self::Tls(_) => "tls",
            Self::Timeout => "timeout",
            Self::ResponseTooLarge { .. } => "response-size",
            Self::NoObject { .. } => "no-object",
            Self::Broken(_) => "broken",
            Self::Protocol(_) => "protocol",
        }
    }
}
