//! A property of queries for any records and any filter: they find what a scan of the records
//! finds.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::*;
use crate::twenty::input::Input;
use crate::twenty::value::iso;

const MEMBERS: u128 = 6;
/// The member who is soft-deleted.
const GONE: u128 = 1;

/// A record: what it points to, its time, its status, true if it is deleted.
type RowSeed = (Option<u128>, Option<i64>, Option<bool>, bool);
type RowSeeds = BTreeMap<u128, RowSeed>;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x5a00_0000_0000_4000_8000_0000_0000_0000 | n)
}

fn email(n: u128) -> String {
    format!("m{n}@example.com")
}

fn time(n: i64) -> i64 {
    1_700_000_000_000 + n * 86_400_000
}

fn seeds() -> impl Strategy<Value = RowSeeds> {
    let seed = (
        proptest::option::of(0..MEMBERS),
        proptest::option::of(0..6i64),
        proptest::option::of(any::<bool>()),
        any::<bool>(),
    );
    proptest::collection::btree_map(0..40u128, seed, 0..60)
}

fn status(done: bool) -> &'static str {
    if done { "DONE" } else { "TODO" }
}

fn workspace(tasks: &RowSeeds, targets: &RowSeeds) -> Workspace {
    let maybe_id = |n: &Option<u128>| n.map_or(Value::Null, |n| Value::Id(id(n)));
    let maybe_time = |t: &Option<i64>| t.map_or(Value::Null, |t| Value::Time(time(t)));
    let deleted = |gone: bool| maybe_time(&gone.then_some(0));
    let filled = Workspace::filled(|workspace| {
        for n in 0..MEMBERS {
            let values = [
                ("id", Value::Id(id(n))),
                ("userEmail", Value::text(email(n))),
                ("deletedAt", deleted(n == GONE)),
            ];
            workspace.put("workspaceMember", values)?;
        }
        for (n, (assignee, due, done, gone)) in tasks {
            let values = [
                ("id", Value::Id(id(*n))),
                ("assigneeId", maybe_id(assignee)),
                ("dueAt", maybe_time(due)),
                (
                    "status",
                    done.map_or(Value::Null, |done| Value::text(status(done))),
                ),
                ("deletedAt", deleted(*gone)),
            ];
            workspace.put("task", values)?;
        }
        for (n, (task, made, _, gone)) in targets {
            let values = [
                ("id", Value::Id(id(*n))),
                ("taskId", maybe_id(task)),
                ("createdAt", maybe_time(made)),
                ("deletedAt", deleted(*gone)),
            ];
            workspace.put("taskTarget", values)?;
        }
        Ok(())
    });
    filled.unwrap()
}

fn task_filter() -> impl Strategy<Value = Json> {
    let day = |t: i64| iso(time(t));
    let is = || prop_oneof![Just("NULL"), Just("NOT_NULL")];
    let leaf = prop_oneof![
        (0..MEMBERS).prop_map(|n| json!({"assigneeId": {"eq": id(n).to_string()}})),
        (0..MEMBERS, 0..MEMBERS).prop_map(
            |(a, b)| json!({"assigneeId": {"in": [id(a).to_string(), id(b).to_string()]}})
        ),
        (0..40u128).prop_map(|n| json!({"id": {"eq": id(n).to_string()}})),
        (0..MEMBERS).prop_map(|n| json!({"assignee": {"userEmail": {"eq": email(n)}}})),
        (0..6i64).prop_map(move |t| json!({"dueAt": {"lte": day(t)}})),
        (0..6i64).prop_map(move |t| json!({"dueAt": {"gt": day(t)}})),
        is().prop_map(|is| json!({"dueAt": {"is": is}})),
        is().prop_map(|is| json!({"assignee": {"userEmail": {"is": is}}})),
        is().prop_map(|is| json!({"deletedAt": {"is": is}})),
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

fn only(object: &Json) -> (&str, &Json) {
    let (name, value) = object.as_object().unwrap().iter().next().unwrap();
    (name, value)
}

/// Evaluates a filter on a task, or on NULLs where there is none. `None` is SQL's unknown.
fn holds(filter: &Json, task: Option<(u128, &RowSeed)>) -> Option<bool> {
    let (name, value) = only(filter);
    let each = |value: &Json| -> Vec<Option<bool>> {
        let each = value.as_array().unwrap().iter();
        each.map(|inner| holds(inner, task)).collect()
    };
    let decided = |all: &[Option<bool>], by: bool| {
        let unknown = all.contains(&None).then_some(None);
        let decided = all.contains(&Some(by)).then_some(Some(by));
        decided.or(unknown).unwrap_or(Some(!by))
    };
    match name {
        "and" => decided(&each(value), false),
        "or" => decided(&each(value), true),
        "not" => holds(value, task).map(|held| !held),
        "assignee" => compare(&value["userEmail"], &column("userEmail", task)),
        _ => compare(value, &column(name, task)),
    }
}

fn compare(test: &Json, found: &Json) -> Option<bool> {
    let (operator, operand) = only(test);
    if operator == "is" {
        return Some(found.is_null() == (operand == "NULL"));
    }
    let text = found.as_str()?;
    Some(match operator {
        "eq" => found == operand,
        "neq" => found != operand,
        "in" => operand.as_array().unwrap().contains(found),
        "lte" => text <= operand.as_str().unwrap(),
        "gt" => text > operand.as_str().unwrap(),
        other => panic!("{other}"),
    })
}

fn column(name: &str, task: Option<(u128, &RowSeed)>) -> Json {
    let Some((n, (assignee, due, done, gone))) = task else {
        return Json::Null;
    };
    match name {
        "id" => json!(id(n).to_string()),
        "assigneeId" => json!(assignee.map(|n| id(n).to_string())),
        "userEmail" => json!(assignee.filter(|n| *n != GONE).map(email)),
        "dueAt" => json!(due.map(|t| iso(time(t)))),
        "status" => json!(done.map(status)),
        "deletedAt" => json!(gone.then(|| iso(time(0)))),
        other => panic!("{other}"),
    }
}

/// Finds the ids of the records that pass a filter.
fn found(workspace: &Workspace, singular: &str, filter: &Json) -> Vec<Uuid> {
    let object = CATALOGUE.singular(singular).unwrap();
    let filter = Filter::read(object, &Input::from(filter)).unwrap();
    let query = Query::filtered(object, filter);
    let rows = query.rows(workspace, &Order::default(), false, 100, 0);
    rows.unwrap().iter().filter_map(Row::id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn queries_find_what_a_scan_finds(
        mut tasks in seeds(),
        mut targets in seeds(),
        removed in proptest::collection::vec(0..40u128, 0..20),
        filter in task_filter(),
    ) {
        let workspace = workspace(&tasks, &targets);
        for (nth, n) in removed.into_iter().enumerate() {
            let (singular, seeds) = match nth % 2 {
                0 => ("task", &mut tasks),
                _ => ("taskTarget", &mut targets),
            };
            workspace.remove(CATALOGUE.singular(singular).unwrap(), id(n)).unwrap();
            seeds.remove(&n);
        }
        let names_deleted = filter.to_string().contains("deletedAt");
        let scanned: Vec<Uuid> = tasks
            .iter()
            .filter(|(_, task)| names_deleted || !task.3)
            .filter(|(n, task)| holds(&filter, Some((**n, *task))) == Some(true))
            .map(|(n, _)| id(*n))
            .collect();
        prop_assert_eq!(found(&workspace, "task", &filter), scanned);
        // The same condition over the relation; there a filter has one hop only, so those about
        // members are left out.
        if !filter.to_string().contains("\"assignee\"") {
            let live = |n: u128| tasks.get(&n).filter(|task| !task.3).map(|task| (n, task));
            let scanned: Vec<Uuid> = targets
                .iter()
                .filter(|(_, target)| !target.3)
                .filter(|(_, target)| holds(&filter, target.0.and_then(live)) == Some(true))
                .map(|(n, _)| id(*n))
                .collect();
            prop_assert_eq!(found(&workspace, "taskTarget", &json!({"task": filter})), scanned);
        }
    }
}
