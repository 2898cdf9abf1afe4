//! Fields that a role may not read: a root that names one is refused as a whole, in words that name
//! the field and its object.

use super::catalogue::{CATALOGUE, Field, Object};
use super::document::Argument;
use super::errors::GqlError;
use super::input::Input;
use super::keys::Role;
use super::root::Ask;
use super::select::{ConnectionMember, ConnectionShape, EdgeMember, RecordMember, RecordShape};

/// Refuses a root that names a hidden field. That filters and orders are refused as selections are
/// is not recorded: it is the stricter of the two ways.
pub(super) fn check(
    role: &Role,
    ask: &Ask,
    arguments: &[Argument],
    variables: &serde_json::Map<String, serde_json::Value>,
) -> Result<(), GqlError> {
    if role.hidden.is_empty() {
        return Ok(());
    }
    let (object, selected) = match ask {
        Ask::List(object, shape) => (*object, connection(role, shape)),
        Ask::One(object, shape) => (*object, record(role, shape)),
        Ask::Groups(object, _) => (*object, Ok(())),
    };
    selected?;
    match CATALOGUE.object(object) {
        Some(object) => used(role, object, &Input::object(arguments, variables)),
        None => Ok(()),
    }
}

fn refuse(role: &Role, object: &Object, name: &str) -> Result<(), GqlError> {
    let hides = |(of, field): &(String, String)| of == object.spec.singular && field == name;
    match role.hidden.iter().any(hides) {
        true => Err(GqlError::field_denied(object.spec.singular, name)),
        false => Ok(()),
    }
}

fn record(role: &Role, shape: &RecordShape) -> Result<(), GqlError> {
    let Some(object) = CATALOGUE.object(shape.object) else {
        return Ok(());
    };
    for (name, member) in &shape.members {
        refuse(role, object, name)?;
        match member {
            RecordMember::One(_, below) => record(role, below)?,
            RecordMember::Many {
                connection: below, ..
            } => connection(role, below)?,
            _ => {}
        }
    }
    Ok(())
}

fn connection(role: &Role, shape: &ConnectionShape) -> Result<(), GqlError> {
    for (_, member) in &shape.members {
        let ConnectionMember::Edges(edge) = member else {
            continue;
        };
        for (_, member) in edge {
            if let EdgeMember::Node(node) = member {
                record(role, node)?;
            }
        }
    }
    Ok(())
}

/// Names in a filter or an order.
fn used(role: &Role, object: &'static Object, value: &Input) -> Result<(), GqlError> {
    match value {
        Input::List(items) => items.iter().try_for_each(|item| used(role, object, item)),
        Input::Object(entries) => entries.iter().try_for_each(|(name, below)| {
            match object.fields.get(name) {
                Some(Field::One { target, .. }) => match CATALOGUE.object(*target) {
                    Some(other) => used(role, other, below),
                    None => Ok(()),
                },
                Some(_) => refuse(role, object, name),
                // `and`, `or`, and the arguments themselves.
                None => used(role, object, below),
            }
        }),
        _ => Ok(()),
    }
}
