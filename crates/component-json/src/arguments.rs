//! Converts JSON to component values. All input is validated, and errors name the path of the
//! field.

use serde_json::{Map, Value};
use wasmtime::component::Val;

use super::error::BadArgument;
use crate::nearest;
use crate::shape::{CaseShape, Int, RecordShape, Shape};

/// Converts an argument to a component value.
///
/// # Errors
/// Returns the path of the value that does not fit, and the reason.
pub fn to_component(shape: &Shape, value: &Value) -> Result<Val, BadArgument> {
    let wrong = || expected(shape, value);
    Ok(match shape {
        Shape::Bool => Val::Bool(value.as_bool().ok_or_else(wrong)?),
        Shape::Int(int) => integer(*int, value).ok_or_else(wrong)?,
        Shape::Float32 => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the type asked for has this precision"
            )]
            let number = value.as_f64().ok_or_else(wrong)? as f32;
            Val::Float32(
                Some(number)
                    .filter(|number| number.is_finite())
                    .ok_or_else(wrong)?,
            )
        }
        Shape::Float64 => Val::Float64(
            value
                .as_f64()
                .filter(|number| number.is_finite())
                .ok_or_else(wrong)?,
        ),
        Shape::Char => {
            let mut characters = value.as_str().ok_or_else(wrong)?.chars();
            match (characters.next(), characters.next()) {
                (Some(only), None) => Val::Char(only),
                _ => return Err(wrong()),
            }
        }
        Shape::String => Val::String(value.as_str().ok_or_else(wrong)?.to_owned()),
        Shape::List(item) => {
            let items = value.as_array().ok_or_else(wrong)?.iter().enumerate();
            let convert =
                |(index, value)| to_component(item, value).map_err(|error| error.in_item(index));
            Val::List(items.map(convert).collect::<Result<_, _>>()?)
        }
        Shape::Tuple(shapes) => {
            let items = value
                .as_array()
                .filter(|items| items.len() == shapes.len())
                .ok_or_else(wrong)?;
            let convert = |(index, (shape, value))| {
                to_component(shape, value).map_err(|e: BadArgument| e.in_item(index))
            };
            Val::Tuple(
                shapes
                    .iter()
                    .zip(items)
                    .enumerate()
                    .map(convert)
                    .collect::<Result<_, _>>()?,
            )
        }
        Shape::Record(record) => record_in(record, value.as_object().ok_or_else(wrong)?, None)?,
        Shape::Variant(cases) => variant_in(cases, value).unwrap_or_else(|| Err(wrong()))?,
        Shape::Enum(names) => Val::Enum(name_in(names, value).ok_or_else(wrong)?),
        Shape::Flags(names) => {
            let mut set: Vec<String> = Vec::new();
            for (index, item) in value.as_array().ok_or_else(wrong)?.iter().enumerate() {
                let name = name_in(names, item).ok_or_else(|| wrong().in_item(index))?;
                if !set.contains(&name) {
                    set.push(name);
                }
            }
            Val::Flags(set)
        }
        Shape::Option(inner) => match value {
            Value::Null => Val::Option(None),
            value => Val::Option(Some(Box::new(to_component(inner, value)?))),
        },
        Shape::Result(ok, err) => {
            let members = value
                .as_object()
                .filter(|members| members.len() == 1)
                .ok_or_else(wrong)?;
            let side = |shape: Option<&Shape>, value: &Value, name: &str| match (shape, value) {
                (None, Value::Null) => Ok(None),
                (None, _) => Err(expected(&Shape::Result(None, None), value).in_field(name)),
                (Some(shape), value) => to_component(shape, value)
                    .map(|value| Some(Box::new(value)))
                    .map_err(|error| error.in_field(name)),
            };
            match (members.get("ok"), members.get("err")) {
                (Some(value), _) => Val::Result(Ok(side(ok.as_deref(), value, "ok")?)),
                (_, Some(value)) => Val::Result(Err(side(err.as_deref(), value, "err")?)),
                _ => return Err(wrong()),
            }
        }
    })
}

/// Converts an action's arguments to a component value.
///
/// # Errors
/// Returns the path of the value that does not fit, and the reason.
pub fn record_to_component(record: &RecordShape, arguments: &Value) -> Result<Val, BadArgument> {
    record_in(record, members_of(arguments)?, None)
}

/// Checks the arguments of an action that takes none: an empty object, or null.
///
/// # Errors
/// Returns an error if there are any.
pub fn nothing_to_component(arguments: &Value) -> Result<(), BadArgument> {
    if arguments.is_null() {
        return Ok(());
    }
    match members_of(arguments)?.keys().next() {
        Some(stranger) => Err(
            BadArgument::new("is not known", "This action takes no arguments.").in_field(stranger),
        ),
        None => Ok(()),
    }
}

fn members_of(arguments: &Value) -> Result<&Map<String, Value>, BadArgument> {
    arguments.as_object().ok_or_else(|| {
        BadArgument::new(
            "the arguments must be an object",
            "Give them as {\"name\": value}.",
        )
    })
}

fn integer(int: Int, value: &Value) -> Option<Val> {
    let number = match value {
        Value::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from)),
        Value::String(text) if int.is_wide() => text.parse().ok(),
        _ => None,
    }?;
    Some(match int {
        Int::S8 => Val::S8(number.try_into().ok()?),
        Int::U8 => Val::U8(number.try_into().ok()?),
        Int::S16 => Val::S16(number.try_into().ok()?),
        Int::U16 => Val::U16(number.try_into().ok()?),
        Int::S32 => Val::S32(number.try_into().ok()?),
        Int::U32 => Val::U32(number.try_into().ok()?),
        Int::S64 => Val::S64(number.try_into().ok()?),
        Int::U64 => Val::U64(number.try_into().ok()?),
    })
}

fn name_in(names: &[String], value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|given| names.iter().any(|name| name == given))
        .map(str::to_owned)
}

/// Converts an object to a record; `tag` is the one member that is not a field.
fn record_in(
    record: &RecordShape,
    members: &Map<String, Value>,
    tag: Option<&str>,
) -> Result<Val, BadArgument> {
    let known = || record.fields.iter().map(|field| field.json.as_str());
    if let Some(stranger) = members
        .keys()
        .find(|name| Some(name.as_str()) != tag && !known().any(|k| k == *name))
    {
        let next = nearest::hint(stranger, known());
        return Err(BadArgument::new("is not known", next).in_field(stranger));
    }
    let mut fields = Vec::with_capacity(record.fields.len());
    for field in &record.fields {
        let value = match (members.get(&field.json), &field.shape) {
            (Some(value), shape) => {
                to_component(shape, value).map_err(|error| error.in_field(&field.json))?
            }
            (None, Shape::Option(_)) => Val::Option(None),
            (None, shape) => {
                let next = format!("Give {}.", shape.describe());
                return Err(BadArgument::new("is missing", next).in_field(&field.json));
            }
        };
        fields.push((field.wit.clone(), value));
    }
    Ok(Val::Record(fields))
}

/// Converts an object to a variant; `None` if it has no `case` of type string.
fn variant_in(cases: &[CaseShape], value: &Value) -> Option<Result<Val, BadArgument>> {
    let members = value.as_object()?;
    let name = members.get("case")?.as_str()?;
    let Some(case) = cases.iter().find(|case| case.name == name) else {
        let next = nearest::hint(name, cases.iter().map(|case| case.name.as_str()));
        return Some(Err(BadArgument::new("is not known", next).in_field("case")));
    };
    let payload = match (case.beside(), &case.payload) {
        (Some(record), _) => record_in(record, members, Some("case")).map(Some),
        (None, payload) => value_in(payload.as_ref(), members),
    };
    Some(payload.map(|payload| Val::Variant(case.name.clone(), payload.map(Box::new))))
}

fn value_in(
    payload: Option<&Shape>,
    members: &Map<String, Value>,
) -> Result<Option<Val>, BadArgument> {
    let allowed = |name: &str| name == "case" || (payload.is_some() && name == "value");
    if let Some(stranger) = members.keys().find(|name| !allowed(name)) {
        return Err(BadArgument::new("is not known", "Leave it out.").in_field(stranger));
    }
    match (payload, members.get("value")) {
        (None, _) => Ok(None),
        (Some(Shape::Option(_)), None) => Ok(Some(Val::Option(None))),
        (Some(shape), None) => Err(BadArgument::new(
            "is missing",
            format!("Give {}.", shape.describe()),
        )
        .in_field("value")),
        (Some(shape), Some(value)) => to_component(shape, value)
            .map(Some)
            .map_err(|error| error.in_field("value")),
    }
}

fn expected(shape: &Shape, value: &Value) -> BadArgument {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    let mut next = format!("Give {}.", shape.describe());
    let mut reason = format!("must be {}, not {found}", shape.describe());
    let text = value.as_str();
    match (shape, text) {
        (Shape::Enum(names), Some(text)) => {
            reason = "is not one of the known values".into();
            if let Some(name) = nearest::closest(text, names.iter().map(String::as_str)) {
                next = format!("Did you mean \"{name}\"? {next}");
            }
        }
        (Shape::Int(_), None) if value.is_number() => reason = "is not such a number".into(),
        (Shape::Int(int), Some(_)) if int.is_wide() => reason = "is not such a number".into(),
        _ => {}
    }
    BadArgument::new(reason, next)
}
