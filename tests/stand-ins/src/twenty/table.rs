//! The workspace's tables in memory, with the indexes that answer the usual questions without a scan.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use uuid::Uuid;

use super::catalogue::{CATALOGUE, ColumnId, ID, Object, ObjectId};
use super::search::Words;
use super::value::Value;

/// A record: one value a column, in the order of [`Object::columns`].
pub(super) type Row = Box<[Value]>;
/// Where a record stands in its table.
pub(super) type RowId = u32;

/// One object's records. Soft-deleted ones stay in the table and in its indexes.
pub(super) struct Table {
    /// What the columns are.
    pub object: &'static Object,
    rows: Vec<Row>,
    by_id: HashMap<Uuid, RowId>,
    links: HashMap<ColumnId, HashMap<Uuid, Vec<RowId>>>,
    timed: HashMap<ColumnId, BTreeSet<(i64, RowId)>>,
    /// The full-text index.
    pub words: Words,
}

impl Table {
    fn new(object: &'static Object) -> Self {
        Self {
            object,
            rows: Vec::new(),
            by_id: HashMap::new(),
            links: object
                .links
                .iter()
                .map(|(column, ..)| (*column, HashMap::new()))
                .collect(),
            timed: object
                .timed
                .iter()
                .map(|column| (*column, BTreeSet::new()))
                .collect(),
            words: Words::default(),
        }
    }

    /// Adds a record, or replaces the one with its id, and keeps every index right. Records without an id are ignored.
    pub(super) fn put(&mut self, row: Row) {
        let Some(id) = row.get(ID).and_then(Value::as_id) else {
            return;
        };
        let at = match self.by_id.get(&id) {
            Some(at) => {
                let at = *at;
                self.unindex(at);
                if let Some(slot) = self.rows.get_mut(at as usize) {
                    *slot = row;
                }
                at
            }
            None => {
                let at = RowId::try_from(self.rows.len()).unwrap_or(RowId::MAX);
                self.rows.push(row);
                self.by_id.insert(id, at);
                at
            }
        };
        self.index(at);
    }

    fn index(&mut self, at: RowId) {
        let Some(row) = self.rows.get(at as usize) else {
            return;
        };
        for (column, index) in &mut self.links {
            if let Some(Value::Id(id)) = row.get(*column) {
                index.entry(*id).or_default().push(at);
            }
        }
        for (column, index) in &mut self.timed {
            if let Some(Value::Time(ms)) = row.get(*column) {
                index.insert((*ms, at));
            }
        }
        self.words.add(
            at,
            self.object
                .searched
                .iter()
                .filter_map(|c| row.get(*c)?.as_text()),
        );
    }

    fn unindex(&mut self, at: RowId) {
        let Some(row) = self.rows.get(at as usize) else {
            return;
        };
        for (column, index) in &mut self.links {
            if let Some(postings) = row
                .get(*column)
                .and_then(Value::as_id)
                .and_then(|id| index.get_mut(&id))
            {
                postings.retain(|other| *other != at);
            }
        }
        for (column, index) in &mut self.timed {
            if let Some(Value::Time(ms)) = row.get(*column) {
                index.remove(&(*ms, at));
            }
        }
        self.words.remove(
            at,
            self.object
                .searched
                .iter()
                .filter_map(|c| row.get(*c)?.as_text()),
        );
    }

    /// How many records there are, soft-deleted ones included.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The record that stands here.
    pub(super) fn row(&self, at: RowId) -> Option<&Row> {
        self.rows.get(at as usize)
    }

    /// Where the record with this id stands.
    pub(super) fn find(&self, id: Uuid) -> Option<RowId> {
        self.by_id.get(&id).copied()
    }

    /// The record with this id, unless it is soft-deleted.
    pub(super) fn live(&self, id: Uuid) -> Option<&Row> {
        self.row(self.find(id)?).filter(|row| self.is_live(row))
    }

    /// Whether a record of this table is not soft-deleted.
    pub(super) fn is_live(&self, row: &Row) -> bool {
        row.get(self.object.deleted_at).is_none_or(Value::is_null)
    }

    /// The records whose id column holds this id; `None` if the column is not indexed.
    pub(super) fn linked(&self, column: ColumnId, id: Uuid) -> Option<&[RowId]> {
        Some(self.links.get(&column)?.get(&id).map_or(&[], Vec::as_slice))
    }

    /// Whether records can be found by this id column.
    pub(super) fn has_links(&self, column: ColumnId) -> bool {
        self.links.contains_key(&column)
    }

    /// The records whose time lies between the bounds; `None` if the column is not indexed.
    pub(super) fn between(
        &self,
        column: ColumnId,
        from: Bound<i64>,
        to: Bound<i64>,
    ) -> Option<impl Iterator<Item = RowId> + '_> {
        let from = match from {
            Bound::Included(ms) => Bound::Included((ms, RowId::MIN)),
            Bound::Excluded(ms) => Bound::Excluded((ms, RowId::MAX)),
            Bound::Unbounded => Bound::Unbounded,
        };
        let to = match to {
            Bound::Included(ms) => Bound::Included((ms, RowId::MAX)),
            Bound::Excluded(ms) => Bound::Excluded((ms, RowId::MIN)),
            Bound::Unbounded => Bound::Unbounded,
        };
        Some(
            self.timed
                .get(&column)?
                .range((from, to))
                .map(|(_, at)| *at),
        )
    }
}

/// All tables.
pub(super) struct Workspace {
    tables: Vec<Table>,
}

impl Default for Workspace {
    fn default() -> Self {
        Self {
            tables: CATALOGUE.objects.iter().map(Table::new).collect(),
        }
    }
}

impl Workspace {
    /// The table of an object.
    pub(super) fn table(&self, object: ObjectId) -> Option<&Table> {
        self.tables.get(object)
    }

    /// A record that is not soft-deleted.
    pub(super) fn live(&self, object: ObjectId, id: Uuid) -> Option<&Row> {
        self.table(object)?.live(id)
    }

    /// Adds or replaces a record given by the values of some columns; the others read NULL. Unknown columns are ignored.
    pub(super) fn put<'a>(
        &mut self,
        singular: &str,
        values: impl IntoIterator<Item = (&'a str, Value)>,
    ) {
        let Some(object) = CATALOGUE.singular(singular) else {
            return;
        };
        let Some(table) = self.tables.get_mut(object.id) else {
            return;
        };
        let mut row = vec![Value::Null; object.columns.len()].into_boxed_slice();
        for (path, value) in values {
            if let Some(slot) = object.column(path).and_then(|c| row.get_mut(c)) {
                *slot = value;
            }
        }
        table.put(row);
    }
}
