//! A scanner for secrets in answers: plain, URL-encoded, escaped in JSON, and in base64 at each
//! alignment.
//!
//! A service that echoes the credential, or a guest that got hold of it, must not pass it on.
//! Bodies are searched as a whole, so no border between chunks can hide a secret. The scan finds
//! accidents and simple tricks; a guest and a service that conspire can always agree on another
//! encoding, but then they need no secret either.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem;
use serde_json::Value;
use zeroize::Zeroizing;

use super::secret::Secret;

/// Minimum length of a secret that is searched for: a shorter one would be found in innocent text.
pub const SECRET_MIN: usize = 8;

/// A set of patterns to search for. Wiped when it is dropped.
#[derive(Default)]
pub struct Scanner {
    needles: Vec<Zeroizing<Vec<u8>>>,
    shortest: usize,
    /// True if a secret, or its base64, contains a character that JSON text may escape by itself.
    escapable: bool,
}

impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[scanner]")
    }
}

impl Scanner {
    /// Creates a scanner for these secrets; those shorter than [`SECRET_MIN`] are left out.
    #[must_use]
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let mut scanner = Self::default();
        for secret in secrets {
            let plain = secret.expose().as_bytes();
            if plain.len() < SECRET_MIN {
                continue;
            }
            scanner.needles.push(Zeroizing::new(plain.to_vec()));
            if plain.contains(&b' ') {
                // As HTML forms encode it.
                let plus = plain
                    .iter()
                    .map(|byte| if *byte == b' ' { b'+' } else { *byte });
                scanner.needles.push(Zeroizing::new(plus.collect()));
            }
            for skipped in 0..3 {
                scanner.base64(plain, skipped);
            }
        }
        scanner.escapable = (scanner.needles.iter()).any(|needle| {
            needle
                .iter()
                .any(|byte| matches!(byte, b'/' | b'"' | b'\\'))
        });
        scanner.shortest = scanner
            .needles
            .iter()
            .map(|needle| needle.len())
            .min()
            .unwrap_or(usize::MAX);
        scanner
    }

    /// Adds the base64 characters that depend on the secret alone when `before` bytes (modulo 3)
    /// precede it.
    fn base64(&mut self, plain: &[u8], before: usize) {
        let mut padded = Zeroizing::new(vec![0; before]);
        padded.extend_from_slice(plain);
        // Characters that also hold bits of their surroundings are left out.
        let from = (before * 8).div_ceil(6);
        let to = padded.len() * 8 / 6;
        for encoded in [
            Zeroizing::new(STANDARD_NO_PAD.encode(&*padded)),
            Zeroizing::new(URL_SAFE_NO_PAD.encode(&*padded)),
        ] {
            if let Some(needle) = encoded.as_bytes().get(from..to)
                && !self.needles.iter().any(|known| known.as_slice() == needle)
            {
                self.needles.push(Zeroizing::new(needle.to_vec()));
            }
        }
    }

    /// Returns true if the bytes contain a secret.
    #[must_use]
    pub fn finds(&self, bytes: &[u8]) -> bool {
        if bytes.len() < self.shortest || self.needles.is_empty() {
            return false;
        }
        if self.holds(bytes) {
            return true;
        }
        if memchr::memchr(b'%', bytes).is_some() && self.holds(&unescape_url(bytes)) {
            return true;
        }
        let escaped = self.escapable || memmem::find(bytes, b"\\u").is_some();
        escaped && memchr::memchr(b'\\', bytes).is_some() && self.holds(&unescape_json(bytes))
    }

    /// Returns true if a text of the value contains a secret.
    #[must_use]
    pub fn finds_in(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.finds(text.as_bytes()),
            Value::Array(items) => items.iter().any(|item| self.finds_in(item)),
            Value::Object(members) => members.values().any(|member| self.finds_in(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    fn holds(&self, bytes: &[u8]) -> bool {
        self.needles
            .iter()
            .any(|needle| memmem::find(bytes, needle).is_some())
    }
}

/// Decodes percent escapes. Anything else stays.
fn unescape_url(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        match behind
            .get(..2)
            .and_then(hex_byte)
            .filter(|_| *first == b'%')
        {
            Some(byte) => {
                plain.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                plain.push(*first);
                rest = behind;
            }
        }
    }
    plain
}

/// Decodes the JSON escapes of ASCII characters. Anything else stays.
fn unescape_json(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        let (byte, length) = match (first, behind) {
            (b'\\', [b'u', b'0', b'0', a, b, ..]) => match hex_byte(&[*a, *b]) {
                Some(byte) => (byte, 5),
                None => (*first, 0),
            },
            (b'\\', [escaped @ (b'/' | b'"' | b'\\'), ..]) => (*escaped, 1),
            _ => (*first, 0),
        };
        plain.push(byte);
        rest = behind.get(length..).unwrap_or_default();
    }
    plain
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    text.bytes()
        .all(|digit| digit.is_ascii_hexdigit())
        .then(|| u8::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "planted/Key+9 of\"3";

    fn scanner() -> Scanner {
        Scanner::new([&Secret::new(SECRET.into())])
    }

    #[test]
    fn secret_is_found_in_every_encoding() {
        let everywhere: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let json: String = SECRET
            .bytes()
            .map(|byte| format!("\\u00{byte:02X}"))
            .collect();
        let written = [
            SECRET.to_owned(),
            "planted%2FKey%2B9%20of%223".into(),
            "planted%2fKey%2b9+of%223".into(),
            everywhere,
            json,
            r#"planted\/Key+9 of\"3"#.into(),
        ];
        for text in written {
            for (before, behind) in [("", ""), ("x", "y"), ("{\"a\":\"", "\"}"), ("%", "%2")] {
                let text = format!("{before}{text}{behind}");
                assert!(scanner().finds(text.as_bytes()), "{text}");
            }
        }
        for engine in [
            &base64::engine::general_purpose::STANDARD,
            &base64::engine::general_purpose::URL_SAFE,
        ] {
            for before in ["", "a", "ab", "abc", "Bearer "] {
                for behind in ["", "z", "zz", "zzz"] {
                    let text = engine.encode(format!("{before}{SECRET}{behind}"));
                    assert!(
                        scanner().finds(text.as_bytes()),
                        "{before}…{behind}: {text}"
                    );
                }
            }
        }
    }

    #[test]
    fn json_escaped_base64_is_found() {
        let scanner = Scanner::new([&Secret::new("who???why???".into())]);
        let text = base64::engine::general_purpose::STANDARD.encode("who???why???");
        assert!(text.contains('/'), "{text}");
        assert!(scanner.finds(text.replace('/', "\\/").as_bytes()));
    }

    #[test]
    fn other_text_and_short_secrets_are_not_found() {
        for text in [
            "",
            "planted",
            "planted/Key+9 of",
            "%",
            "%2",
            "\\u00",
            "\\",
            "\\u00zz%zz",
        ] {
            assert!(!scanner().finds(text.as_bytes()), "{text}");
        }
        assert!(!Scanner::new([&Secret::new("short".into())]).finds(b"short"));
        assert!(!Scanner::default().finds(b"anything at all"));
    }

    #[test]
    fn every_text_of_a_value_is_searched() {
        let value = serde_json::json!({"a": [1, null, {"b": ["x", format!("<{SECRET}>")]}]});
        assert!(scanner().finds_in(&value));
        assert!(!scanner().finds_in(&serde_json::json!({"a": ["x", 1, true]})));
    }
}
