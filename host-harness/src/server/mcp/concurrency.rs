//! Turns: of one caller only so many calls run side by side, so that nobody takes all there is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Who may run how much at once.
pub(super) struct Turns {
    each: usize,
    callers: Mutex<HashMap<Option<String>, Arc<Semaphore>>>,
}

impl Turns {
    /// So many for each caller.
    pub(super) fn new(each: usize) -> Self {
        Self {
            each: each.max(1),
            callers: Mutex::default(),
        }
    }

    /// A turn of this caller, in order of asking; over when it is dropped.
    pub(super) async fn take(&self, caller: Option<&str>) -> Option<OwnedSemaphorePermit> {
        let turns = {
            let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
            // Callers are those of the operator file: few.
            let turns = callers
                .entry(caller.map(str::to_owned))
                .or_insert_with(|| Arc::new(Semaphore::new(self.each)));
            Arc::clone(turns)
        };
        turns.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_caller_waits_for_their_own_calls_and_for_nobody_elses() {
        let turns = Turns::new(2);
        let (_first, second) = (turns.take(Some("a")).await, turns.take(Some("a")).await);
        let mut third = Box::pin(turns.take(Some("a")));
        assert!(futures_pending(&mut third).await);
        assert!(turns.take(Some("b")).await.is_some());
        drop(second);
        assert!(third.await.is_some());
    }

    async fn futures_pending(work: &mut (impl Future + Unpin)) -> bool {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *work).poll(context).is_pending())
        })
        .await
    }
}
