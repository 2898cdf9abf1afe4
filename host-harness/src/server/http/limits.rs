//! Limits of the HTTP server.

use std::time::Duration;

/// Limits of connections, requests and sessions.
#[derive(Debug, Clone, Copy)]
pub struct HttpLimits {
    /// Most bytes of a request's body.
    pub body_bytes: usize,
    /// Time to send the head of a request, and to begin the next one on the same connection.
    pub head: Duration,
    /// Time to send the body of a request.
    pub body: Duration,
    /// Most open connections; beyond that the oldest idle one is closed.
    pub connections: usize,
    /// Most calls in flight, and most open streams, of all callers.
    pub requests: usize,
    /// Most requests in flight of one caller, open streams included.
    pub requests_of_caller: usize,
    /// Most open sessions of all callers.
    pub sessions: usize,
    /// Most open sessions of one caller; beyond that the least recently used idle one is closed.
    pub sessions_of_caller: usize,
    /// Idle time after which a session ends.
    pub idle: Duration,
    /// Time for calls in flight to finish at shutdown.
    pub finish: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            head: Duration::from_secs(30),
            body: Duration::from_secs(10),
            connections: 1024,
            requests: 512,
            requests_of_caller: 128,
            sessions: 1024,
            sessions_of_caller: 256,
            // Longer than a person may take to decide, since their session is idle meanwhile.
            idle: Duration::from_secs(15 * 60),
            finish: Duration::from_secs(10),
        }
    }
}
