//! How requests leave the skill: over wasi:http in the component, over an ordinary client in tests and benchmarks.

use std::time::Duration;

/// A request to a service. The harness adds the credential; the skill never has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The destination's base URL with no slash at the end, such as `https://crm.example.com`.
    pub base_url: String,
    /// The path, such as `/graphql`.
    pub path: &'static str,
    /// The JSON body; every request is a POST.
    pub body: Vec<u8>,
}

/// What a service answered, whatever it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The `Retry-After` header, if it was given in seconds.
    pub retry_after: Option<u32>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportError {
    /// The harness's gate refused the request. It knows why; the skill is not told.
    Refused,
    /// The answer is larger than the harness lets through.
    TooLarge,
    /// The service could not be reached, or broke off.
    Unreachable {
        /// Whether the service may have got the request.
        request_sent: bool,
        /// What happened, in a few words.
        reason: String,
    },
}

/// Sends requests.
pub trait Transport {
    /// Sends all of them side by side and answers in the same order.
    fn send_all(&self, requests: &[Request]) -> Vec<Result<Response, TransportError>>;

    /// Time since some fixed moment, to tell how long something took.
    fn elapsed(&self) -> Duration;

    /// Waits, for a service that asked for patience.
    fn wait(&self, time: Duration);
}
