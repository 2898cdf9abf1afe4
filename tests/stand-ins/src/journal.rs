//! The journal of a stand-in: the last requests that it received, for tests. Values of
//! `authorization` are never kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::http::request::Parts;
use serde::Serialize;
use serde_json::Value;

use crate::faults::leads_to;

/// The number of requests that are kept; older ones are dropped first.
pub const KEPT: usize = 4096;

/// One request as it arrived.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Header names in lower case with their values, in the order of arrival; the value of
    /// `authorization` reads `<present>`.
    pub headers: Vec<(String, String)>,
    /// The whole body, however long; bytes that are not UTF-8 are replaced.
    pub body: String,
}

impl Received {
    /// The body as JSON, if it is that.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }

    /// Returns true if the request has this method and is on this route, with `*` for any one
    /// segment: `is("POST", "/tez/*/reply")`.
    pub fn is(&self, method: &str, route: &str) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        self.method == method && leads_to(path, route)
    }
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

    /// The kept requests with this method on this route, oldest first; `*` stands for any one
    /// segment.
    pub fn on_route(&self, method: &str, route: &str) -> Vec<Received> {
        let mut all = self.all();
        all.retain(|received| received.is(method, route));
        all
    }

    /// The number of requests that are kept.
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
