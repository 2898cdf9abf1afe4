//! The name of a plan: the SHA-256 of the bytes that are stored.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::outbound::documents::{hex, parse_sha256};

/// What a digest covers besides the plan, so that no other text of ours has the same one.
const CONTEXT: &[u8] = b"crm-harness plan, version 1\n";
/// Digits that are enough to name a plan on the command line.
const SHORT_MIN: usize = 6;

/// SHA-256 of a stored plan, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut digest = Sha256::new();
        digest.update(CONTEXT);
        digest.update(bytes);
        Self(hex(&digest.finalize()))
    }

    /// The digest as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }

    /// Returns true if a digest may begin with this text, and it is long enough to name one.
    #[must_use]
    pub fn may_begin_with(text: &str) -> bool {
        let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (SHORT_MIN..=64).contains(&text.len()) && text.bytes().all(digits)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a plan's digest has 64 lower-case hexadecimal digits")]
pub struct NotADigest;

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        parse_sha256(text)
            .map(|_| Self(text.to_owned()))
            .ok_or(NotADigest)
    }
}
