//! Values as the tables keep them, and how they read in JSON.

use std::cell::Cell;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use uuid::Uuid;

use super::quirks;

/// A stored value. Empty text is stored as `Null`, as the real service does; see [`Kind`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// SQL NULL.
    Null,
    /// A whole number: amounts in micros.
    Int(i64),
    /// A number with a fraction: positions.
    Float(f64),
    /// Text and members of enums; never empty.
    Text(Arc<str>),
    /// Milliseconds since the Unix epoch.
    Time(i64),
    /// A record id.
    Id(Uuid),
    /// Anything else.
    Json(Arc<serde_json::Value>),
}

/// The kind of a column, which decides how filters read their operands and how NULL reads in an
/// answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A UUID.
    Id,
    /// Text: NULL reads `""`, and `""` in a filter means NULL.
    Text,
    /// Text whose NULL reads null (currency codes).
    NullableText,
    /// One of these members.
    Enum(&'static EnumType),
    /// A date and time, read and written as ISO 8601 in UTC with milliseconds.
    Time,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// JSON of any shape; NULL reads null.
    Json,
    /// JSON of a list; NULL reads `[]`.
    JsonList,
}

/// An enum of the service's schema.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EnumType {
    /// Its name in the GraphQL schema.
    pub(crate) name: &'static str,
    /// Its name in the database, which shows in one error message.
    pub(crate) db_name: &'static str,
    /// Value, label and colour of each member of a new workspace's, in order.
    pub(crate) options: Choices,
}

/// Value, label and colour of each member of an enum, in order.
pub(super) type Choices = &'static [(&'static str, &'static str, &'static str)];

thread_local! {
    /// Members that replace those of an enum while a stand-in answers whose workspace has changed
    /// them.
    static CHANGED: Cell<Option<(&'static str, Choices)>> = const { Cell::new(None) };
}

/// Does something, which must not wait, as a workspace does in which the enum of this name has
/// these members.
pub(super) fn with_choices<T>(
    changed: Option<(&'static str, Choices)>,
    run: impl FnOnce() -> T,
) -> T {
    let before = CHANGED.replace(changed);
    let done = run();
    CHANGED.set(before);
    done
}

impl EnumType {
    /// The members in order; sorting goes by this order.
    pub(crate) fn choices(&self) -> Choices {
        let changed = CHANGED.get().filter(|(name, _)| *name == self.name);
        changed.map_or(self.options, |(_, choices)| choices)
    }

    /// Returns the rank of a member, if it is one.
    pub(crate) fn position(&self, value: &str) -> Option<usize> {
        self.choices()
            .iter()
            .position(|(name, _, _)| *name == value)
    }
}

impl Value {
    /// Text, or NULL where it is empty.
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        quirks::empty_text_is_null(text.as_ref())
    }

    /// The id, if this is one.
    pub(super) fn as_id(&self) -> Option<Uuid> {
        if let Self::Id(id) = self {
            Some(*id)
        } else {
            None
        }
    }

    /// The text, if there is any.
    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The texts: one, or those of a list.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let listed = match self {
            Self::Json(json) => json.as_array().map(Vec::as_slice).unwrap_or_default(),
            _ => &[],
        };
        let listed = listed.iter().filter_map(serde_json::Value::as_str);
        self.as_text().into_iter().chain(listed)
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// Appends a value as JSON.
pub(super) fn write_json(out: &mut Vec<u8>, value: &Value, kind: Kind) {
    match value {
        Value::Null => out.extend_from_slice(quirks::null(kind)),
        Value::Int(n) => write_display(out, n),
        // Positions are whole almost always, and then read without a fraction.
        Value::Float(n) if n.fract() == 0.0 && n.abs() < 9e15 => write_display(out, n),
        Value::Float(n) => write_serde(out, n),
        Value::Text(text) => write_str(out, text),
        Value::Time(ms) => {
            out.push(b'"');
            write_time(out, *ms);
            out.push(b'"');
        }
        Value::Id(id) => {
            let mut buffer = Uuid::encode_buffer();
            out.push(b'"');
            out.extend_from_slice(id.hyphenated().encode_lower(&mut buffer).as_bytes());
            out.push(b'"');
        }
        Value::Json(json) => write_serde(out, json.as_ref()),
    }
}

/// Appends a JSON string.
pub(super) fn write_str(out: &mut Vec<u8>, text: &str) {
    write_serde(out, text);
}

pub(crate) fn write_display(out: &mut Vec<u8>, n: impl std::fmt::Display) {
    use std::io::Write as _;
    // Writing to a vector does not fail.
    let _ = write!(out, "{n}");
}

fn write_serde<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Writing values without maps of odd keys to a vector does not fail.
    let _ = serde_json::to_writer(out, value);
}

/// Appends a time as the service writes it: `2026-03-02T09:00:00.000Z`.
pub(super) fn write_time(out: &mut Vec<u8>, ms: i64) {
    let t = utc(ms);
    write_display(
        out,
        format_args!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            t.year(),
            t.month(),
            t.day(),
            t.hour(),
            t.minute(),
            t.second(),
            t.millisecond()
        ),
    );
}

/// A time as the service writes it.
pub(super) fn iso(ms: i64) -> String {
    let mut out = Vec::with_capacity(24);
    write_time(&mut out, ms);
    String::from_utf8(out).unwrap_or_default()
}

fn utc(ms: i64) -> DateTime {
    Offset::UTC.to_datetime(Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    }))
}

/// Reads a date-time with an offset, or a bare date as midnight UTC.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    let date: jiff::civil::Date = if text.len() == 10 {
        text.parse().ok()?
    } else {
        return None;
    };
    let at = date.to_zoned(TimeZone::UTC).ok()?;
    Some(at.timestamp().as_millisecond())
}
