//! Filters: read from an argument into SQL, with the service's own refusals.

use super::catalogue::{CATALOGUE, ColumnId, Field, Object};
use super::errors::{GENERIC, GqlError, Refusal};
use super::input::Input;
use super::query::{Joins, Over, Sql, column, ordered};
use super::quirks::{self, parse_id};
use super::value::{Kind, Value, parse_time};

/// A filter argument, read.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub condition: Sql,
    /// The relations that the condition is about.
    pub joins: Joins,
    /// True if soft-deleted records show: only where the filter names `deletedAt`.
    pub shows_deleted: bool,
}

impl Filter {
    /// The filter that lets every live record through.
    pub(super) fn none() -> Self {
        Self {
            condition: Sql::new("1", Vec::new()),
            joins: Joins::new(),
            shows_deleted: false,
        }
    }

    /// Reads the value of a `filter` argument.
    pub(super) fn read(object: &Object, input: &Input) -> Result<Self, Refusal> {
        let mut reader = Reader {
            names_deleted: false,
            joins: Joins::new(),
        };
        let condition = reader.object(object, input, None)?;
        Ok(Self {
            condition,
            joins: reader.joins,
            shows_deleted: reader.names_deleted,
        })
    }
}

struct Reader {
    names_deleted: bool,
    joins: Joins,
}

impl Reader {
    fn object(&mut self, object: &Object, input: &Input, over: Over) -> Result<Sql, Refusal> {
        let Input::Object(entries) = input else {
            return Err(Refusal::not_known(format!(
                "a filter that is {}",
                input.inspect()
            )));
        };
        let all = entries
            .iter()
            .map(|(name, value)| self.entry(object, name, value, over))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Sql::joined(all, " AND ", "1"))
    }

    fn entry(
        &mut self,
        object: &Object,
        name: &str,
        value: &Input,
        over: Over,
    ) -> Result<Sql, Refusal> {
        match name {
            "and" | "or" => {
                let all = self.list(object, name, value, over)?;
                let between = if name == "and" { " AND " } else { " OR " };
                return Ok(Sql::joined(all, between, "1"));
            }
            "not" => {
                let inner = self.object(object, value, over)?;
                return Ok(Sql::new(format!("NOT ({})", inner.text), inner.values));
            }
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
            Some(Field::One { .. }) if over.is_some() => Err(GqlError::input(
                "Relation filter nesting deeper than 1 hop is not supported",
                "INVALID_ARGS_FILTER",
                "Relation filters can only traverse one relation deep",
            )
            .into()),
            Some(Field::One { column, target }) => {
                let other = CATALOGUE
                    .object(*target)
                    .ok_or_else(|| Refusal::not_known(name))?;
                self.joins.insert((*column, *target));
                self.object(other, value, Some((*column, *target)))
            }
            Some(Field::Plain(at)) => {
                self.names_deleted |= over.is_none() && *at == object.deleted_at;
                test(name, object, *at, over, value)
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
                        Some((_, at)) => test(part, object, *at, over, value),
                        None => {
                            let message = format!(
                                "Sub field \"{part}\" not found for composite type: {}",
                                composite.metadata
                            );
                            Err(GqlError::input(message, "INVALID_ARGS_FILTER", GENERIC).into())
                        }
                    }
                });
                Ok(Sql::joined(tests.collect::<Result<_, _>>()?, " AND ", "1"))
            }
        }
    }

    fn list(
        &mut self,
        object: &Object,
        name: &str,
        value: &Input,
        over: Over,
    ) -> Result<Vec<Sql>, Refusal> {
        match value {
            Input::List(items) if !items.is_empty() => items
                .iter()
                .map(|item| self.object(object, item, over))
                .collect(),
            other => Err(Refusal::not_known(format!(
                "the filter {name}: {}",
                other.inspect()
            ))),
        }
    }
}

fn test(
    name: &str,
    object: &Object,
    at: ColumnId,
    over: Over,
    value: &Input,
) -> Result<Sql, Refusal> {
    let (kind, x) = (object.kind(at), column(object, at, over));
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
    let null = |wanted| {
        Sql::new(
            format!("{x} IS {}NULL", if wanted { "" } else { "NOT " }),
            vec![],
        )
    };
    let compare = |with: &str| -> Result<Sql, Refusal> {
        let than = operand_of(name, kind, operand)?;
        Ok(Sql::new(
            format!("{} {with} ?", ordered(object, at, over)),
            vec![than],
        ))
    };
    Ok(match operator.as_str() {
        "is" => match operand.as_text() {
            Some("NULL") => null(true),
            Some("NOT_NULL") => null(false),
            _ => {
                let message =
                    "Invalid filter value for \"is\" operator. Expected \"NULL\" or \"NOT_NULL\"";
                return Err(GqlError::input(message, "INVALID_ARGS_FILTER", GENERIC).into());
            }
        },
        "eq" => match operand_of(name, kind, operand)? {
            Value::Null => null(true),
            value => Sql::new(format!("{x} = ?"), vec![value]),
        },
        "neq" => match operand_of(name, kind, operand)? {
            Value::Null => null(false),
            value => Sql::new(format!("{x} <> ?"), vec![value]),
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
            Input::List(items) => {
                let operands = items.iter().map(|item| operand_of(name, kind, item));
                among(&x, operands.collect::<Result<_, _>>()?)
            }
            other => {
                return Err(Refusal::not_known(format!(
                    "the filter {name}: {{in: {}}}",
                    other.inspect()
                )));
            }
        },
        "gt" => compare(">")?,
        "gte" => compare(">=")?,
        "lt" => compare("<")?,
        "lte" => compare("<=")?,
        "like" | "ilike" | "startsWith" | "endsWith"
            if matches!(kind, Kind::Text | Kind::NullableText) =>
        {
            like(&x, name, operator, operand)?
        }
        // Over the text of the list.
        "like" if kind == Kind::JsonList => like(&x, name, operator, operand)?,
        other => {
            return Err(Refusal::not_known(format!(
                "the operator {other} on {name}"
            )));
        }
    })
}

/// A value among several. An empty text among them stands for NULL.
fn among(x: &str, operands: Vec<Value>) -> Sql {
    let (nulls, values): (Vec<Value>, Vec<Value>) = operands.into_iter().partition(Value::is_null);
    let places = vec!["?"; values.len()].join(", ");
    let or_null = match nulls.is_empty() {
        true => String::new(),
        false => format!(" OR {x} IS NULL"),
    };
    Sql::new(format!("({x} IN ({places}){or_null})"), values)
}

fn like(x: &str, name: &str, operator: &str, operand: &Input) -> Result<Sql, Refusal> {
    let Some(text) = operand.as_text() else {
        let shown = operand.inspect();
        return Err(GqlError::input(
            format!("Filter operator \"{operator}\" requires a string value for field \"{name}\", got {shown}"),
            "INVALID_ARGS_FILTER",
            &format!("Invalid filter: \"{operator}\" operator requires a String"),
        )
        .into());
    };
    if text.contains('\0') {
        return Err(Refusal::not_known(format!("NUL in a filter of {name}")));
    }
    let pattern = match operator {
        "ilike" => quirks::glob(&text.to_lowercase()),
        "startsWith" => quirks::glob(&format!("{text}%")),
        "endsWith" => quirks::glob(&format!("%{text}")),
        _ => quirks::glob(text),
    };
    let x = match operator {
        "ilike" => format!("lower_case({x})"),
        _ => x.to_owned(),
    };
    Ok(Sql::new(format!("{x} GLOB ?"), vec![Value::text(pattern)]))
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
                Err(quirks::bad_member(members, text).into())
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
