//! Writing records: what a create, an update, a soft delete, a restore and a destroy do to the
//! tables. A request is a transaction and each of its root fields a savepoint, so that what does
//! not go through leaves no trace.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::catalogue::{CATALOGUE, ColumnId, ID, Object, ObjectId};
use super::data::Draft;
use super::database::{Row, Workspace, quoted, read};
use super::errors::{GqlError, Refusal};
use super::keys::API_KEY_NAME;
use super::quirks::{DEFAULTS, FOLLOWING, before_all, foreign_key};
use super::value::{Kind, Value};

/// Writes on behalf of one request. Without [`Writer::commit`] nothing of it stays.
pub(super) struct Writer<'w> {
    workspace: &'w mut Workspace,
    now_ms: i64,
    /// The moment of the root field that is being written.
    moment: i64,
    created: Vec<(ObjectId, Uuid)>,
    /// The number of created records that belong to other root fields. Root fields run at the same
    /// time on the real service: what another one creates is not there yet for a foreign key to
    /// point to.
    others: usize,
}

impl<'w> Writer<'w> {
    pub(super) fn new(workspace: &'w mut Workspace, now_ms: i64) -> Result<Self, Refusal> {
        workspace.run("BEGIN")?;
        Ok(Self {
            workspace,
            now_ms,
            moment: now_ms,
            created: Vec::new(),
            others: 0,
        })
    }

    /// Keeps everything written so far.
    pub(super) fn commit(self) -> Result<(), Refusal> {
        Ok(self.workspace.run("COMMIT")?)
    }

    /// The workspace with everything written so far.
    pub(super) fn workspace(&self) -> &Workspace {
        self.workspace
    }

    /// Carries out one root field; if it fails, nothing of it stays.
    pub(super) fn root<T>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.moment = self.workspace.next_moment(self.now_ms);
        self.others = self.created.len();
        self.workspace.run("SAVEPOINT root")?;
        let written = write(self);
        if written.is_err() {
            self.workspace.run("ROLLBACK TO root")?;
            self.created.truncate(self.others);
        }
        self.workspace.run("RELEASE root")?;
        written
    }

    /// Makes a record, or with `upsert` changes the one that has its id or a unique value of it.
    pub(super) fn create(
        &mut self,
        object: &'static Object,
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
        if self.workspace.find(object.id, id)?.is_some() {
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
        self.workspace.insert(object, &values)?;
        Ok(id)
    }

    /// Changes a record that is live.
    pub(super) fn update(
        &mut self,
        object: &'static Object,
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
    pub(super) fn soft_delete(&mut self, object: &'static Object, id: Uuid) -> Result<(), Refusal> {
        self.existing(object.id, id)?;
        self.mark(object, id, Value::Time(self.moment))
    }

    /// Restores a soft-deleted record, and the links that follow it.
    pub(super) fn restore(&mut self, object: &'static Object, id: Uuid) -> Result<(), Refusal> {
        if self.existing(object.id, id)?.is_live() {
            return Err(Refusal::not_known("restoring a record that is not deleted"));
        }
        self.mark(object, id, Value::Null)
    }

    /// Removes a record for good, with its links; other records that point to it then point
    /// nowhere.
    pub(super) fn destroy(&mut self, object: &'static Object, id: Uuid) -> Result<(), Refusal> {
        self.existing(object.id, id)?;
        for other in &CATALOGUE.objects {
            for (column, _, _) in other.links.iter().filter(|(_, to, _)| *to == object.id) {
                for found in self.pointing(other, *column, id)? {
                    match other.spec.singular {
                        "taskTarget" | "noteTarget" => self.workspace.remove(other, found)?,
                        "attachment" | "timelineActivity" => {
                            return Err(Refusal::not_known(
                                "destroying a record that has attachments or a history",
                            ));
                        }
                        _ => self
                            .workspace
                            .update(other, found, &[(*column, Value::Null)])?,
                    }
                }
            }
        }
        self.workspace.remove(object, id)
    }

    /// A record to write to.
    fn existing(&self, object: ObjectId, id: Uuid) -> Result<Row, Refusal> {
        if self.is_others_own(object, id) {
            return Err(Refusal::not_known(
                "several root fields that write to one record",
            ));
        }
        Ok(self
            .workspace
            .find(object, id)?
            .ok_or_else(GqlError::not_found)?)
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

    fn new_id(&mut self, object: &'static Object) -> Result<Uuid, Refusal> {
        loop {
            let id = self.workspace.next_id();
            if self.workspace.find(object.id, id)?.is_none() {
                return Ok(id);
            }
        }
    }

    fn first_position(&self, object: &Object) -> Result<f64, Refusal> {
        let sql = format!(
            "SELECT min(\"position\") FROM {}",
            quoted(object.spec.singular)
        );
        let first = self.workspace.query(&sql, &[], |row| row.get(0))?;
        Ok(before_all(first.first().copied().flatten()))
    }

    /// The record that holds this value in a column.
    fn holder(
        &self,
        object: &'static Object,
        column: ColumnId,
        value: &Value,
    ) -> Result<Option<Row>, Refusal> {
        let (table, column) = (quoted(object.spec.singular), quoted(object.path(column)));
        let sql = format!("SELECT * FROM {table} WHERE {column} = ?");
        let found = self
            .workspace
            .rows(object, &sql, std::slice::from_ref(value))?;
        Ok(found.into_iter().next())
    }

    /// The record that an upsert is about. Those of the same root field are not looked at: the
    /// service looks before it writes, and then finds duplicates.
    fn same(&self, object: &'static Object, draft: &Draft) -> Result<Option<Uuid>, Refusal> {
        let mut found = Vec::new();
        if let Some(id) = draft.id {
            found.extend(self.workspace.find(object.id, id)?);
        }
        for (column, _) in &object.unique {
            if let Some(value) = draft.get(*column) {
                found.extend(self.holder(object, *column, value)?);
            }
        }
        let mut found: Vec<Uuid> = found.iter().filter_map(Row::id).collect();
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
    fn overwrite(
        &mut self,
        object: &'static Object,
        id: Uuid,
        draft: &Draft,
    ) -> Result<(), Refusal> {
        self.existing(object.id, id)?;
        let path = |column: ColumnId| object.path(column);
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
        object: &'static Object,
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
        self.workspace.update(object, id, &columns)
    }

    /// Soft-deletes or restores.
    fn mark(
        &mut self,
        object: &'static Object,
        id: Uuid,
        deleted_at: Value,
    ) -> Result<(), Refusal> {
        self.touch(object, id, deleted_at.clone())?;
        let following = FOLLOWING
            .iter()
            .filter(|(singular, ..)| *singular == object.spec.singular);
        for (_, link, path) in following {
            let Some(link) = CATALOGUE.singular(link) else {
                continue;
            };
            let column = link.column(path).unwrap_or_default();
            for found in self.pointing(link, column, id)? {
                self.touch(link, found, deleted_at.clone())?;
            }
        }
        Ok(())
    }

    fn touch(
        &mut self,
        object: &'static Object,
        id: Uuid,
        deleted_at: Value,
    ) -> Result<(), Refusal> {
        let mut columns = vec![(object.deleted_at, deleted_at)];
        columns.extend(
            object
                .column("updatedAt")
                .map(|c| (c, Value::Time(self.moment))),
        );
        self.workspace.update(object, id, &columns)
    }

    /// The ids of the records that point to this one, soft-deleted ones included.
    fn pointing(&self, object: &Object, column: ColumnId, id: Uuid) -> Result<Vec<Uuid>, Refusal> {
        let (table, column) = (quoted(object.spec.singular), quoted(object.path(column)));
        let sql = format!("SELECT \"id\" FROM {table} WHERE {column} = ? ORDER BY \"id\"");
        let read = |row: &rusqlite::Row<'_>| Ok(read(row.get_ref(0)?, Kind::Id).as_id());
        let found = self.workspace.query(&sql, &[Value::Id(id)], read)?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Checks the constraints of the database in its own order.
    fn check(&self, object: &'static Object, id: Uuid, draft: &Draft) -> Result<(), Refusal> {
        for (column, label) in &object.unique {
            let holder = match draft.get(*column) {
                Some(value) => self.holder(object, *column, value)?,
                None => None,
            };
            let found = holder.and_then(|row| Some((row.id()?, row.is_live())));
            let Some((other, live)) = found.filter(|(other, _)| *other != id) else {
                continue;
            };
            // The service looks the other record up to name it, and finds neither deleted ones nor
            // its own that it has just taken back.
            let named = live && !self.is_own(object.id, other);
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
            if self.workspace.find(*target, other)?.is_none() || self.is_others_own(*target, other)
            {
                let path = object.path(*column);
                let table = object.spec.singular;
                return Err(GqlError::no_such_target(table, &foreign_key(table, path)).into());
            }
        }
        Ok(())
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        // After a commit nothing is open; rolling back in memory does not fail.
        if self.workspace.is_in_transaction() {
            let _ = self.workspace.run("ROLLBACK");
        }
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
#[path = "writer/tests.rs"]
mod tests;
