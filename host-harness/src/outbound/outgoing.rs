//! A request to be sent, and the errors of sending.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use thiserror::Error;

use super::client::ClientError;
use crate::denial::Denial;

/// A request as it was asked for.
#[derive(Debug)]
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// The URL exactly as given.
    pub url: String,
    /// The headers as given: they are checked, but not sent.
    pub headers: HeaderMap,
    /// The whole body; `None` if it is larger than the limit.
    pub body: Option<Bytes>,
    /// Maximum time for connecting.
    pub connect: Option<Duration>,
    /// Maximum time until the response begins.
    pub first_byte: Option<Duration>,
}

/// A reason why there is no answer.
#[derive(Debug, Error)]
pub enum SendError {
    /// The request was refused.
    #[error("{0}")]
    Denied(Denial),
    /// The request was sent, and its answer is withheld.
    #[error("{0}")]
    Withheld(Denial),
    /// The request was allowed, and there is no answer.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// The rate limit of the destination is reached; nothing was sent.
    #[error("this harness's own limit for the service (`rate`) is reached; try again in {} s", retry_after.as_secs().max(1))]
    Rate {
        /// Time until the destination may be asked again.
        retry_after: Duration,
    },
    /// The answer is withheld because it could not be written to the audit log.
    #[error("the answer could not be put on record")]
    Record,
}
