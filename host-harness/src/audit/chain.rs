//! Rows of the audit log and the hashes that chain them, without input or output.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::digest::{hex, parse_sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// The previous hash of the first row.
pub const GENESIS: Hash = [0; 32];

/// The context that a hash covers besides the row, so that no other text has the same hash.
const CONTEXT: &[u8] = b"crm-harness audit row, version 1\n";

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number; the first is 1.
    pub seq: u64,
    /// The time of writing, in milliseconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    /// The kind of event.
    pub kind: String,
    /// The call that it belongs to; empty if there is none.
    pub call: String,
    /// The event: a JSON object.
    pub body: String,
    /// The hash of the previous row.
    pub previous: Hash,
    /// The hash of this row.
    pub hash: Hash,
}

impl Row {
    /// Returns the hash that this row must have: SHA-256 over a context line, the previous hash,
    /// number and time (64 bits, big endian), and kind, call and body, each after its length (64
    /// bits, big endian).
    #[must_use]
    pub fn sealed(&self) -> Hash {
        let mut digest = Sha256::new();
        digest.update(CONTEXT);
        digest.update(self.previous);
        digest.update(self.seq.to_be_bytes());
        digest.update(self.at.to_be_bytes());
        for text in [&self.kind, &self.call, &self.body] {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
        digest.finalize().into()
    }

    /// Returns the row's place in the chain.
    #[must_use]
    pub const fn head(&self) -> Head {
        Head {
            seq: self.seq,
            hash: self.hash,
        }
    }

    /// Returns the row as JSON, with hashes in hexadecimal and the body as an object.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        #[derive(Serialize)]
        struct Shown<'a> {
            seq: u64,
            at: String,
            kind: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            call: &'a str,
            body: serde_json::Value,
            previous: String,
            hash: String,
        }
        let at = jiff::Timestamp::from_millisecond(self.at)
            .map_or_else(|_| self.at.to_string(), |at| at.to_string());
        let body = serde_json::from_str(&self.body)
            .unwrap_or_else(|_| serde_json::Value::String(self.body.clone()));
        let shown = Shown {
            seq: self.seq,
            at,
            kind: &self.kind,
            call: &self.call,
            body,
            previous: hex(&self.previous),
            hash: hex(&self.hash),
        };
        serde_json::to_value(shown).unwrap_or_default()
    }
}

/// The end of a chain, to be written down elsewhere as `NUMBER:HASH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last row's number; 0 for an empty chain.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

impl Head {
    /// The head of a chain without rows.
    pub const EMPTY: Self = Self {
        seq: 0,
        hash: GENESIS,
    };
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, hex(&self.hash))
    }
}

/// The error for a text that is not a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "write the head as `audit verify` prints it: NUMBER:HASH, the hash in 64 lower-case hexadecimal digits"
)]
pub struct NotAHead;

impl FromStr for Head {
    type Err = NotAHead;

    fn from_str(text: &str) -> Result<Self, NotAHead> {
        let (seq, hash) = text.split_once(':').ok_or(NotAHead)?;
        Ok(Self {
            seq: seq.parse().map_err(|_| NotAHead)?,
            hash: parse_sha256(hash).ok_or(NotAHead)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            seq: 1,
            at: 5,
            kind: "request".into(),
            call: "c".into(),
            body: "{}".into(),
            previous: GENESIS,
            hash: GENESIS,
        }
    }

    #[test]
    fn every_part_of_a_row_is_in_its_hash() {
        let hash = row().sealed();
        let changes: [fn(&mut Row); 6] = [
            |row| row.seq = 2,
            |row| row.at = 6,
            |row| row.kind.push('x'),
            |row| row.call.clear(),
            |row| row.body.push(' '),
            |row| row.previous[0] = 1,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut other = row();
            change(&mut other);
            assert_ne!(other.sealed(), hash, "change {index}");
        }
        // Moving a character from one text to the next changes the hash too.
        let moved = Row {
            kind: "requestc".into(),
            call: String::new(),
            ..row()
        };
        assert_ne!(moved.sealed(), hash);
    }

    #[test]
    fn a_head_reads_back_as_it_was_written() {
        let head = Head {
            seq: 12,
            hash: row().sealed(),
        };
        assert_eq!(head.to_string().parse(), Ok(head));
        for bad in ["", "12", "12:", "x:00", "12:zz"] {
            assert_eq!(bad.parse::<Head>(), Err(NotAHead), "{bad}");
        }
    }
}
