//! Queries over the records of an object: conditions, pages, totals and groups as SQL.

use std::collections::BTreeSet;

use super::aggregate::Aggregate;
use super::catalogue::{CATALOGUE, ColumnId, Object, ObjectId};
use super::database::{Row, Workspace, quoted, read};
use super::errors::Refusal;
use super::filter::Filter;
use super::order::Order;
use super::value::{Kind, Value};

/// A to-one relation on the way to a column: its id column and its object.
pub(super) type Over = Option<(ColumnId, ObjectId)>;

/// Relations that a query joins.
pub(super) type Joins = BTreeSet<(ColumnId, ObjectId)>;

/// A piece of SQL with the values of its parameters.
#[derive(Clone, Debug, Default)]
pub(super) struct Sql {
    pub text: String,
    pub values: Vec<Value>,
}

impl Sql {
    pub(super) fn new(text: impl Into<String>, values: Vec<Value>) -> Self {
        let text = text.into();
        Self { text, values }
    }

    /// Several conditions as one; `empty` where there is none.
    pub(super) fn joined(pieces: Vec<Self>, between: &str, empty: &str) -> Self {
        if pieces.is_empty() {
            return Self::new(empty, Vec::new());
        }
        let mut all = Self::new("(", Vec::new());
        for (nth, piece) in pieces.into_iter().enumerate() {
            if nth > 0 {
                all.text.push_str(between);
            }
            all.text.push_str(&piece.text);
            all.values.extend(piece.values);
        }
        all.text.push(')');
        all
    }
}

/// A column in SQL: of the records themselves, or of those that a to-one relation leads to.
pub(super) fn column(object: &Object, column: ColumnId, over: Over) -> String {
    let path = quoted(object.path(column));
    match over {
        None => format!("t.{path}"),
        Some((link, _)) => format!("r{link}.{path}"),
    }
}

/// A column in SQL where its order matters: members of an enum have their own.
pub(super) fn ordered(object: &Object, at: ColumnId, over: Over) -> String {
    let sql = column(object, at, over);
    match object.kind(at) {
        Kind::Enum(members) => format!("{sql} COLLATE {}", quoted(members.db_name)),
        _ => sql,
    }
}

/// The records of an object that fulfil a condition.
#[derive(Clone, Debug)]
pub(super) struct Query {
    object: &'static Object,
    joins: Joins,
    condition: Sql,
}

impl Query {
    /// The records that pass a filter.
    pub(super) fn filtered(object: &'static Object, filter: Filter) -> Self {
        let mut query = Self {
            object,
            joins: filter.joins,
            condition: filter.condition,
        };
        if !filter.shows_deleted {
            query.also(Sql::new("t.\"deletedAt\" IS NULL", Vec::new()));
        }
        query
    }

    /// The live records whose id column holds this id.
    pub(super) fn linked(object: &'static Object, link: ColumnId, id: Value) -> Self {
        let condition = format!(
            "{} = ? AND t.\"deletedAt\" IS NULL",
            column(object, link, None)
        );
        Self {
            object,
            joins: Joins::new(),
            condition: Sql::new(condition, vec![id]),
        }
    }

    /// No records.
    pub(super) fn nothing(object: &'static Object) -> Self {
        Self {
            object,
            joins: Joins::new(),
            condition: Sql::new("0", Vec::new()),
        }
    }

    /// The same with one more condition.
    pub(super) fn and(&self, condition: Sql, joins: &Joins) -> Self {
        let mut query = self.clone();
        query.joins.extend(joins);
        query.also(condition);
        query
    }

    fn also(&mut self, condition: Sql) {
        let whole = std::mem::take(&mut self.condition);
        self.condition = Sql::joined(vec![whole, condition], " AND ", "1");
    }

    /// FROM, beginning with other tables where there are any, and WHERE. A relation leads to live
    /// records only; where it leads to none, their columns read NULL.
    pub(super) fn from(&self, others: &str, joins: &Joins) -> String {
        let mut sql = format!(" FROM {others}{} AS t", quoted(self.object.spec.singular));
        for (link, target) in self.joins.union(joins) {
            if let Some(other) = CATALOGUE.object(*target) {
                sql.push_str(&format!(
                    " LEFT JOIN {} AS r{link} ON r{link}.\"id\" = {} AND r{link}.\"deletedAt\" IS NULL",
                    quoted(other.spec.singular),
                    column(self.object, *link, None)
                ));
            }
        }
        sql.push_str(" WHERE ");
        sql.push_str(&self.condition.text);
        sql
    }

    /// The values of the condition's parameters.
    pub(super) fn values(&self) -> &[Value] {
        &self.condition.values
    }

    /// Some of the records in order.
    pub(super) fn rows(
        &self,
        workspace: &Workspace,
        order: &Order,
        backwards: bool,
        limit: usize,
        offset: usize,
    ) -> Result<Vec<Row>, Refusal> {
        let sql = format!(
            "SELECT t.*{} ORDER BY {} LIMIT ? OFFSET ?",
            self.from("", order.joins()),
            order.by(backwards)
        );
        let mut values = self.values().to_vec();
        values.extend([limit, offset].map(|n| Value::Int(i64::try_from(n).unwrap_or(i64::MAX))));
        workspace.rows(self.object, &sql, &values)
    }

    /// Aggregates over all of the records.
    pub(super) fn totals(
        &self,
        workspace: &Workspace,
        aggregates: &[&Aggregate],
    ) -> Result<Vec<Value>, Refusal> {
        if aggregates.is_empty() {
            return Ok(Vec::new());
        }
        let columns: Vec<&str> = aggregates.iter().map(|a| a.sql.as_str()).collect();
        let sql = format!(
            "SELECT {}{}",
            columns.join(", "),
            self.from("", &Joins::new())
        );
        let found = workspace.query(&sql, self.values(), |row| {
            let values = aggregates.iter().enumerate();
            let values = values.map(|(nth, one)| Ok(read(row.get_ref(nth)?, one.kind)));
            values.collect()
        })?;
        Ok(found.into_iter().next().unwrap_or_default())
    }
}

#[cfg(test)]
#[path = "query/tests.rs"]
mod tests;
