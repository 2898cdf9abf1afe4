//! Finding the records that fulfil a filter: by the narrowest index that applies, then by testing
//! each candidate.

use std::cmp::Ordering;
use std::ops::Bound;

use uuid::Uuid;

use super::catalogue::{ColumnId, ID};
use super::condition::{Condition, Test};
use super::filter::Filter;
use super::table::{Row, RowId, Table, Workspace};
use super::value::Value;

/// The records that fulfil a filter, each once, in no order.
pub(super) fn matching<'w>(
    workspace: &'w Workspace,
    table: &'w Table,
    filter: &Filter,
) -> Vec<Row<'w>> {
    let fulfils = |row: &Row<'_>| {
        (filter.shows_deleted || row.is_live())
            && filter.condition.holds(workspace, *row) == Some(true)
    };
    match candidates(workspace, table, &filter.condition, table.len()) {
        Some(mut found) => {
            found.sort_unstable();
            found.dedup();
            found
                .into_iter()
                .filter_map(|at| table.row(at))
                .filter(fulfils)
                .collect()
        }
        None => scan(table).filter(fulfils).collect(),
    }
}

/// Every record.
pub(super) fn scan(table: &Table) -> impl Iterator<Item = Row<'_>> {
    (0..table.len()).filter_map(|at| table.row(RowId::try_from(at).ok()?))
}

/// Fewer than `most` records among which are all that fulfil a condition, or `None` where no index
/// gives so few. One may be there twice.
fn candidates(
    workspace: &Workspace,
    table: &Table,
    condition: &Condition,
    most: usize,
) -> Option<Vec<RowId>> {
    let few = |rows: Vec<RowId>| (rows.len() < most).then_some(rows);
    match condition {
        Condition::All(conditions) => narrowest(workspace, table, conditions, most),
        Condition::Any(conditions) => {
            let mut all = Vec::new();
            for condition in conditions {
                all.extend(candidates(
                    workspace,
                    table,
                    condition,
                    most.saturating_sub(all.len()),
                )?);
            }
            few(all)
        }
        Condition::Not(_) => None,
        Condition::Test { column, test, .. } => match test {
            Test::Equal(Value::Id(id)) if *column == ID => {
                few(table.find(*id).into_iter().collect())
            }
            Test::In(ids) if *column == ID => few(ids
                .iter()
                .filter_map(|id| table.find(id.as_id()?))
                .collect()),
            Test::Equal(Value::Id(id)) => linked(table, *column, [*id].into_iter(), most),
            Test::In(ids) => linked(table, *column, ids.iter().filter_map(Value::as_id), most),
            _ => bounds(test).and_then(|span| within(table, *column, span, most)),
        },
        Condition::Over {
            column,
            target,
            condition,
        } => {
            // A condition that a missing record fulfils too cannot be answered from the other
            // table.
            let other = workspace
                .table(*target)
                .filter(|_| table.has_links(*column) && narrows(condition))?;
            let found = match candidates(workspace, other, condition, most.div_ceil(8)) {
                Some(found) => found,
                None if other.len() * 8 < most => (0..other.len())
                    .filter_map(|at| RowId::try_from(at).ok())
                    .collect(),
                None => return None,
            };
            let found = found.into_iter().filter_map(|at| other.row(at));
            let ids = found
                .filter(|row| condition.holds(workspace, *row) == Some(true))
                .filter_map(Row::id);
            linked(table, *column, ids, most)
        }
    }
}

/// The fewest candidates that one of several conditions gives, those on one time column taken
/// together.
fn narrowest(
    workspace: &Workspace,
    table: &Table,
    conditions: &[Condition],
    mut most: usize,
) -> Option<Vec<RowId>> {
    let mut best = None;
    let mut spans: Vec<(ColumnId, Span)> = Vec::new();
    for condition in conditions {
        if let Condition::Test { column, test, .. } = condition
            && let Some(span) = bounds(test)
        {
            match spans.iter_mut().find(|(other, _)| other == column) {
                Some((_, known)) => *known = (later(known.0, span.0), earlier(known.1, span.1)),
                None => spans.push((*column, span)),
            }
        } else if let Some(found) = candidates(workspace, table, condition, most) {
            most = found.len();
            best = Some(found);
        }
    }
    for (column, span) in spans {
        if let Some(found) = within(table, column, span, most) {
            most = found.len();
            best = Some(found);
        }
    }
    best
}

/// The records whose id column holds one of these ids, if they are fewer than `most`.
fn linked(
    table: &Table,
    column: ColumnId,
    ids: impl Iterator<Item = Uuid>,
    most: usize,
) -> Option<Vec<RowId>> {
    let mut all = Vec::new();
    for id in ids {
        all.extend_from_slice(table.linked(column, id)?);
        if all.len() >= most {
            return None;
        }
    }
    table.has_links(column).then_some(all)
}

/// The records whose time lies within a span, if they are fewer than `most`.
fn within(table: &Table, column: ColumnId, (from, to): Span, most: usize) -> Option<Vec<RowId>> {
    let rows: Vec<RowId> = table.between(column, from, to)?.take(most).collect();
    (rows.len() < most).then_some(rows)
}

/// Returns true if a missing record never fulfils the condition.
fn narrows(condition: &Condition) -> bool {
    match condition {
        Condition::All(conditions) => conditions.iter().any(narrows),
        Condition::Any(conditions) => conditions.iter().all(narrows),
        Condition::Test { test, .. } => match test {
            Test::Null(wanted) => !wanted,
            Test::In(operands) => !operands.iter().any(Value::is_null),
            _ => true,
        },
        Condition::Not(_) | Condition::Over { .. } => false,
    }
}

/// The span of times that fulfil a test, if it is one about time.
fn bounds(test: &Test) -> Option<Span> {
    Some(match test {
        Test::Equal(Value::Time(ms)) => (Bound::Included(*ms), Bound::Included(*ms)),
        Test::Order {
            wanted,
            or_equal,
            than: Value::Time(ms),
        } => {
            let edge = if *or_equal {
                Bound::Included(*ms)
            } else {
                Bound::Excluded(*ms)
            };
            match wanted {
                Ordering::Greater => (edge, Bound::Unbounded),
                _ => (Bound::Unbounded, edge),
            }
        }
        Test::Null(false) => (Bound::Unbounded, Bound::Unbounded),
        _ => return None,
    })
}

/// From when until when.
type Span = (Bound<i64>, Bound<i64>);

fn later(a: Bound<i64>, b: Bound<i64>) -> Bound<i64> {
    match (a, b) {
        (Bound::Unbounded, other) | (other, Bound::Unbounded) => other,
        (Bound::Included(x), Bound::Included(y)) => Bound::Included(x.max(y)),
        (Bound::Excluded(x), Bound::Excluded(y)) => Bound::Excluded(x.max(y)),
        (Bound::Included(x), Bound::Excluded(y)) | (Bound::Excluded(y), Bound::Included(x)) => {
            if x > y {
                Bound::Included(x)
            } else {
                Bound::Excluded(y)
            }
        }
    }
}

fn earlier(a: Bound<i64>, b: Bound<i64>) -> Bound<i64> {
    match (a, b) {
        (Bound::Unbounded, other) | (other, Bound::Unbounded) => other,
        (Bound::Included(x), Bound::Included(y)) => Bound::Included(x.min(y)),
        (Bound::Excluded(x), Bound::Excluded(y)) => Bound::Excluded(x.min(y)),
        (Bound::Included(x), Bound::Excluded(y)) | (Bound::Excluded(y), Bound::Included(x)) => {
            if x < y {
                Bound::Included(x)
            } else {
                Bound::Excluded(y)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::twenty::catalogue::CATALOGUE;
    use crate::twenty::input::Input;

    const IDS: u128 = 6;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(0x5a00_0000_0000_4000_8000_0000_0000_0000 | n)
    }

    fn time(n: i64) -> i64 {
        1_700_000_000_000 + n * 86_400_000
    }

    /// A row: which id it has, what it points to, its time, its status, whether it is deleted.
    /// Equal ids replace each other.
    type RowSeed = (u128, Option<u128>, Option<i64>, Option<bool>, bool);

    fn seeds() -> impl Strategy<Value = Vec<RowSeed>> {
        let link = proptest::option::of(0..IDS);
        let row = (
            0..40u128,
            link,
            proptest::option::of(0..6i64),
            proptest::option::of(any::<bool>()),
            any::<bool>(),
        );
        proptest::collection::vec(row, 0..60)
    }

    fn workspace(tasks: &[RowSeed], targets: &[RowSeed]) -> Workspace {
        let mut workspace = Workspace::default();
        let maybe_time = |t: &Option<i64>| t.map_or(Value::Null, |t| Value::Time(time(t)));
        let deleted = |gone: &bool| {
            if *gone {
                Value::Time(time(0))
            } else {
                Value::Null
            }
        };
        for n in 0..IDS {
            let email = Value::text(format!("m{n}@example.com"));
            let gone = deleted(&(n == 1));
            workspace.put(
                "workspaceMember",
                [
                    ("id", Value::Id(id(n))),
                    ("userEmail", email),
                    ("deletedAt", gone),
                ],
            );
        }
        for (n, link, due, status, gone) in tasks {
            let status = status.map_or(Value::Null, |done| {
                Value::text(if done { "DONE" } else { "TODO" })
            });
            let assignee = link.map_or(Value::Null, |n| Value::Id(id(n)));
            workspace.put(
                "task",
                [
                    ("id", Value::Id(id(*n))),
                    ("assigneeId", assignee),
                    ("dueAt", maybe_time(due)),
                    ("status", status),
                    ("deletedAt", deleted(gone)),
                ],
            );
        }
        for (n, link, made, _, gone) in targets {
            let task = link.map_or(Value::Null, |n| Value::Id(id(n)));
            workspace.put(
                "taskTarget",
                [
                    ("id", Value::Id(id(*n))),
                    ("taskId", task),
                    ("createdAt", maybe_time(made)),
                    ("deletedAt", deleted(gone)),
                ],
            );
        }
        workspace
    }

    fn task_filter() -> impl Strategy<Value = Json> {
        let day = |t: i64| crate::twenty::value::iso(time(t));
        let leaf = prop_oneof![
            (0..IDS).prop_map(|n| json!({"assigneeId": {"eq": id(n).to_string()}})),
            (0..IDS, 0..IDS).prop_map(
                |(a, b)| json!({"assigneeId": {"in": [id(a).to_string(), id(b).to_string()]}})
            ),
            (0..40u128).prop_map(|n| json!({"id": {"eq": id(n).to_string()}})),
            (0..IDS).prop_map(
                |n| json!({"assignee": {"userEmail": {"eq": format!("m{n}@example.com")}}})
            ),
            (0..6i64).prop_map(move |t| json!({"dueAt": {"lte": day(t)}})),
            (0..6i64).prop_map(move |t| json!({"dueAt": {"gt": day(t)}})),
            prop_oneof![Just("NULL"), Just("NOT_NULL")].prop_map(|is| json!({"dueAt": {"is": is}})),
            prop_oneof![Just("NULL"), Just("NOT_NULL")]
                .prop_map(|is| json!({"assignee": {"userEmail": {"is": is}}})),
            prop_oneof![Just("NULL"), Just("NOT_NULL")]
                .prop_map(|is| json!({"deletedAt": {"is": is}})),
            Just(json!({"status": {"neq": "DONE"}})),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            let list = proptest::collection::vec(inner.clone(), 1..3);
            prop_oneof![
                list.clone().prop_map(|all| json!({"and": all})),
                list.prop_map(|any| json!({"or": any})),
                inner.prop_map(|not| json!({"not": not})),
            ]
        })
    }

    fn ids(rows: Vec<Row<'_>>) -> Vec<Option<Uuid>> {
        let mut ids: Vec<_> = rows
            .into_iter()
            .map(|row| row.get(ID).and_then(Value::as_id))
            .collect();
        ids.sort();
        ids
    }

    /// Filters once by index and once by a full scan.
    fn both(
        workspace: &Workspace,
        singular: &str,
        filter: &Json,
    ) -> (Vec<Option<Uuid>>, Vec<Option<Uuid>>) {
        let table = workspace
            .table(CATALOGUE.singular(singular).unwrap().id)
            .unwrap();
        let filter = Filter::read(table.object, &Input::from(filter)).unwrap();
        let naive = scan(table)
            .filter(|row| filter.shows_deleted || row.is_live())
            .filter(|row| filter.condition.holds(workspace, *row) == Some(true))
            .collect();
        (ids(matching(workspace, table, &filter)), ids(naive))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn indexes_find_what_a_scan_finds(
            tasks in seeds(),
            targets in seeds(),
            removed in proptest::collection::vec(0..40u128, 0..20),
            filter in task_filter(),
        ) {
            let mut workspace = workspace(&tasks, &targets);
            for (n, singular) in removed.into_iter().zip(["task", "taskTarget"].into_iter().cycle()) {
                let object = CATALOGUE.singular(singular).unwrap().id;
                workspace.table_mut(object).unwrap().remove(id(n));
            }
            let (indexed, scanned) = both(&workspace, "task", &filter);
            prop_assert_eq!(indexed, scanned);
            // The same condition over the relation; there a filter has one hop only, so those about
            // members are left out.
            if !filter.to_string().contains("\"assignee\"") {
                let (indexed, scanned) = both(&workspace, "taskTarget", &json!({"task": filter}));
                prop_assert_eq!(indexed, scanned);
            }
        }
    }
}
