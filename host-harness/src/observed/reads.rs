//! The reads of a call whose answers told of records and people, kept so that the host can make them again.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// The most that the reads of one call may hold together, in bytes. What does not fit is not kept: a record that only such a read
/// told of cannot be observed again, and then nobody is known to own it.
const BYTES_MAX: usize = 256 * 1024;

/// A read that was let through, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObservedRead {
    /// The destination's name.
    pub destination: String,
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The body; empty where there is none.
    pub body: String,
}

/// The reads of one call, each once.
#[derive(Debug, Default)]
pub(super) struct Reads(Mutex<Vec<ObservedRead>>);

impl Reads {
    pub(super) fn push(&self, read: ObservedRead) {
        let mut reads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let size = |read: &ObservedRead| read.path.len() + read.body.len();
        let held: usize = reads.iter().map(size).sum();
        if !reads.contains(&read) && held + size(&read) <= BYTES_MAX {
            reads.push(read);
        }
    }

    pub(super) fn all(&self) -> Vec<ObservedRead> {
        let reads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reads.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_kept_once_and_bounded() {
        let reads = Reads::default();
        let read = |body: String| ObservedRead {
            destination: "service".into(),
            method: "POST".into(),
            path: "/graphql".into(),
            body,
        };
        reads.push(read("a".into()));
        reads.push(read("a".into()));
        reads.push(read("x".repeat(BYTES_MAX)));
        reads.push(read("b".into()));
        let bodies: Vec<String> = reads.all().into_iter().map(|read| read.body).collect();
        assert_eq!(bodies, ["a", "b"]);
    }
}
