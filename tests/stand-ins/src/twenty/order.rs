//! Sorting and cursors. Cursors carry the sort values that were selected, and nothing else: pages
//! over a field that was not selected, or over NULLs, repeat and lose records exactly as on the
//! real service.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::catalogue::{CATALOGUE, ColumnId, Field, ID, Object};
use super::database::Row;
use super::errors::{GENERIC, GqlError, Refusal};
use super::input::Input;
use super::query::{Joins, Over, Sql, ordered};
use super::value::{Kind, Value, parse_time, write_json, write_str};

/// One key of a sort.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// The field, and the subfield of a composite: how a cursor names it.
    names: (String, Option<String>),
    column: ColumnId,
    kind: Kind,
    /// The column in SQL.
    sql: String,
    /// The relation that leads to the column, for a sort over one.
    over: Over,
    descending: bool,
    nulls_first: bool,
}

/// A sort; the id comes last and upwards always.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    keys: Vec<Key>,
    joins: Joins,
}

impl Order {
    /// Reads an `orderBy` argument.
    pub(super) fn read(object: &Object, input: &Input) -> Result<Self, Refusal> {
        let single = std::slice::from_ref(input);
        let items = match input {
            Input::Undefined => &[],
            Input::List(items) => items.as_slice(),
            Input::Object(_) => single,
            other => return Err(Refusal::not_known(format!("orderBy: {}", other.inspect()))),
        };
        let mut keys = Vec::new();
        for item in items {
            let Input::Object(entries) = item else {
                return Err(Refusal::not_known(format!("orderBy: [{}]", item.inspect())));
            };
            for (name, value) in entries {
                read_key(object, name, value, None, &mut keys)?;
            }
        }
        let joins = keys.iter().filter_map(|key| key.over).collect();
        Ok(Self { keys, joins })
    }

    /// The relations that it sorts over.
    pub(super) fn joins(&self) -> &Joins {
        &self.joins
    }

    /// The terms of ORDER BY.
    pub(super) fn by(&self, backwards: bool) -> String {
        let mut sql = String::new();
        for key in &self.keys {
            let direction = if key.descending == backwards {
                "ASC"
            } else {
                "DESC"
            };
            let nulls = if key.nulls_first == backwards {
                "LAST"
            } else {
                "FIRST"
            };
            sql.push_str(&format!("{} {direction} NULLS {nulls}, ", key.sql));
        }
        sql.push_str(if backwards {
            "t.\"id\" DESC"
        } else {
            "t.\"id\""
        });
        sql
    }

    /// The cursor of a record, given the columns that were selected of it.
    pub(super) fn cursor(&self, row: &Row, selected: &[ColumnId]) -> String {
        let mut out = b"{".to_vec();
        let keys = self
            .keys
            .iter()
            .filter(|key| key.over.is_none() && selected.contains(&key.column));
        for key in keys {
            write_str(&mut out, &key.names.0);
            out.push(b':');
            let value = row.get(key.column);
            if let Some(part) = &key.names.1 {
                out.push(b'{');
                write_str(&mut out, part);
                out.push(b':');
                write_json(&mut out, value, key.kind);
                out.push(b'}');
            } else {
                write_json(&mut out, value, key.kind);
            }
            out.push(b',');
        }
        out.extend_from_slice(b"\"id\":");
        write_json(&mut out, row.get(ID), Kind::Id);
        out.push(b'}');
        STANDARD.encode(out)
    }

    /// Reads a cursor that this sort gave.
    pub(super) fn position(&self, cursor: &str) -> Result<Position, Refusal> {
        let garbage = || {
            Refusal::Service(GqlError::input(
                format!("Invalid cursor: {cursor}"),
                "INVALID_CURSOR",
                GENERIC,
            ))
        };
        let bytes = STANDARD.decode(cursor).map_err(|_| garbage())?;
        let Ok(Json::Object(fields)) = serde_json::from_slice(&bytes) else {
            return Err(garbage());
        };
        let mut values = Vec::new();
        for key in &self.keys {
            let Some(found) = fields.get(&key.names.0) else {
                continue;
            };
            let found = key
                .names
                .1
                .as_ref()
                .map_or(Some(found), |part| found.get(part))
                .unwrap_or(&Json::Null);
            values.push((key.clone(), from_json(found, key.kind)));
        }
        let foreign = fields
            .keys()
            .any(|name| name != "id" && !self.keys.iter().any(|key| key.names.0 == *name));
        if foreign {
            return Err(GqlError::input("Invalid cursor", "INVALID_CURSOR", GENERIC).into());
        }
        let id = fields.get("id").map(|id| from_json(id, Kind::Id));
        Ok(Position { values, id })
    }
}

fn read_key(
    object: &Object,
    name: &str,
    value: &Input,
    over: Over,
    keys: &mut Vec<Key>,
) -> Result<(), Refusal> {
    match object.fields.get(name) {
        Some(Field::Plain(column)) => {
            keys.push(key(object, (name.to_owned(), None), *column, value, over)?)
        }
        Some(Field::Composite { parts, .. }) => {
            let Input::Object(entries) = value else {
                let message = format!(
                    "Composite field \"{name}\" requires subfield ordering (e.g., {{ {name}: {{ subFieldName: 'AscNullsFirst' }} }})"
                );
                return Err(GqlError::input(message, "INVALID_QUERY_INPUT", GENERIC).into());
            };
            for (part, direction) in entries {
                let Some((_, column)) = parts.iter().find(|(p, _)| p == part) else {
                    return Err(Refusal::not_known(format!("orderBy {name}.{part}")));
                };
                keys.push(key(
                    object,
                    (name.to_owned(), Some(part.clone())),
                    *column,
                    direction,
                    over,
                )?);
            }
        }
        Some(Field::One { column, target }) if over.is_none() => {
            let (Some(other), Input::Object(entries)) = (CATALOGUE.object(*target), value) else {
                return Err(Refusal::not_known(format!(
                    "orderBy {name}: {}",
                    value.inspect()
                )));
            };
            for (inner, direction) in entries {
                read_key(other, inner, direction, Some((*column, *target)), keys)?;
            }
        }
        _ => {
            let message = format!("Field \"{name}\" does not exist or is not sortable");
            return Err(GqlError::input(message, "FIELD_NOT_FOUND", GENERIC).into());
        }
    }
    Ok(())
}

fn key(
    object: &Object,
    names: (String, Option<String>),
    at: ColumnId,
    direction: &Input,
    over: Over,
) -> Result<Key, Refusal> {
    let (descending, nulls_first) = match direction.as_text() {
        Some("AscNullsFirst") => (false, true),
        Some("AscNullsLast") => (false, false),
        Some("DescNullsFirst") => (true, true),
        Some("DescNullsLast") => (true, false),
        _ => {
            return Err(Refusal::not_known(format!(
                "the sort direction {}",
                direction.inspect()
            )));
        }
    };
    Ok(Key {
        names,
        column: at,
        kind: object.kind(at),
        sql: ordered(object, at, over),
        over,
        descending,
        nulls_first,
    })
}

/// The position of the last record on a page.
#[derive(Debug)]
pub(super) struct Position {
    values: Vec<(Key, Value)>,
    id: Option<Value>,
}

impl Position {
    /// The condition that a record comes after (or, going backwards, before) this position. NULL
    /// on either side of a comparison is neither.
    pub(super) fn passed(self, backwards: bool) -> Sql {
        let beyond = |descending: bool| if descending == backwards { ">" } else { "<" };
        let id = self.id.unwrap_or(Value::Null);
        let mut sql = Sql::new(format!("t.\"id\" {} ?", beyond(false)), vec![id]);
        for (key, at) in self.values.into_iter().rev() {
            let (x, beyond) = (&key.sql, beyond(key.descending));
            let text = format!("({x} {beyond} ? OR ({x} = ? AND {}))", sql.text);
            let values = [at.clone(), at].into_iter().chain(sql.values);
            sql = Sql::new(text, values.collect());
        }
        sql
    }
}

fn from_json(json: &Json, kind: Kind) -> Value {
    match (json, kind) {
        (Json::String(text), Kind::Time) => parse_time(text).map_or(Value::Null, Value::Time),
        (Json::String(text), Kind::Id) => {
            uuid::Uuid::try_parse(text).map_or(Value::Null, Value::Id)
        }
        (Json::String(text), Kind::Text | Kind::NullableText | Kind::Enum(_)) => Value::text(text),
        (Json::Number(n), Kind::Int) => n.as_i64().map_or(Value::Null, Value::Int),
        (Json::Number(n), Kind::Float) => n.as_f64().map_or(Value::Null, Value::Float),
        _ => Value::Null,
    }
}
