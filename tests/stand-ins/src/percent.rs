//! Percent-encoding, as paths and queries of requests come in.

use percent_encoding::percent_decode_str;

/// Undoes percent-encoding in a segment of a path, where `+` is itself.
pub(crate) fn decoded_segment(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Undoes percent-encoding as query strings use it, where `+` is a space.
pub(crate) fn decoded(text: &str) -> String {
    decoded_segment(&text.replace('+', " "))
}
