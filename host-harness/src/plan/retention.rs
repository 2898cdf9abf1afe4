//! How long plans that are over are kept.

use super::StoreError;
use crate::skill::harness::Harness;

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1_000;

impl Harness {
    /// Forgets the plans that have been over for longer than the operator wants them kept; how many that were. Their record stays.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn forget_old_plans(&self) -> Result<usize, StoreError> {
        let kept = DAY.saturating_mul(i64::from(self.setup.keep_days));
        self.plans.forget(self.now().saturating_sub(kept))
    }
}
