//! What a stand-in received: the last requests, for tests to look at. Values of `authorization` are never kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::http::request::Parts;
use serde::Serialize;

/// How many requests are kept; older ones are dropped first.
pub const KEPT: usize = 4096;

/// One request as it arrived.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Header names in lower case with their values, in the order of arrival; the value of `authorization` reads `<present>`.
    pub headers: Vec<(String, String)>,
    /// The body; bytes that are not UTF-8 are replaced.
    pub body: String,
}

struct Entry {
    parts: Parts,
    body: Bytes,
}

/// The received requests. Cloning shares them.
#[derive(Clone, Default)]
pub struct Journal(Arc<Mutex<VecDeque<Entry>>>);

impl Journal {
    pub(crate) fn push(&self, parts: &Parts, body: &Bytes) {
        let mut entries = self.lock();
        if entries.len() == KEPT {
            entries.pop_front();
        }
        entries.push_back(Entry {
            parts: parts.clone(),
            body: body.clone(),
        });
    }

    /// The kept requests, oldest first.
    pub fn all(&self) -> Vec<Received> {
        self.lock().iter().map(Entry::describe).collect()
    }

    /// How many requests are kept.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Forgets them.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn describe(&self) -> Received {
        let headers = self
            .parts
            .headers
            .iter()
            .map(|(name, value)| {
                let shown = if name == hyper::header::AUTHORIZATION {
                    "<present>".to_owned()
                } else {
                    String::from_utf8_lossy(value.as_bytes()).into_owned()
                };
                (name.as_str().to_owned(), shown)
            })
            .collect();
        Received {
            method: self.parts.method.to_string(),
            path: self
                .parts
                .uri
                .path_and_query()
                .map_or_else(String::new, ToString::to_string),
            headers,
            body: String::from_utf8_lossy(&self.body).into_owned(),
        }
    }
}
