//! Ids of records as callers and services write them.

use crate::failure::{self, Failure};

/// Checks an id, and returns it in lower case.
///
/// # Errors
/// `invalid-input` for anything but a UUID.
pub fn uuid(field: &str, text: &str) -> Result<String, Failure> {
    if is_uuid(text) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(failure::invalid_input(
        field,
        "this is no record id",
        "Give the id (a UUID) that crm_search shows for the record.",
    ))
}

/// Checks for a UUID as Twenty writes one: hyphenated, 36 characters (RFC 9562).
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
