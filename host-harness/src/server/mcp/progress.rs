//! Telling a client that waits that its call is still on its way.

use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::{Peer, RoleServer};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Pace;

/// Does the work, and tells the client of it now and then if it has given a token for that.
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
                // Who no longer listens has gone; that is looked after elsewhere. A client that reads slowly must not hold the work
                // up, so both go on side by side.
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
