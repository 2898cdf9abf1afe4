//! Sends progress notifications to a client that waits for a call.

use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::{Peer, RoleServer};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Pace;

/// Runs the work, and sends progress notifications if the client gave a token for them.
pub(super) async fn told<T>(
    peer: &Peer<RoleServer>,
    token: Option<ProgressToken>,
    pace: Pace,
    work: impl Future<Output = T>,
) -> T {
    let Some(token) = token else {
        return work.await;
    };
    let mut work = std::pin::pin!(work);
    let mut ticks = interval_at(Instant::now() + pace.progress, pace.progress);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut count = 0.0;
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = ticks.tick() => {
                count += 1.0;
                let told = ProgressNotificationParam::new(token.clone(), count)
                    .with_message("The call is still on its way.");
                // A client that has gone is noticed elsewhere. A client that reads slowly must not
                // delay the work, so both proceed side by side.
                let told = peer.notify_progress(told);
                tokio::select! {
                    biased;
                    done = &mut work => return done,
                    _ = told => {}
                }
            }
        }
    }
}
