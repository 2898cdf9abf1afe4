//! Answers of services to a caller in the last minutes: a text that repeats them in a later call
//! discloses them all the same.
//!
//! Kept in this process's memory alone, bounded in time, calls and bytes. An answer that is dropped
//! before its time is remembered as dropped, so that whoever looks is told that the rest is not
//! all.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::config::Caller;
use crate::observed::ObservedRecords;
use crate::outbound::dlp::guard::Guard;

/// Time for which an answer counts.
const KEPT: Duration = Duration::from_secs(10 * 60);
/// Most bytes of answers that are kept for a caller; of more, the newest.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most calls of a caller that are kept; of more, the newest.
const CALLS_MAX: usize = 512;
/// Most callers for whom answers are kept; with more, those of whoever called least lately go.
const CALLERS_MAX: usize = 64;

/// The answers of services to one call.
#[derive(Clone)]
pub(crate) struct Answered {
    pub(crate) guard: Arc<Guard>,
    pub(crate) seen: Arc<ObservedRecords>,
    /// Time of the answer, by the harness's clock.
    at: Duration,
    bytes: usize,
}

/// Returns for how many minutes an answer counts.
pub(crate) const fn minutes() -> u64 {
    KEPT.as_secs() / 60
}

/// The answers of the last minutes to one caller.
#[derive(Default)]
pub(crate) struct Lately {
    /// The newest first.
    pub(crate) calls: Vec<Answered>,
    /// True if some were dropped since they were too many or too long to be kept.
    pub(crate) dropped: bool,
}

/// Keeps the calls of one caller.
#[derive(Default)]
struct Calls {
    kept: VecDeque<Answered>,
    /// Time of the newest answer that was dropped before its time.
    dropped: Option<Duration>,
}

impl Calls {
    fn newest(&self) -> Duration {
        let kept = self.kept.back().map(|call| call.at);
        kept.max(self.dropped).unwrap_or_default()
    }

    /// Drops the oldest calls beyond the bounds.
    fn bound(&mut self, now: Duration) {
        self.kept.retain(|call| is_fresh(call.at, now));
        while self.kept.len() > CALLS_MAX
            || self.kept.iter().map(|call| call.bytes).sum::<usize>() > BYTES_MAX
        {
            let dropped = self.kept.pop_front().map(|call| call.at);
            self.dropped = self.dropped.max(dropped);
        }
    }
}

fn is_fresh(at: Duration, now: Duration) -> bool {
    now.saturating_sub(at) <= KEPT
}

/// Answers of the last minutes, by caller.
#[derive(Default)]
pub(crate) struct Recent(Mutex<HashMap<CallerKey, Calls>>);

/// A caller: the operator's name for them, and their address.
type CallerKey = (Option<String>, Option<String>);

fn key(caller: &Caller) -> CallerKey {
    (caller.id.clone(), caller.email.clone())
}

impl Recent {
    /// Keeps what a call was answered.
    pub(crate) fn keep(
        &self,
        caller: &Caller,
        guard: Arc<Guard>,
        seen: Arc<ObservedRecords>,
        now: Duration,
    ) {
        let bytes = guard.bytes();
        if bytes == 0 {
            return;
        }
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(caller);
        callers.retain(|_, calls| is_fresh(calls.newest(), now));
        if callers.len() >= CALLERS_MAX
            && !callers.contains_key(&key)
            && let Some(oldest) = callers
                .iter()
                .min_by_key(|(_, calls)| calls.newest())
                .map(|(key, _)| key.clone())
        {
            callers.remove(&oldest);
        }
        let calls = callers.entry(key).or_default();
        calls.kept.push_back(Answered {
            guard,
            seen,
            at: now,
            bytes,
        });
        calls.bound(now);
    }

    /// Returns the answers of the last minutes to a caller.
    pub(crate) fn of(&self, caller: &Caller, now: Duration) -> Lately {
        let callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(calls) = callers.get(&key(caller)) else {
            return Lately::default();
        };
        let fresh = calls
            .kept
            .iter()
            .rev()
            .filter(|call| is_fresh(call.at, now));
        Lately {
            calls: fresh.cloned().collect(),
            dropped: calls.dropped.is_some_and(|at| is_fresh(at, now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::outbound::dlp::guard::Exempt;
    use crate::outbound::dlp::values::MemberNames;

    fn guard(bytes: usize) -> Arc<Guard> {
        let guard = Guard::new(Exempt::default(), MemberNames::default());
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
        assert_eq!(recent.of(&robin, at(100)).calls.len(), 1);
        assert_eq!(recent.of(&robin, at(700)).calls.len(), 1);
        assert_eq!(recent.of(&robin, at(701)).calls.len(), 0);
        assert_eq!(recent.of(&kim, at(100)).calls.len(), 0);
    }

    #[test]
    fn answers_are_bounded_in_bytes_and_callers() {
        let recent = Recent::default();
        let now = Duration::from_secs(100);
        let robin = caller("robin");
        for _ in 0..5 {
            recent.keep(&robin, guard(BYTES_MAX / 2), Arc::default(), now);
        }
        let lately = recent.of(&robin, now);
        assert_eq!((lately.calls.len(), lately.dropped), (2, true));
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
            recent.of(&robin, now).calls.len(),
            0,
            "who called least lately went"
        );
    }

    #[test]
    fn dropped_answers_are_told_until_they_are_old() {
        let recent = Recent::default();
        let at = Duration::from_secs;
        let robin = caller("robin");
        for second in 0..CALLS_MAX as u64 {
            recent.keep(&robin, guard(1), Arc::default(), at(second / 10));
        }
        assert!(!recent.of(&robin, at(60)).dropped);
        // Cheap calls push nothing out unnoticed, and neither does a single one that is too large.
        recent.keep(&robin, guard(1), Arc::default(), at(60));
        assert!(recent.of(&robin, at(60)).dropped);
        assert!(!recent.of(&robin, at(601)).dropped);
        let kim = caller("kim");
        recent.keep(&kim, guard(BYTES_MAX + 1), Arc::default(), at(60));
        let lately = recent.of(&kim, at(660));
        assert_eq!((lately.calls.len(), lately.dropped), (0, true));
    }
}
