//! The documents that exchanges send: those of the product itself by the names of their
//! operations, and those as they were when exchanges were recorded; and what a document selects of
//! an answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use apollo_parser::Parser;
use apollo_parser::cst::{CstNode as _, Definition, OperationDefinition, Selection, SelectionSet};
use serde_json::{Map, Value};
use trusted_documents::Sources;

/// Documents by the names of their operations, or of their files.
pub(crate) struct Documents(BTreeMap<String, String>);

impl Documents {
    /// The documents that the product sends today.
    pub(crate) fn of_the_product() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../skill/graphql");
        let sources = Sources::open(&folder).unwrap_or_else(|e| panic!("{e}"));
        let files = ["queries", "mutations"]
            .into_iter()
            .flat_map(|kind| sources.files(kind).unwrap_or_else(|e| panic!("{e}")));
        Self(
            files
                .map(|file| {
                    let document = sources.read(&file).unwrap_or_else(|e| panic!("{e}"));
                    (Operation::of(&document.text).name, document.text)
                })
                .collect(),
        )
    }

    /// The documents that were sent when exchanges were recorded, where the product has another one
    /// by now.
    pub(crate) fn as_recorded() -> Self {
        let files = graphql_files(&super::fixtures::folder("product/documents"));
        Self(
            files
                .iter()
                .map(|file| {
                    let stem = file.file_stem().and_then(|stem| stem.to_str());
                    (stem.expect("a name").to_owned(), read(file))
                })
                .collect(),
        )
    }

    /// The document of this name.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("a fixture sends the document {name}, and there is none"))
    }

    /// All names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn graphql_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "graphql"))
        .collect();
    files.sort();
    files
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// The fields that a document selects, each with those below it.
#[derive(Debug, Default)]
pub(crate) struct Selected(BTreeMap<String, Selected>);

/// The one operation of a document, as far as a fixture must fit it.
pub(crate) struct Operation {
    pub name: String,
    pub variables: Vec<String>,
    pub selected: Selected,
}

impl Operation {
    /// Reads a document of one operation without fragments.
    pub(crate) fn of(text: &str) -> Self {
        let tree = Parser::new(text).parse();
        let mut operations =
            tree.document()
                .definitions()
                .filter_map(|definition| match definition {
                    Definition::OperationDefinition(operation) => Some(operation),
                    _ => None,
                });
        let operation: OperationDefinition = operations.next().expect("an operation");
        assert!(operations.next().is_none(), "one operation: {text}");
        let variables = operation
            .variable_definitions()
            .into_iter()
            .flat_map(|all| all.variable_definitions())
            .filter_map(|one| Some(one.variable()?.name()?.text().to_string()));
        Self {
            name: operation
                .name()
                .map(|name| name.text().to_string())
                .unwrap_or_default(),
            variables: variables.collect(),
            selected: Selected::of(operation.selection_set()),
        }
    }
}

impl Selected {
    fn of(set: Option<SelectionSet>) -> Self {
        let selections = set.into_iter().flat_map(|set| set.selections());
        let fields = selections.map(|selection| match selection {
            Selection::Field(field) => {
                let name = field.name().expect("a name").text().to_string();
                (name, Self::of(field.selection_set()))
            }
            other => panic!("fixtures know no fragments: {}", other.syntax()),
        });
        Self(fields.collect())
    }

    /// Takes out of the data that a fixture holds what a document selects; `missing` gathers what
    /// is selected and not held.
    pub(crate) fn of_data(&self, held: &Value, at: &str, missing: &mut Vec<String>) -> Value {
        match held {
            Value::Object(fields) if !self.0.is_empty() => {
                let mut kept = Map::new();
                for (name, below) in &self.0 {
                    let at = format!("{at}/{name}");
                    match fields.get(name) {
                        Some(value) => {
                            kept.insert(name.clone(), below.of_data(value, &at, missing));
                        }
                        None => missing.push(at),
                    }
                }
                Value::Object(kept)
            }
            Value::Array(items) => items
                .iter()
                .map(|item| self.of_data(item, at, missing))
                .collect(),
            other => other.clone(),
        }
    }
}
