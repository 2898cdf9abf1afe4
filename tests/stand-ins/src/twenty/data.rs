//! Reads a mutation's `data` of one record into column values, with the service's own refusals.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::catalogue::{ColumnId, Composite, Field, Object};
use super::composite;
use super::errors::{GENERIC, GqlError, Refusal};
use super::input::Input;
use super::quirks::{blocknote, parse_id};
use super::value::{EnumType, Kind, Value, parse_time};

/// One record's data.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// The id that the caller chose.
    pub id: Option<Uuid>,
    /// The values of the columns that the data is about.
    pub columns: Vec<(ColumnId, Value)>,
}

impl Draft {
    /// The value of a column, if the data is about it.
    pub(super) fn get(&self, column: ColumnId) -> Option<&Value> {
        self.columns
            .iter()
            .find(|(c, _)| *c == column)
            .map(|(_, value)| value)
    }
}

/// A mistake in the data.
pub(super) fn bad_data(message: impl Into<String>, friendly: &str) -> Refusal {
    GqlError::input(message, "INVALID_ARGS_DATA", friendly).into()
}

/// Reads the data of one record. `new` tells a create from an update.
pub(super) fn read(object: &Object, input: &Input, new: bool) -> Result<Draft, Refusal> {
    let Input::Object(entries) = input else {
        return Err(Refusal::not_known(format!(
            "data that is {}",
            input.inspect()
        )));
    };
    let mut draft = Draft::default();
    for (name, value) in entries {
        if *value == Input::Undefined {
            continue;
        }
        let field = object.fields.get(name).ok_or_else(|| {
            let singular = object.spec.singular;
            bad_data(
                format!("Object {singular} doesn't have any \"{name}\" field."),
                GENERIC,
            )
        })?;
        match (name.as_str(), field) {
            ("id", _) => draft.id = Some(chosen_id(value)?),
            ("searchVector" | "avatarFile" | "deletedAt", _) => {
                return Err(Refusal::not_known(format!("writing {name}")));
            }
            ("createdBy", Field::Composite { parts, .. }) if new => {
                draft.columns.extend(composite::actor(parts, value)?);
            }
            ("createdBy" | "updatedBy", _) => {
                return Err(Refusal::not_known(format!("writing {name} here")));
            }
            ("createdAt" | "updatedAt", _) if !new => {
                return Err(Refusal::not_known(format!("writing {name} in an update")));
            }
            ("bodyV2", Field::Composite { parts, .. }) => {
                draft.columns.extend(body(name, parts, value)?);
            }
            (_, Field::Plain(column)) => {
                let value = plain(name, object.kind(*column), value)?;
                draft.columns.push((*column, value));
            }
            (_, Field::Composite { composite, parts }) => {
                let Composite { metadata, .. } = composite;
                let values = composite::read(name, metadata, object, parts, value)?;
                draft.columns.extend(values);
            }
            (_, Field::One { .. }) => {
                return Err(Refusal::not_known(format!(
                    "connecting and disconnecting {name}"
                )));
            }
            (_, Field::Many { .. } | Field::Elsewhere) => {
                let message =
                    format!("One-to-many relation {name} field does not support write operations.");
                return Err(bad_data(message, GENERIC));
            }
        }
    }
    Ok(draft)
}

/// The id of a record, as a mutation's argument or within its data.
pub(super) fn chosen_id(value: &Input) -> Result<Uuid, Refusal> {
    let text = value
        .as_text()
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Refusal::not_known(format!("the id {}", value.inspect())))?;
    parse_id(text).ok_or_else(|| {
        let message = format!("Value \"{text}\" is not a valid UUID");
        GqlError::input(message, "INVALID_QUERY_INPUT", GENERIC).into()
    })
}

fn plain(name: &str, kind: Kind, value: &Input) -> Result<Value, Refusal> {
    let unknown = || Refusal::not_known(format!("{name}: {}", value.inspect()));
    match (kind, value) {
        (Kind::Text | Kind::NullableText, _) => text(name, "text", value),
        (Kind::Id | Kind::Time, Input::Null) => Ok(Value::Null),
        (Kind::Id, _) => {
            let found = value.as_text().and_then(parse_id).map(Value::Id);
            found.map_or_else(
                || {
                    let shown = inspect(value)?;
                    Err(bad_data(
                        format!("Invalid UUID value {shown} for field \"{name}\""),
                        &format!("Invalid value for UUID: \"{shown}\""),
                    ))
                },
                Ok,
            )
        }
        (Kind::Time, Input::Text(given)) => match parse_time(given) {
            Some(ms) => Ok(Value::Time(ms)),
            // JavaScript reads dates of more forms than this; what has no digits is none of them.
            None if given.contains(|c: char| c.is_ascii_digit()) => Err(unknown()),
            None => {
                let message = format!(
                    "Invalid value {} for date-time field \"{name}\". Expected format: 'YYYY-MM-DDTHH:mm:ssZ'",
                    inspect(value)?
                );
                Err(bad_data(message, GENERIC))
            }
        },
        (Kind::Enum(members), Input::Text(given)) => member(name, members, given),
        // Where there is no default, no choice is a choice: the service takes null for a task's
        // status.
        (Kind::Enum(_), Input::Null) if name == "status" => Ok(Value::Null),
        (Kind::Float, Input::Number(n)) => n.as_f64().map(Value::Float).ok_or_else(unknown),
        _ => Err(unknown()),
    }
}

fn member(name: &str, members: &EnumType, given: &str) -> Result<Value, Refusal> {
    if members.position(given).is_some() {
        return Ok(Value::text(given));
    }
    let known: Vec<&str> = members.choices().iter().map(|(value, ..)| *value).collect();
    let message = format!(
        "Invalid value {} for field \"{name}\". Valid values are: {}",
        json!(given),
        known.join(", ")
    );
    Err(bad_data(message, GENERIC))
}

/// Text; `what` is how the service calls the field's type when it is something else.
pub(super) fn text(name: &str, what: &str, value: &Input) -> Result<Value, Refusal> {
    match value {
        Input::Null => Ok(Value::Null),
        // The service answers with status 500, in words that are not known.
        Input::Text(given) if given.contains('\0') => {
            Err(Refusal::not_known(format!("NUL in {name}")))
        }
        Input::Text(given) => Ok(Value::text(given)),
        other => Err(bad_data(
            format!(
                "Invalid string value {} for {what} field \"{name}\"",
                inspect(other)?
            ),
            GENERIC,
        )),
    }
}

/// A body: the service computes the editor's form of markdown, and stores both as they come where
/// both are given.
fn body(
    name: &str,
    parts: &[(&'static str, ColumnId)],
    value: &Input,
) -> Result<Vec<(ColumnId, Value)>, Refusal> {
    let entries = match value {
        Input::Object(entries) => entries,
        Input::Null => {
            let message = "Cannot read properties of null (reading 'blocknote')";
            return Err(GqlError::code(message, "INTERNAL_SERVER_ERROR").into());
        }
        other => {
            let message = format!(
                "Invalid object value {} for field \"{name}\"",
                inspect(other)?
            );
            return Err(bad_data(message, GENERIC));
        }
    };
    let (mut markdown, mut blocknote) = (None, None);
    for (part, given) in entries {
        let slot = match (part.as_str(), given) {
            (_, Input::Undefined) => continue,
            ("markdown", Input::Text(_)) => &mut markdown,
            ("blocknote", Input::Text(_)) => &mut blocknote,
            _ => {
                return Err(Refusal::not_known(format!(
                    "{name}.{part}: {}",
                    given.inspect()
                )));
            }
        };
        *slot = Some(text(name, "text", given)?);
    }
    let Some(markdown) = markdown else {
        return Err(Refusal::not_known(format!("{name} without markdown")));
    };
    let blocknote = blocknote.unwrap_or_else(|| {
        let made = blocknote::of_markdown(markdown.as_text().unwrap_or_default());
        Value::Text(Arc::from(made))
    });
    let column = |part| parts.iter().find(|(p, _)| *p == part).map(|(_, c)| *c);
    Ok(column("markdown")
        .map(|c| (c, markdown))
        .into_iter()
        .chain(column("blocknote").map(|c| (c, blocknote)))
        .collect())
}

/// A value as Node prints it inside a message.
pub(super) fn inspect(value: &Input) -> Result<String, Refusal> {
    let shown = match value {
        Input::Text(given) if given.contains(|c: char| c == '\'' || c == '\\' || c < ' ') => None,
        Input::List(items) if !items.is_empty() => {
            let items: Result<Vec<String>, Refusal> = items.iter().map(inspect).collect();
            Some(format!("[ {} ]", items?.join(", ")))
        }
        Input::Object(fields) if fields.is_empty() => Some("{}".to_owned()),
        Input::Object(fields) => {
            let fields: Result<Vec<String>, Refusal> = fields
                .iter()
                .map(|(name, value)| Ok(format!("{name}: {}", inspect(value)?)))
                .collect();
            Some(format!("{{ {} }}", fields?.join(", ")))
        }
        other => Some(other.inspect()),
    };
    // Node breaks longer ones into lines.
    shown.filter(|shown| shown.len() <= 70).ok_or_else(|| {
        Refusal::not_known(format!("how the service prints {}", json!(value.inspect())))
    })
}
