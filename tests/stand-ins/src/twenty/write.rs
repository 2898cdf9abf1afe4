//! Records and connections as JSON, by the shape that was selected.

use super::aggregate::Aggregate;
use super::catalogue::{CATALOGUE, ColumnId, ID, Object, ObjectId};
use super::database::{Row, Workspace};
use super::errors::Refusal;
use super::order::Order;
use super::query::Query;
use super::quirks::NESTED_MOST;
use super::select::{
    CompositePart, ConnectionMember, ConnectionShape, EdgeMember, PageInfoMember, RecordMember,
    RecordShape,
};
use super::value::{Kind, Value, write_display, write_json, write_str};

/// One page of a connection.
pub(super) struct Page<'p> {
    /// All records that pass the filter, on this page or not: counts and sums go over them.
    pub all: &'p Query,
    /// The page's own records, in order.
    pub rows: &'p [Row],
    pub order: &'p Order,
    pub has_next: bool,
    pub has_previous: bool,
}

/// Appends an object of named members.
fn members<T>(
    out: &mut Vec<u8>,
    members: &[(String, T)],
    mut write: impl FnMut(&mut Vec<u8>, &T) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    out.push(b'{');
    for (nth, (name, member)) in members.iter().enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        write_str(out, name);
        out.push(b':');
        write(out, member)?;
    }
    out.push(b'}');
    Ok(())
}

const NULL: &[u8] = b"null";

/// Appends a connection.
pub(super) fn connection(
    out: &mut Vec<u8>,
    workspace: &Workspace,
    shape: &ConnectionShape,
    page: &Page<'_>,
) -> Result<(), Refusal> {
    let selected = shape.members.iter().find_map(|(_, member)| match member {
        ConnectionMember::Edges(edges) => edges.iter().find_map(|(_, edge)| match edge {
            EdgeMember::Node(node) => Some(node.columns.as_slice()),
            _ => None,
        }),
        _ => None,
    });
    let selected = selected.unwrap_or_default();
    let cursor = |out: &mut Vec<u8>, row: Option<&Row>| match row {
        Some(row) => write_str(out, &page.order.cursor(row, selected)),
        None => out.extend_from_slice(NULL),
    };
    let aggregates = shape.members.iter().filter_map(|(_, member)| match member {
        ConnectionMember::Aggregate(aggregate) => Some(aggregate),
        _ => None,
    });
    let aggregates: Vec<&Aggregate> = aggregates.collect();
    let mut totals = page.all.totals(workspace, &aggregates)?.into_iter();
    members(out, &shape.members, |out, member| {
        match member {
            ConnectionMember::Aggregate(aggregate) => {
                write_json(out, &totals.next().unwrap_or(Value::Null), aggregate.kind)
            }
            ConnectionMember::TypeName(name) => write_str(out, name),
            ConnectionMember::Null => out.extend_from_slice(NULL),
            ConnectionMember::PageInfo(info) => members(out, info, |out, member| {
                match member {
                    PageInfoMember::StartCursor => cursor(out, page.rows.first()),
                    PageInfoMember::EndCursor => cursor(out, page.rows.last()),
                    PageInfoMember::HasNextPage => write_display(out, page.has_next),
                    PageInfoMember::HasPreviousPage => write_display(out, page.has_previous),
                    PageInfoMember::TypeName => write_str(out, "PageInfo"),
                    PageInfoMember::Null => out.extend_from_slice(NULL),
                }
                Ok(())
            })?,
            ConnectionMember::Edges(edge) => {
                out.push(b'[');
                for (nth, row) in page.rows.iter().enumerate() {
                    if nth > 0 {
                        out.push(b',');
                    }
                    members(out, edge, |out, member| {
                        match member {
                            EdgeMember::Cursor => cursor(out, Some(row)),
                            EdgeMember::Node(node) => record(out, workspace, node, row)?,
                            EdgeMember::TypeName(name) => write_str(out, name),
                            EdgeMember::Null => out.extend_from_slice(NULL),
                        }
                        Ok(())
                    })?;
                }
                out.push(b']');
            }
        }
        Ok(())
    })
}

/// Appends a record.
pub(super) fn record(
    out: &mut Vec<u8>,
    workspace: &Workspace,
    shape: &RecordShape,
    row: &Row,
) -> Result<(), Refusal> {
    // A relation and its id beside it name the same record.
    let live = |column: ColumnId, target: ObjectId| match row.get(column).as_id() {
        Some(id) => workspace.live(target, id),
        None => Ok(None),
    };
    members(out, &shape.members, |out, member| {
        match member {
            RecordMember::Column(column, kind) => write_json(out, row.get(*column), *kind),
            RecordMember::LiveId(column, target) => match live(*column, *target)? {
                Some(_) => write_json(out, row.get(*column), Kind::Id),
                None => out.extend_from_slice(NULL),
            },
            RecordMember::Composite(parts) => members(out, parts, |out, part| {
                match part {
                    CompositePart::Column(column, kind) => write_json(out, row.get(*column), *kind),
                    CompositePart::TypeName(name) => write_str(out, name),
                    CompositePart::Null => out.extend_from_slice(NULL),
                }
                Ok(())
            })?,
            RecordMember::One(column, below) => match live(*column, below.object)? {
                Some(other) => record(out, workspace, below, &other)?,
                None => out.extend_from_slice(NULL),
            },
            RecordMember::Many {
                target,
                column,
                connection,
            } => {
                let id = row.get(ID).clone();
                many(out, workspace, connection, *target, |object| {
                    Query::linked(object, *column, id)
                })?
            }
            RecordMember::Lost(target, connection) => {
                many(out, workspace, connection, *target, Query::nothing)?
            }
            RecordMember::TypeName(name) => write_str(out, name),
            RecordMember::Null => out.extend_from_slice(NULL),
        }
        Ok(())
    })
}

/// Appends a to-many relation.
fn many(
    out: &mut Vec<u8>,
    workspace: &Workspace,
    shape: &ConnectionShape,
    target: ObjectId,
    query: impl FnOnce(&'static Object) -> Query,
) -> Result<(), Refusal> {
    let object = CATALOGUE.object(target);
    let query = query(object.ok_or_else(|| Refusal::not_known("an object that is not kept"))?);
    let order = Order::default();
    let rows = query.rows(workspace, &order, false, NESTED_MOST, 0)?;
    let page = Page {
        all: &query,
        rows: &rows,
        order: &order,
        has_next: false,
        has_previous: false,
    };
    connection(out, workspace, shape, &page)
}
