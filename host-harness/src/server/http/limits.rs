//! Limits of the HTTP server.

use std::time::Duration;

/// Limits of the front.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest body of a request, in bytes.
    pub body_bytes: usize,
    /// How long a client may take to send the head of a request, and to begin the next one on the same connection.
    pub head: Duration,
    /// How long a client may take to send the body of a request.
    pub body: Duration,
    /// Open connections. Beyond that the one that has been idle the longest makes room.
    pub connections: usize,
    /// Requests under way, of all callers.
    pub requests: usize,
    /// Requests under way of one caller, open streams among them.
    pub requests_of_caller: usize,
    /// Open sessions, of all callers.
    pub sessions: usize,
    /// Open sessions of one caller. Beyond that the one that has been idle the longest makes room.
    pub sessions_of_caller: usize,
    /// How long a session may be idle.
    pub idle: Duration,
    /// How long calls that are under way may take when the front is to end.
    pub finish: Duration,
}

impl Default for Limits {
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
            // Longer than a person may take to decide, during which nothing else happens in a session.
            idle: Duration::from_secs(15 * 60),
            finish: Duration::from_secs(10),
        }
    }
}
