//! Retention of plans that are over, and of their idempotency keys.

use super::service::Plans;
use super::store::Before;
use super::{Store, StoreError};

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// Days for which an idempotency key holds after its use: longer than anybody repeats a message by
/// mistake.
const CLAIM_DAYS: i64 = 400;

/// Deletes plans that have been over for more than `keep_days` at the time `now` (in milliseconds),
/// and plans that expired unstarted more than a day ago, since calling again makes a new plan.
/// Returns the number of deleted plans.
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

impl Plans {
    /// Deletes the plans that have been over for longer than the operator wants them kept, and
    /// those that expired. Returns their number. The audit log stays.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn forget_old(&self) -> Result<usize, StoreError> {
        forget(&self.store, self.setup.keep_days, self.now())
    }
}
