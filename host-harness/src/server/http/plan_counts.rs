//! Counts plans by state, for the pages.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::plans::{PlanState, StoreError};
use crate::server::mcp::Mcp;

/// Lifetime of cached counts.
const COUNTED_FOR: Duration = Duration::from_secs(1);

/// Cached counts of plans by state: the pages need no token, and counting reads every plan.
#[derive(Default)]
pub(super) struct PlanCounts(Mutex<Option<(Instant, StateCounts)>>);

type StateCounts = Vec<(PlanState, u64)>;

impl PlanCounts {
    pub(super) fn counts(&self, mcp: &Mcp) -> Result<StateCounts, StoreError> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*counted {
            Some((since, counts)) if since.elapsed() < COUNTED_FOR => Ok(counts.clone()),
            _ => {
                let counts = mcp.harness().plans().by_state()?;
                *counted = Some((Instant::now(), counts.clone()));
                Ok(counts)
            }
        }
    }
}
