//! Rate limits: a token bucket for each destination, shared by all calls of this process.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A rate limit: the size of a token bucket, and the time in which it fills evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rate {
    /// Tokens, 1 to 100000. A request takes one, or the cost of its document.
    #[serde(deserialize_with = "requests")]
    #[schemars(range(max = 100_000))]
    pub requests: NonZeroU32,
    /// Seconds in which an empty bucket fills, 1 to 86400.
    #[serde(deserialize_with = "seconds")]
    #[schemars(range(max = 86_400))]
    pub seconds: NonZeroU32,
}

fn requests<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    within(deserializer, "requests", 100_000)
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    within(deserializer, "seconds", 86_400)
}

/// Reads a number from 1 to `most`.
fn within<'de, D: Deserializer<'de>>(
    deserializer: D,
    key: &str,
    most: u32,
) -> Result<NonZeroU32, D::Error> {
    let number = i64::deserialize(deserializer)?;
    u32::try_from(number)
        .ok()
        .filter(|number| *number <= most)
        .and_then(NonZeroU32::new)
        .ok_or_else(|| D::Error::custom(format!("rate.{key}: write 1 to {most}")))
}

impl Rate {
    /// Returns true if this rate allows nothing that `other` does not.
    #[must_use]
    pub fn within(self, other: Self) -> bool {
        let per = |rate: Self, seconds: NonZeroU32| {
            u64::from(rate.requests.get()) * u64::from(seconds.get())
        };
        self.requests <= other.requests && per(self, other.seconds) <= per(other, self.seconds)
    }

    fn quota(self) -> Quota {
        let period = Duration::from_secs(self.seconds.get().into()) / self.requests.get();
        // Only a period of zero has no quota.
        Quota::with_period(period)
            .unwrap_or_else(|| Quota::per_second(self.requests))
            .allow_burst(self.requests)
    }
}

/// A token bucket. The clock is a parameter so that tests need not wait.
pub struct Bucket<C: Clock = MonotonicClock> {
    limiter: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    size: NonZeroU32,
    clock: C,
}

impl Bucket {
    /// Creates a full bucket on the system's monotonic clock.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self::with_clock(rate, MonotonicClock)
    }
}

impl<C: Clock + Clone> Bucket<C> {
    /// Creates a full bucket on this clock.
    #[must_use]
    pub fn with_clock(rate: Rate, clock: C) -> Self {
        Self {
            limiter: RateLimiter::direct_with_clock(rate.quota(), clock.clone()),
            size: rate.requests,
            clock,
        }
    }

    /// Takes this many tokens, at most the size of the bucket; 0 always succeeds.
    ///
    /// # Errors
    /// Returns the time until there are enough. Nothing is taken then.
    pub fn take(&self, tokens: u32) -> Result<(), Duration> {
        let Some(tokens) = NonZeroU32::new(tokens.min(self.size.get())) else {
            return Ok(());
        };
        match self.limiter.check_n(tokens) {
            Ok(Err(not_yet)) => Err(not_yet.wait_time_from(self.clock.now())),
            // More than the size was ruled out above.
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn rate(requests: u32, seconds: u32) -> Rate {
        Rate {
            requests: NonZeroU32::new(requests).unwrap(),
            seconds: NonZeroU32::new(seconds).unwrap(),
        }
    }

    #[test]
    fn bucket_refills_evenly_after_its_burst() {
        let clock = FakeRelativeClock::default();
        let bucket = Bucket::with_clock(rate(100, 60), clock.clone());
        for _ in 0..95 {
            assert_eq!(bucket.take(1), Ok(()));
        }
        assert_eq!(bucket.take(5), Ok(()));
        assert_eq!(bucket.take(0), Ok(()));
        let wait = bucket.take(1).unwrap_err();
        assert!(
            wait > Duration::ZERO && wait <= Duration::from_millis(600),
            "{wait:?}"
        );
        clock.advance(Duration::from_millis(600));
        assert_eq!(bucket.take(1), Ok(()));
        assert!(bucket.take(2).unwrap_err() > Duration::from_millis(600));
        clock.advance(Duration::from_secs(60));
        assert_eq!(
            bucket.take(1_000),
            Ok(()),
            "what costs more than fits in takes all"
        );
    }

    #[test]
    fn rate_is_within_if_burst_and_pace_are() {
        for (narrow, wide, within) in [
            (rate(100, 60), rate(100, 60), true),
            (rate(50, 60), rate(100, 60), true),
            (rate(100, 120), rate(100, 60), true),
            (rate(50, 30), rate(100, 60), true),
            (rate(50, 20), rate(100, 60), false),
            (rate(200, 600), rate(100, 60), false),
        ] {
            assert_eq!(narrow.within(wide), within, "{narrow:?} {wide:?}");
        }
    }
}
