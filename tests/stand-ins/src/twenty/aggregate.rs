//! Counts, extremes, sums and averages over the records of a connection or a group, by the names
//! the schema gives them.

use super::catalogue::{ColumnId, Object};
use super::table::Row;
use super::value::{Kind, Value, write_display, write_json};

/// An aggregate operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AggregateKind {
    Min,
    Max,
    Sum,
    Average,
    CountUnique,
    CountEmpty,
    CountNotEmpty,
    PercentageEmpty,
    PercentageNotEmpty,
}

/// An aggregate field such as `maxHappensAt` or `sumAmountAmountMicros`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aggregate {
    operation: AggregateKind,
    column: ColumnId,
    kind: Kind,
}

/// Longer names first where one begins another.
const NAMES: &[(&str, AggregateKind)] = &[
    ("countUniqueValues", AggregateKind::CountUnique),
    ("countNotEmpty", AggregateKind::CountNotEmpty),
    ("countEmpty", AggregateKind::CountEmpty),
    ("percentageNotEmpty", AggregateKind::PercentageNotEmpty),
    ("percentageEmpty", AggregateKind::PercentageEmpty),
    ("min", AggregateKind::Min),
    ("max", AggregateKind::Max),
    ("sum", AggregateKind::Sum),
    ("avg", AggregateKind::Average),
];

impl Aggregate {
    /// The aggregate of this name over the object, if it has one.
    pub(super) fn named(object: &Object, name: &str) -> Option<Self> {
        let (operation, rest) = NAMES
            .iter()
            .find_map(|(prefix, op)| Some((*op, name.strip_prefix(prefix)?)))?;
        let column = object
            .columns
            .iter()
            .position(|c| pascal(&c.path) == rest)?;
        let kind = object.kind(column);
        let numeric = matches!(kind, Kind::Int | Kind::Float);
        let fits = match operation {
            AggregateKind::Min | AggregateKind::Max => numeric || kind == Kind::Time,
            AggregateKind::Sum | AggregateKind::Average => numeric,
            _ => true,
        };
        fits.then_some(Self {
            operation,
            column,
            kind,
        })
    }

    /// Appends the value over some records as JSON.
    pub(super) fn write(&self, out: &mut Vec<u8>, rows: &[Row<'_>]) {
        let values = || {
            rows.iter()
                .filter_map(|row| row.get(self.column))
                .filter(|v| !v.is_null())
        };
        let empty = rows.len() - values().count();
        match self.operation {
            AggregateKind::Min | AggregateKind::Max => {
                let order = |a: &&Value, b: &&Value| {
                    a.compare(b, self.kind).unwrap_or(std::cmp::Ordering::Equal)
                };
                let found = if self.operation == AggregateKind::Min {
                    values().min_by(order)
                } else {
                    values().max_by(order)
                };
                write_json(out, found.unwrap_or(&Value::Null), self.kind);
            }
            AggregateKind::Sum | AggregateKind::Average if empty == rows.len() => {
                out.extend_from_slice(b"null")
            }
            AggregateKind::Sum if self.kind == Kind::Int => {
                let sum: i128 = values()
                    .map(|v| {
                        if let Value::Int(n) = v {
                            i128::from(*n)
                        } else {
                            0
                        }
                    })
                    .sum();
                write_display(out, sum);
            }
            AggregateKind::Sum => {
                write_json(out, &Value::Float(values().map(number).sum()), Kind::Float)
            }
            AggregateKind::Average => {
                let average = values().map(number).sum::<f64>() / (rows.len() - empty) as f64;
                write_json(out, &Value::Float(average), Kind::Float);
            }
            AggregateKind::CountEmpty => write_display(out, empty),
            AggregateKind::CountNotEmpty => write_display(out, rows.len() - empty),
            AggregateKind::CountUnique => {
                let mut seen: Vec<&Value> = Vec::new();
                let mut sorted: Vec<&Value> = values().collect();
                sorted.sort_by(|a, b| a.compare(b, self.kind).unwrap_or(std::cmp::Ordering::Equal));
                sorted.into_iter().for_each(|v| {
                    if seen.last() != Some(&v) {
                        seen.push(v)
                    }
                });
                write_display(out, seen.len());
            }
            AggregateKind::PercentageEmpty => share(out, empty, rows.len()),
            AggregateKind::PercentageNotEmpty => share(out, rows.len() - empty, rows.len()),
        }
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Int(n) => *n as f64,
        Value::Float(n) => *n,
        _ => 0.0,
    }
}

fn share(out: &mut Vec<u8>, part: usize, whole: usize) {
    let share = if whole == 0 {
        Value::Null
    } else {
        Value::Float(part as f64 / whole as f64)
    };
    write_json(out, &share, Kind::Float);
}

/// `amount.amountMicros` as it stands in a name: `AmountAmountMicros`.
fn pascal(path: &str) -> String {
    path.split('.')
        .flat_map(|part| {
            let mut letters = part.chars();
            letters
                .next()
                .map(|c| c.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
        })
        .collect()
}
