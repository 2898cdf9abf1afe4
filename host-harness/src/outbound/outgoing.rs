//! A request that is to be sent, and why there is no answer to one.

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
    /// The URL exactly as it was given.
    pub url: String,
    /// The headers that were given: they are checked, and not sent.
    pub headers: HeaderMap,
    /// The whole body, or none if it is larger than the limit.
    pub body: Option<Bytes>,
    /// How long connecting may take.
    pub connect: Option<Duration>,
    /// How long the service may take until its response begins.
    pub first_byte: Option<Duration>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum SendError {
    /// It may not be sent.
    #[error("{0}")]
    Denied(Denial),
    /// It was sent, and its answer is withheld.
    #[error("{0}")]
    Withheld(Denial),
    /// It was let through, and there is no answer.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// The destination was asked as often as it may be; nothing was sent.
    #[error("this harness's own limit for the service (`rate`) is reached; try again in {} s", retry_after.as_secs().max(1))]
    Rate {
        /// After how long it may be asked again.
        retry_after: Duration,
    },
    /// There is an answer, which is withheld because it could not be recorded.
    #[error("the answer could not be put on record")]
    Record,
}
