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
