//! How long plans that are over are kept, and for how long their idempotency keys hold.

use super::StoreError;
use crate::skill::harness::Harness;

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// How long an idempotency key holds after it was used, in days: longer than anybody repeats a message by mistake.
const CLAIM_DAYS: i64 = 400;

/// The moments, in milliseconds since 1970-01-01T00:00:00Z, before which something is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// Plans that are over.
    pub over: i64,
    /// Plans that expired without anything being sent. They are of use for a day at most: whoever calls again gets a new plan.
    pub expired: i64,
    /// Idempotency keys that were used.
    pub keys: i64,
}

impl Forgotten {
    /// Returns the moments as of `now`, where plans that are over are kept for `keep_days`.
    #[must_use]
    pub fn at(now: i64, keep_days: u32) -> Self {
        let kept = DAY.saturating_mul(i64::from(keep_days));
        Self {
            over: now.saturating_sub(kept),
            expired: now.saturating_sub(kept.min(DAY)),
            keys: now.saturating_sub(kept.max(CLAIM_DAYS * DAY)),
        }
    }
}

impl Harness {
    /// Forgets the plans that have been over for longer than the operator wants them kept, and those that expired; returns how many
    /// that were. Their record stays.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn forget_old_plans(&self) -> Result<usize, StoreError> {
        let before = Forgotten::at(self.now(), self.setup.keep_days);
        self.plans.forget(before)
    }
}
