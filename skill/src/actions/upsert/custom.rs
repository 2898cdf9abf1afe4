//! Checks custom fields: only those that the operator has named are set, and only of types that a
//! text expresses exactly.

use serde_json::{Number, Value};

use super::assignment::Assignment;
use super::types::{self, Fields};
use crate::actions::input;
use crate::actions::status::FieldMetadata;
use crate::bindings::claw::crm::types::Kind;
use crate::bindings::exports::claw::crm::propose::FieldValue;
use crate::context::Context;
use crate::failure::{self, Failure};
use crate::twenty::kinds::object;
use crate::{day, text};

/// The setting that names the fields, as `opportunity.nextStep, person.city`.
const SETTING: &str = "custom-fields";

/// The fields that the CRM keeps itself, whatever an operator names.
const SYSTEM: [&str; 7] = [
    "id",
    "createdAt",
    "updatedAt",
    "deletedAt",
    "createdBy",
    "updatedBy",
    "position",
];

/// Significant digits that every reader of JSON holds exactly.
const DIGITS: usize = 15;

/// Checks the values of custom fields. `own` are the names that this skill sets by arguments of
/// their own.
pub(super) fn assignments(
    ctx: &Context<'_>,
    kind: Kind,
    own: &[&str],
    fields: Option<&[FieldValue]>,
    types: Option<&Fields>,
) -> Result<Vec<Assignment>, Failure> {
    let mut assignments: Vec<Assignment> = Vec::new();
    for field in fields.unwrap_or_default() {
        let name = field.name.trim();
        let argument = format!("custom.{}", text::line(&text::clean(name), 80).0);
        plain(own, &argument, name)?;
        if let Some(composite) = types.and_then(|types| types.get(name)).and_then(composite) {
            return Err(failure::invalid_input(
                argument,
                format!("the field \"{name}\" is {composite}, which cannot be set here"),
                "Set it in the CRM.",
            ));
        }
        allowed(ctx, kind, &argument, name)?;
        if assignments.iter().any(|set| set.path == name) {
            return Err(failure::invalid_input(
                argument,
                "it is given twice",
                "Give each field once.",
            ));
        }
        let known = types.and_then(|types| types.get(name)).ok_or_else(|| {
            failure::invalid_input(
                argument.clone(),
                format!("this CRM's {} records have no such field", object(kind)),
                format!("Ask the operator to correct the setting \"{SETTING}\", or to make the field in the CRM."),
            )
        })?;
        let value = value(ctx, &argument, known, &field.value)?;
        assignments.push(Assignment {
            name: name.to_owned(),
            path: name.to_owned(),
            display: text::line(
                &value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
                80,
            )
            .0,
            value,
        });
    }
    Ok(assignments)
}

/// Describes a field of several parts or several values, which no text expresses exactly.
fn composite(field: &FieldMetadata) -> Option<&'static str> {
    Some(match field.kind.as_deref()? {
        "LINKS" => "a list of links",
        "EMAILS" => "a list of e-mail addresses",
        "PHONES" => "a list of phone numbers",
        "ADDRESS" => "a postal address",
        "CURRENCY" => "an amount with its currency",
        "FULL_NAME" => "a first and a last name",
        "ACTOR" => "who made the record",
        "RELATION" | "MORPH_RELATION" => "a link to other records",
        "MULTI_SELECT" | "ARRAY" => "a list of values",
        "RICH_TEXT" | "RICH_TEXT_V2" => "a formatted text",
        "RAW_JSON" | "FILES" | "TS_VECTOR" => "no plain value",
        _ => return None,
    })
}

/// Refuses anything but the name of a plain field, and fields that are set by arguments of their
/// own.
fn plain(own: &[&str], argument: &str, name: &str) -> Result<(), Failure> {
    if graphql_fields::check_field(name).is_err() {
        return Err(failure::invalid_input(
            argument,
            "this is no name of a plain field",
            "Give the field's own name in the CRM, such as nextStep.",
        ));
    }
    if own.contains(&name) || SYSTEM.contains(&name) {
        return Err(failure::invalid_input(
            argument,
            "this is no custom field",
            match name {
                "phones" => "Use the argument `phone`.",
                "emails" => "Use the argument `email`.",
                "domainName" => "Use the argument `domain`.",
                _ => "Use the argument for it beside `custom`, where there is one.",
            },
        ));
    }
    Ok(())
}

fn allowed(ctx: &Context<'_>, kind: Kind, argument: &str, name: &str) -> Result<(), Failure> {
    let wanted = format!("{}.{name}", object(kind));
    let setting = ctx.setting(SETTING).unwrap_or_default();
    if setting.split(',').any(|named| named.trim() == wanted) {
        return Ok(());
    }
    Err(failure::invalid_input(
        argument,
        "the operator has not allowed this field to be set",
        format!("Ask the operator to add {wanted} to the setting \"{SETTING}\"."),
    ))
}

fn value(
    ctx: &Context<'_>,
    argument: &str,
    field: &FieldMetadata,
    given: &str,
) -> Result<Value, Failure> {
    let wrong = |reason: &str, next: &str| failure::invalid_input(argument, reason, next);
    Ok(match field.kind.as_deref().unwrap_or("unknown") {
        "TEXT" => input::note(argument, given)?
            .map(Value::from)
            .ok_or_else(|| wrong("it is empty", "Give a text, or leave the field out."))?,
        "NUMBER" => Value::Number(number(given).ok_or_else(|| {
            wrong(
                "this is no number that can be stored exactly",
                "Give a decimal number with at most 15 digits, such as 12.5.",
            )
        })?),
        "BOOLEAN" => match given.trim() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => {
                return Err(wrong(
                    "this is neither true nor false",
                    "Give true or false.",
                ));
            }
        },
        "DATE" => Value::from(day::parse(argument, given.trim())?.to_string()),
        "DATE_TIME" => Value::from(text::instant(day::deadline(ctx.zone(), argument, given)?)),
        "SELECT" => Value::from(types::option(field, argument, given)?),
        other => {
            return Err(wrong(
                &format!(
                    "fields of the type {} cannot be set",
                    text::line(&text::clean(other), 40).0
                ),
                "Set it in the CRM; here only texts, numbers, yes or no, dates and choices of one option can be set.",
            ));
        }
    })
}

fn number(given: &str) -> Option<Number> {
    let given = given.trim();
    let digits = given.strip_prefix('-').unwrap_or(given);
    let (units, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let count = digits.bytes().filter(u8::is_ascii_digit).count();
    if !plain(units) || !plain(decimals) || count > DIGITS {
        return None;
    }
    if digits.contains('.') {
        Number::from_f64(given.parse().ok()?)
    } else {
        Some(Number::from(given.parse::<i64>().ok()?))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_number_is_exact_or_refused() {
        for (given, expected) in [
            ("12", "12"),
            ("-12.5", "-12.5"),
            ("0.1", "0.1"),
            ("007", "7"),
            ("123456789012345", "123456789012345"),
        ] {
            assert_eq!(super::number(given).unwrap().to_string(), expected);
        }
        for wrong in [
            "",
            "1e3",
            "1,5",
            "NaN",
            "1.",
            "12345678901234567",
            "+1",
            "0x1",
        ] {
            assert_eq!(super::number(wrong), None, "{wrong}");
        }
    }
}
