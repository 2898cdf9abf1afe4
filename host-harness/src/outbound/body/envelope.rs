//! Record envelopes: JSON in a text that states the kind of a record, the fields that it discloses
//! and its provenance.
//!
//! ```json
//! {"kind": "demo.note", "id": "7", "fields": {"title": "…"}, "omitted": ["body"],
//!  "provenance": {"source": "notes", "object": "note", "recordId": "7",
//!                 "recordUpdatedAt": "2026-03-31T17:00:00Z",
//!                 "fetchedAt": "2026-03-31T18:00:00Z", "skill": "demo/0.1.0"}}
//! ```
//!
//! `created: true` replaces `recordUpdatedAt` where the plan itself creates the record. `omitted`
//! may be left out.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::contents::Contents;
use super::error::{BodyMisfit, Why};
use super::texts::{Text, take_out};
use super::types::is_id;
use crate::outbound::dlp::disclosure::{DisclosureField, DisclosureKind};
use crate::outbound::formats::is_date_time;

/// Deepest value of a field: a list or an object of lists or objects of scalars.
const DEPTH_MAX: usize = 2;
/// Most items of a list and members of an object.
const ITEMS_MAX: usize = 100;
/// Longest text of a field, in bytes.
const TEXT_MAX: usize = 16 * 1024;
/// Longest name of a member in a field's value, in bytes.
const NAME_MAX: usize = 64;

/// A record envelope in a text of a body.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// JSON pointer to the text.
    pub pointer: String,
    /// The kind, one that the manifest lists.
    pub kind: String,
    /// The record's id.
    pub id: String,
    /// The disclosed fields, in their order; each is listed for the kind.
    pub fields: Vec<String>,
    /// The fields that it names as left out; each is listed for the kind.
    pub omitted: Vec<String>,
    /// Provenance of the record.
    pub provenance: RecordProvenance,
    /// The whole envelope.
    pub value: Value,
}

/// Provenance of a record, as a guest states it. Its form has been checked, and that it names this
/// record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordProvenance {
    /// The destination that the record was read from.
    pub source: String,
    /// Time of the last change in the service (RFC 3339); `None` if the plan itself creates the
    /// record.
    pub updated_at: Option<String>,
    /// Time of the read (RFC 3339).
    pub fetched_at: String,
}

/// Contents of a body that later checks look at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BodyContents {
    /// Every text that can carry a value from another service: texts, numbers, addresses, ids, and
    /// member names where they are free. Words of a list, settings and provenance cannot.
    pub texts: Vec<Text>,
    /// The record envelopes.
    pub envelopes: Vec<Envelope>,
}

impl Contents {
    /// Checks a record envelope and adds its contents to `held`.
    pub(super) fn envelope(
        &self,
        at: &str,
        value: Value,
        held: &mut BodyContents,
    ) -> Result<(), BodyMisfit> {
        let members = object(&value, at)?;
        only(
            members,
            &["kind", "id", "fields", "omitted", "provenance"],
            at,
        )?;
        let name = text(members, "kind", at)?;
        let kind = (self.kinds.get(name)).ok_or_else(|| Why::Shape.at(at))?;
        let id = text(members, "id", at)?;
        if !is_id(id) {
            return Err(Why::Type("id".into()).at(&format!("{at}/id")));
        }
        let listed = |field: &str| {
            let known = kind.field(field);
            known.ok_or_else(|| Why::Field(name.to_owned()).at(at))
        };
        let below = format!("{at}/fields");
        let fields = object(get(members, "fields", at)?, &below)?;
        let mut texts = vec![Text {
            pointer: format!("{at}/id"),
            text: id.to_owned(),
            free: false,
        }];
        for (field, value) in fields {
            leaves(
                listed(field)?,
                value,
                &format!("{below}/{field}"),
                DEPTH_MAX,
                &mut texts,
            )?;
        }
        let omitted = members.get("omitted").map(|omitted| {
            let Value::Array(omitted) = omitted else {
                return Err(Why::Form("a list").at(&format!("{at}/omitted")));
            };
            let names = omitted
                .iter()
                .map(|field| Ok(listed(field.as_str().unwrap_or_default())?.name.clone()));
            names.collect::<Result<Vec<_>, _>>()
        });
        let omitted = omitted.transpose()?.unwrap_or_default();
        let distinct = omitted.iter().collect::<BTreeSet<_>>();
        if distinct.len() != omitted.len() {
            return Err(Why::Size.at(&format!("{at}/omitted")));
        }
        let provenance = self.provenance(
            get(members, "provenance", at)?,
            kind,
            id,
            &format!("{at}/provenance"),
        )?;
        held.texts.extend(texts);
        held.envelopes.push(Envelope {
            pointer: at.to_owned(),
            kind: name.to_owned(),
            id: id.to_owned(),
            fields: fields.keys().cloned().collect(),
            omitted,
            provenance,
            value,
        });
        Ok(())
    }

    /// Parses and checks the provenance of an envelope. No member of it is free, so that none can
    /// carry another value.
    fn provenance(
        &self,
        value: &Value,
        kind: &DisclosureKind,
        id: &str,
        at: &str,
    ) -> Result<RecordProvenance, BodyMisfit> {
        let members = object(value, at)?;
        let known = [
            "source",
            "object",
            "recordId",
            "recordUpdatedAt",
            "created",
            "fetchedAt",
            "skill",
        ];
        only(members, &known, at)?;
        let source = text(members, "source", at)?;
        for (name, right) in [
            ("source", self.destinations.contains(source)),
            ("object", text(members, "object", at)? == kind.record()),
            ("recordId", text(members, "recordId", at)? == id),
            ("skill", text(members, "skill", at)? == self.skill),
        ] {
            if !right {
                return Err(Why::Provenance(name).at(at));
            }
        }
        let time = |name| {
            let time = text(members, name, at)?;
            match is_date_time(time) {
                true => Ok(time.to_owned()),
                false => Err(Why::Provenance(name).at(at)),
            }
        };
        let updated_at = match members.get("created") {
            None => Some(time("recordUpdatedAt")?),
            Some(Value::Bool(true)) if !members.contains_key("recordUpdatedAt") => None,
            Some(_) => return Err(Why::Provenance("created").at(at)),
        };
        Ok(RecordProvenance {
            source: source.to_owned(),
            updated_at,
            fetched_at: time("fetchedAt")?,
        })
    }

    /// Redacts the free-text fields of a record. Returns true if one has changed.
    pub(super) fn redact_fields(
        &self,
        value: &mut Value,
        found: &mut BTreeSet<redaction::Kind>,
    ) -> bool {
        let kind = value
            .get("kind")
            .and_then(Value::as_str)
            .and_then(|kind| self.kinds.get(kind));
        let Some((kind, Value::Object(fields))) = kind.zip(value.get_mut("fields")) else {
            return false;
        };
        let free = |name: &str| !kind.field(name).is_some_and(|field| field.exact);
        let mut changed = false;
        for (_, value) in fields.iter_mut().filter(|(name, _)| free(name)) {
            changed |= redact_all(value, found);
        }
        changed
    }
}

/// Redacts every text of a value. Returns true if one has changed.
fn redact_all(value: &mut Value, found: &mut BTreeSet<redaction::Kind>) -> bool {
    match value {
        Value::String(text) => take_out(text, found),
        // No short circuit: every item is redacted.
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |changed, item| redact_all(item, found) | changed),
        Value::Object(members) => {
            (members.values_mut()).fold(false, |changed, item| redact_all(item, found) | changed)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Collects the texts in the value of a field. Member names are the guest's choice: they are
/// collected as texts, and not repeated in a refusal.
fn leaves(
    field: &DisclosureField,
    value: &Value,
    at: &str,
    depth: usize,
    texts: &mut Vec<Text>,
) -> Result<(), BodyMisfit> {
    let mut keep = |text: String, free: bool| {
        texts.push(Text {
            pointer: at.to_owned(),
            text,
            free,
        });
    };
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::Number(number) => {
            keep(number.to_string(), false);
            Ok(())
        }
        Value::String(text) if text.len() > TEXT_MAX => Err(Why::Size.at(at)),
        Value::String(text) => {
            keep(text.clone(), !field.exact);
            Ok(())
        }
        Value::Array(items) if depth > 0 && items.len() <= ITEMS_MAX => (items.iter().enumerate())
            .try_for_each(|(index, item)| {
                leaves(field, item, &format!("{at}/{index}"), depth - 1, texts)
            }),
        Value::Object(members) if depth > 0 && members.len() <= ITEMS_MAX => {
            for name in members.keys() {
                if !is_member(name) {
                    return Err(Why::Member.at(at));
                }
                keep(name.clone(), false);
            }
            (members.values())
                .try_for_each(|item| leaves(field, item, &format!("{at}/*"), depth - 1, texts))
        }
        Value::Array(_) | Value::Object(_) => Err(Why::Size.at(at)),
    }
}

fn is_member(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn object<'v>(value: &'v Value, at: &str) -> Result<&'v Map<String, Value>, BodyMisfit> {
    value
        .as_object()
        .ok_or_else(|| Why::Form("an object").at(at))
}

fn only(members: &Map<String, Value>, known: &[&str], at: &str) -> Result<(), BodyMisfit> {
    let listed = members.keys().all(|name| known.contains(&name.as_str()));
    listed.then_some(()).ok_or_else(|| Why::Member.at(at))
}

fn get<'v>(
    members: &'v Map<String, Value>,
    name: &'static str,
    at: &str,
) -> Result<&'v Value, BodyMisfit> {
    members.get(name).ok_or_else(|| Why::Missing(name).at(at))
}

fn text<'v>(
    members: &'v Map<String, Value>,
    name: &'static str,
    at: &str,
) -> Result<&'v str, BodyMisfit> {
    let value = get(members, name, at)?;
    value
        .as_str()
        .ok_or_else(|| Why::Form("a text").at(&format!("{at}/{name}")))
}
