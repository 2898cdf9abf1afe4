//! Conditions on records, tested with SQL's three-valued logic.

use std::cmp::Ordering;

use super::catalogue::{ColumnId, ObjectId};
use super::table::{Row, Workspace};
use super::value::{Kind, Value};

/// A condition on a record.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Test {
        column: ColumnId,
        kind: Kind,
        test: Test,
    },
    /// A condition on the record that an id column points to.
    Over {
        column: ColumnId,
        target: ObjectId,
        condition: Box<Condition>,
    },
}

/// A comparison with the value of a column.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Equal(Value),
    NotEqual(Value),
    In(Vec<Value>),
    Null(bool),
    /// The column's value stands in this order to the operand, or is equal to it if `or_equal`.
    Order {
        wanted: Ordering,
        or_equal: bool,
        than: Value,
    },
    Like(Pattern),
}

impl Condition {
    /// Evaluates the condition on a record: `None` is SQL's unknown, which a filter treats as no.
    pub(super) fn holds(&self, workspace: &Workspace, row: Row<'_>) -> Option<bool> {
        match self {
            Self::All(conditions) => {
                let mut result = Some(true);
                for condition in conditions {
                    match condition.holds(workspace, row) {
                        Some(false) => return Some(false),
                        None => result = None,
                        Some(true) => {}
                    }
                }
                result
            }
            Self::Any(conditions) => {
                let mut result = Some(false);
                for condition in conditions {
                    match condition.holds(workspace, row) {
                        Some(true) => return Some(true),
                        None => result = None,
                        Some(false) => {}
                    }
                }
                result
            }
            Self::Not(condition) => condition.holds(workspace, row).map(|held| !held),
            Self::Test { column, kind, test } => {
                test.holds(row.get(*column).unwrap_or(&Value::Null), *kind)
            }
            Self::Over {
                column,
                target,
                condition,
            } => {
                match row
                    .get(*column)
                    .and_then(Value::as_id)
                    .and_then(|id| workspace.live(*target, id))
                {
                    Some(other) => condition.holds(workspace, other),
                    None => condition.of_nothing(),
                }
            }
        }
    }

    /// Evaluates the condition on a missing record: a row of NULLs.
    fn of_nothing(&self) -> Option<bool> {
        match self {
            Self::All(conditions) => conditions
                .iter()
                .try_fold(true, |all, c| Some(all && c.of_nothing()?)),
            Self::Any(conditions) => {
                let mut answers = conditions.iter().map(Self::of_nothing);
                if answers.clone().any(|a| a == Some(true)) {
                    Some(true)
                } else {
                    answers.all(|a| a == Some(false)).then_some(false)
                }
            }
            Self::Not(condition) => condition.of_nothing().map(|held| !held),
            Self::Test { kind, test, .. } => test.holds(&Value::Null, *kind),
            Self::Over { .. } => None,
        }
    }
}

impl Test {
    fn holds(&self, value: &Value, kind: Kind) -> Option<bool> {
        match self {
            Self::Null(wanted) => return Some(value.is_null() == *wanted),
            // An empty text among the operands stands for NULL.
            Self::In(operands) if value.is_null() => {
                return operands.iter().any(Value::is_null).then_some(true);
            }
            _ if value.is_null() => return None,
            _ => {}
        }
        Some(match self {
            Self::Equal(operand) => value == operand,
            Self::NotEqual(operand) => value != operand,
            Self::In(operands) => operands.contains(value),
            Self::Order {
                wanted,
                or_equal,
                than,
            } => {
                let order = value.compare(than, kind)?;
                order == *wanted || (*or_equal && order == Ordering::Equal)
            }
            Self::Like(pattern) => match value {
                Value::Json(json) => pattern.matches(&json.to_string()),
                value => pattern.matches(value.as_text()?),
            },
            Self::Null(_) => false,
        })
    }
}

/// A pattern of SQL's LIKE: `%`, `_`, and `\` before either.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    parts: Vec<Part>,
    folded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    One(char),
    AnyOne,
    AnyMany,
}

impl Pattern {
    /// Reads a pattern; `folded` makes case not matter.
    pub(super) fn new(text: &str, folded: bool) -> Self {
        let text = if folded {
            text.to_lowercase()
        } else {
            text.to_owned()
        };
        let mut parts = Vec::new();
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '%' => {
                    if parts.last() != Some(&Part::AnyMany) {
                        parts.push(Part::AnyMany);
                    }
                }
                '_' => parts.push(Part::AnyOne),
                '\\' => parts.push(Part::One(letters.next().unwrap_or('\\'))),
                other => parts.push(Part::One(other)),
            }
        }
        Self { parts, folded }
    }

    /// Returns true if a whole text matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = if self.folded {
            text.to_lowercase().chars().collect()
        } else {
            text.chars().collect()
        };
        // Greedy with one point of return: the last `%` and what it has eaten so far.
        let (mut at, mut part, mut back) = (0, 0, None);
        while at < text.len() {
            match self.parts.get(part) {
                Some(Part::AnyMany) => {
                    back = Some((part + 1, at));
                    part += 1;
                }
                Some(Part::AnyOne) => (at, part) = (at + 1, part + 1),
                Some(Part::One(letter)) if text.get(at) == Some(letter) => {
                    (at, part) = (at + 1, part + 1)
                }
                _ => match back {
                    Some((resume, eaten)) => {
                        back = Some((resume, eaten + 1));
                        (at, part) = (eaten + 1, resume);
                    }
                    None => return false,
                },
            }
        }
        self.parts
            .get(part..)
            .is_some_and(|rest| rest.iter().all(|p| *p == Part::AnyMany))
    }
}
