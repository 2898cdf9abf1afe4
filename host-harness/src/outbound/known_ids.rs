//! Ids and times found in the answers of a call: the sources that the result of the call may cite.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use uuid::Uuid;

/// Maximum number of ids, and of times, kept of one call. A result that cites one beyond it leaves
/// its sources out.
const KEPT_MAX: usize = 16_384;
/// Length of an id as services write it.
const ID: usize = 36;
/// Longest text that is parsed as a time.
const TIME_MAX: usize = 40;

/// Ids and times found in the answers of a call.
#[derive(Debug, Default)]
pub struct KnownIds(Mutex<IdsAndTimes>);

#[derive(Debug, Default)]
struct IdsAndTimes {
    ids: HashSet<Uuid>,
    times: HashSet<i64>,
}

impl KnownIds {
    /// Adds every text of an answer that is an id (RFC 9562) or a time (RFC 3339).
    pub fn take_in(&self, answer: &[u8]) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Each quotation mark may begin a text; one that ends a text is followed by neither form.
        for quote in memchr::memchr_iter(b'"', answer) {
            let rest = answer.get(quote + 1..).unwrap_or_default();
            if let Some(id) = id(rest)
                && seen.ids.len() < KEPT_MAX
            {
                seen.ids.insert(id);
            } else if let Some(time) = time(rest)
                && seen.times.len() < KEPT_MAX
            {
                seen.times.insert(time);
            }
        }
    }

    /// Returns true if an answer contained this id.
    #[must_use]
    pub fn knows(&self, id: Uuid) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.ids.contains(&id)
    }

    /// Returns true if an answer contained this time, in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn knows_time(&self, time: i64) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.times.contains(&time)
    }
}

fn id(rest: &[u8]) -> Option<Uuid> {
    if rest.get(ID) != Some(&b'"') {
        return None;
    }
    Uuid::try_parse_ascii(rest.get(..ID)?).ok()
}

fn time(rest: &[u8]) -> Option<i64> {
    // Only a text like `2026-03-11T` is parsed further.
    if (rest.get(4), rest.get(7), rest.get(10)) != (Some(&b'-'), Some(&b'-'), Some(&b'T')) {
        return None;
    }
    let text = rest.get(..TIME_MAX).unwrap_or(rest);
    let end = memchr::memchr(b'"', text)?;
    let text = std::str::from_utf8(text.get(..end)?).ok()?;
    let time: Timestamp = text.parse().ok()?;
    Some(time.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_times_of_an_answer_are_known() {
        let told = KnownIds::default();
        told.take_in(
            br#"{"id":"0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a001","updatedAt":"2026-03-01T00:00:00.250Z","name":"0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a002 "}"#,
        );
        let id = |last: u8| {
            let text = format!("0b7e7dee-1f0e-4b8e-9a31-94c6a7c1a00{last}");
            text.parse::<Uuid>().unwrap()
        };
        assert!(told.knows(id(1)) && !told.knows(id(2)) && !told.knows(id(3)));
        assert!(told.knows_time(1_772_323_200_250) && !told.knows_time(1_772_323_200_251));
    }

    #[test]
    fn known_ids_are_bounded() {
        let told = KnownIds::default();
        for number in 0..KEPT_MAX + 10 {
            let id = Uuid::from_u128(number as u128 + 1);
            told.take_in(format!("\"{id}\"").as_bytes());
        }
        assert!(told.knows(Uuid::from_u128(1)));
        assert!(!told.knows(Uuid::from_u128(KEPT_MAX as u128 + 5)));
    }
}
