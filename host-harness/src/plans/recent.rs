//! What services answered to a caller in the last minutes: a text that repeats it in a later call gives it away all the same.
//!
//! Kept in this process's memory alone, bounded in time and bytes.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::config::Caller;
use crate::observed::Seen;
use crate::outbound::dlp::guard::Guard;

/// Time for which an answer counts.
const KEPT: Duration = Duration::from_secs(10 * 60);
/// Most bytes of answers that are kept for a caller; of more, the newest.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most calls of a caller that are kept; of more, the newest.
const CALLS_MAX: usize = 64;
/// Most callers for whom answers are kept; with more, those of whoever called least lately go.
const CALLERS_MAX: usize = 64;

/// The answers of services to one call.
#[derive(Clone)]
pub(crate) struct Answered {
    pub(crate) guard: Arc<Guard>,
    pub(crate) seen: Arc<Seen>,
    /// When, by the harness's clock.
    at: Duration,
    bytes: usize,
}

/// What callers were answered lately.
#[derive(Default)]
pub(crate) struct Recent(Mutex<HashMap<Key, VecDeque<Answered>>>);

/// A caller: the operator's name for them, and their address.
type Key = (Option<String>, Option<String>);

fn key(caller: &Caller) -> Key {
    (caller.id.clone(), caller.email.clone())
}

impl Recent {
    /// Keeps what a call was answered.
    pub(crate) fn keep(&self, caller: &Caller, guard: Arc<Guard>, seen: Arc<Seen>, now: Duration) {
        let bytes = guard.bytes();
        if bytes == 0 || bytes > BYTES_MAX {
            return;
        }
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(caller);
        let newest =
            |calls: &VecDeque<Answered>| calls.back().map_or(Duration::ZERO, |call| call.at);
        callers.retain(|_, calls| now.saturating_sub(newest(calls)) <= KEPT);
        if callers.len() >= CALLERS_MAX
            && !callers.contains_key(&key)
            && let Some(oldest) = callers
                .iter()
                .min_by_key(|(_, calls)| newest(calls))
                .map(|(key, _)| key.clone())
        {
            callers.remove(&oldest);
        }
        let calls = callers.entry(key).or_default();
        calls.push_back(Answered {
            guard,
            seen,
            at: now,
            bytes,
        });
        while calls.len() > CALLS_MAX
            || calls.iter().map(|call| call.bytes).sum::<usize>() > BYTES_MAX
        {
            calls.pop_front();
        }
    }

    /// Returns what a caller was answered lately, the newest first.
    pub(crate) fn of(&self, caller: &Caller, now: Duration) -> Vec<Answered> {
        let callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = callers.get(&key(caller)).into_iter().flatten().rev();
        calls
            .filter(|call| now.saturating_sub(call.at) <= KEPT)
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::outbound::dlp::guard::Exempt;
    use crate::outbound::dlp::values::Names;

    fn guard(bytes: usize) -> Arc<Guard> {
        let guard = Guard::new(Exempt::default(), Names::default());
        guard.note("crm", Bytes::from(vec![b' '; bytes]));
        Arc::new(guard)
    }

    fn caller(name: &str) -> Caller {
        Caller {
            id: Some(name.to_owned()),
            ..Caller::default()
        }
    }

    #[test]
    fn answers_count_for_their_caller_for_minutes() {
        let recent = Recent::default();
        let at = Duration::from_secs;
        let (robin, kim) = (caller("robin"), caller("kim"));
        recent.keep(&robin, guard(10), Arc::default(), at(100));
        recent.keep(&robin, guard(0), Arc::default(), at(100));
        assert_eq!(recent.of(&robin, at(100)).len(), 1);
        assert_eq!(recent.of(&robin, at(700)).len(), 1);
        assert_eq!(recent.of(&robin, at(701)).len(), 0);
        assert_eq!(recent.of(&kim, at(100)).len(), 0);
    }

    #[test]
    fn answers_are_bounded_in_bytes_and_callers() {
        let recent = Recent::default();
        let now = Duration::from_secs(100);
        let robin = caller("robin");
        for _ in 0..5 {
            recent.keep(&robin, guard(BYTES_MAX / 2), Arc::default(), now);
        }
        assert_eq!(recent.of(&robin, now).len(), 2);
        for number in 0..CALLERS_MAX {
            let later = now + Duration::from_secs(1);
            recent.keep(
                &caller(&number.to_string()),
                guard(1),
                Arc::default(),
                later,
            );
        }
        assert_eq!(
            recent.of(&robin, now).len(),
            0,
            "who called least lately went"
        );
    }
}
