//! Records and connections as JSON, by the shape that was selected.

use uuid::Uuid;

use super::catalogue::{ColumnId, ID, ObjectId};
use super::order::Order;
use super::select::{
    CompositePart, ConnectionMember, ConnectionShape, EdgeMember, PageInfoMember, RecordMember,
    RecordShape,
};
use super::table::{Row, Workspace};
use super::value::{Value, write_display, write_json, write_str};

/// The most records of a nested to-many relation, whatever was asked for.
pub(super) const NESTED_MOST: usize = 60;

/// One page of a connection.
pub(super) struct Page<'w> {
    /// All records that pass the filter, on this page or not: counts and sums go over them.
    pub all: &'w [Row<'w>],
    /// The page's own records, in order.
    pub rows: &'w [Row<'w>],
    pub order: &'w Order,
    pub has_next: bool,
    pub has_previous: bool,
}

/// Appends an object of named members.
fn members<T>(out: &mut Vec<u8>, members: &[(String, T)], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'{');
    for (nth, (name, member)) in members.iter().enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        write_str(out, name);
        out.push(b':');
        write(out, member);
    }
    out.push(b'}');
}

const NULL: &[u8] = b"null";

/// Appends a connection.
pub(super) fn connection(
    out: &mut Vec<u8>,
    workspace: &Workspace,
    shape: &ConnectionShape,
    page: &Page<'_>,
) {
    let selected = shape.members.iter().find_map(|(_, member)| match member {
        ConnectionMember::Edges(edges) => edges.iter().find_map(|(_, edge)| match edge {
            EdgeMember::Node(node) => Some(node.columns.as_slice()),
            _ => None,
        }),
        _ => None,
    });
    let selected = selected.unwrap_or_default();
    let cursor = |out: &mut Vec<u8>, row: Option<&Row<'_>>| match row {
        Some(row) => write_str(out, &page.order.cursor(*row, selected)),
        None => out.extend_from_slice(NULL),
    };
    members(out, &shape.members, |out, member| match member {
        ConnectionMember::TotalCount => write_display(out, page.all.len()),
        ConnectionMember::Aggregate(aggregate) => aggregate.write(out, page.all),
        ConnectionMember::TypeName(name) => write_str(out, name),
        ConnectionMember::Null => out.extend_from_slice(NULL),
        ConnectionMember::PageInfo(info) => members(out, info, |out, member| match member {
            PageInfoMember::StartCursor => cursor(out, page.rows.first()),
            PageInfoMember::EndCursor => cursor(out, page.rows.last()),
            PageInfoMember::HasNextPage => write_display(out, page.has_next),
            PageInfoMember::HasPreviousPage => write_display(out, page.has_previous),
            PageInfoMember::TypeName => write_str(out, "PageInfo"),
            PageInfoMember::Null => out.extend_from_slice(NULL),
        }),
        ConnectionMember::Edges(edge) => {
            out.push(b'[');
            for (nth, row) in page.rows.iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                members(out, edge, |out, member| match member {
                    EdgeMember::Cursor => cursor(out, Some(row)),
                    EdgeMember::Node(node) => record(out, workspace, node, *row),
                    EdgeMember::TypeName(name) => write_str(out, name),
                    EdgeMember::Null => out.extend_from_slice(NULL),
                });
            }
            out.push(b']');
        }
    });
}

/// Appends a record.
pub(super) fn record(out: &mut Vec<u8>, workspace: &Workspace, shape: &RecordShape, row: Row<'_>) {
    let value = |column: ColumnId| row.get(column).unwrap_or(&Value::Null);
    members(out, &shape.members, |out, member| match member {
        RecordMember::Column(column, kind) => write_json(out, value(*column), *kind),
        RecordMember::LiveId(column, target) => match value(*column)
            .as_id()
            .filter(|id| workspace.live(*target, *id).is_some())
        {
            Some(id) => write_json(out, &Value::Id(id), super::value::Kind::Id),
            None => out.extend_from_slice(NULL),
        },
        RecordMember::Composite(parts) => members(out, parts, |out, part| match part {
            CompositePart::Column(column, kind) => write_json(out, value(*column), *kind),
            CompositePart::TypeName(name) => write_str(out, name),
            CompositePart::Null => out.extend_from_slice(NULL),
        }),
        RecordMember::One(column, below) => match value(*column)
            .as_id()
            .and_then(|id| workspace.live(below.object, id))
        {
            Some(other) => record(out, workspace, below, other),
            None => out.extend_from_slice(NULL),
        },
        RecordMember::Many {
            target,
            column,
            connection,
        } => {
            many(
                out,
                workspace,
                connection,
                *target,
                *column,
                value(ID).as_id(),
            );
        }
        RecordMember::Lost(shape) => {
            let page = Page {
                all: &[],
                rows: &[],
                order: &Order::default(),
                has_next: false,
                has_previous: false,
            };
            connection(out, workspace, shape, &page);
        }
        RecordMember::TypeName(name) => write_str(out, name),
        RecordMember::Null => out.extend_from_slice(NULL),
    });
}

fn many(
    out: &mut Vec<u8>,
    workspace: &Workspace,
    shape: &ConnectionShape,
    target: ObjectId,
    column: ColumnId,
    id: Option<Uuid>,
) {
    let table = workspace.table(target);
    let found = table
        .zip(id)
        .and_then(|(table, id)| Some((table, table.linked(column, id)?)));
    let mut rows: Vec<Row<'_>> = match found {
        Some((table, found)) => found
            .iter()
            .filter_map(|at| table.row(*at))
            .filter(|row| row.is_live())
            .collect(),
        None => Vec::new(),
    };
    rows.sort_unstable_by_key(|row| row.id());
    let shown = rows.get(..NESTED_MOST).unwrap_or(&rows);
    let page = Page {
        all: &rows,
        rows: shown,
        order: &Order::default(),
        has_next: false,
        has_previous: false,
    };
    connection(out, workspace, shape, &page);
}
