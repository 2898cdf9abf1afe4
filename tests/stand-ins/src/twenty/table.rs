//! The workspace's tables in memory, with the indexes that answer the usual questions without a
//! scan.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use std::sync::Arc;

use uuid::Uuid;

use super::catalogue::{CATALOGUE, ColumnId, ID, Object, ObjectId};
use super::constraints::digest;
use super::search::Words;
use super::value::Value;

/// Index of a record in its table.
pub(super) type RowId = u32;

/// One object's records, column by column, since questions look at few columns of many records.
/// Soft-deleted records stay in the table and in its indexes.
pub(super) struct Table {
    /// The object whose columns the table holds.
    pub(super) object: &'static Object,
    columns: Vec<Vec<Value>>,
    by_id: HashMap<Uuid, RowId>,
    links: HashMap<ColumnId, HashMap<Uuid, Vec<RowId>>>,
    timed: HashMap<ColumnId, BTreeSet<(i64, RowId)>>,
    unique: HashMap<ColumnId, HashMap<Arc<str>, RowId>>,
    /// The full-text index.
    pub(super) words: Words,
}

/// A record.
#[derive(Clone, Copy)]
pub(super) struct Row<'t> {
    table: &'t Table,
    at: RowId,
}

impl<'t> Row<'t> {
    pub(super) fn get(self, column: ColumnId) -> Option<&'t Value> {
        self.table.value(column, self.at)
    }

    pub(super) fn id(self) -> Option<Uuid> {
        self.get(ID).and_then(Value::as_id)
    }

    /// Returns true if the record is not soft-deleted.
    pub(super) fn is_live(self) -> bool {
        self.get(self.table.object.deleted_at)
            .is_none_or(Value::is_null)
    }
}

impl Table {
    fn new(object: &'static Object) -> Self {
        Self {
            object,
            columns: object.columns.iter().map(|_| Vec::new()).collect(),
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
            unique: object
                .unique
                .iter()
                .map(|(column, _)| (*column, HashMap::new()))
                .collect(),
            words: Words::default(),
        }
    }

    /// Adds a record given by one value a column, or replaces the one with its id, and keeps every
    /// index right. What has no id is ignored.
    pub(super) fn put(&mut self, values: Vec<Value>) {
        let Some(id) = values.get(ID).and_then(Value::as_id) else {
            return;
        };
        let known = self.by_id.get(&id).copied();
        if let Some(at) = known {
            self.unindex(at);
        }
        let at = known.unwrap_or_else(|| RowId::try_from(self.len()).unwrap_or(RowId::MAX));
        for (column, value) in self.columns.iter_mut().zip(values) {
            match column.get_mut(at as usize) {
                Some(slot) => *slot = value,
                None => column.push(value),
            }
        }
        self.by_id.insert(id, at);
        self.index(at);
    }

    /// Takes a record out for good; the last record of the table moves to its place.
    pub(super) fn remove(&mut self, id: Uuid) {
        let Some(at) = self.by_id.remove(&id) else {
            return;
        };
        let last = RowId::try_from(self.len().saturating_sub(1)).unwrap_or(RowId::MAX);
        self.unindex(at);
        if last != at {
            self.unindex(last);
        }
        for column in &mut self.columns {
            column.swap_remove(at as usize);
        }
        if last != at {
            if let Some(moved) = self.value(ID, at).and_then(Value::as_id) {
                self.by_id.insert(moved, at);
            }
            self.index(at);
        }
    }

    /// The values of a record, one a column.
    pub(super) fn values(&self, at: RowId) -> Vec<Value> {
        self.columns
            .iter()
            .map(|column| column.get(at as usize).cloned().unwrap_or(Value::Null))
            .collect()
    }

    /// The record that holds this text in a unique column.
    pub(super) fn holder(&self, column: ColumnId, text: &str) -> Option<Row<'_>> {
        self.row(*self.unique.get(&column)?.get(text)?)
    }

    fn value(&self, column: ColumnId, at: RowId) -> Option<&Value> {
        self.columns.get(column)?.get(at as usize)
    }

    fn index(&mut self, at: RowId) {
        let value = |column: ColumnId| self.columns.get(column)?.get(at as usize);
        for (column, index) in &mut self.links {
            if let Some(Value::Id(id)) = value(*column) {
                index.entry(*id).or_default().push(at);
            }
        }
        for (column, index) in &mut self.timed {
            if let Some(Value::Time(ms)) = value(*column) {
                index.insert((*ms, at));
            }
        }
        for (column, index) in &mut self.unique {
            if let Some(Value::Text(text)) = value(*column) {
                index.insert(Arc::clone(text), at);
            }
        }
        self.words.add(
            at,
            self.object
                .searched
                .iter()
                .filter_map(|c| value(*c))
                .flat_map(Value::texts),
        );
    }

    fn unindex(&mut self, at: RowId) {
        let value = |column: ColumnId| self.columns.get(column)?.get(at as usize);
        for (column, index) in &mut self.links {
            if let Some(postings) = value(*column)
                .and_then(Value::as_id)
                .and_then(|id| index.get_mut(&id))
            {
                postings.retain(|other| *other != at);
            }
        }
        for (column, index) in &mut self.timed {
            if let Some(Value::Time(ms)) = value(*column) {
                index.remove(&(*ms, at));
            }
        }
        for (column, index) in &mut self.unique {
            if let Some(Value::Text(text)) = value(*column)
                && index.get(text) == Some(&at)
            {
                index.remove(text);
            }
        }
        self.words.remove(
            at,
            self.object
                .searched
                .iter()
                .filter_map(|c| value(*c))
                .flat_map(Value::texts),
        );
    }

    /// The number of records, soft-deleted ones included.
    pub(super) fn len(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// The record that stands here.
    pub(super) fn row(&self, at: RowId) -> Option<Row<'_>> {
        ((at as usize) < self.len()).then_some(Row { table: self, at })
    }

    /// Finds the row of the record with this id.
    pub(super) fn find(&self, id: Uuid) -> Option<RowId> {
        self.by_id.get(&id).copied()
    }

    /// The record with this id, unless it is soft-deleted.
    pub(super) fn live(&self, id: Uuid) -> Option<Row<'_>> {
        self.row(self.find(id)?).filter(|row| row.is_live())
    }

    /// The records whose id column holds this id; `None` if the column is not indexed.
    pub(super) fn linked(&self, column: ColumnId, id: Uuid) -> Option<&[RowId]> {
        Some(self.links.get(&column)?.get(&id).map_or(&[], Vec::as_slice))
    }

    /// Returns true if records are indexed by this id column.
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
        let empty = match (from, to) {
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (
                Bound::Included(from) | Bound::Excluded(from),
                Bound::Included(to) | Bound::Excluded(to),
            ) => from >= to,
            _ => false,
        };
        // The tree does not take a span that ends before it begins.
        let (from, to) = if empty {
            (Bound::Included(0), Bound::Excluded(0))
        } else {
            (from, to)
        };
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
    /// The time of the last write, in milliseconds since the Unix epoch.
    written_at: i64,
    /// The number of generated ids.
    made: u64,
}

impl Default for Workspace {
    fn default() -> Self {
        Self {
            tables: CATALOGUE.objects.iter().map(Table::new).collect(),
            written_at: i64::MIN,
            made: 0,
        }
    }
}

impl Workspace {
    pub(super) fn table(&self, object: ObjectId) -> Option<&Table> {
        self.tables.get(object)
    }

    /// The table of an object, to write to.
    pub(super) fn table_mut(&mut self, object: ObjectId) -> Option<&mut Table> {
        self.tables.get_mut(object)
    }

    /// The moment of the next write: now, or just after the last write where the clock has not
    /// moved since.
    pub(super) fn next_moment(&mut self, now_ms: i64) -> i64 {
        self.written_at = now_ms.max(self.written_at.saturating_add(1));
        self.written_at
    }

    /// An id for a record that came without one. The same writes get the same ids.
    pub(super) fn next_id(&mut self) -> Uuid {
        self.made += 1;
        let bytes = digest(&["made", &self.made.to_string()]).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// A record that is not soft-deleted.
    pub(super) fn live(&self, object: ObjectId, id: Uuid) -> Option<Row<'_>> {
        self.table(object)?.live(id)
    }

    /// Adds or replaces a record given by the values of some columns; the others read NULL. Unknown
    /// columns are ignored.
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
        let mut row = vec![Value::Null; object.columns.len()];
        for (path, value) in values {
            if let Some(slot) = object.column(path).and_then(|c| row.get_mut(c)) {
                *slot = value;
            }
        }
        table.put(row);
    }
}
