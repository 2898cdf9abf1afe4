//! Indexes the values of an answer.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::index::{At, Index, NONE, StepAt};
use super::number::{self, Decimal};
use super::{MemberNames, RecordPlace};
use crate::json_path::Wanted;
use crate::outbound::formats::is_uuid;

/// Maximum depth of JSON in texts that is read.
const NESTED_MAX: u8 = 3;
/// Longest id, in bytes.
const ID_MAX: usize = 64;
/// Longest word of a fixed list, in bytes.
const WORD_MAX: usize = 64;

/// Indexes an answer. One that is not JSON counts as a whole and in pieces between signs, since its
/// structure is unknown.
pub(super) fn answer(index: &mut Index, places: &[RecordPlace], names: &MemberNames, body: &[u8]) {
    let mut walk = Walk {
        index,
        places,
        names,
        steps: Vec::new(),
    };
    let at = At {
        node: NONE,
        record: NONE,
        name: NONE,
    };
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = walk.value(at, NONE, 0).deserialize(&mut json).is_ok() && json.end().is_ok();
    if read {
        return;
    }
    let text = String::from_utf8_lossy(body);
    let at = At {
        name: walk.index.name("*"),
        ..at
    };
    walk.index.text(at, &text, false);
    for piece in text.split(|c: char| "<>\"{}[]=,;:|&\n\r\t".contains(c)) {
        walk.index.text(at, piece, false);
        if let Some(number) = number::whole(piece.trim()) {
            walk.index.number(at, number);
        }
    }
}

struct Walk<'w> {
    index: &'w mut Index,
    places: &'w [RecordPlace],
    names: &'w MemberNames,
    /// The steps to the current place.
    steps: Vec<StepAt>,
}

/// A seed that reads the value at a place.
struct Below<'v, 'w> {
    walk: &'v mut Walk<'w>,
    at: At,
    /// The record whose id this value is.
    id_of: u32,
    nested: u8,
}

impl<'w> Walk<'w> {
    fn value<'v>(&'v mut self, at: At, id_of: u32, nested: u8) -> Below<'v, 'w> {
        Below {
            walk: self,
            at,
            id_of,
            nested,
        }
    }

    /// Returns the kind of the record at the current place.
    fn kind(&self) -> Option<&'w str> {
        let found = self.places.iter().find(|place| {
            place.at.depth() == self.steps.len()
                && place
                    .at
                    .steps()
                    .iter()
                    .zip(&self.steps)
                    .all(|(wanted, step)| match (wanted, step) {
                        (Wanted::Name(wanted), StepAt::Name(name)) => {
                            self.index.name_of(*name) == wanted
                        }
                        (Wanted::Item, StepAt::Index(_)) => true,
                        _ => false,
                    })
        });
        found.map(|place| place.kind.as_str())
    }

    fn text(&mut self, at: At, text: &str, nested: u8) {
        let inner = text.trim_start();
        if nested < NESTED_MAX && inner.starts_with(['{', '[']) {
            let mut json = serde_json::Deserializer::from_str(inner);
            // Whatever can be parsed counts; the text as a whole counts in any case.
            let _ = self.value(at, NONE, nested + 1).deserialize(&mut json);
        }
        let name = self.index.name_of(at.name);
        if name == "__typename" || is_uuid(text) || (self.names.ids.contains(name) && is_id(text)) {
            return;
        }
        let word = self.names.words.contains(name) && is_word(text);
        if let Some(number) = number::whole(text) {
            self.number(at, number);
        }
        self.index.text(at, text, word);
    }

    fn number(&mut self, at: At, number: Decimal) {
        let name = self.index.name_of(at.name);
        if self.names.ids.contains(name) {
            return;
        }
        let millionth = self.names.micros.contains(name).then(|| number.millionth());
        self.index.number(at, number);
        if let Some(millionth) = millionth {
            self.index.number(at, millionth);
        }
    }
}

impl Below<'_, '_> {
    /// Sets the id of the record if this value is one. A record whose id has another form is never
    /// named, and nothing of it is disclosed.
    fn identify(&mut self, id: &str) {
        if self.id_of != NONE && is_id(id) {
            self.walk.index.identify(self.id_of, id.to_owned());
        }
    }
}

impl<'de> DeserializeSeed<'de> for Below<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Below<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self {
            walk, at, nested, ..
        } = self;
        let kind = walk.kind();
        let record = kind.map_or(at.record, |kind| walk.index.record(kind, at.node));
        while let Some(name) = map.next_key_seed(Name(walk.index))? {
            let step = StepAt::Name(name);
            let id_of = if kind.is_some() && walk.index.name_of(name) == "id" {
                record
            } else {
                NONE
            };
            let node = walk.index.node(at.node, step);
            walk.steps.push(step);
            map.next_value_seed(walk.value(At { node, record, name }, id_of, nested))?;
            walk.steps.pop();
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self {
            walk, at, nested, ..
        } = self;
        for index in 0.. {
            let step = StepAt::Index(index);
            let node = walk.index.node(at.node, step);
            walk.steps.push(step);
            let more = list.next_element_seed(walk.value(At { node, ..at }, NONE, nested))?;
            walk.steps.pop();
            if more.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        self.identify(text);
        self.walk.text(self.at, text, self.nested);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(mut self, number: u64) -> Result<(), E> {
        self.identify(&number.to_string());
        self.walk.number(self.at, Decimal::new(number.into(), 0));
        Ok(())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        self.visit_u64(number.unsigned_abs())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        // Written without an exponent, whatever its size.
        if let Some(number) = Decimal::parse(&number.to_string()) {
            self.walk.number(self.at, number);
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A seed that interns a member name.
struct Name<'i>(&'i mut Index);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = u32;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u32, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<u32, E> {
        Ok(self.0.name(name))
    }
}

fn is_id(text: &str) -> bool {
    (1..=ID_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Returns true if a text looks like a word of a fixed list.
fn is_word(text: &str) -> bool {
    text.len() <= WORD_MAX
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}
