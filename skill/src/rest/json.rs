//! Parses JSON.

use serde_json::Value;

/// Parses JSON. There is one parser for all texts, because a generic one would be compiled for each
/// type.
pub(crate) fn parse(text: &[u8]) -> Option<Value> {
    serde_json::from_slice(text).ok()
}
