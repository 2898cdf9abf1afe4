//! Limits the requests in flight, per caller and in total.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::HttpLimits;
use super::refusal::Refusal;

/// Permits for requests in flight.
pub(super) struct Admission {
    all: u32,
    /// Permits for calls, which end by themselves.
    calls: Arc<Semaphore>,
    /// Permits for streams, which last until the client ends them.
    streams: Arc<Semaphore>,
    each: usize,
    callers: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// Permit of a request in flight, released on drop.
#[derive(Debug)]
pub(super) struct AdmissionPermit {
    _of_all: OwnedSemaphorePermit,
    _of_caller: OwnedSemaphorePermit,
}

impl Admission {
    pub(super) fn new(limits: HttpLimits) -> Self {
        let all = u32::try_from(limits.requests).unwrap_or(u32::MAX);
        Self {
            all,
            calls: Arc::new(Semaphore::new(limits.requests)),
            streams: Arc::new(Semaphore::new(limits.requests)),
            each: limits.requests_of_caller,
            callers: Mutex::default(),
        }
    }

    /// Admits a request of this caller; `stream` marks one that lasts as long as the client wants.
    pub(super) fn admit(&self, caller: &str, stream: bool) -> Result<AdmissionPermit, Refusal> {
        let of_caller = {
            let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
            match callers.get(caller) {
                Some(known) => Arc::clone(known),
                None => {
                    let new = Arc::new(Semaphore::new(self.each));
                    callers.insert(caller.to_owned(), Arc::clone(&new));
                    new
                }
            }
        };
        let of_all = if stream { &self.streams } else { &self.calls };
        Ok(AdmissionPermit {
            _of_caller: of_caller
                .try_acquire_owned()
                .map_err(|_| Refusal::CallerBusy)?,
            _of_all: Arc::clone(of_all)
                .try_acquire_owned()
                .map_err(|_| Refusal::Busy)?,
        })
    }

    /// Returns the number of calls in flight, streams not counted.
    pub(super) fn under_way(&self) -> u64 {
        let free = u64::try_from(self.calls.available_permits()).unwrap_or(0);
        u64::from(self.all).saturating_sub(free)
    }

    /// Waits until no call is in flight; new ones must not be admitted any more.
    pub(super) async fn calls_over(&self) {
        drop(self.calls.acquire_many(self.all).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_caller_is_refused_and_others_are_not() {
        let admission = Admission::new(HttpLimits {
            requests: 3,
            requests_of_caller: 2,
            ..HttpLimits::default()
        });
        let first = admission.admit("a", false).unwrap();
        let _second = admission.admit("a", true).unwrap();
        assert_eq!(
            admission.admit("a", false).unwrap_err(),
            Refusal::CallerBusy
        );
        let _b = admission.admit("b", false).unwrap();
        let _c = admission.admit("c", false).unwrap();
        assert_eq!(admission.under_way(), 3);
        assert_eq!(admission.admit("d", false).unwrap_err(), Refusal::Busy);
        drop(first);
        assert!(admission.admit("a", false).is_ok());
    }
}
