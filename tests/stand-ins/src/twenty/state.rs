//! The stored state as tests look at it, beside the service's own API: how many records there are,
//! and what is in them.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::catalogue::{CATALOGUE, Field, Object};
use super::find::scan;
use super::table::{Row, Workspace};
use super::value::{Kind, Value, write_json};
use crate::server::Count;

/// Counts the records of each object, by singular name.
pub(super) fn counts(workspace: &Workspace) -> Vec<(String, Count)> {
    let objects = CATALOGUE.objects.iter();
    objects
        .filter_map(|object| {
            let table = workspace.table(object.id)?;
            let live = scan(table).filter(|row| row.is_live()).count();
            let deleted = table.len() - live;
            Some((object.spec.singular.to_owned(), Count { live, deleted }))
        })
        .collect()
}

/// All records of an object, soft-deleted ones included, by id; `None` if there is no such object.
pub(super) fn records(workspace: &Workspace, singular: &str) -> Option<Vec<Json>> {
    let object = CATALOGUE.singular(singular)?;
    let mut rows: Vec<Row<'_>> = scan(workspace.table(object.id)?).collect();
    rows.sort_unstable_by_key(|row| row.id());
    Some(rows.into_iter().map(|row| record(object, row)).collect())
}

/// One record, soft-deleted or not.
pub(super) fn record_with(workspace: &Workspace, singular: &str, id: &str) -> Option<Json> {
    let object = CATALOGUE.singular(singular)?;
    let table = workspace.table(object.id)?;
    let row = table.row(table.find(Uuid::try_parse(id).ok()?)?)?;
    Some(record(object, row))
}

/// A record's columns under their own names, composites nested; ids show as they are stored,
/// whatever they point to.
fn record(object: &Object, row: Row<'_>) -> Json {
    let column = |column| {
        let mut out = Vec::new();
        let (value, kind): (&Value, Kind) =
            (row.get(column).unwrap_or(&Value::Null), object.kind(column));
        write_json(&mut out, value, kind);
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
