//! A memory cache of answers that the manifest marks cacheable.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

/// Maximum number of cached answers.
const ENTRIES_MAX: usize = 64;
/// Largest cached answer, in bytes.
const ENTRY_MAX: usize = 512 * 1024;

/// A cache key: destination, credential, path and the exact body (document and variables).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// Creates the key of this body, sent to this path of a destination with this generation of its
    /// credential.
    #[must_use]
    pub fn new(destination: &str, generation: Option<u64>, path: &str, body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        for part in [
            destination.as_bytes(),
            &generation.map_or([0; 9], tagged),
            path.as_bytes(),
        ] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.update(body);
        Self(hash.finalize().into())
    }
}

/// Encodes a generation so that it differs from no credential at all.
fn tagged(generation: u64) -> [u8; 9] {
    let [a, b, c, d, e, f, g, h] = generation.to_le_bytes();
    [1, a, b, c, d, e, f, g, h]
}

/// A bounded cache of answers.
#[derive(Debug, Default)]
pub struct Cache {
    entries: Mutex<HashMap<CacheKey, (Instant, Response<Bytes>)>>,
}

impl Cache {
    /// Returns the answer under this key, unless it has expired.
    #[must_use]
    pub fn get(&self, key: &CacheKey) -> Option<Response<Bytes>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries
            .get(key)
            .filter(|(until, _)| Instant::now() < *until)
            .map(|(_, response)| response.clone())
    }

    /// Caches an answer for `seconds` if its status is 200, it is small enough and it reports no
    /// errors.
    pub fn put(&self, key: CacheKey, seconds: u32, response: &Response<Bytes>) {
        if response.status() != http::StatusCode::OK
            || response.body().len() > ENTRY_MAX
            || has_errors(response.body())
        {
            return;
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if entries.len() >= ENTRIES_MAX {
            entries.retain(|_, (until, _)| now < *until);
        }
        if entries.len() >= ENTRIES_MAX {
            let soonest = entries
                .iter()
                .min_by_key(|(_, (until, _))| *until)
                .map(|(key, _)| *key);
            soonest.and_then(|key| entries.remove(&key));
        }
        entries.insert(
            key,
            (now + Duration::from_secs(seconds.into()), response.clone()),
        );
    }
}

/// Returns true if an answer reports errors, as GraphQL does beside status 200, or is not a JSON
/// object.
fn has_errors(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Answer {
        errors: Option<IgnoredAny>,
    }
    serde_json::from_slice::<Answer>(body).map_or(true, |answer| answer.errors.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &'static str) -> Response<Bytes> {
        Response::new(Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn only_good_answers_are_cached_until_expiry() {
        let cache = Cache::default();
        for (name, seconds, body, kept) in [
            ("good", 60, r#"{"data":{}}"#, true),
            ("errors", 60, r#"{"data":null,"errors":[]}"#, false),
            ("html", 60, "<html>", false),
            ("expired", 0, r#"{"data":{}}"#, false),
        ] {
            let key = CacheKey::new("service", None, "/", name.as_bytes());
            cache.put(key, seconds, &answer(body));
            assert_eq!(cache.get(&key).is_some(), kept, "{name}");
        }
    }

    #[test]
    fn key_differs_by_each_of_its_parts() {
        let key = CacheKey::new("a", Some(0), "/p", b"x");
        for other in [
            CacheKey::new("b", Some(0), "/p", b"x"),
            CacheKey::new("a", Some(1), "/p", b"x"),
            CacheKey::new("a", None, "/p", b"x"),
            CacheKey::new("a", Some(0), "/q", b"x"),
            CacheKey::new("a", Some(0), "/p", b"y"),
        ] {
            assert_ne!(key, other);
        }
        assert_eq!(key, CacheKey::new("a", Some(0), "/p", b"x"));
    }

    #[test]
    fn cache_is_bounded() {
        let cache = Cache::default();
        for index in 0..ENTRIES_MAX + 10 {
            cache.put(
                CacheKey::new("a", None, "/", index.to_string().as_bytes()),
                60,
                &answer("{}"),
            );
        }
        assert_eq!(cache.entries.lock().unwrap().len(), ENTRIES_MAX);
    }
}
