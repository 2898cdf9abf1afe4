//! Filters: read from an argument, with the service's own refusals.

use std::cmp::Ordering;

use uuid::Uuid;

use super::catalogue::{CATALOGUE, ColumnId, Field, Object};
use super::condition::{Condition, Pattern, Test};
use super::errors::{GENERIC, GqlError, Refusal};
use super::input::Input;
use super::value::{EnumType, Kind, Value, parse_time};

/// The schema in which the service's database keeps this workspace; it shows in the message for a
/// bad enum member.
const DATABASE_SCHEMA: &str = "workspace_4q7m0c2v9x1k8d5t3h6w0b2zr";

/// A filter argument, read.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub condition: Condition,
    /// True if soft-deleted records show: only where the filter names `deletedAt`.
    pub shows_deleted: bool,
}

impl Filter {
    /// The filter that lets every live record through.
    pub(super) fn none() -> Self {
        Self {
            condition: Condition::All(Vec::new()),
            shows_deleted: false,
        }
    }

    /// Reads the value of a `filter` argument.
    pub(super) fn read(object: &Object, input: &Input) -> Result<Self, Refusal> {
        let mut reader = Reader {
            names_deleted: false,
        };
        let condition = reader.object(object, input, 0)?;
        Ok(Self {
            condition,
            shows_deleted: reader.names_deleted,
        })
    }
}

struct Reader {
    names_deleted: bool,
}

impl Reader {
    fn object(
        &mut self,
        object: &Object,
        input: &Input,
        hops: usize,
    ) -> Result<Condition, Refusal> {
        let Input::Object(entries) = input else {
            return Err(Refusal::not_known(format!(
                "a filter that is {}",
                input.inspect()
            )));
        };
        let mut all = entries
            .iter()
            .map(|(name, value)| self.entry(object, name, value, hops))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(match (all.len(), all.pop()) {
            (1, Some(only)) => only,
            (_, last) => {
                all.extend(last);
                cheap_first(all)
            }
        })
    }

    fn entry(
        &mut self,
        object: &Object,
        name: &str,
        value: &Input,
        hops: usize,
    ) -> Result<Condition, Refusal> {
        match name {
            "and" => return Ok(cheap_first(self.list(object, name, value, hops)?)),
            "or" => return Ok(Condition::Any(self.list(object, name, value, hops)?)),
            "not" => return Ok(Condition::Not(Box::new(self.object(object, value, hops)?))),
            _ => {}
        }
        let singular = object.spec.singular;
        match object.fields.get(name) {
            None => Err(GqlError::input(
                format!("Object {singular} doesn't have any \"{name}\" field."),
                "INVALID_ARGS_FILTER",
                &format!("Invalid filter : {singular} object doesn't have any \"{name}\" field."),
            )
            .into()),
            Some(Field::Many { .. } | Field::Elsewhere) => Err(GqlError::input(
                format!("Cannot filter by relation field \"{name}\""),
                "INVALID_ARGS_FILTER",
                &format!("Invalid filter: filtering by relation field \"{name}\" is not supported"),
            )
            .into()),
            Some(Field::One { .. }) if hops > 0 => Err(GqlError::input(
                "Relation filter nesting deeper than 1 hop is not supported",
                "INVALID_ARGS_FILTER",
                "Relation filters can only traverse one relation deep",
            )
            .into()),
            Some(Field::One { column, target }) => {
                let other = CATALOGUE
                    .object(*target)
                    .ok_or_else(|| Refusal::not_known(name))?;
                let condition = Box::new(self.object(other, value, hops + 1)?);
                Ok(Condition::Over {
                    column: *column,
                    target: *target,
                    condition,
                })
            }
            Some(Field::Plain(column)) => {
                self.names_deleted |= hops == 0 && *column == object.deleted_at;
                test(name, *column, object.kind(*column), value)
            }
            Some(Field::Composite { composite, parts }) => {
                let Input::Object(entries) = value else {
                    return Err(Refusal::not_known(format!(
                        "the filter {name}: {}",
                        value.inspect()
                    )));
                };
                let tests = entries.iter().map(|(part, value)| {
                    match parts.iter().find(|(p, _)| p == part) {
                        Some((_, column)) => test(part, *column, object.kind(*column), value),
                        None => {
                            let message = format!(
                                "Sub field \"{part}\" not found for composite type: {}",
                                composite.metadata
                            );
                            Err(GqlError::input(message, "INVALID_ARGS_FILTER", GENERIC).into())
                        }
                    }
                });
                Ok(Condition::All(tests.collect::<Result<_, _>>()?))
            }
        }
    }

    fn list(
        &mut self,
        object: &Object,
        name: &str,
        value: &Input,
        hops: usize,
    ) -> Result<Vec<Condition>, Refusal> {
        match value {
            Input::List(items) if !items.is_empty() => items
                .iter()
                .map(|item| self.object(object, item, hops))
                .collect(),
            other => Err(Refusal::not_known(format!(
                "the filter {name}: {}",
                other.inspect()
            ))),
        }
    }
}

fn test(name: &str, column: ColumnId, kind: Kind, value: &Input) -> Result<Condition, Refusal> {
    let operators = if let Input::Object(entries) = value {
        entries.as_slice()
    } else {
        &[]
    };
    let [(operator, operand)] = operators else {
        return Err(Refusal::not_known(format!(
            "the filter {name}: {} (one comparison a field is known; combine several with and: [...])",
            value.inspect()
        )));
    };
    let compare = |wanted, or_equal| -> Result<Test, Refusal> {
        Ok(Test::Order {
            wanted,
            or_equal,
            than: operand_of(name, kind, operand)?,
        })
    };
    let test = match operator.as_str() {
        "is" => match operand.as_text() {
            Some("NULL") => Test::Null(true),
            Some("NOT_NULL") => Test::Null(false),
            _ => {
                let message =
                    "Invalid filter value for \"is\" operator. Expected \"NULL\" or \"NOT_NULL\"";
                return Err(GqlError::input(message, "INVALID_ARGS_FILTER", GENERIC).into());
            }
        },
        "eq" => match operand_of(name, kind, operand)? {
            Value::Null => Test::Null(true),
            value => Test::Equal(value),
        },
        "neq" => match operand_of(name, kind, operand)? {
            Value::Null => Test::Null(false),
            value => Test::NotEqual(value),
        },
        "in" => match operand {
            Input::List(items) if items.is_empty() => {
                return Err(GqlError::input(
                    format!("Invalid filter value for field {name}. Expected non-empty array"),
                    "INVALID_QUERY_INPUT",
                    "Invalid filter value: \"\"",
                )
                .into());
            }
            Input::List(items) => Test::In(
                items
                    .iter()
                    .map(|item| operand_of(name, kind, item))
                    .collect::<Result<_, _>>()?,
            ),
            other => {
                return Err(Refusal::not_known(format!(
                    "the filter {name}: {{in: {}}}",
                    other.inspect()
                )));
            }
        },
        "gt" => compare(Ordering::Greater, false)?,
        "gte" => compare(Ordering::Greater, true)?,
        "lt" => compare(Ordering::Less, false)?,
        "lte" => compare(Ordering::Less, true)?,
        "like" | "ilike" | "startsWith" | "endsWith"
            if matches!(kind, Kind::Text | Kind::NullableText) =>
        {
            Test::Like(pattern(name, operator, operand)?)
        }
        // Over the text of the list.
        "like" if kind == Kind::JsonList => Test::Like(pattern(name, operator, operand)?),
        other => {
            return Err(Refusal::not_known(format!(
                "the operator {other} on {name}"
            )));
        }
    };
    Ok(Condition::Test { column, kind, test })
}

fn pattern(name: &str, operator: &str, operand: &Input) -> Result<Pattern, Refusal> {
    let Some(text) = operand.as_text() else {
        let shown = operand.inspect();
        return Err(GqlError::input(
            format!("Filter operator \"{operator}\" requires a string value for field \"{name}\", got {shown}"),
            "INVALID_ARGS_FILTER",
            &format!("Invalid filter: \"{operator}\" operator requires a String"),
        )
        .into());
    };
    Ok(match operator {
        "ilike" => Pattern::new(text, true),
        "startsWith" => Pattern::new(&format!("{text}%"), false),
        "endsWith" => Pattern::new(&format!("%{text}"), false),
        _ => Pattern::new(text, false),
    })
}

/// The operand of a comparison as a value of the column.
fn operand_of(name: &str, kind: Kind, operand: &Input) -> Result<Value, Refusal> {
    let unknown = || Refusal::not_known(format!("comparing {name} with {}", operand.inspect()));
    match kind {
        Kind::Id => operand
            .as_text()
            .and_then(parse_id)
            .map(Value::Id)
            .ok_or_else(|| {
                let shown = operand.inspect();
                let friendly = format!("Invalid value for UUID: \"{shown}\"");
                GqlError::input(
                    format!("Invalid UUID value {shown} for field \"{name}\""),
                    "INVALID_ARGS_FILTER",
                    &friendly,
                )
                .into()
            }),
        Kind::Text | Kind::NullableText => operand.as_text().map(Value::text).ok_or_else(unknown),
        Kind::Enum(members) => {
            let text = operand.as_text().ok_or_else(unknown)?;
            if members.position(text).is_some() {
                Ok(Value::text(text))
            } else {
                Err(bad_member(members, text).into())
            }
        }
        Kind::Time => {
            let text = operand.as_text().ok_or_else(unknown)?;
            parse_time(text).map(Value::Time).ok_or_else(|| {
                let message = format!("Invalid value '{text}' for date-time field \"{name}\". Expected format: 'YYYY-MM-DDTHH:mm:ssZ'");
                GqlError::input(message, "INVALID_ARGS_FILTER", GENERIC).into()
            })
        }
        Kind::Int => match operand {
            Input::Number(n) => n.as_i64().map(Value::Int).ok_or_else(unknown),
            Input::Text(text) => text.parse().map(Value::Int).map_err(|_| unknown()),
            _ => Err(unknown()),
        },
        Kind::Float => match operand {
            Input::Number(n) => n.as_f64().map(Value::Float).ok_or_else(unknown),
            _ => Err(unknown()),
        },
        Kind::Json | Kind::JsonList => Err(unknown()),
    }
}

/// A UUID as the service accepts it: hyphenated, of a version from 1 to 8 and the usual variant.
/// The all-zero one is none.
pub(super) fn parse_id(text: &str) -> Option<Uuid> {
    let id = if text.len() == 36 {
        Uuid::try_parse(text).ok()?
    } else {
        return None;
    };
    let proper =
        (1..=8).contains(&id.get_version_num()) && id.get_variant() == uuid::Variant::RFC4122;
    proper.then_some(id)
}

fn bad_member(members: &EnumType, text: &str) -> GqlError {
    let message = format!(
        "invalid input value for enum {DATABASE_SCHEMA}.{}: \"{text}\"",
        members.db_name
    );
    GqlError::full(message, "BAD_USER_INPUT", None, "Invalid input provided.")
}

/// All of these, what is quick to test before what looks at other records.
fn cheap_first(mut all: Vec<Condition>) -> Condition {
    all.sort_by_key(|condition| match condition {
        Condition::Test { .. } => 0,
        Condition::Over { .. } => 2,
        _ => 1,
    });
    Condition::All(all)
}
