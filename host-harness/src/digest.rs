//! SHA-256 in hexadecimal, and the name of a plan: the digest of the bytes that are stored.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Domain separator hashed before the plan, so that no other text of ours has the same digest.
const CONTEXT: &[u8] = b"crm-harness plan, version 1\n";
/// Least number of digits that name a plan on the command line.
const SHORT_MIN: usize = 6;

/// SHA-256 of a stored plan, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Computes the digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut digest = Sha256::new();
        digest.update(CONTEXT);
        digest.update(bytes);
        Self(hex(&digest.finalize()))
    }

    /// Returns the digest as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first digits, for display.
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

/// Error of a text that is not a digest.
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

/// Encodes bytes in lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Parses a SHA-256 written in lower-case hexadecimal.
#[must_use]
pub fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    let lower = text
        .bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if text.len() != 64 || !lower {
        return None;
    }
    let mut digest = [0_u8; 32];
    for (index, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_as_it_was_written() {
        let digest: [u8; 32] = Sha256::digest(b"x").into();
        assert_eq!(parse_sha256(&hex(&digest)), Some(digest));
        assert_eq!(parse_sha256(&hex(&digest).to_uppercase()), None);
        assert_eq!(parse_sha256("ab"), None);
    }
}
