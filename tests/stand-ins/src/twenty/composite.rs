//! Composite values within a mutation's `data`: names, e-mail addresses, links, phone numbers,
//! amounts, addresses, actors. Only the subfields that are given are written, so an update keeps
//! the others.

use std::sync::Arc;

use serde_json::json;

use super::catalogue::{ColumnId, Object};
use super::data::{bad_data, inspect, text};
use super::errors::{GENERIC, Refusal};
use super::input::Input;
use super::quirks::{emptied, phone};
use super::standard::ACTOR_SOURCE;
use super::value::{Kind, Value};

pub(super) type Values = Vec<(ColumnId, Value)>;

/// The largest whole number that JavaScript keeps apart from its neighbours.
const SAFE: u64 = 1 << 53;

/// Reads a composite; `metadata` is the name of its type.
pub(super) fn read(
    name: &str,
    metadata: &str,
    object: &Object,
    parts: &[(&'static str, ColumnId)],
    value: &Input,
) -> Result<Values, Refusal> {
    let given = subfields(name, parts, value)?;
    if metadata == "PHONES"
        && let Some(taken_apart) = phone::read(name, parts, &given)?
    {
        return Ok(taken_apart);
    }
    if metadata == "LINKS" && !given.iter().any(|(part, ..)| *part == "primaryLinkUrl") {
        return Err(Refusal::not_known(format!("{name} without primaryLinkUrl")));
    }
    let mut values = emptied(metadata, parts, &given);
    for (part, column, value) in given {
        let path = format!("{name}.{part}");
        let read = match (part, object.kind(column)) {
            ("primaryEmail", _) => email(&path, value)?,
            ("primaryLinkUrl", _) => link(&path, value)?,
            (_, Kind::Text | Kind::NullableText) => text(&path, "text", value)?,
            (_, Kind::Int) => micros(&path, value)?,
            (_, Kind::Float) => float(&path, value)?,
            (_, Kind::JsonList) => list(&path, value)?,
            _ => return Err(Refusal::not_known(format!("writing {path}"))),
        };
        values.push((column, read));
    }
    Ok(values)
}

/// The subfields that are given.
fn subfields<'v>(
    name: &str,
    parts: &[(&'static str, ColumnId)],
    value: &'v Input,
) -> Result<Vec<(&'static str, ColumnId, &'v Input)>, Refusal> {
    let Input::Object(entries) = value else {
        return Err(Refusal::not_known(format!("{name}: {}", value.inspect())));
    };
    let mut given = Vec::new();
    for (part, value) in entries.iter().filter(|(_, v)| *v != Input::Undefined) {
        let (part, column) = parts
            .iter()
            .find(|(p, _)| p == part)
            .ok_or_else(|| Refusal::not_known(format!("{name}.{part}")))?;
        given.push((*part, *column, value));
    }
    Ok(given)
}

/// An e-mail address, in lower case as the service keeps it.
fn email(path: &str, value: &Input) -> Result<Value, Refusal> {
    let lower = match text(path, "email", value)? {
        Value::Text(given) => given.to_lowercase(),
        other => return Ok(other),
    };
    let proper = lower.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && host.contains('.') && !host.contains('@') && !host.ends_with('.')
    });
    if !proper || lower.contains(char::is_whitespace) {
        let message = format!(
            "Invalid string value {} for email field \"{path}\"",
            inspect(value)?
        );
        return Err(bad_data(message, GENERIC));
    }
    Ok(Value::text(lower))
}

/// A link. The service puts the origin of a web address in lower case and takes one slash off its
/// end; what has no scheme stays as it is. What it does to anything else is not known.
fn link(path: &str, value: &Input) -> Result<Value, Refusal> {
    let given = text(path, "text", value)?;
    let Some(url) = given.as_text() else {
        return Ok(given);
    };
    let plain = url.is_ascii() && url.contains('.') && !url.contains([' ', '%', '@', '\\']);
    let known = match url.split_once("://") {
        _ if !plain => None,
        None => (!url.contains([':', '/', '?', '#'])).then(|| url.to_owned()),
        Some((scheme, rest)) if matches!(scheme, "http" | "https") => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let (host, after) = rest.split_at(end);
            let after = after.strip_suffix('/').unwrap_or(after);
            (!host.contains(':')).then(|| format!("{scheme}://{}{after}", host.to_lowercase()))
        }
        Some(_) => None,
    };
    known
        .map(Value::text)
        .ok_or_else(|| Refusal::not_known(format!("the link {url}")))
}

/// An amount: a number, or the text of a whole one, whose fraction is cut off, and which past 2^53
/// is what a double makes of it.
fn micros(path: &str, value: &Input) -> Result<Value, Refusal> {
    let unknown = || Refusal::not_known(format!("{path}: {}", value.inspect()));
    let (whole, double) = match value {
        Input::Null => return Ok(Value::Null),
        Input::Number(n) => (n.as_i64(), n.as_f64()),
        Input::Text(text) => {
            let whole: Option<i64> = text.parse().ok();
            (whole, whole.and_then(|_| text.parse().ok()))
        }
        _ => return Err(unknown()),
    };
    if let Some(whole) = whole.filter(|n| n.unsigned_abs() <= SAFE) {
        return Ok(Value::Int(whole));
    }
    let double: f64 = double.ok_or_else(unknown)?;
    // Printing and reading is the one conversion that does not lose a sign or wrap.
    let whole: i64 = format!("{:.0}", double.trunc())
        .parse()
        .map_err(|_| unknown())?;
    Ok(Value::Int(whole))
}

fn float(path: &str, value: &Input) -> Result<Value, Refusal> {
    match value {
        Input::Null => Ok(Value::Null),
        Input::Number(n) => Ok(n.as_f64().map_or(Value::Null, Value::Float)),
        other => Err(Refusal::not_known(format!("{path}: {}", other.inspect()))),
    }
}

/// A list of addresses or of nothing.
fn list(path: &str, value: &Input) -> Result<Value, Refusal> {
    let unknown = || Refusal::not_known(format!("{path}: {}", value.inspect()));
    match value {
        Input::Null => Ok(Value::Null),
        Input::List(items) if items.is_empty() => Ok(Value::Null),
        Input::List(items) if path.ends_with("additionalEmails") => {
            let emails: Option<Vec<&str>> = items.iter().map(Input::as_text).collect();
            let emails = emails
                .filter(|all| {
                    all.iter()
                        .all(|e| e.contains('@') && e.to_lowercase() == **e)
                })
                .ok_or_else(unknown)?;
            Ok(Value::Json(Arc::new(json!(emails))))
        }
        _ => Err(unknown()),
    }
}

/// Reads the creator of a record, if the caller gives one.
pub(super) fn actor(parts: &[(&'static str, ColumnId)], value: &Input) -> Result<Values, Refusal> {
    let given = subfields("createdBy", parts, value)?;
    let mut values = Vec::new();
    for (part, column) in parts {
        let value = given.iter().find(|(p, ..)| p == part).map(|(.., v)| *v);
        let value = match (*part, value) {
            ("source", Some(Input::Text(source))) if ACTOR_SOURCE.position(source).is_some() => {
                Value::text(source)
            }
            ("name", Some(name @ Input::Text(_))) => text("createdBy.name", "text", name)?,
            ("context" | "workspaceMemberId" | "name", None | Some(Input::Null)) => Value::Null,
            _ => return Err(Refusal::not_known(format!("this createdBy.{part}"))),
        };
        values.push((*column, value));
    }
    Ok(values)
}
