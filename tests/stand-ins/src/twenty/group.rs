//! `<plural>GroupBy`: records counted by the values of a field, of a field one relation away, or by
//! the day of a time.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::catalogue::{CATALOGUE, ColumnId, Field, Object, ObjectId};
use super::errors::{GENERIC, GqlError, Refusal};
use super::input::Input;
use super::select::{GroupMember, GroupShape};
use super::table::{Row, Workspace};
use super::value::{Kind, Value, write_display, write_json, write_str};

/// The number of groups without a `limit`.
pub(super) const DEFAULT_LIMIT: usize = 50;

/// A field that records are grouped by.
#[derive(Debug)]
pub(super) struct Dimension {
    over: Option<(ColumnId, ObjectId)>,
    column: ColumnId,
    kind: Kind,
    /// The zone whose days a time falls on.
    day_in: Option<TimeZone>,
}

impl Dimension {
    /// Reads a `groupBy` argument.
    pub(super) fn read_all(object: &Object, input: &Input) -> Result<Vec<Self>, Refusal> {
        let Input::List(items) = input else {
            return Err(Refusal::not_known(format!("groupBy: {}", input.inspect())));
        };
        let dimensions = items.iter().map(|item| match item {
            Input::Object(entries) => match entries.as_slice() {
                [(name, value)] => Self::read(object, name, value, None),
                _ => Err(Refusal::not_known("a groupBy entry of several fields")),
            },
            other => Err(Refusal::not_known(format!(
                "groupBy: [{}]",
                other.inspect()
            ))),
        });
        dimensions.collect()
    }

    fn read(
        object: &Object,
        name: &str,
        value: &Input,
        over: Option<(ColumnId, ObjectId)>,
    ) -> Result<Self, Refusal> {
        let unknown = || Refusal::not_known(format!("groupBy {name}: {}", value.inspect()));
        let inner = |value: &Input| match value {
            Input::Object(entries) => match entries.as_slice() {
                [(inner, value)] => Some((inner.clone(), value.clone())),
                _ => None,
            },
            _ => None,
        };
        match object.fields.get(name) {
            Some(Field::Plain(column)) => {
                let kind = object.kind(*column);
                let day_in = match value {
                    Input::Bool(true) => None,
                    Input::Object(options) if kind == Kind::Time => Some(day_zone(options)?),
                    _ => return Err(unknown()),
                };
                Ok(Self {
                    over,
                    column: *column,
                    kind,
                    day_in,
                })
            }
            Some(Field::Composite { parts, .. }) => {
                let (part, chosen) = inner(value).ok_or_else(unknown)?;
                let column = parts
                    .iter()
                    .find(|(p, _)| *p == part)
                    .map(|(_, c)| *c)
                    .ok_or_else(unknown)?;
                if chosen == Input::Bool(true) {
                    Ok(Self {
                        over,
                        column,
                        kind: object.kind(column),
                        day_in: None,
                    })
                } else {
                    Err(unknown())
                }
            }
            Some(Field::One { column, target }) if over.is_none() => {
                let (field, chosen) = inner(value).ok_or_else(unknown)?;
                let other = CATALOGUE.object(*target).ok_or_else(unknown)?;
                Self::read(other, &field, &chosen, Some((*column, *target)))
            }
            _ => Err(unknown()),
        }
    }

    fn write(&self, out: &mut Vec<u8>, workspace: &Workspace, row: Row<'_>) {
        let row = match self.over {
            None => Some(row),
            Some((column, target)) => row
                .get(column)
                .and_then(Value::as_id)
                .and_then(|id| workspace.live(target, id)),
        };
        match row.and_then(|row| row.get(self.column)) {
            None | Some(Value::Null) => out.extend_from_slice(b"null"),
            Some(Value::Time(ms)) => match &self.day_in {
                Some(zone) => {
                    let at = Timestamp::from_millisecond(*ms).unwrap_or_default();
                    out.push(b'"');
                    write_display(out, zone.to_datetime(at).date());
                    out.push(b'"');
                }
                None => write_json(out, &Value::Time(*ms), self.kind),
            },
            Some(value) => write_json(out, value, self.kind),
        }
    }
}

fn day_zone(options: &[(String, Input)]) -> Result<TimeZone, Refusal> {
    let option = |name: &str| {
        options
            .iter()
            .find(|(n, _)| n == name)
            .and_then(|(_, v)| v.as_text())
    };
    match option("granularity") {
        Some("DAY") => {}
        other => {
            return Err(Refusal::not_known(format!(
                "groupBy with the granularity {other:?}"
            )));
        }
    }
    let Some(name) = option("timeZone") else {
        let message = "Time zone should be specified for a group by date on Day, Week, Month, Quarter or Year";
        return Err(GqlError::input(message, "MISSING_TIMEZONE_FOR_DATE_GROUP_BY", GENERIC).into());
    };
    TimeZone::get(name).map_err(|_| Refusal::not_known(format!("groupBy in the time zone {name}")))
}

/// Appends the groups of some records.
pub(super) fn write(
    out: &mut Vec<u8>,
    workspace: &Workspace,
    rows: &[Row<'_>],
    dimensions: &[Dimension],
    limit: usize,
    shape: &GroupShape,
) {
    let mut groups: HashMap<Vec<u8>, Vec<Row<'_>>> = HashMap::new();
    let mut key = Vec::new();
    for &row in rows {
        key.clear();
        for (nth, dimension) in dimensions.iter().enumerate() {
            if nth > 0 {
                key.push(b',');
            }
            dimension.write(&mut key, workspace, row);
        }
        match groups.get_mut(&key) {
            Some(group) => group.push(row),
            None => {
                groups.insert(key.clone(), vec![row]);
            }
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    out.push(b'[');
    for (nth, (values, rows)) in groups.iter().take(limit).enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        out.push(b'{');
        for (nth, (name, member)) in shape.members.iter().enumerate() {
            if nth > 0 {
                out.push(b',');
            }
            write_str(out, name);
            out.push(b':');
            match member {
                GroupMember::Dimensions => {
                    out.push(b'[');
                    out.extend_from_slice(values);
                    out.push(b']');
                }
                GroupMember::TotalCount => write_display(out, rows.len()),
                GroupMember::Aggregate(aggregate) => aggregate.write(out, rows),
                GroupMember::TypeName(name) => write_str(out, name),
                GroupMember::Null => out.extend_from_slice(b"null"),
            }
        }
        out.push(b'}');
    }
    out.push(b']');
}
