//! The workspace's records in SQLite: one table an object, in memory, one connection a workspace.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, ToSql, params_from_iter};
use uuid::Uuid;

use super::catalogue::{CATALOGUE, ColumnId, ID, Object, ObjectId};
use super::errors::Refusal;
use super::quirks;
use super::value::{Kind, Value};

/// The number of statements that stay prepared.
const STATEMENTS_KEPT: usize = 512;
/// The words that are more than plain letters and digits, as a condition on the index of words.
pub(super) const HAS_SIGNS: &str = "word GLOB '*[^a-z0-9]*'";

/// The stored state.
pub(super) struct Workspace {
    connection: Connection,
    texts: Vec<Texts>,
    /// The time of the last write, in milliseconds since the Unix epoch.
    written_at: i64,
    /// The number of generated ids.
    made: u64,
}

/// The statements about an object that run often.
struct Texts {
    by_id: String,
    live_by_id: String,
    insert: String,
}

/// A record as it was read.
#[derive(Clone, Debug)]
pub(super) struct Row {
    object: &'static Object,
    values: Vec<Value>,
}

impl Row {
    pub(super) fn get(&self, column: ColumnId) -> &Value {
        self.values.get(column).unwrap_or(&Value::Null)
    }

    pub(super) fn id(&self) -> Option<Uuid> {
        self.get(ID).as_id()
    }

    /// Returns true if the record is not soft-deleted.
    pub(super) fn is_live(&self) -> bool {
        self.get(self.object.deleted_at).is_null()
    }
}

impl Workspace {
    /// A workspace with the records that are put into it. Their indexes are built afterwards, which
    /// takes less time than keeping them in step.
    pub(super) fn filled(
        fill: impl FnOnce(&Self) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<Self> {
        let connection = Connection::open_in_memory()?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        // Plans stay whatever values are bound; SQLite else makes one anew for each execution.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        quirks::register(&connection)?;
        let workspace = Self {
            connection,
            texts: CATALOGUE.objects.iter().map(Texts::of).collect(),
            written_at: i64::MIN,
            made: 0,
        };
        workspace.run("BEGIN")?;
        workspace.run(&tables())?;
        fill(&workspace)?;
        workspace.run(&indexes())?;
        // Tells few members from many tasks, which decides where a join begins.
        workspace.run("PRAGMA analysis_limit = 200; ANALYZE; COMMIT")?;
        Ok(workspace)
    }

    /// Runs one statement or several without parameters: transactions and savepoints.
    pub(super) fn run(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.execute_batch(sql)
    }

    /// Returns true while a transaction is open.
    pub(super) fn is_in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    /// Runs one statement that changes records.
    pub(super) fn change(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = impl ToSql>,
    ) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute(params_from_iter(values)).map(|_| ())
    }

    /// Reads what a query gives, line by line.
    pub(super) fn query<T>(
        &self,
        sql: &str,
        values: &[Value],
        mut read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(found)
    }

    /// The records of an object that a query gives, whose first columns are the object's own.
    pub(super) fn rows(
        &self,
        object: &'static Object,
        sql: &str,
        values: &[Value],
    ) -> Result<Vec<Row>, Refusal> {
        Ok(self.query(sql, values, |row| record(object, row))?)
    }

    /// The record with this id, soft-deleted or not.
    pub(super) fn find(&self, object: ObjectId, id: Uuid) -> Result<Option<Row>, Refusal> {
        self.one(object, id, |texts| &texts.by_id)
    }

    /// The record with this id, unless it is soft-deleted.
    pub(super) fn live(&self, object: ObjectId, id: Uuid) -> Result<Option<Row>, Refusal> {
        self.one(object, id, |texts| &texts.live_by_id)
    }

    fn one(
        &self,
        object: ObjectId,
        id: Uuid,
        text: impl Fn(&Texts) -> &str,
    ) -> Result<Option<Row>, Refusal> {
        let (Some(object), Some(texts)) = (CATALOGUE.object(object), self.texts.get(object)) else {
            return Ok(None);
        };
        let mut statement = self.connection.prepare_cached(text(texts))?;
        let found = statement.query_row([&Value::Id(id)], |row| record(object, row));
        Ok(found.optional()?)
    }

    /// Adds a record given by one value a column.
    pub(super) fn insert(&self, object: &Object, values: &[Value]) -> rusqlite::Result<()> {
        if let Some(texts) = self.texts.get(object.id) {
            self.change(&texts.insert, values)?;
        }
        let id = values.get(ID).unwrap_or(&Value::Null);
        self.add_words(object, id, |column| values.get(column))
    }

    /// Changes columns of a record.
    pub(super) fn update(
        &self,
        object: &'static Object,
        id: Uuid,
        columns: &[(ColumnId, Value)],
    ) -> Result<(), Refusal> {
        // The last value of a column that is given twice counts.
        let last: HashMap<ColumnId, &Value> = columns.iter().map(|(c, v)| (*c, v)).collect();
        let mut last: Vec<(ColumnId, &Value)> =
            last.into_iter().filter(|(c, _)| *c != ID).collect();
        last.sort_unstable_by_key(|(column, _)| *column);
        if last.is_empty() {
            return Ok(());
        }
        let set: Vec<String> = last
            .iter()
            .map(|(column, _)| format!("{} = ?", quoted(object.path(*column))))
            .collect();
        let sql = format!(
            "UPDATE {} SET {} WHERE \"id\" = ?",
            quoted(object.spec.singular),
            set.join(", ")
        );
        let id_value = Value::Id(id);
        let values = last.iter().map(|(_, value)| *value).chain([&id_value]);
        self.change(&sql, values)?;
        if last
            .iter()
            .any(|(column, _)| object.searched.contains(column))
            && let Some(row) = self.find(object.id, id)?
        {
            self.drop_words(object, &id_value)?;
            self.add_words(object, &id_value, |column| Some(row.get(column)))?;
        }
        Ok(())
    }

    /// Takes a record out for good.
    pub(super) fn remove(&self, object: &Object, id: Uuid) -> Result<(), Refusal> {
        let (sql, id) = (delete_from(object.spec.singular), Value::Id(id));
        self.change(&sql, [&id])?;
        Ok(self.drop_words(object, &id)?)
    }

    fn add_words<'v>(
        &self,
        object: &Object,
        id: &Value,
        value: impl Fn(ColumnId) -> Option<&'v Value>,
    ) -> rusqlite::Result<()> {
        let texts = object
            .searched
            .iter()
            .filter_map(|c| value(*c))
            .flat_map(Value::texts);
        for text in texts {
            let text = quirks::fold(text);
            for word in quirks::words(&text) {
                let sql = "INSERT INTO word (object, word, id) VALUES (?, ?, ?)";
                let values: [&dyn ToSql; 3] = [&number(object.id), &word, id];
                self.change(sql, values)?;
            }
        }
        Ok(())
    }

    fn drop_words(&self, object: &Object, id: &Value) -> rusqlite::Result<()> {
        let values: [&dyn ToSql; 2] = [id, &number(object.id)];
        self.change("DELETE FROM word WHERE id = ? AND object = ?", values)
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
        let bytes = quirks::digest(&["made", &self.made.to_string()]).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// Adds a record given by the values of some columns; the others read NULL. Unknown columns
    /// are ignored.
    pub(super) fn put<'a>(
        &self,
        singular: &str,
        values: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> rusqlite::Result<()> {
        let Some(object) = CATALOGUE.singular(singular) else {
            return Ok(());
        };
        let mut row = vec![Value::Null; object.columns.len()];
        for (path, value) in values {
            if let Some(slot) = object.column(path).and_then(|c| row.get_mut(c)) {
                *slot = value;
            }
        }
        self.insert(object, &row)
    }
}

impl Texts {
    fn of(object: &Object) -> Self {
        let table = quoted(object.spec.singular);
        let by_id = format!("SELECT * FROM {table} WHERE \"id\" = ?");
        let live = format!("{by_id} AND \"deletedAt\" IS NULL");
        let places = vec!["?"; object.columns.len()].join(", ");
        Self {
            by_id,
            live_by_id: live,
            insert: format!("INSERT INTO {table} VALUES ({places})"),
        }
    }
}

/// A name in SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// The number by which the index of words names an object.
pub(super) fn number(object: ObjectId) -> i64 {
    i64::try_from(object).unwrap_or(i64::MAX)
}

fn delete_from(table: &str) -> String {
    format!("DELETE FROM {} WHERE \"id\" = ?", quoted(table))
}

/// A table an object, and the words that search goes by.
fn tables() -> String {
    let mut sql = String::from("CREATE TABLE word (object INTEGER, word TEXT, id BLOB);");
    for object in &CATALOGUE.objects {
        let columns: Vec<String> = object
            .columns
            .iter()
            .map(|column| format!("{} {}", quoted(&column.path), declared(column.kind)))
            .collect();
        let (table, columns) = (quoted(object.spec.singular), columns.join(", "));
        sql.push_str(&format!("CREATE TABLE {table} ({columns});"));
    }
    sql
}

/// An index on each foreign key, on times that lists are filtered by, and on unique columns. Most
/// foreign keys are null and need none. Lists of what belongs to a record are mostly bounded by the
/// first of those times. The ids at the end of an index spare sorting by them.
fn indexes() -> String {
    let mut sql = format!(
        "CREATE INDEX word_by_word ON word (object, word, id);
         CREATE INDEX word_with_signs ON word (object, word, id) WHERE {HAS_SIGNS};
         CREATE INDEX word_by_id ON word (id);"
    );
    for object in &CATALOGUE.objects {
        let table = object.spec.singular;
        let mut index = |unique: &str, column: ColumnId, more: &str| {
            let path = object.path(column);
            let (name, of) = (quoted(&format!("{table}_{path}")), quoted(table));
            let path = quoted(path);
            let some = match column {
                ID => String::new(),
                _ => format!(" WHERE {path} IS NOT NULL"),
            };
            sql.push_str(&format!(
                "CREATE {unique} INDEX {name} ON {of} ({path}{more}){some};"
            ));
        };
        index("UNIQUE", ID, "");
        let within = object.timed.first().map_or_else(String::new, |column| {
            format!(", {}", quoted(object.path(*column)))
        });
        for (column, ..) in &object.links {
            index("", *column, &format!("{within}, \"id\""));
        }
        for column in &object.timed {
            index("", *column, ", \"id\"");
        }
        for (column, _) in &object.unique {
            index("UNIQUE", *column, "");
        }
    }
    sql
}

fn declared(kind: Kind) -> &'static str {
    match kind {
        Kind::Id => "BLOB",
        Kind::Time | Kind::Int => "INTEGER",
        Kind::Float => "REAL",
        _ => "TEXT",
    }
}

fn record(object: &'static Object, row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let values = object.columns.iter().enumerate();
    let values = values.map(|(nth, column)| Ok(read(row.get_ref(nth)?, column.kind)));
    Ok(Row {
        object,
        values: values.collect::<rusqlite::Result<_>>()?,
    })
}

/// A value as SQLite gives it.
pub(super) fn read(value: ValueRef<'_>, kind: Kind) -> Value {
    match (value, kind) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Blob(id), _) => Uuid::from_slice(id).map_or(Value::Null, Value::Id),
        (ValueRef::Integer(ms), Kind::Time) => Value::Time(ms),
        (ValueRef::Integer(n), _) => Value::Int(n),
        (ValueRef::Real(n), _) => Value::Float(n),
        (ValueRef::Text(text), Kind::Json | Kind::JsonList) => serde_json::from_slice(text)
            .map_or(Value::Null, |json: serde_json::Value| {
                Value::Json(Arc::new(json))
            }),
        (ValueRef::Text(text), _) => Value::text(String::from_utf8_lossy(text)),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let borrowed = match self {
            Self::Null => ValueRef::Null,
            Self::Int(n) | Self::Time(n) => ValueRef::Integer(*n),
            Self::Float(n) => ValueRef::Real(*n),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Id(id) => ValueRef::Blob(id.as_bytes()),
            Self::Json(json) => return Ok(json.to_string().into()),
        };
        Ok(ToSqlOutput::Borrowed(borrowed))
    }
}
