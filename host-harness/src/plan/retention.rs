//! How long plans that are over are kept.

use super::StoreError;
use crate::skill::harness::Harness;

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// Returns the moments before which plans that are over, and plans that expired, are forgotten. What nobody approved is of use for
/// a day at most: whoever calls again gets a new plan.
#[must_use]
pub fn forgotten(now: i64, keep_days: u32) -> (i64, i64) {
    let kept = DAY.saturating_mul(i64::from(keep_days));
    (now.saturating_sub(kept), now.saturating_sub(kept.min(DAY)))
}

impl Harness {
    /// Forgets the plans that have been over for longer than the operator wants them kept, and those that expired; returns how many
    /// that were. Their record stays.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn forget_old_plans(&self) -> Result<usize, StoreError> {
        let (over, expired) = forgotten(self.now(), self.setup.keep_days);
        self.plans.forget(over, expired)
    }
}
