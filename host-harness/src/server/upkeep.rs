//! Periodic maintenance of a long-running server.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::harness::Harness;

/// Removes old plans at an interval, for as long as it is polled.
pub async fn keep(harness: Arc<Harness>, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = harness.plans().forget_old() {
            tracing::error!("old plans cannot be forgotten: {error}");
        }
    }
}
