//! What is counted and found out during one call.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::dlp::guard::Guard;
use super::known_ids::Told;
use super::policy::Settings;
use crate::denial::Denial;
use crate::events::{CallId, Phase};
use crate::observed::Seen;

/// Refusals of one call that are kept and recorded one by one; of more there is only a count. A guest that keeps asking
/// must not fill memory and record.
const REFUSALS_KEPT: usize = 32;

/// What is counted and found out during one call.
#[derive(Debug)]
pub struct Ledger {
    pub(super) call: CallId,
    pub(super) phase: Phase,
    /// The caller's name in the operator file.
    pub(super) caller: Option<String>,
    deadline: Instant,
    limits: LedgerLimits,
    attempts: AtomicU32,
    counts: Arc<Counts>,
    postponed: AtomicU32,
    denials: Mutex<Vec<Denial>>,
    side_by_side: Semaphore,
    /// Requests that the component has handed over.
    handed_over: AtomicU32,
    /// Bytes of bodies that may still be held for this call.
    room: AtomicUsize,
    /// What the answers tell of records, where that is asked for.
    pub(super) seen: Option<Arc<Seen>>,
    /// What values of requests are held against.
    pub(super) settings: Arc<Settings>,
    /// What must not go from one service to another.
    pub(super) guard: Option<Arc<Guard>>,
    /// The ids and times that answers told.
    pub(super) told: Arc<Told>,
    lookup: Mutex<Option<Lookup>>,
}

/// What goes on record of a call as numbers.
#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU32,
    refused: AtomicU32,
}

/// A search for one text in what a service answers.
#[derive(Debug)]
struct Lookup {
    destination: String,
    place: LookupPlace,
    text: String,
    result: LookupResult,
}

/// Where a service shows what it has received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupPlace {
    /// The path of the read, without its query.
    pub path: String,
    /// The query keys that such a read may have: another one could leave out what is sought.
    pub keys: Vec<String>,
}

impl LookupPlace {
    /// Returns whether a read of this path and query shows it.
    fn is_at(&self, read: &str) -> bool {
        let (path, query) = read.split_once('?').unwrap_or((read, ""));
        let mut keys = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').map_or(pair, |(key, _)| key));
        path == self.path && keys.all(|key| self.keys.iter().any(|known| known == key))
    }
}

/// The result of a search for one text in what a service answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LookupResult {
    /// The service has shown the place since the search began.
    pub answered: bool,
    /// An answer holds the text.
    pub found: bool,
}

/// What one call may send and receive.
#[derive(Debug, Clone, Copy)]
pub struct LedgerLimits {
    /// Requests, refused ones included.
    pub requests: u32,
    /// Requests at the same time; more wait.
    pub concurrent_requests: u32,
    /// Bytes of one request's body.
    pub request_bytes: usize,
    /// Bytes of one response's body.
    pub response_bytes: usize,
    /// Bytes of the bodies of all requests and responses together: what the host holds for a call is no more than its memory.
    pub body_bytes: usize,
}

impl Ledger {
    /// An empty ledger of the call `call` on behalf of `caller`, a name in the operator file.
    #[must_use]
    pub fn new(
        call: CallId,
        phase: Phase,
        caller: Option<String>,
        deadline: Instant,
        limits: LedgerLimits,
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

    /// Counts requests and refusals together with another ledger of the same call.
    #[must_use]
    pub fn counting_with(mut self, other: &Self) -> Self {
        self.counts = Arc::clone(&other.counts);
        self
    }

    /// Begins a search for a text among the strings that this service shows at a place from now on, instead of any search before.
    pub fn look_for(&self, destination: &str, place: LookupPlace, text: &str) {
        let lookup = Lookup {
            destination: destination.to_owned(),
            place,
            text: text.to_owned(),
            result: LookupResult::default(),
        };
        *self.lookup.lock().unwrap_or_else(PoisonError::into_inner) = Some(lookup);
    }

    /// Returns what the search that [`Self::look_for`] began has found so far.
    #[must_use]
    pub fn lookup(&self) -> LookupResult {
        let lookup = self.lookup.lock().unwrap_or_else(PoisonError::into_inner);
        lookup
            .as_ref()
            .map_or_else(LookupResult::default, |lookup| lookup.result)
    }

    /// Takes an answer into the search.
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

    /// Holds bound values of requests against these settings.
    #[must_use]
    pub fn holding(mut self, settings: Arc<Settings>) -> Self {
        self.settings = settings;
        self
    }

    /// Lets nothing go from one service to another that this guard does not.
    #[must_use]
    pub fn guarded(mut self, guard: Arc<Guard>) -> Self {
        self.guard = Some(guard);
        self
    }

    /// Holds what the component reads from now on to a step that it judges: to the step's service and what stands in the step.
    pub(crate) fn judge(&self, service: &str, path: &str, body: &str, answer: Option<&[u8]>) {
        if let Some(guard) = &self.guard {
            guard.judge(service, path, body, answer);
        }
    }

    /// Lets what the answers tell of records be taken in.
    #[must_use]
    pub fn watching(mut self, seen: Arc<Seen>) -> Self {
        self.seen = Some(seen);
        self
    }

    /// When the call must be over.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> LedgerLimits {
        self.limits
    }

    /// How many requests were let through, those answered from memory included.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.counts.requests.load(Ordering::Relaxed)
    }

    /// Counts one more request that was asked for; whether that is still within the limit.
    pub(super) fn attempt(&self) -> bool {
        self.attempts.fetch_add(1, Ordering::Relaxed) < self.limits.requests
    }

    /// Counts one more request that the component hands over; whether its body may be held. Without this bound many requests at once
    /// would be held, of which few may ever be sent.
    pub(super) fn hand_over(&self) -> bool {
        self.handed_over.fetch_add(1, Ordering::Relaxed) < self.limits.requests
    }

    /// Takes as much of this as there is room for; how much that is.
    pub(super) fn reserve(&self, bytes: usize) -> usize {
        let taken = |room: usize| Some(room.saturating_sub(bytes));
        let before = self
            .room
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken);
        before.map_or(0, |before| before.min(bytes))
    }

    /// Returns whether nothing more may be held.
    pub(super) fn is_full(&self) -> bool {
        self.room.load(Ordering::Relaxed) == 0
    }

    /// Gives back what was reserved and is not held.
    pub(super) fn give_back(&self, bytes: usize) {
        self.room.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Waits until one more request may be under way.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // Never closed, so there is always a permit.
        self.side_by_side.acquire().await.ok()
    }

    /// Counts one more request that was let through.
    pub(super) fn let_through(&self) {
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// The call.
    #[must_use]
    pub fn call(&self) -> CallId {
        self.call
    }

    /// The ids and times that services have told during the call.
    #[must_use]
    pub fn told(&self) -> &Told {
        &self.told
    }

    /// How many requests and headers were refused.
    #[must_use]
    pub fn refused(&self) -> u32 {
        self.counts.refused.load(Ordering::Relaxed)
    }

    /// The first refusals.
    #[must_use]
    pub fn denials(&self) -> Vec<Denial> {
        self.denials
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Counts a request that came too soon for the harness's own rate. It is refused, and no denial: the same request passes later.
    pub(super) fn postpone(&self) {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
        self.postponed.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many requests came too soon for the harness's own rate.
    #[must_use]
    pub fn postponed(&self) -> u32 {
        self.postponed.load(Ordering::Relaxed)
    }

    /// Notes a refusal; whether it is one of the first, which are recorded one by one.
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

/// Returns whether a string within a JSON value is this text, or holds it.
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
