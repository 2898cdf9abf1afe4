//! Reads of a call whose responses had records or people, kept so that the host can repeat them.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// Most bytes of the kept reads of one call. A read that does not fit is not kept: a record known
/// from that read alone cannot be observed again, and then has no known owner.
const BYTES_MAX: usize = 256 * 1024;

/// An allowed read, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObservedRead {
    /// The destination's name.
    pub destination: String,
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The body; empty if there is none.
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
