//! Limits the concurrent calls of each caller, so that no caller uses up the capacity.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Concurrency limits by caller.
pub(super) struct Concurrency {
    each: usize,
    callers: Mutex<HashMap<Option<String>, Arc<Semaphore>>>,
}

impl Concurrency {
    /// Limits each caller to `each` concurrent calls.
    pub(super) fn new(each: usize) -> Self {
        Self {
            each: each.max(1),
            callers: Mutex::default(),
        }
    }

    /// Waits for a permit of this caller, first come, first served; released on drop.
    pub(super) async fn take(&self, caller: Option<&str>) -> Option<OwnedSemaphorePermit> {
        let concurrency = {
            let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
            // Callers come from the operator file, so there are few.
            let concurrency = callers
                .entry(caller.map(str::to_owned))
                .or_insert_with(|| Arc::new(Semaphore::new(self.each)));
            Arc::clone(concurrency)
        };
        concurrency.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn caller_waits_only_for_their_own_calls() {
        let concurrency = Concurrency::new(2);
        let (_first, second) = (
            concurrency.take(Some("a")).await,
            concurrency.take(Some("a")).await,
        );
        let mut third = Box::pin(concurrency.take(Some("a")));
        assert!(futures_pending(&mut third).await);
        assert!(concurrency.take(Some("b")).await.is_some());
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
