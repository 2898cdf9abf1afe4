//! Selections, resolved against the catalogue once a document: what of a record, a connection or a
//! group is wanted.
//!
//! As on the real service, an unknown field is no error (it reads null), aliases below the root are
//! ignored, and so are the arguments of nested to-many relations, which therefore are not kept
//! here.

use super::aggregate::Aggregate;
use super::catalogue::{CATALOGUE, ColumnId, Field, Object, ObjectId};
use super::document::{Directive, Document, Literal, SelectedField, Selection};
use super::errors::{GqlError, Refusal};
use super::quirks;
use super::value::Kind;

/// A selection on a record.
#[derive(Debug)]
pub(super) struct RecordShape {
    pub object: ObjectId,
    pub members: Vec<(String, RecordMember)>,
    /// The columns among the members; cursors are made of them.
    pub columns: Vec<ColumnId>,
}

/// A field of a record.
#[derive(Debug)]
pub(super) enum RecordMember {
    Column(ColumnId, Kind),
    /// The id of a relation that reads null where the record it names is not live: that of a morph
    /// relation, and that of any other which is selected beside it.
    LiveId(ColumnId, ObjectId),
    Composite(Vec<(String, CompositePart)>),
    One(ColumnId, RecordShape),
    Many {
        target: ObjectId,
        column: ColumnId,
        connection: ConnectionShape,
    },
    /// A to-many relation that the service loses: it reads as if it were empty.
    Lost(ObjectId, ConnectionShape),
    TypeName(&'static str),
    Null,
}

/// A subfield of a composite.
#[derive(Debug)]
pub(super) enum CompositePart {
    Column(ColumnId, Kind),
    TypeName(&'static str),
    Null,
}

/// A selection on a connection.
#[derive(Debug)]
pub(super) struct ConnectionShape {
    pub members: Vec<(String, ConnectionMember)>,
}

/// A field of a connection.
#[derive(Debug)]
pub(super) enum ConnectionMember {
    PageInfo(Vec<(String, PageInfoMember)>),
    Edges(Vec<(String, EdgeMember)>),
    Aggregate(Aggregate),
    TypeName(String),
    Null,
}

/// A field of an edge.
#[derive(Debug)]
pub(super) enum EdgeMember {
    Cursor,
    Node(RecordShape),
    TypeName(String),
    Null,
}

/// A field of `pageInfo`.
#[derive(Clone, Copy, Debug)]
pub(super) enum PageInfoMember {
    StartCursor,
    EndCursor,
    HasNextPage,
    HasPreviousPage,
    TypeName,
    Null,
}

/// A selection on a group.
#[derive(Debug)]
pub(super) struct GroupShape {
    pub members: Vec<(String, GroupMember)>,
}

/// A field of a group.
#[derive(Debug)]
pub(super) enum GroupMember {
    Dimensions,
    Aggregate(Aggregate),
    TypeName(String),
    Null,
}

/// Resolves selections of one document.
pub(super) struct Resolver<'d> {
    pub document: &'d Document,
}

/// Fields of one name, with everything that is selected below any of them.
pub(super) type Merged<'d> = Vec<(&'d SelectedField, Vec<&'d [Selection]>)>;

/// Fragments in fragments deeper than this are taken for a cycle.
const DEEPEST: usize = 64;

impl<'d> Resolver<'d> {
    /// The fields of some selection sets, fragments opened, equal names merged.
    pub(super) fn fields(&self, sets: &[&'d [Selection]]) -> Result<Merged<'d>, Refusal> {
        let mut merged = Vec::new();
        for set in sets {
            self.gather(set, &mut merged, 0)?;
        }
        Ok(merged)
    }

    fn gather(
        &self,
        set: &'d [Selection],
        merged: &mut Merged<'d>,
        depth: usize,
    ) -> Result<(), Refusal> {
        if depth > DEEPEST {
            return Err(Refusal::not_known("fragments that contain themselves"));
        }
        for selection in set {
            match selection {
                Selection::Field(field) => {
                    if !included(&field.directives)? {
                        continue;
                    }
                    if let Some((_, below)) = merged
                        .iter_mut()
                        .find(|(other, _)| other.name == field.name)
                    {
                        below.push(&field.selections);
                    } else {
                        merged.push((field, vec![&field.selections]));
                    }
                }
                Selection::Inline {
                    directives,
                    selections,
                } => {
                    if included(directives)? {
                        self.gather(selections, merged, depth + 1)?;
                    }
                }
                Selection::Spread { name, directives } => {
                    let below = self.document.fragments.get(name);
                    let below = below.ok_or_else(|| {
                        Refusal::not_known(format!("the unknown fragment {name}"))
                    })?;
                    if included(directives)? {
                        self.gather(below, merged, depth + 1)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A record's selection. `within_many` tells that a to-many relation led here, within which
    /// another one is refused.
    pub(super) fn record(
        &self,
        object: &'static Object,
        sets: &[&'d [Selection]],
        within_many: bool,
    ) -> Result<RecordShape, Refusal> {
        let mut shape = RecordShape {
            object: object.id,
            members: Vec::new(),
            columns: Vec::new(),
        };
        for (field, below) in self.fields(sets)? {
            let has_below = below.iter().any(|set| !set.is_empty());
            let member = match object.fields.get(&field.name) {
                None if field.name == "__typename" => RecordMember::TypeName(object.spec.type_name),
                None | Some(Field::Elsewhere) => RecordMember::Null,
                Some(Field::Plain(column)) => {
                    shape.columns.push(*column);
                    match object.morph_target(*column) {
                        Some(target) => RecordMember::LiveId(*column, target),
                        None => RecordMember::Column(*column, object.kind(*column)),
                    }
                }
                Some(Field::Composite { composite, parts }) => {
                    let mut wanted = Vec::new();
                    for (part, _) in self.fields(&below)? {
                        let found = parts
                            .iter()
                            .find(|(p, _)| *p == part.name)
                            .map(|(_, column)| *column);
                        shape.columns.extend(found);
                        let what = match found {
                            Some(column) => CompositePart::Column(column, object.kind(column)),
                            None if part.name == "__typename" => {
                                CompositePart::TypeName(composite.type_name)
                            }
                            None => CompositePart::Null,
                        };
                        wanted.push((part.name.clone(), what));
                    }
                    if !has_below {
                        return Err(Refusal::not_known(format!(
                            "{} without subfields",
                            field.name
                        )));
                    }
                    RecordMember::Composite(wanted)
                }
                Some(Field::One { column, target }) => match CATALOGUE.object(*target) {
                    Some(other) if has_below => {
                        let mut shape = self.record(other, &below, within_many)?;
                        let selected = self.fields(&below)?;
                        if !selected.iter().any(|(field, _)| field.name == "deletedAt") {
                            quirks::lose_relations(&mut shape);
                        }
                        RecordMember::One(*column, shape)
                    }
                    _ => {
                        return Err(Refusal::not_known(format!(
                            "{} without subfields",
                            field.name
                        )));
                    }
                },
                Some(Field::Many { target, column }) => {
                    if within_many {
                        return Err(GqlError::too_complex().into());
                    }
                    let other = CATALOGUE
                        .object(*target)
                        .ok_or_else(|| Refusal::not_known(&field.name))?;
                    let connection = self.connection(other, &below, true)?;
                    RecordMember::Many {
                        target: *target,
                        column: *column,
                        connection,
                    }
                }
            };
            shape.members.push((field.name.clone(), member));
        }
        quirks::blank_ids_beside_relations(&mut shape);
        Ok(shape)
    }

    /// A connection's selection.
    pub(super) fn connection(
        &self,
        object: &'static Object,
        sets: &[&'d [Selection]],
        within_many: bool,
    ) -> Result<ConnectionShape, Refusal> {
        let mut members = Vec::new();
        for (field, below) in self.fields(sets)? {
            let member = match field.name.as_str() {
                "totalCount" => ConnectionMember::Aggregate(Aggregate::total()),
                "pageInfo" => ConnectionMember::PageInfo(self.page_info(&below)?),
                "edges" => ConnectionMember::Edges(self.edges(object, &below, within_many)?),
                "__typename" => {
                    ConnectionMember::TypeName(format!("{}Connection", object.spec.type_name))
                }
                other => Aggregate::named(object, other)
                    .map_or(ConnectionMember::Null, ConnectionMember::Aggregate),
            };
            members.push((field.name.clone(), member));
        }
        Ok(ConnectionShape { members })
    }

    fn page_info(
        &self,
        sets: &[&'d [Selection]],
    ) -> Result<Vec<(String, PageInfoMember)>, Refusal> {
        let member = |name: &str| match name {
            "startCursor" => PageInfoMember::StartCursor,
            "endCursor" => PageInfoMember::EndCursor,
            "hasNextPage" => PageInfoMember::HasNextPage,
            "hasPreviousPage" => PageInfoMember::HasPreviousPage,
            "__typename" => PageInfoMember::TypeName,
            _ => PageInfoMember::Null,
        };
        Ok(self
            .fields(sets)?
            .into_iter()
            .map(|(field, _)| (field.name.clone(), member(&field.name)))
            .collect())
    }

    fn edges(
        &self,
        object: &'static Object,
        sets: &[&'d [Selection]],
        within_many: bool,
    ) -> Result<Vec<(String, EdgeMember)>, Refusal> {
        let mut members = Vec::new();
        for (field, below) in self.fields(sets)? {
            let member = match field.name.as_str() {
                "cursor" => EdgeMember::Cursor,
                "node" => EdgeMember::Node(self.record(object, &below, within_many)?),
                "__typename" => EdgeMember::TypeName(format!("{}Edge", object.spec.type_name)),
                _ => EdgeMember::Null,
            };
            members.push((field.name.clone(), member));
        }
        Ok(members)
    }

    /// A group's selection.
    pub(super) fn group(
        &self,
        object: &'static Object,
        sets: &[&'d [Selection]],
    ) -> Result<GroupShape, Refusal> {
        let mut members = Vec::new();
        for (field, _) in self.fields(sets)? {
            let member = match field.name.as_str() {
                "groupByDimensionValues" => GroupMember::Dimensions,
                "totalCount" => GroupMember::Aggregate(Aggregate::total()),
                "edges" | "pageInfo" => return Err(Refusal::not_known("records within groups")),
                "__typename" => {
                    GroupMember::TypeName(format!("{}GroupByConnection", object.spec.type_name))
                }
                other => Aggregate::named(object, other)
                    .map_or(GroupMember::Null, GroupMember::Aggregate),
            };
            members.push((field.name.clone(), member));
        }
        Ok(GroupShape { members })
    }
}

/// Evaluates `@include` and `@skip` of a selection. With a variable the service itself fails.
fn included(directives: &[Directive]) -> Result<bool, Refusal> {
    let mut included = true;
    for directive in directives {
        let wanted = match directive.name.as_str() {
            "include" => true,
            "skip" => false,
            other => return Err(Refusal::not_known(format!("the directive @{other}"))),
        };
        match directive
            .arguments
            .iter()
            .find(|a| a.name == "if")
            .map(|a| &a.value)
        {
            Some(Literal::Bool(given)) => included &= *given == wanted,
            Some(Literal::Variable(name)) => {
                let message = format!("Cannot read properties of undefined (reading '{name}')");
                return Err(GqlError::code(message, "INTERNAL_SERVER_ERROR").into());
            }
            _ => {
                return Err(Refusal::not_known(format!(
                    "@{} without a truth value",
                    directive.name
                )));
            }
        }
    }
    Ok(included)
}
