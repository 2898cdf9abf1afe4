//! Answers of documents that the manifest marks cacheable, kept in memory for a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

/// Most answers kept.
const ENTRIES_MAX: usize = 64;
/// Largest answer kept, in bytes.
const ENTRY_MAX: usize = 512 * 1024;

/// Names an answer: destination, credential and the exact body (document and variables).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of this body sent to this destination with this generation of its credential.
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

/// A generation, told apart from no credential at all.
fn tagged(generation: u64) -> [u8; 9] {
    let [a, b, c, d, e, f, g, h] = generation.to_le_bytes();
    [1, a, b, c, d, e, f, g, h]
}

/// The answers kept.
#[derive(Debug, Default)]
pub struct Cache {
    entries: Mutex<HashMap<Key, (Instant, Response<Bytes>)>>,
}

impl Cache {
    /// The answer under this key, if it is still good.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<Response<Bytes>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries
            .get(key)
            .filter(|(until, _)| Instant::now() < *until)
            .map(|(_, response)| response.clone())
    }

    /// Keeps an answer for `seconds`, if it is whole, small enough and without errors.
    pub fn put(&self, key: Key, seconds: u32, response: &Response<Bytes>) {
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

/// Whether an answer reports errors, as GraphQL does beside status 200, or is no JSON object at all.
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
    fn an_answer_is_kept_only_if_it_is_good_and_only_for_its_time() {
        let cache = Cache::default();
        for (name, seconds, body, kept) in [
            ("good", 60, r#"{"data":{}}"#, true),
            ("errors", 60, r#"{"data":null,"errors":[]}"#, false),
            ("html", 60, "<html>", false),
            ("expired", 0, r#"{"data":{}}"#, false),
        ] {
            let key = Key::new("service", None, "/", name.as_bytes());
            cache.put(key, seconds, &answer(body));
            assert_eq!(cache.get(&key).is_some(), kept, "{name}");
        }
    }

    #[test]
    fn another_destination_credential_path_or_body_is_another_answer() {
        let key = Key::new("a", Some(0), "/p", b"x");
        for other in [
            Key::new("b", Some(0), "/p", b"x"),
            Key::new("a", Some(1), "/p", b"x"),
            Key::new("a", None, "/p", b"x"),
            Key::new("a", Some(0), "/q", b"x"),
            Key::new("a", Some(0), "/p", b"y"),
        ] {
            assert_ne!(key, other);
        }
        assert_eq!(key, Key::new("a", Some(0), "/p", b"x"));
    }

    #[test]
    fn it_never_holds_more_than_its_bound() {
        let cache = Cache::default();
        for index in 0..ENTRIES_MAX + 10 {
            cache.put(
                Key::new("a", None, "/", index.to_string().as_bytes()),
                60,
                &answer("{}"),
            );
        }
        assert_eq!(cache.entries.lock().unwrap().len(), ENTRIES_MAX);
    }
}
