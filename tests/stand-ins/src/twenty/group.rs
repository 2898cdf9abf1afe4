//! `<plural>GroupBy`: records counted by the values of a field, of a field one relation away, or by
//! the day or the month of a time.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::catalogue::{CATALOGUE, Field, Object};
use super::database::{Workspace, read};
use super::errors::{GENERIC, GqlError, Refusal};
use super::input::Input;
use super::query::{Joins, Over, Query, Sql, column};
use super::select::{GroupMember, GroupShape};
use super::value::{Kind, Value, write_json, write_str};

/// A field that records are grouped by.
#[derive(Debug)]
pub(super) struct Dimension {
    over: Over,
    sql: Sql,
    kind: Kind,
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

    fn read(object: &Object, name: &str, value: &Input, over: Over) -> Result<Self, Refusal> {
        let unknown = || Refusal::not_known(format!("groupBy {name}: {}", value.inspect()));
        let inner = |value: &Input| match value {
            Input::Object(entries) => match entries.as_slice() {
                [(inner, value)] => Some((inner.clone(), value.clone())),
                _ => None,
            },
            _ => None,
        };
        match object.fields.get(name) {
            Some(Field::Plain(at)) => {
                let (kind, x) = (object.kind(*at), column(object, *at, over));
                let (sql, kind) = match value {
                    Input::Bool(true) => (Sql::new(x, Vec::new()), kind),
                    Input::Object(options) if kind == Kind::Time => {
                        let (function, zone) = period(options)?;
                        (
                            Sql::new(format!("{function}({x}, ?)"), vec![Value::text(zone)]),
                            Kind::NullableText,
                        )
                    }
                    _ => return Err(unknown()),
                };
                Ok(Self { over, sql, kind })
            }
            Some(Field::Composite { parts, .. }) => {
                let (part, chosen) = inner(value).ok_or_else(unknown)?;
                let at = parts
                    .iter()
                    .find(|(p, _)| *p == part)
                    .map(|(_, c)| *c)
                    .ok_or_else(unknown)?;
                if chosen == Input::Bool(true) {
                    Ok(Self {
                        over,
                        sql: Sql::new(column(object, at, over), Vec::new()),
                        kind: object.kind(at),
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
}

/// The function of a granularity, and the zone that it counts in.
fn period(options: &[(String, Input)]) -> Result<(&'static str, &str), Refusal> {
    let option = |name: &str| {
        options
            .iter()
            .find(|(n, _)| n == name)
            .and_then(|(_, v)| v.as_text())
    };
    let function = match option("granularity") {
        Some("DAY") => "day_in",
        Some("MONTH") => "month_in",
        other => {
            return Err(Refusal::not_known(format!(
                "groupBy with the granularity {other:?}"
            )));
        }
    };
    let Some(name) = option("timeZone") else {
        let message = "Time zone should be specified for a group by date on Day, Week, Month, Quarter or Year";
        return Err(GqlError::input(message, "MISSING_TIMEZONE_FOR_DATE_GROUP_BY", GENERIC).into());
    };
    match TimeZone::get(name) {
        Ok(_) => Ok((function, name)),
        Err(_) => Err(Refusal::not_known(format!(
            "groupBy in the time zone {name}"
        ))),
    }
}

/// The day on which a time falls in a zone.
pub(super) fn day_in(ms: i64, zone: &str) -> Option<Date> {
    let (at, zone) = (
        Timestamp::from_millisecond(ms).ok()?,
        TimeZone::get(zone).ok()?,
    );
    Some(zone.to_datetime(at).date())
}

/// Appends the groups of the records that a query finds.
pub(super) fn write(
    out: &mut Vec<u8>,
    workspace: &Workspace,
    query: &Query,
    dimensions: &[Dimension],
    limit: usize,
    shape: &GroupShape,
) -> Result<(), Refusal> {
    let mut groups = groups(workspace, query, dimensions, shape)?;
    // The service gives no order; this one is the same every time.
    groups.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    out.push(b'[');
    for (nth, (dimensions, values)) in groups.iter().take(limit).enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        let mut values = values.iter();
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
                    out.extend_from_slice(dimensions);
                    out.push(b']');
                }
                GroupMember::Aggregate(aggregate) => {
                    write_json(out, values.next().unwrap_or(&Value::Null), aggregate.kind)
                }
                GroupMember::TypeName(name) => write_str(out, name),
                GroupMember::Null => out.extend_from_slice(b"null"),
            }
        }
        out.push(b'}');
    }
    out.push(b']');
    Ok(())
}

/// A group: its dimensions as JSON, and the aggregates of the shape.
type Group = (Vec<u8>, Vec<Value>);

/// The groups, in no order.
fn groups(
    workspace: &Workspace,
    query: &Query,
    dimensions: &[Dimension],
    shape: &GroupShape,
) -> Result<Vec<Group>, Refusal> {
    let mut kinds: Vec<Kind> = dimensions.iter().map(|d| d.kind).collect();
    let mut columns: Vec<&str> = dimensions.iter().map(|d| d.sql.text.as_str()).collect();
    let numbers: Vec<String> = (1..=columns.len()).map(|nth| nth.to_string()).collect();
    for (_, member) in &shape.members {
        if let GroupMember::Aggregate(aggregate) = member {
            kinds.push(aggregate.kind);
            columns.push(&aggregate.sql);
        }
    }
    // A group without dimensions is there even where no record is.
    let by = match numbers.is_empty() {
        true => " HAVING count(*) > 0".to_owned(),
        false => format!(" GROUP BY {}", numbers.join(", ")),
    };
    columns.push("1");
    let joins: Joins = dimensions.iter().filter_map(|d| d.over).collect();
    let sql = format!(
        "SELECT {}{}{by}",
        columns.join(", "),
        query.from("", &joins)
    );
    let values = dimensions.iter().flat_map(|d| &d.sql.values);
    let values: Vec<Value> = values.chain(query.values()).cloned().collect();
    Ok(workspace.query(&sql, &values, |row| {
        let (mut key, mut rest) = (Vec::new(), Vec::new());
        for (nth, kind) in kinds.iter().enumerate() {
            let value = read(row.get_ref(nth)?, *kind);
            if nth >= dimensions.len() {
                rest.push(value);
                continue;
            }
            if nth > 0 {
                key.push(b',');
            }
            match value {
                Value::Null => key.extend_from_slice(b"null"),
                value => write_json(&mut key, &value, *kind),
            }
        }
        Ok((key, rest))
    })?)
}
