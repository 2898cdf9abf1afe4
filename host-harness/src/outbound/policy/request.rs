//! A request that policy decides about.

use http::{HeaderMap, Method};

/// A request as it was asked for, before anything is added to it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The URL exactly as given.
    pub url: &'a str,
    /// The headers as given.
    pub headers: &'a HeaderMap,
    /// The whole body.
    pub body: &'a [u8],
}
