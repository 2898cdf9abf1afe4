//! Converts component values to JSON.

use serde_json::{Map, Number, Value, json};
use wasmtime::component::Val;

use super::error::BadAnswer;
use crate::shape::{CaseShape, RecordShape, Shape};

/// Largest magnitude of an integer that every JSON reader represents exactly.
const EXACT_MAX: i128 = 1 << 53;

/// Converts a component value to JSON.
///
/// # Errors
/// Returns an error if the value does not have this shape, or a number is not finite.
pub fn from_component(shape: &Shape, value: &Val) -> Result<Value, BadAnswer> {
    Ok(match (shape, value) {
        (Shape::Bool, Val::Bool(yes)) => Value::Bool(*yes),
        (Shape::Int(_), value) => integer_out(value).ok_or(BadAnswer("a whole number"))?,
        (Shape::Float32, Val::Float32(number)) => {
            // The shortest text that denotes this number: widening it to 64 bits would add digits.
            let short = number.to_string().parse().ok().and_then(Number::from_f64);
            Value::Number(short.ok_or(BadAnswer("a number that is not finite"))?)
        }
        (Shape::Float64, Val::Float64(number)) => Value::Number(
            Number::from_f64(*number).ok_or(BadAnswer("a number that is not finite"))?,
        ),
        (Shape::Char, Val::Char(character)) => Value::String(character.to_string()),
        (Shape::String, Val::String(text)) => Value::String(text.clone()),
        (Shape::List(item), Val::List(items)) => Value::Array(
            items
                .iter()
                .map(|value| from_component(item, value))
                .collect::<Result<_, _>>()?,
        ),
        (Shape::Tuple(shapes), Val::Tuple(items)) if shapes.len() == items.len() => {
            let convert = |(shape, value)| from_component(shape, value);
            Value::Array(
                shapes
                    .iter()
                    .zip(items)
                    .map(convert)
                    .collect::<Result<_, _>>()?,
            )
        }
        (Shape::Record(record), Val::Record(fields)) => {
            let mut members = Map::with_capacity(fields.len());
            record_out(record, fields, &mut members)?;
            Value::Object(members)
        }
        (Shape::Variant(cases), Val::Variant(name, payload)) => {
            variant_out(cases, name, payload.as_deref())?
        }
        (Shape::Enum(_), Val::Enum(name)) => Value::String(name.clone()),
        (Shape::Flags(_), Val::Flags(names)) => Value::from(names.clone()),
        (Shape::Option(_), Val::Option(None)) => Value::Null,
        (Shape::Option(inner), Val::Option(Some(value))) => from_component(inner, value)?,
        (Shape::Result(ok, err), Val::Result(result)) => {
            let side = |shape: Option<&Shape>, value: Option<&Val>| match (shape, value) {
                (None, None) => Ok(Value::Null),
                (Some(shape), Some(value)) => from_component(shape, value),
                _ => Err(BadAnswer("a result")),
            };
            match result {
                Ok(value) => json!({"ok": side(ok.as_deref(), value.as_deref())?}),
                Err(value) => json!({"err": side(err.as_deref(), value.as_deref())?}),
            }
        }
        _ => return Err(BadAnswer("another type")),
    })
}

fn integer_out(value: &Val) -> Option<Value> {
    let number: i128 = match value {
        Val::S8(number) => (*number).into(),
        Val::U8(number) => (*number).into(),
        Val::S16(number) => (*number).into(),
        Val::U16(number) => (*number).into(),
        Val::S32(number) => (*number).into(),
        Val::U32(number) => (*number).into(),
        Val::S64(number) => (*number).into(),
        Val::U64(number) => (*number).into(),
        _ => return None,
    };
    let exact = (-EXACT_MAX..=EXACT_MAX).contains(&number);
    Some(match i64::try_from(number) {
        Ok(small) if exact => small.into(),
        _ => number.to_string().into(),
    })
}

fn record_out(
    record: &RecordShape,
    fields: &[(String, Val)],
    members: &mut Map<String, Value>,
) -> Result<(), BadAnswer> {
    for (field, (_, value)) in record.fields.iter().zip(fields) {
        // An absent option is written by omitting the key.
        if !matches!(value, Val::Option(None)) {
            members.insert(field.json.clone(), from_component(&field.shape, value)?);
        }
    }
    Ok(())
}

fn variant_out(cases: &[CaseShape], name: &str, payload: Option<&Val>) -> Result<Value, BadAnswer> {
    let case = cases
        .iter()
        .find(|case| case.name == name)
        .ok_or(BadAnswer("an unknown case"))?;
    let mut members = Map::new();
    members.insert("case".into(), name.into());
    match (case.beside(), &case.payload, payload) {
        (Some(record), _, Some(Val::Record(fields))) => record_out(record, fields, &mut members)?,
        (None, Some(_), Some(Val::Option(None))) | (None, None, None) => {}
        (None, Some(shape), Some(value)) => {
            members.insert("value".into(), from_component(shape, value)?);
        }
        _ => return Err(BadAnswer("a case with another payload")),
    }
    Ok(Value::Object(members))
}
