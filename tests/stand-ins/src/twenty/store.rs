//! Writing records: what a create, an update, a soft delete, a restore and a destroy do to the
//! tables, and what of it can be taken back when the rest of a request turns out not to go through.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::catalogue::{CATALOGUE, ColumnId, ID, Object, ObjectId};
use super::constraints::{DEFAULTS, FOLLOWING, foreign_key};
use super::data::Draft;
use super::errors::{GqlError, Refusal};
use super::keys::API_KEY_NAME;
use super::table::{Row, RowId, Table, Workspace};
use super::value::{Kind, Value};

/// A record as it was before a write; `None`: it was not there.
struct Before {
    object: ObjectId,
    id: Uuid,
    values: Option<Vec<Value>>,
}

/// Writes on behalf of one request.
pub(super) struct Writer<'w> {
    workspace: &'w mut Workspace,
    now_ms: i64,
    /// The moment of the root field that is being written.
    moment: i64,
    undo: Vec<Before>,
    created: Vec<(ObjectId, Uuid)>,
    /// The number of created records that belong to other root fields. Root fields run at the same
    /// time on the real service: what another one creates is not there yet for a foreign key to
    /// point to.
    others: usize,
}

impl<'w> Writer<'w> {
    pub(super) fn new(workspace: &'w mut Workspace, now_ms: i64) -> Self {
        Self {
            workspace,
            now_ms,
            moment: now_ms,
            undo: Vec::new(),
            created: Vec::new(),
            others: 0,
        }
    }

    /// The workspace with everything written so far.
    pub(super) fn workspace(&self) -> &Workspace {
        self.workspace
    }

    /// Begins with a root field; the place to go back to if it fails.
    pub(super) fn begin(&mut self) -> usize {
        self.moment = self.workspace.next_moment(self.now_ms);
        self.others = self.created.len();
        self.undo.len()
    }

    /// Takes back everything since a place.
    pub(super) fn back_to(&mut self, place: usize) {
        for before in self.undo.split_off(place.min(self.undo.len())).iter().rev() {
            if let Some(table) = self.workspace.table_mut(before.object) {
                match &before.values {
                    Some(values) => table.put(values.clone()),
                    None => table.remove(before.id),
                }
            }
            if before.values.is_none() {
                self.created
                    .retain(|made| *made != (before.object, before.id));
            }
        }
    }

    /// Makes a record, or with `upsert` changes the one that has its id or a unique value of it.
    pub(super) fn create(
        &mut self,
        object: &Object,
        draft: &Draft,
        upsert: bool,
    ) -> Result<Uuid, Refusal> {
        if upsert && let Some(id) = self.same(object, draft)? {
            self.overwrite(object, id, draft)?;
            return Ok(id);
        }
        let id = match draft.id {
            Some(id) => id,
            None => self.new_id(object)?,
        };
        let table = self.table(object.id)?;
        if table.find(id).is_some() {
            return Err(GqlError::duplicate().into());
        }
        let first = self.first_position(object)?;
        let mut values = vec![Value::Null; object.columns.len()];
        let mut set = |path: &str, value: Value| {
            if let Some(slot) = object.column(path).and_then(|c| values.get_mut(c)) {
                *slot = value;
            }
        };
        set("id", Value::Id(id));
        set("createdAt", Value::Time(self.moment));
        set("updatedAt", Value::Time(self.moment));
        set("position", Value::Float(first));
        for (path, value) in api_actor("createdBy")
            .into_iter()
            .chain(api_actor("updatedBy"))
        {
            set(&path, value);
        }
        for (_, path, value) in DEFAULTS
            .iter()
            .filter(|(singular, ..)| *singular == object.spec.singular)
        {
            // A workspace that has other choices begins with the first of them.
            let kind = object.column(path).map(|column| object.kind(column));
            let value = match kind {
                Some(Kind::Enum(members)) if members.position(value).is_none() => {
                    let first = members.choices().first();
                    first.map_or(*value, |(first, ..)| *first)
                }
                _ => value,
            };
            set(path, Value::text(value));
        }
        lay_over(&mut values, &draft.columns);
        self.check(object, id, draft)?;
        self.created.push((object.id, id));
        self.put(object.id, id, values)?;
        Ok(id)
    }

    /// Changes a record that is live.
    pub(super) fn update(
        &mut self,
        object: &Object,
        id: Uuid,
        draft: &Draft,
    ) -> Result<(), Refusal> {
        let row = self.existing(object.id, id)?;
        if !row.is_live() {
            return Err(Refusal::not_known("updating a soft-deleted record"));
        }
        if draft.id.is_some_and(|other| other != id) {
            return Err(Refusal::not_known("changing an id"));
        }
        self.change(object, id, draft.columns.clone(), draft)
    }

    /// Soft-deletes a record, again if it is already, and the links that follow it.
    pub(super) fn soft_delete(&mut self, object: &Object, id: Uuid) -> Result<(), Refusal> {
        self.existing(object.id, id)?;
        self.mark(object, id, Value::Time(self.moment))
    }

    /// Restores a soft-deleted record, and the links that follow it.
    pub(super) fn restore(&mut self, object: &Object, id: Uuid) -> Result<(), Refusal> {
        if self.existing(object.id, id)?.is_live() {
            return Err(Refusal::not_known("restoring a record that is not deleted"));
        }
        self.mark(object, id, Value::Null)
    }

    /// Removes a record for good, with its links; other records that point to it then point
    /// nowhere.
    pub(super) fn destroy(&mut self, object: &Object, id: Uuid) -> Result<(), Refusal> {
        self.existing(object.id, id)?;
        for other in &CATALOGUE.objects {
            for (column, _, _) in other.links.iter().filter(|(_, to, _)| *to == object.id) {
                for found in self.pointing(other.id, *column, id)? {
                    match other.spec.singular {
                        "taskTarget" | "noteTarget" => self.remove(other.id, found)?,
                        "attachment" | "timelineActivity" => {
                            return Err(Refusal::not_known(
                                "destroying a record that has attachments or a history",
                            ));
                        }
                        _ => self.set(other.id, found, &[(*column, Value::Null)])?,
                    }
                }
            }
        }
        self.remove(object.id, id)
    }

    fn table(&self, object: ObjectId) -> Result<&Table, Refusal> {
        self.workspace
            .table(object)
            .ok_or_else(|| Refusal::not_known("an object that is not kept"))
    }

    fn row(&self, object: ObjectId, id: Uuid) -> Result<Option<(RowId, Row<'_>)>, Refusal> {
        let table = self.table(object)?;
        Ok(table.find(id).and_then(|at| Some((at, table.row(at)?))))
    }

    /// A record to write to.
    fn existing(&self, object: ObjectId, id: Uuid) -> Result<Row<'_>, Refusal> {
        if self.is_others_own(object, id) {
            return Err(Refusal::not_known(
                "several root fields that write to one record",
            ));
        }
        let row = self.row(object, id)?.map(|(_, row)| row);
        Ok(row.ok_or_else(GqlError::not_found)?)
    }

    /// Returns true if another root field of this request created the record.
    fn is_others_own(&self, object: ObjectId, id: Uuid) -> bool {
        self.created
            .iter()
            .take(self.others)
            .any(|made| *made == (object, id))
    }

    /// Returns true if the root field that is being written created the record.
    fn is_own(&self, object: ObjectId, id: Uuid) -> bool {
        self.created
            .iter()
            .skip(self.others)
            .any(|made| *made == (object, id))
    }

    fn new_id(&mut self, object: &Object) -> Result<Uuid, Refusal> {
        loop {
            let id = self.workspace.next_id();
            if self.table(object.id)?.find(id).is_none() {
                return Ok(id);
            }
        }
    }

    /// New records go before all others.
    fn first_position(&self, object: &Object) -> Result<f64, Refusal> {
        let table = self.table(object.id)?;
        let column = object.column("position").unwrap_or_default();
        let positions = super::find::scan(table).filter_map(|row| match row.get(column) {
            Some(Value::Float(position)) => Some(*position),
            _ => None,
        });
        Ok(positions.fold(1.0, f64::min) - 1.0)
    }

    /// The record that an upsert is about. Those of the same root field are not looked at: the
    /// service looks before it writes, and then finds duplicates.
    fn same(&self, object: &Object, draft: &Draft) -> Result<Option<Uuid>, Refusal> {
        let table = self.table(object.id)?;
        let by_id = draft.id.filter(|id| table.find(*id).is_some());
        let by_value = object.unique.iter().filter_map(|(column, _)| {
            table
                .holder(*column, draft.get(*column)?.as_text()?)
                .and_then(Row::id)
        });
        let mut found: Vec<Uuid> = by_id.into_iter().chain(by_value).collect();
        found.retain(|id| !self.is_own(object.id, *id));
        found.dedup();
        match (found.as_slice(), draft.id) {
            ([], _) => Ok(None),
            ([only], None) => Ok(Some(*only)),
            ([only], Some(id)) if *only == id => Ok(Some(*only)),
            _ => Err(Refusal::not_known(
                "an upsert whose id and unique values are of different records",
            )),
        }
    }

    /// Applies an upsert to an existing record: it is changed and revived, and keeps its creator.
    fn overwrite(&mut self, object: &Object, id: Uuid, draft: &Draft) -> Result<(), Refusal> {
        self.existing(object.id, id)?;
        let path = |column: ColumnId| object.columns.get(column).map_or("", |c| c.path.as_str());
        if draft
            .columns
            .iter()
            .any(|(c, _)| matches!(path(*c), "createdAt" | "updatedAt"))
        {
            return Err(Refusal::not_known(
                "writing times in an upsert of a record that is there",
            ));
        }
        let mut columns = draft.columns.clone();
        columns.retain(|(c, _)| !path(*c).starts_with("createdBy."));
        columns.push((object.deleted_at, Value::Null));
        self.change(object, id, columns, draft)
    }

    fn change(
        &mut self,
        object: &Object,
        id: Uuid,
        mut columns: Vec<(ColumnId, Value)>,
        draft: &Draft,
    ) -> Result<(), Refusal> {
        self.check(object, id, draft)?;
        for (path, value) in api_actor("updatedBy")
            .into_iter()
            .chain([("updatedAt".to_owned(), Value::Time(self.moment))])
        {
            columns.extend(object.column(&path).map(|column| (column, value)));
        }
        self.set(object.id, id, &columns)
    }

    /// Soft-deletes or restores.
    fn mark(&mut self, object: &Object, id: Uuid, deleted_at: Value) -> Result<(), Refusal> {
        self.touch(object, id, deleted_at.clone())?;
        let following = FOLLOWING
            .iter()
            .filter(|(singular, ..)| *singular == object.spec.singular);
        for (_, link, path) in following {
            let Some(link) = CATALOGUE.singular(link) else {
                continue;
            };
            let column = link.column(path).unwrap_or_default();
            for found in self.pointing(link.id, column, id)? {
                self.touch(link, found, deleted_at.clone())?;
            }
        }
        Ok(())
    }

    fn touch(&mut self, object: &Object, id: Uuid, deleted_at: Value) -> Result<(), Refusal> {
        let mut columns = vec![(object.deleted_at, deleted_at)];
        columns.extend(
            object
                .column("updatedAt")
                .map(|c| (c, Value::Time(self.moment))),
        );
        self.set(object.id, id, &columns)
    }

    /// The ids of the records that point to this one, soft-deleted ones included.
    fn pointing(&self, object: ObjectId, column: ColumnId, id: Uuid) -> Result<Vec<Uuid>, Refusal> {
        let table = self.table(object)?;
        let found = table.linked(column, id).unwrap_or_default();
        Ok(found.iter().filter_map(|at| table.row(*at)?.id()).collect())
    }

    /// Checks the constraints of the database in its own order.
    fn check(&self, object: &Object, id: Uuid, draft: &Draft) -> Result<(), Refusal> {
        let table = self.table(object.id)?;
        for (column, label) in &object.unique {
            let text = draft.get(*column).and_then(Value::as_text);
            let holder = text.and_then(|text| table.holder(*column, text));
            let Some(other) = holder.and_then(Row::id).filter(|other| *other != id) else {
                continue;
            };
            // The service looks the other record up to name it, and finds neither deleted ones nor
            // its own that it has just taken back.
            let named = holder.is_some_and(Row::is_live) && !self.is_own(object.id, other);
            return Err(if named {
                GqlError::in_use(label, other, object.spec.singular).into()
            } else {
                GqlError::duplicate().into()
            });
        }
        for (column, target, _) in &object.links {
            let Some(other) = draft.get(*column).and_then(Value::as_id) else {
                continue;
            };
            if self.table(*target)?.find(other).is_none() || self.is_others_own(*target, other) {
                let path = object.columns.get(*column).map_or("", |c| c.path.as_str());
                let table = object.spec.singular;
                return Err(GqlError::no_such_target(table, &foreign_key(table, path)).into());
            }
        }
        Ok(())
    }

    fn set(
        &mut self,
        object: ObjectId,
        id: Uuid,
        columns: &[(ColumnId, Value)],
    ) -> Result<(), Refusal> {
        let table = self.table(object)?;
        let at = table.find(id).ok_or_else(GqlError::not_found)?;
        let mut values = table.values(at);
        lay_over(&mut values, columns);
        self.put(object, id, values)
    }

    fn put(&mut self, object: ObjectId, id: Uuid, values: Vec<Value>) -> Result<(), Refusal> {
        self.remember(object, id)?;
        if let Some(table) = self.workspace.table_mut(object) {
            table.put(values);
        }
        Ok(())
    }

    fn remove(&mut self, object: ObjectId, id: Uuid) -> Result<(), Refusal> {
        self.remember(object, id)?;
        if let Some(table) = self.workspace.table_mut(object) {
            table.remove(id);
        }
        Ok(())
    }

    fn remember(&mut self, object: ObjectId, id: Uuid) -> Result<(), Refusal> {
        let table = self.table(object)?;
        let values = table.find(id).map(|at| table.values(at));
        self.undo.push(Before { object, id, values });
        Ok(())
    }
}

fn lay_over(values: &mut [Value], columns: &[(ColumnId, Value)]) {
    for (column, value) in columns.iter().filter(|(column, _)| *column != ID) {
        if let Some(slot) = values.get_mut(*column) {
            *slot = value.clone();
        }
    }
}

/// The actor that the API itself is.
fn api_actor(field: &str) -> Vec<(String, Value)> {
    let part = |part: &str, value| (format!("{field}.{part}"), value);
    vec![
        part("source", Value::text("API")),
        part("name", Value::text(API_KEY_NAME)),
        part("workspaceMemberId", Value::Null),
        part("context", Value::Json(Arc::new(json!({})))),
    ]
}

#[cfg(test)]
#[path = "store/tests.rs"]
mod tests;
