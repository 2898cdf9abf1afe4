//! Text as the relay stores it: cleaned, measured, typed.

use unicode_normalization::UnicodeNormalization as _;

/// The most UTF-16 units that the content of a context entry may have.
pub(super) const MOST_CONTENT: usize = 262_144;

/// The MIME types that content may have; everything else is stored as plain text.
const MIME_TYPES: [&str; 18] = [
    "text/plain",
    "text/markdown",
    "text/html",
    "text/csv",
    "application/json",
    "application/xml",
    "application/pdf",
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/svg+xml",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/webm",
    "video/mp4",
    "video/webm",
];

/// Text in NFC, without zero-width, bidi and control characters.
pub(super) fn cleaned(text: &str) -> String {
    text.nfc().filter(|c| !is_stripped(*c)).collect()
}

fn is_stripped(c: char) -> bool {
    let control = c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r');
    let zero_width = matches!(c, '\u{200b}'..='\u{200d}' | '\u{feff}' | '\u{2060}');
    let bidi = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    control || zero_width || bidi
}

/// Returns the MIME type that content of this type is stored as.
pub(super) fn mime_type(given: &str) -> &str {
    if MIME_TYPES.contains(&given) {
        given
    } else {
        "text/plain"
    }
}

/// The length that the service counts: UTF-16 units.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}
