//! The stored state as tests look at it, beside the service's own API: how many records there are,
//! and what is in them.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::catalogue::{CATALOGUE, Field, Object};
use super::database::{Row, Workspace, quoted};
use super::value::write_json;
use crate::server::Count;

/// Counts the records of each object, by singular name.
pub(super) fn counts(workspace: &Workspace) -> Vec<(String, Count)> {
    let objects = CATALOGUE.objects.iter();
    objects
        .filter_map(|object| {
            let sql = format!(
                "SELECT count(*) FILTER (WHERE \"deletedAt\" IS NULL), count(\"deletedAt\") FROM {}",
                quoted(object.spec.singular)
            );
            let counted = workspace.query(&sql, &[], |row| {
                let count = |nth| row.get(nth).map(|n: u32| n as usize);
                Ok(Count {
                    live: count(0)?,
                    deleted: count(1)?,
                })
            });
            Some((object.spec.singular.to_owned(), counted.ok()?.pop()?))
        })
        .collect()
}

/// All records of an object, soft-deleted ones included, by id; `None` if there is no such object.
pub(super) fn records(workspace: &Workspace, singular: &str) -> Option<Vec<Json>> {
    let object = CATALOGUE.singular(singular)?;
    let sql = format!("SELECT * FROM {} ORDER BY \"id\"", quoted(singular));
    let rows = workspace.rows(object, &sql, &[]).ok()?;
    Some(rows.iter().map(|row| record(object, row)).collect())
}

/// One record, soft-deleted or not.
pub(super) fn record_with(workspace: &Workspace, singular: &str, id: &str) -> Option<Json> {
    let object = CATALOGUE.singular(singular)?;
    let row = workspace
        .find(object.id, Uuid::try_parse(id).ok()?)
        .ok()??;
    Some(record(object, &row))
}

/// A record's columns under their own names, composites nested; ids show as they are stored,
/// whatever they point to.
fn record(object: &Object, row: &Row) -> Json {
    let column = |column| {
        let mut out = Vec::new();
        write_json(&mut out, row.get(column), object.kind(column));
        serde_json::from_slice(&out).unwrap_or(Json::Null)
    };
    let mut fields = Map::new();
    for name in &object.order {
        let value = match object.fields.get(name) {
            Some(Field::Plain(at)) => column(*at),
            Some(Field::Composite { parts, .. }) => parts
                .iter()
                .map(|(part, at)| ((*part).to_owned(), column(*at)))
                .collect::<Map<String, Json>>()
                .into(),
            _ => continue,
        };
        fields.insert(name.clone(), value);
    }
    json!(fields)
}
