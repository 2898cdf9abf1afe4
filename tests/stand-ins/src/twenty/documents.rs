//! Documents made ready: parsed, their root fields recognised and their selections resolved, and
//! kept for the next request with the same text.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::document::{
    Argument, Document, OperationKind, SelectedField, Selection, VariableDefinition,
};
use super::errors::{GqlError, Refusal};
use super::mutation::{self, Change};
use super::root::{self, Ask, RootKind};
use super::select::Resolver;

/// The number of parsed documents that are kept.
const PARSED_KEPT: usize = 256;

/// A document with its selections resolved, ready to run with any variables.
pub(super) struct Prepared {
    pub(super) document: Document,
    pub(super) operations: Vec<PreparedOperation>,
}

/// One operation of it.
pub(super) struct PreparedOperation {
    pub(super) kind: OperationKind,
    pub(super) name: Option<String>,
    pub(super) variables: Vec<VariableDefinition>,
    pub(super) roots: Vec<Root>,
}

/// A root field.
pub(super) struct Root {
    /// The alias, or else the name.
    pub(super) key: String,
    pub(super) name: String,
    pub(super) offset: usize,
    pub(super) arguments: Vec<Argument>,
    pub(super) what: What,
}

/// The kind of a root field.
pub(super) enum What {
    Records(Result<Ask, Refusal>),
    Write(Result<Change, Refusal>),
    Search,
    Type,
    TypeName,
    Other,
}

/// The documents that were parsed before.
#[derive(Default)]
pub(super) struct Documents(Mutex<HashMap<String, Arc<Prepared>>>);

impl Documents {
    /// The document of this text, parsed.
    pub(super) fn get(&self, text: &str) -> Result<Arc<Prepared>, GqlError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = kept.get(text) {
            return Ok(Arc::clone(prepared));
        }
        let prepared = Arc::new(prepare(Document::parse(text)?));
        if kept.len() >= PARSED_KEPT {
            kept.clear();
        }
        kept.insert(text.to_owned(), Arc::clone(&prepared));
        Ok(prepared)
    }
}

fn prepare(document: Document) -> Prepared {
    let mut operations = Vec::new();
    for operation in &document.operations {
        let mut roots = Vec::new();
        gather_roots(&document, &operation.selections, &mut roots, 0);
        let roots = roots.into_iter().map(|field| Root {
            key: field.alias.as_ref().unwrap_or(&field.name).clone(),
            name: field.name.clone(),
            offset: field.offset,
            arguments: field.arguments.clone(),
            what: what(&document, field),
        });
        operations.push(PreparedOperation {
            kind: operation.kind,
            name: operation.name.clone(),
            variables: Vec::new(),
            roots: roots.collect(),
        });
    }
    let mut document = document;
    for (prepared, operation) in operations.iter_mut().zip(&mut document.operations) {
        prepared.variables = std::mem::take(&mut operation.variables);
    }
    Prepared {
        document,
        operations,
    }
}

/// The root fields of a selection, fragments opened.
pub(super) fn gather_roots<'d>(
    document: &'d Document,
    selections: &'d [Selection],
    roots: &mut Vec<&'d SelectedField>,
    depth: usize,
) {
    for selection in selections {
        match selection {
            Selection::Field(field) => roots.push(field),
            Selection::Inline { selections, .. } => {
                gather_roots(document, selections, roots, depth + 1)
            }
            Selection::Spread { name, .. } => {
                if let Some(below) = document.fragments.get(name).filter(|_| depth < 16) {
                    gather_roots(document, below, roots, depth + 1);
                }
            }
        }
    }
}

fn what(document: &Document, field: &SelectedField) -> What {
    match field.name.as_str() {
        "search" => What::Search,
        "__type" => What::Type,
        "__typename" => What::TypeName,
        name => match root::named(name) {
            None => match mutation::named(name) {
                None => What::Other,
                Some((object, act)) => {
                    let sets = [field.selections.as_slice()];
                    let shape = Resolver { document }.record(object, &sets, false);
                    What::Write(shape.map(|shape| Change {
                        act,
                        object: object.id,
                        shape,
                    }))
                }
            },
            Some((object, kind)) => {
                let (resolver, sets) = (Resolver { document }, [field.selections.as_slice()]);
                What::Records(match kind {
                    RootKind::List => resolver
                        .connection(object, &sets, false)
                        .map(|shape| Ask::List(object.id, shape)),
                    RootKind::One => resolver
                        .record(object, &sets, false)
                        .map(|shape| Ask::One(object.id, shape)),
                    RootKind::Groups => resolver
                        .group(object, &sets)
                        .map(|shape| Ask::Groups(object.id, shape)),
                })
            }
        },
    }
}
