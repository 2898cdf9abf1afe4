//! How long plans that are over are kept, and for how long their idempotency keys hold.

use super::store::Before;
use super::{Store, StoreError};
use crate::harness::Harness;

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// How long an idempotency key holds after it was used, in days: longer than anybody repeats a message by mistake.
const CLAIM_DAYS: i64 = 400;

/// Forgets, at the time `now` in milliseconds, what is over for longer than `keep_days`, and plans that expired without having begun
/// more than a day ago: whoever calls again gets a new plan. Returns how many plans that were.
///
/// # Errors
/// When it cannot be written.
pub fn forget(plans: &Store, keep_days: u32, now: i64) -> Result<usize, StoreError> {
    let kept = DAY.saturating_mul(i64::from(keep_days));
    let over = now.saturating_sub(kept);
    plans.forget(&Before {
        over,
        expired: now.saturating_sub(kept.min(DAY)),
        claims: now.saturating_sub(CLAIM_DAYS * DAY).min(over),
    })
}

impl Harness {
    /// Forgets the plans that have been over for longer than the operator wants them kept, and those that expired; returns how many
    /// that were. Their record stays.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn forget_old_plans(&self) -> Result<usize, StoreError> {
        forget(&self.plans, self.setup.keep_days, self.now())
    }
}
