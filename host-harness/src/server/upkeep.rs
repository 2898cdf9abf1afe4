//! What a program that runs for long does beside its calls.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::harness::Harness;

/// Forgets old plans now and then, for as long as it is polled.
pub async fn keep(harness: Arc<Harness>, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = harness.forget_old_plans() {
            tracing::error!("old plans cannot be forgotten: {error}");
        }
    }
}
