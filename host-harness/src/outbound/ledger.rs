//! What is counted and found out during one call.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::denial::Denial;
use super::policy::Phase;

/// What is counted and found out during one call.
#[derive(Debug)]
pub struct Ledger {
    pub(super) call: u64,
    pub(super) phase: Phase,
    deadline: Instant,
    limits: LedgerLimits,
    attempts: AtomicU32,
    requests: AtomicU32,
    denials: Mutex<Vec<Denial>>,
}

/// What one call may send and receive.
#[derive(Debug, Clone, Copy)]
pub struct LedgerLimits {
    /// Requests, refused ones included.
    pub requests: u32,
    /// Bytes of one request's body.
    pub request_bytes: usize,
    /// Bytes of one response's body.
    pub response_bytes: usize,
}

impl Ledger {
    /// An empty ledger of call number `call`.
    #[must_use]
    pub fn new(call: u64, phase: Phase, deadline: Instant, limits: LedgerLimits) -> Self {
        Self {
            call,
            phase,
            deadline,
            limits,
            attempts: AtomicU32::new(0),
            requests: AtomicU32::new(0),
            denials: Mutex::new(Vec::new()),
        }
    }

    /// When the call must be over.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> LedgerLimits {
        self.limits
    }

    /// How many requests were let through, those answered from memory included.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Counts one more request that was asked for; whether that is still within the limit.
    pub(super) fn attempt(&self) -> bool {
        self.attempts.fetch_add(1, Ordering::Relaxed) < self.limits.requests
    }

    /// Counts one more request that was let through.
    pub(super) fn let_through(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Every refusal so far.
    #[must_use]
    pub fn denials(&self) -> Vec<Denial> {
        self.denials
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Notes a refusal.
    pub fn refuse(&self, denial: Denial) {
        let mut denials = self.denials.lock().unwrap_or_else(PoisonError::into_inner);
        // A guest that keeps asking must not fill the host's memory.
        if denials.len() < 32 {
            denials.push(denial);
        }
    }
}
