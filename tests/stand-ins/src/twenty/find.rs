//! Finding the records that fulfil a filter: by the narrowest index that applies, then by testing each candidate.

use std::cmp::Ordering;
use std::ops::Bound;

use super::catalogue::ID;
use super::filter::{Condition, Filter, Test};
use super::table::{Row, RowId, Table, Workspace};
use super::value::Value;

/// The records that fulfil a filter, each once, in no order.
pub(super) fn matching<'w>(
    workspace: &'w Workspace,
    table: &'w Table,
    filter: &Filter,
) -> Vec<&'w Row> {
    let fulfils = |row: &&Row| {
        (filter.shows_deleted || table.is_live(row))
            && filter.condition.holds(workspace, row) == Some(true)
    };
    if estimate(workspace, table, &filter.condition, table.len()) < table.len() {
        let mut candidates = Vec::new();
        collect(workspace, table, &filter.condition, &mut candidates);
        candidates.sort_unstable();
        candidates.dedup();
        candidates
            .into_iter()
            .filter_map(|at| table.row(at))
            .filter(fulfils)
            .collect()
    } else {
        scan(table).filter(fulfils).collect()
    }
}

/// Every record.
pub(super) fn scan(table: &Table) -> impl Iterator<Item = &Row> {
    (0..table.len()).filter_map(|at| table.row(RowId::try_from(at).ok()?))
}

/// How many candidates an index would give, or `most` where none applies or it would give no fewer.
fn estimate(workspace: &Workspace, table: &Table, condition: &Condition, most: usize) -> usize {
    match condition {
        Condition::All(conditions) => conditions
            .iter()
            .fold(most, |least, c| estimate(workspace, table, c, least)),
        Condition::Any(conditions) => {
            let each = conditions
                .iter()
                .map(|c| estimate(workspace, table, c, most));
            each.fold(0, usize::saturating_add).min(most)
        }
        Condition::Not(_) => most,
        Condition::Test { column, test, .. } => match test {
            Test::Equal(Value::Id(_)) if *column == ID => 1.min(most),
            Test::In(ids) if *column == ID => ids.len().min(most),
            Test::Equal(Value::Id(id)) => table
                .linked(*column, *id)
                .map_or(most, |rows| rows.len().min(most)),
            Test::In(ids) if table.has_links(*column) => ids
                .iter()
                .filter_map(|id| table.linked(*column, id.as_id()?))
                .map(<[RowId]>::len)
                .sum::<usize>()
                .min(most),
            _ => match bounds(test) {
                Some((from, to)) => table
                    .between(*column, from, to)
                    .map_or(most, |rows| rows.take(most).count()),
                None => most,
            },
        },
        Condition::Over {
            column,
            target,
            condition,
        } => {
            // A condition that a missing record fulfils too cannot be answered from the other table.
            let Some(other) = workspace
                .table(*target)
                .filter(|_| table.has_links(*column) && narrows(condition))
            else {
                return most;
            };
            let found = estimate(workspace, other, condition, other.len());
            if found * 8 < most {
                let mut rows = Vec::new();
                collect(workspace, other, condition, &mut rows);
                let ids = rows
                    .into_iter()
                    .filter_map(|at| other.row(at)?.get(ID)?.as_id());
                ids.filter_map(|id| table.linked(*column, id))
                    .map(<[RowId]>::len)
                    .sum::<usize>()
                    .min(most)
            } else {
                most
            }
        }
    }
}

/// Candidates for a condition for which [`estimate`] found an index; a superset of the records that fulfil it.
fn collect(workspace: &Workspace, table: &Table, condition: &Condition, out: &mut Vec<RowId>) {
    match condition {
        Condition::All(conditions) => {
            let best = conditions
                .iter()
                .map(|c| (estimate(workspace, table, c, table.len()), c))
                .min_by_key(|(n, _)| *n);
            if let Some((_, best)) = best {
                collect(workspace, table, best, out);
            }
        }
        Condition::Any(conditions) => conditions
            .iter()
            .for_each(|c| collect(workspace, table, c, out)),
        Condition::Not(_) => every(table, out),
        Condition::Test { column, test, .. } => match test {
            Test::Equal(Value::Id(id)) if *column == ID => out.extend(table.find(*id)),
            Test::In(ids) if *column == ID => {
                out.extend(ids.iter().filter_map(|id| table.find(id.as_id()?)))
            }
            Test::Equal(Value::Id(id)) => match table.linked(*column, *id) {
                Some(rows) => out.extend_from_slice(rows),
                None => every(table, out),
            },
            Test::In(ids) if table.has_links(*column) => {
                ids.iter()
                    .filter_map(|id| table.linked(*column, id.as_id()?))
                    .for_each(|rows| out.extend_from_slice(rows));
            }
            _ => match bounds(test).and_then(|(from, to)| table.between(*column, from, to)) {
                Some(rows) => out.extend(rows),
                None => every(table, out),
            },
        },
        Condition::Over {
            column,
            target,
            condition,
        } => {
            let Some(other) = workspace
                .table(*target)
                .filter(|_| table.has_links(*column) && narrows(condition))
            else {
                return every(table, out);
            };
            let mut rows = Vec::new();
            collect(workspace, other, condition, &mut rows);
            let ids = rows
                .into_iter()
                .filter_map(|at| other.row(at)?.get(ID)?.as_id());
            ids.filter_map(|id| table.linked(*column, id))
                .for_each(|rows| out.extend_from_slice(rows));
        }
    }
}

fn every(table: &Table, out: &mut Vec<RowId>) {
    out.extend((0..table.len()).filter_map(|at| RowId::try_from(at).ok()));
}

/// Whether the condition is one that a missing record never fulfils.
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
fn bounds(test: &Test) -> Option<(Bound<i64>, Bound<i64>)> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};
    use uuid::Uuid;

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

    /// A row: which id it has, what it points to, its time, its status, whether it is deleted. Equal ids replace each other.
    type Seed = (u128, Option<u128>, Option<i64>, Option<bool>, bool);

    fn seeds() -> impl Strategy<Value = Vec<Seed>> {
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

    fn workspace(tasks: &[Seed], targets: &[Seed]) -> Workspace {
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

    fn ids(rows: Vec<&Row>) -> Vec<Option<Uuid>> {
        let mut ids: Vec<_> = rows
            .into_iter()
            .map(|row| row.get(ID).and_then(Value::as_id))
            .collect();
        ids.sort();
        ids
    }

    /// What the indexes find, and what looking at every record finds.
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
            .filter(|row| filter.shows_deleted || table.is_live(row))
            .filter(|row| filter.condition.holds(workspace, row) == Some(true))
            .collect();
        (ids(matching(workspace, table, &filter)), ids(naive))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn indexes_find_what_a_scan_finds(tasks in seeds(), targets in seeds(), filter in task_filter()) {
            let workspace = workspace(&tasks, &targets);
            let (indexed, scanned) = both(&workspace, "task", &filter);
            prop_assert_eq!(indexed, scanned);
            // The same condition over the relation; there a filter has one hop only, so those about members are left out.
            if !filter.to_string().contains("\"assignee\"") {
                let (indexed, scanned) = both(&workspace, "taskTarget", &json!({"task": filter}));
                prop_assert_eq!(indexed, scanned);
            }
        }
    }
}
