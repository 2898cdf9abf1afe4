//! Percent-encoding, as paths and queries of requests come in.

/// Undoes percent-encoding in a segment of a path, where `+` is itself.
pub(crate) fn decoded_segment(text: &str) -> String {
    decoded(&text.replace('+', "%2B"))
}

/// Undoes percent-encoding as query strings use it, where `+` is a space.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |b: Option<u8>| {
                    b.and_then(|b| char::from(b).to_digit(16))
                        .and_then(|d| u8::try_from(d).ok())
                        .unwrap_or(0)
                };
                digit(rest.next()) << 4 | digit(rest.next())
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
