//! The limit of 100 requests a minute that the relay counts for each address; here there is one.

use std::sync::{Mutex, PoisonError};

use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use crate::clock::Clock;

/// The number of requests that a window lets through.
const MOST: u32 = 100;
const WINDOW_MS: i64 = 60_000;

/// Counts requests in windows that start with the first request after the last one ended.
pub(super) struct Limit {
    clock: Clock,
    window: Mutex<Option<Window>>,
}

#[derive(Clone, Copy)]
struct Window {
    ends_ms: i64,
    requests: u32,
}

/// The remainder of a window.
#[derive(Clone, Copy)]
pub(super) struct Left {
    requests: u32,
    ends_ms: i64,
    /// True if this request was over the limit.
    pub(super) exceeded: bool,
}

impl Limit {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            window: Mutex::new(None),
        }
    }

    /// Counts one request.
    pub(super) fn count(&self) -> Left {
        let now = self.clock.now_ms();
        let mut current = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let mut window = current.filter(|w| now < w.ends_ms).unwrap_or(Window {
            ends_ms: now.saturating_add(WINDOW_MS),
            requests: 0,
        });
        window.requests = window.requests.saturating_add(1);
        *current = Some(window);
        Left {
            requests: MOST.saturating_sub(window.requests),
            ends_ms: window.ends_ms,
            exceeded: window.requests > MOST,
        }
    }

    /// Starts anew.
    pub(super) fn clear(&self) {
        *self.window.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Left {
    /// Tells it in an answer's headers. There is no `retry-after` among them.
    pub(super) fn tell(self, headers: &mut HeaderMap) {
        let seconds = self.ends_ms.saturating_add(999).div_euclid(1000);
        for (name, value) in [
            ("x-ratelimit-limit", HeaderValue::from(MOST)),
            ("x-ratelimit-remaining", HeaderValue::from(self.requests)),
            ("x-ratelimit-reset", HeaderValue::from(seconds)),
        ] {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
