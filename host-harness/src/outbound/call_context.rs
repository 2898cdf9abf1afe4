//! Call context: the limits of one call, and the counters and findings that its requests share.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::dlp::guard::Guard;
use super::known_ids::KnownIds;
use super::policy::Settings;
use crate::denial::Denial;
use crate::events::{CallId, Phase};
use crate::observed::ObservedRecords;

/// Refusals of one call that are kept and written to the audit log one by one; further ones are
/// only counted. A guest that keeps trying must fill neither memory nor the audit log.
const REFUSALS_KEPT: usize = 32;

/// The context of one call: its limits, and the counters and findings that its requests share.
#[derive(Debug)]
pub struct CallContext {
    pub(super) call: CallId,
    pub(super) phase: Phase,
    /// The caller's name in the operator file.
    pub(super) caller: Option<String>,
    deadline: Instant,
    limits: CallBudget,
    attempts: AtomicU32,
    counts: Arc<CallCounts>,
    postponed: AtomicU32,
    denials: Mutex<Vec<Denial>>,
    side_by_side: Semaphore,
    /// Requests that the component has passed to the host.
    handed_over: AtomicU32,
    /// Bytes that bodies of this call may still take.
    room: AtomicUsize,
    /// Records observed in answers, if the call observes them.
    pub(super) seen: Option<Arc<ObservedRecords>>,
    /// Values that bound parts of requests must have.
    pub(super) settings: Arc<Settings>,
    /// Data loss prevention: keeps values of one service from another.
    pub(super) guard: Option<Arc<Guard>>,
    /// Ids and times found in answers.
    pub(super) told: Arc<KnownIds>,
    lookup: Mutex<Option<Lookup>>,
}

/// Counters of a call that go into the audit log.
#[derive(Debug, Default)]
struct CallCounts {
    requests: AtomicU32,
    refused: AtomicU32,
}

/// A search for one text in the answers of a service.
#[derive(Debug)]
struct Lookup {
    destination: String,
    place: LookupPlace,
    text: String,
    result: LookupResult,
}

/// A read in which a service shows what it has received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupPlace {
    /// The path of the read, without its query.
    pub path: String,
    /// Query keys that the read may have; any other could filter out the text.
    pub keys: Vec<String>,
}

impl LookupPlace {
    /// Returns true if a read of this path and query can show the text.
    fn is_at(&self, read: &str) -> bool {
        let (path, query) = read.split_once('?').unwrap_or((read, ""));
        let mut keys = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').map_or(pair, |(key, _)| key));
        path == self.path && keys.all(|key| self.keys.iter().any(|known| known == key))
    }
}

/// The result of a search for one text in the answers of a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LookupResult {
    /// True if the service has answered such a read since the search began.
    pub answered: bool,
    /// True if an answer contains the text.
    pub found: bool,
}

/// Limits of one call.
#[derive(Debug, Clone, Copy)]
pub struct CallBudget {
    /// Requests, refused ones included.
    pub requests: u32,
    /// Requests at the same time; more wait.
    pub concurrent_requests: u32,
    /// Bytes of one request's body.
    pub request_bytes: usize,
    /// Bytes of one response's body.
    pub response_bytes: usize,
    /// Bytes of the bodies of all requests and responses together, so that the host holds no more
    /// for a call than the call may have itself.
    pub body_bytes: usize,
}

impl CallContext {
    /// Creates an empty context of the call `call` on behalf of `caller`, a name in the operator
    /// file.
    #[must_use]
    pub fn new(
        call: CallId,
        phase: Phase,
        caller: Option<String>,
        deadline: Instant,
        limits: CallBudget,
    ) -> Self {
        Self {
            call,
            phase,
            caller,
            deadline,
            limits,
            attempts: AtomicU32::new(0),
            counts: Arc::default(),
            postponed: AtomicU32::new(0),
            denials: Mutex::new(Vec::new()),
            side_by_side: Semaphore::new(limits.concurrent_requests.max(1) as usize),
            handed_over: AtomicU32::new(0),
            room: AtomicUsize::new(limits.body_bytes),
            seen: None,
            settings: Arc::default(),
            guard: None,
            told: Arc::default(),
            lookup: Mutex::default(),
        }
    }

    /// Shares the counters of requests and refusals with another context of the same call.
    #[must_use]
    pub fn counting_with(mut self, other: &Self) -> Self {
        self.counts = Arc::clone(&other.counts);
        self
    }

    /// Starts a search for a text among the strings that this service shows at a place from now on.
    /// It replaces any earlier search.
    pub fn look_for(&self, destination: &str, place: LookupPlace, text: &str) {
        let lookup = Lookup {
            destination: destination.to_owned(),
            place,
            text: text.to_owned(),
            result: LookupResult::default(),
        };
        *self.lookup.lock().unwrap_or_else(PoisonError::into_inner) = Some(lookup);
    }

    /// Returns the result so far of the search that [`Self::look_for`] started.
    #[must_use]
    pub fn lookup(&self) -> LookupResult {
        let lookup = self.lookup.lock().unwrap_or_else(PoisonError::into_inner);
        lookup
            .as_ref()
            .map_or_else(LookupResult::default, |lookup| lookup.result)
    }

    /// Adds an answer to the search.
    pub(super) fn look_into(&self, destination: &str, read: &str, response: &Response<Bytes>) {
        let mut lookup = self.lookup.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(lookup) = lookup
            .as_mut()
            .filter(|lookup| lookup.destination == destination && lookup.place.is_at(read))
        else {
            return;
        };
        if !response.status().is_success() {
            return;
        }
        let Ok(body) = serde_json::from_slice::<Value>(response.body()) else {
            return;
        };
        lookup.result.answered = true;
        lookup.result.found |= holds(&body, &lookup.text);
    }

    /// Sets the values that bound parts of requests must have.
    #[must_use]
    pub fn holding(mut self, settings: Arc<Settings>) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the data loss prevention of the call.
    #[must_use]
    pub fn guarded(mut self, guard: Arc<Guard>) -> Self {
        self.guard = Some(guard);
        self
    }

    /// Restricts further reads to the step that the component judges: to the step's service, and to
    /// values in the step.
    pub(crate) fn judge(&self, service: &str, path: &str, body: &str, answer: Option<&[u8]>) {
        if let Some(guard) = &self.guard {
            guard.judge(service, path, body, answer);
        }
    }

    /// Sets the observed records, which answers add to.
    #[must_use]
    pub fn watching(mut self, seen: Arc<ObservedRecords>) -> Self {
        self.seen = Some(seen);
        self
    }

    /// Returns the deadline of the call.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Returns the limits.
    #[must_use]
    pub fn limits(&self) -> CallBudget {
        self.limits
    }

    /// Returns the number of requests that were allowed, those answered from the cache included.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.counts.requests.load(Ordering::Relaxed)
    }

    /// Counts one more attempted request. Returns true if it is within the limit.
    pub(super) fn attempt(&self) -> bool {
        self.attempts.fetch_add(1, Ordering::Relaxed) < self.limits.requests
    }

    /// Counts one more request that the component passes to the host. Returns true if its body may
    /// be read. Without this bound the bodies of many requests would be held at once, few of which
    /// may ever be sent.
    pub(super) fn hand_over(&self) -> bool {
        self.handed_over.fetch_add(1, Ordering::Relaxed) < self.limits.requests
    }

    /// Reserves up to this many bytes for bodies. Returns the number of bytes reserved.
    pub(super) fn reserve(&self, bytes: usize) -> usize {
        let taken = |room: usize| Some(room.saturating_sub(bytes));
        let before = self
            .room
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken);
        before.map_or(0, |before| before.min(bytes))
    }

    /// Returns true if no more bytes of bodies may be held.
    pub(super) fn is_full(&self) -> bool {
        self.room.load(Ordering::Relaxed) == 0
    }

    /// Releases reserved bytes that are not held.
    pub(super) fn give_back(&self, bytes: usize) {
        self.room.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Waits for a permit to have one more request in flight.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed, so there is always a permit.
        self.side_by_side.acquire().await.ok()
    }

    /// Counts one more allowed request.
    pub(super) fn let_through(&self) {
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the id of the call.
    #[must_use]
    pub fn call(&self) -> CallId {
        self.call
    }

    /// Returns the ids and times found in answers during the call.
    #[must_use]
    pub fn told(&self) -> &KnownIds {
        &self.told
    }

    /// Returns the number of refused requests and headers.
    #[must_use]
    pub fn refused(&self) -> u32 {
        self.counts.refused.load(Ordering::Relaxed)
    }

    /// Returns the first refusals.
    #[must_use]
    pub fn denials(&self) -> Vec<Denial> {
        self.denials
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Counts a request that exceeded the harness's own rate limit. It is refused, but no denial:
    /// the same request passes later.
    pub(super) fn postpone(&self) {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
        self.postponed.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of requests that exceeded the harness's own rate limit.
    #[must_use]
    pub fn postponed(&self) -> u32 {
        self.postponed.load(Ordering::Relaxed)
    }

    /// Adds a refusal. Returns true if it is one of the first, which are written to the audit log
    /// one by one.
    pub fn refuse(&self, denial: Denial) -> bool {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
        let mut denials = self.denials.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = denials.len() < REFUSALS_KEPT;
        if kept {
            denials.push(denial);
        }
        kept
    }
}

/// Returns true if a string within a JSON value contains this text.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string.contains(text),
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(members) => members.values().any(|member| holds(member, text)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookup_counts_the_place_that_shows_a_message() {
        let place = LookupPlace {
            path: "/rooms/7/messages".into(),
            keys: vec!["limit".into()],
        };
        for (read, expected) in [
            ("/rooms/7/messages", true),
            ("/rooms/7/messages?limit=100", true),
            ("/rooms/7/messages?limit=1&before=m-1", false),
            ("/rooms/7/messages?before=m-1", false),
            ("/rooms/8/messages", false),
            ("/unread", false),
        ] {
            assert_eq!(place.is_at(read), expected, "{read}");
        }
    }
}
