//! Form of an answer to a trusted document: one JSON object, or nothing of it is passed on.
//!
//! The checks of answers (owners of records, data loss prevention) read JSON. An answer in any
//! other form would reach the guest unchecked.

use std::fmt;

use bytes::Bytes;
use http::Response;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Returns the answer if it is a JSON object. Of an error in another form, such as a proxy's page,
/// only the status is passed on; a success in another form is withheld.
pub(in crate::outbound) fn of_document(response: Response<Bytes>) -> Option<Response<Bytes>> {
    if is_object(response.body()) {
        return Some(response);
    }
    if response.status().is_success() {
        return None;
    }
    let (parts, _) = response.into_parts();
    Some(Response::from_parts(parts, Bytes::new()))
}

/// Returns true if the bytes are one JSON object that can be read to its end, no deeper than values
/// are read elsewhere.
fn is_object(body: &[u8]) -> bool {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    first == Some(&b'{') && serde_json::from_slice::<Readable>(body).is_ok()
}

/// Any JSON value. Unlike `IgnoredAny` it meets every limit of the parser, depth and size of
/// numbers among them.
struct Readable;

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Readable {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handed_on(status: u16, body: &str) -> Option<String> {
        let response = Response::builder().status(status);
        let response = response.body(Bytes::from(body.to_owned())).unwrap();
        let kept = of_document(response)?;
        Some(String::from_utf8(kept.into_body().to_vec()).unwrap())
    }

    #[test]
    fn only_a_json_object_is_passed_on() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        for body in [
            "{}",
            " {\"data\": {\"a\": [1, -2.5, true, null, \"b\"]}}\n",
            "{\"errors\":[]}",
        ] {
            assert_eq!(handed_on(200, body).as_deref(), Some(body));
            assert_eq!(handed_on(500, body).as_deref(), Some(body));
        }
        for body in [
            "",
            "[]",
            "null",
            "\"text\"",
            "event: next\ndata: {\"data\":{}}\n\n",
            "<html>",
            "{\"data\":",
            "{\"data\":{}} {}",
            "{\"data\":1e999}",
            "\u{feff}{}",
            &deep,
        ] {
            assert_eq!(handed_on(200, body), None, "{body}");
            assert_eq!(handed_on(502, body).as_deref(), Some(""), "{body}");
        }
    }
}
