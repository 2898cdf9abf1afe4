//! The root fields over records: a list, one record, groups. Reads their arguments, finds the
//! records, writes the answer.

use super::catalogue::{CATALOGUE, Object, ObjectId};
use super::database::Workspace;
use super::document::Argument;
use super::errors::{GENERIC, GqlError, Refusal};
use super::filter::Filter;
use super::group::{self, Dimension};
use super::input::Input;
use super::order::Order;
use super::query::Query;
use super::quirks::{GROUPS_MOST, PAGE_MOST};
use super::select::{ConnectionShape, GroupShape, RecordShape};
use super::write::{self, Page};

/// The request of a root field.
#[derive(Debug)]
pub(super) enum Ask {
    List(ObjectId, ConnectionShape),
    One(ObjectId, RecordShape),
    Groups(ObjectId, GroupShape),
}

/// The meaning of a root field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RootKind {
    List,
    One,
    Groups,
}

/// The object and kind that a root field's name stands for.
pub(super) fn named(name: &str) -> Option<(&'static Object, RootKind)> {
    CATALOGUE.objects.iter().find_map(|object| {
        if name == object.spec.plural {
            Some((object, RootKind::List))
        } else if name == object.spec.singular {
            Some((object, RootKind::One))
        } else {
            (name.strip_suffix("GroupBy") == Some(object.spec.plural))
                .then_some((object, RootKind::Groups))
        }
    })
}

/// The arguments of a root field.
pub(super) struct Arguments(Vec<(String, Input)>);

impl Arguments {
    pub(super) fn read(
        arguments: &[Argument],
        variables: &serde_json::Map<String, serde_json::Value>,
        allowed: &[&str],
    ) -> Result<Self, Refusal> {
        if let Some(other) = arguments
            .iter()
            .find(|a| !allowed.contains(&a.name.as_str()))
        {
            return Err(GqlError::input(
                format!("Argument not allowed: {}", other.name),
                "INVALID_QUERY_INPUT",
                GENERIC,
            )
            .into());
        }
        let Input::Object(entries) = Input::object(arguments, variables) else {
            return Ok(Self(Vec::new()));
        };
        Ok(Self(entries))
    }

    /// The value of an argument; undefined where it was left out.
    pub(super) fn get(&self, name: &str) -> &Input {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map_or(&Input::Undefined, |(_, value)| value)
    }

    /// A count; null counts as left out.
    fn count(&self, name: &str, sub_code: &str) -> Result<Option<usize>, Refusal> {
        match self.get(name) {
            Input::Undefined | Input::Null => Ok(None),
            Input::Number(n) => match (n.as_u64(), n.as_f64()) {
                (Some(n), _) => Ok(Some(usize::try_from(n).unwrap_or(usize::MAX))),
                (None, Some(n)) if n < 0.0 => {
                    let label = if name == "last" { "Last" } else { "First" };
                    Err(GqlError::input(
                        format!("{label} argument must be non-negative"),
                        sub_code,
                        GENERIC,
                    )
                    .into())
                }
                _ => Err(Refusal::not_known(format!("{name}: {n}"))),
            },
            _ => {
                let message = format!("Invalid argument: \"{name}\" must be a number");
                Err(GqlError::input(message, "INVALID_QUERY_INPUT", GENERIC).into())
            }
        }
    }

    /// A cursor; null and empty text count as left out.
    fn cursor(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.get(name) {
            Input::Undefined | Input::Null => Ok(None),
            Input::Text(text) if text.is_empty() => Ok(None),
            Input::Text(text) => Ok(Some(text)),
            other => Err(Refusal::not_known(format!("{name}: {}", other.inspect()))),
        }
    }

    /// A filter; one that was left out, or whose variable was not sent, lets everything through.
    fn filter(&self, object: &Object) -> Result<Filter, Refusal> {
        match self.get("filter") {
            Input::Undefined => Ok(Filter::none()),
            given => Filter::read(object, given),
        }
    }
}

/// Appends the answer to a root field.
pub(super) fn answer(
    out: &mut Vec<u8>,
    workspace: &Workspace,
    ask: &Ask,
    arguments: &[Argument],
    variables: &serde_json::Map<String, serde_json::Value>,
) -> Result<(), Refusal> {
    let object_id = match ask {
        Ask::List(object, _) | Ask::One(object, _) | Ask::Groups(object, _) => *object,
    };
    let object = CATALOGUE
        .object(object_id)
        .ok_or_else(|| Refusal::not_known("an object that is not kept"))?;
    match ask {
        Ask::List(_, shape) => {
            let allowed = [
                "first", "last", "before", "after", "offset", "filter", "orderBy",
            ];
            list(
                out,
                workspace,
                object,
                shape,
                &Arguments::read(arguments, variables, &allowed)?,
            )
        }
        Ask::One(_, shape) => {
            let arguments = Arguments::read(arguments, variables, &["filter"])?;
            if arguments.get("filter") == &Input::Undefined {
                let message = "Missing required argument: \"filter\" (object)";
                return Err(GqlError::input(message, "INVALID_QUERY_INPUT", GENERIC).into());
            }
            let filter = arguments.filter(object)?;
            let query = Query::filtered(object, filter);
            let found = query.rows(workspace, &Order::default(), false, 1, 0)?;
            let first = found.first().ok_or_else(GqlError::not_found)?;
            write::record(out, workspace, shape, first)
        }
        Ask::Groups(_, shape) => {
            let allowed = [
                "groupBy",
                "filter",
                "limit",
                "orderBy",
                "orderByForRecords",
                "viewId",
                "offsetForRecords",
            ];
            let arguments = Arguments::read(arguments, variables, &allowed)?;
            if let Some(other) = ["orderBy", "orderByForRecords", "viewId", "offsetForRecords"]
                .iter()
                .find(|name| arguments.get(name) != &Input::Undefined)
            {
                return Err(Refusal::not_known(format!("groups with {other}")));
            }
            let dimensions = Dimension::read_all(object, arguments.get("groupBy"))?;
            let limit = arguments
                .count("limit", "INVALID_QUERY_INPUT")?
                .unwrap_or(GROUPS_MOST);
            let query = Query::filtered(object, arguments.filter(object)?);
            group::write(out, workspace, &query, &dimensions, limit, shape)
        }
    }
}

fn list(
    out: &mut Vec<u8>,
    workspace: &Workspace,
    object: &'static Object,
    shape: &ConnectionShape,
    arguments: &Arguments,
) -> Result<(), Refusal> {
    let (first, last) = (
        arguments.count("first", "INVALID_ARGS_FIRST")?,
        arguments.count("last", "INVALID_ARGS_LAST")?,
    );
    let (after, before) = (arguments.cursor("after")?, arguments.cursor("before")?);
    let offset = arguments
        .count("offset", "INVALID_QUERY_INPUT")?
        .unwrap_or(0);
    if first.is_some() && last.is_some() {
        return Err(GqlError::input(
            "Cannot provide both first and last",
            "ARGS_CONFLICT",
            GENERIC,
        )
        .into());
    }
    if after.is_some() && before.is_some() {
        return Err(GqlError::input(
            "Cannot provide both before and after",
            "ARGS_CONFLICT",
            GENERIC,
        )
        .into());
    }
    let backwards = before.is_some() || last.is_some();
    let filter = arguments.filter(object)?;
    let order = Order::read(object, arguments.get("orderBy"))?;
    let position = after
        .or(before)
        .map(|cursor| order.position(cursor))
        .transpose()?;

    let all = Query::filtered(object, filter);
    let beyond = position.map(|position| all.and(position.passed(backwards), order.joins()));
    let size = first.or(last).unwrap_or(PAGE_MOST).min(PAGE_MOST);
    let query = beyond.as_ref().unwrap_or(&all);
    // One more tells whether there are more.
    let mut rows = query.rows(workspace, &order, backwards, size + 1, offset)?;
    let more = rows.len() > size;
    rows.truncate(size);
    if backwards {
        rows.reverse();
    }
    let page = Page {
        all: &all,
        rows: &rows,
        order: &order,
        has_next: more && !backwards,
        has_previous: more && backwards,
    };
    write::connection(out, workspace, shape, &page)
}
