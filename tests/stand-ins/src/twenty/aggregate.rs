//! Counts, extremes, sums and averages over the records of a connection or a group, by the names
//! the schema gives them.

use super::catalogue::Object;
use super::query::column;
use super::value::Kind;

/// An aggregate field such as `maxHappensAt` or `sumAmountAmountMicros`.
#[derive(Clone, Debug)]
pub(super) struct Aggregate {
    /// The aggregate in SQL.
    pub sql: String,
    /// The kind of the result.
    pub kind: Kind,
}

/// What an aggregate is of: any column, numbers and times, or numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Any,
    Ordered,
    Numbers,
}

/// The beginning of the name, what it is of, the SQL over `{}`, and the kind of the result where
/// that is not the column's. Longer names first where one begins another.
const NAMES: &[(&str, Of, &str, Option<Kind>)] = &[
    (
        "countUniqueValues",
        Of::Any,
        "count(DISTINCT {})",
        Some(Kind::Int),
    ),
    ("countNotEmpty", Of::Any, "count({})", Some(Kind::Int)),
    (
        "countEmpty",
        Of::Any,
        "count(*) - count({})",
        Some(Kind::Int),
    ),
    (
        "percentageNotEmpty",
        Of::Any,
        "count({}) * 1.0 / count(*)",
        Some(Kind::Float),
    ),
    (
        "percentageEmpty",
        Of::Any,
        "1.0 * (count(*) - count({})) / count(*)",
        Some(Kind::Float),
    ),
    ("min", Of::Ordered, "min({})", None),
    ("max", Of::Ordered, "max({})", None),
    ("sum", Of::Numbers, "sum({})", None),
    ("avg", Of::Numbers, "avg({})", Some(Kind::Float)),
];

impl Aggregate {
    /// The number of records: `totalCount`.
    pub(super) fn total() -> Self {
        Self {
            sql: "count(*)".to_owned(),
            kind: Kind::Int,
        }
    }

    /// The aggregate of this name over the object, if it has one.
    pub(super) fn named(object: &Object, name: &str) -> Option<Self> {
        let (of, sql, result, rest) = NAMES.iter().find_map(|(prefix, of, sql, result)| {
            Some((*of, *sql, *result, name.strip_prefix(prefix)?))
        })?;
        let found = object
            .columns
            .iter()
            .position(|c| pascal(&c.path) == rest)?;
        let kind = object.kind(found);
        let numeric = matches!(kind, Kind::Int | Kind::Float);
        let fits = match of {
            Of::Any => true,
            Of::Ordered => numeric || kind == Kind::Time,
            Of::Numbers => numeric,
        };
        fits.then(|| Self {
            sql: sql.replace("{}", &column(object, found, None)),
            kind: result.unwrap_or(kind),
        })
    }
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
