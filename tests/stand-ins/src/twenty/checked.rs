//! The part of the API that the real service validates against its schema: selections on plain JSON
//! with unknown fields refused in graphql-js's words, and aliases honoured.

use serde_json::{Map, Value};

use super::document::{Document, SelectedField, Selection};
use super::errors::{GqlError, Refusal};

/// A type of the schema: its name, and its fields with the name of their type, or `None` for
/// scalars.
pub(super) struct Type {
    pub name: &'static str,
    pub fields: &'static [(&'static str, Option<&'static Type>)],
}

/// The errors of a selection against a type.
pub(super) fn validate(
    document: &Document,
    ty: &Type,
    selections: &[Selection],
    errors: &mut Vec<GqlError>,
) {
    for selection in selections {
        match selection {
            Selection::Field(field) if field.name == "__typename" => {}
            Selection::Field(field) => match ty.fields.iter().find(|(name, _)| *name == field.name)
            {
                Some((_, Some(below))) => validate(document, below, &field.selections, errors),
                Some((_, None)) => {}
                None => {
                    let known = ty.fields.iter().map(|(name, _)| *name);
                    let message = format!(
                        "Cannot query field \"{}\" on type \"{}\".{}",
                        field.name,
                        ty.name,
                        did_you_mean(&field.name, known)
                    );
                    errors.push(GqlError::at(message, document.location(field.offset)));
                }
            },
            Selection::Inline { selections, .. } => validate(document, ty, selections, errors),
            Selection::Spread { name, .. } => {
                if let Some(below) = document.fragments.get(name) {
                    validate(document, ty, below, errors);
                }
            }
        }
    }
}

/// graphql-js proposes names whose edit distance is at most two fifths of the name and one more.
fn did_you_mean<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    let most = name.len() * 2 / 5 + 1;
    let distance = |other: &str| {
        if other.eq_ignore_ascii_case(name) {
            1
        } else {
            strsim::osa_distance(&name.to_lowercase(), &other.to_lowercase())
        }
    };
    let mut near: Vec<(usize, &str)> = known
        .map(|other| (distance(other), other))
        .filter(|(d, _)| *d <= most)
        .collect();
    near.sort_unstable();
    let quoted: Vec<String> = near
        .iter()
        .take(5)
        .map(|(_, other)| format!("\"{other}\""))
        .collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => format!(" Did you mean {only}?"),
        [one, two] => format!(" Did you mean {one} or {two}?"),
        [first @ .., last] => format!(" Did you mean {}, or {last}?", first.join(", ")),
    }
}

/// Projects a value onto a selection; lists item by item, absent fields null.
pub(super) fn project(
    document: &Document,
    value: &Value,
    selections: &[Selection],
) -> Result<Value, Refusal> {
    match value {
        Value::Array(items) => items
            .iter()
            .map(|item| project(document, item, selections))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        Value::Object(_) if !selections.is_empty() => {
            let mut kept = Map::new();
            keep(document, value, selections, &mut kept, 0)?;
            Ok(Value::Object(kept))
        }
        other => Ok(other.clone()),
    }
}

fn keep(
    document: &Document,
    value: &Value,
    selections: &[Selection],
    kept: &mut Map<String, Value>,
    depth: usize,
) -> Result<(), Refusal> {
    if depth > 64 {
        return Err(Refusal::not_known("fragments that contain themselves"));
    }
    for selection in selections {
        match selection {
            Selection::Field(SelectedField {
                alias,
                name,
                selections,
                directives,
                ..
            }) => {
                if !directives.is_empty() {
                    return Err(Refusal::not_known("directives here"));
                }
                let found = value.get(name).unwrap_or(&Value::Null);
                kept.insert(
                    alias.as_ref().unwrap_or(name).clone(),
                    project(document, found, selections)?,
                );
            }
            Selection::Inline { selections, .. } => {
                keep(document, value, selections, kept, depth + 1)?
            }
            Selection::Spread { name, .. } => {
                let below = document
                    .fragments
                    .get(name)
                    .ok_or_else(|| Refusal::not_known(format!("the unknown fragment {name}")))?;
                keep(document, value, below, kept, depth + 1)?;
            }
        }
    }
    Ok(())
}
