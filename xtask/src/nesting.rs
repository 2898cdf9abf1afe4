//! Relations nested in relations, as the service answers them. A to-one relation loses the
//! relations that are nested in it, without an error, unless `deletedAt` is selected on it: no
//! document may nest without.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use apollo_parser::cst::{Definition, Field, Name, Selection, SelectionSet};
use trusted_documents::{parse, type_name};

/// The field whose selection keeps what is nested.
const KEEPS: &str = "deletedAt";

/// The types of a schema that have fields: the types of these by name.
pub(crate) struct Types(BTreeMap<String, BTreeMap<String, String>>);

impl Types {
    /// Reads a schema.
    ///
    /// # Errors
    /// When it does not parse.
    pub(crate) fn read(schema: &str) -> Result<Self> {
        let mut types = BTreeMap::new();
        for definition in parse(schema)?.definitions() {
            if let Definition::ObjectTypeDefinition(object) = definition {
                let fields = object.fields_definition().into_iter();
                let fields = fields.flat_map(|all| all.field_definitions());
                let fields = fields.filter_map(|field| {
                    let ty = type_name(&field.ty()?);
                    let named = ty.trim_matches(['[', ']', '!']);
                    Some((name(field.name()), named.to_owned()))
                });
                types.insert(name(object.name()), fields.collect());
            }
        }
        Ok(Self(types))
    }

    /// Refuses a document that nests a relation in a to-one relation on which it does not select
    /// `deletedAt`.
    ///
    /// # Errors
    /// The first such relation, by its path.
    pub(crate) fn check(&self, document: &str) -> Result<()> {
        for definition in parse(document)?.definitions() {
            let Definition::OperationDefinition(operation) = definition else {
                continue;
            };
            let root = match operation.operation_type() {
                Some(kind) if kind.subscription_token().is_some() => continue,
                Some(kind) if kind.mutation_token().is_some() => "Mutation",
                _ => "Query",
            };
            if let Some(set) = operation.selection_set() {
                self.walk(root, &set, "")?;
            }
        }
        Ok(())
    }

    fn walk(&self, ty: &str, set: &SelectionSet, path: &str) -> Result<()> {
        let fields = self
            .0
            .get(ty)
            .with_context(|| format!("the schema has no type {ty} for {path}"))?;
        for selection in set.selections() {
            let Selection::Field(field) = selection else {
                bail!("write the fields of {path} out: a fragment hides what is nested in them");
            };
            let name = name(field.name());
            // What a schema says of itself are no records.
            let Some(set) = field.selection_set().filter(|_| !name.starts_with("__")) else {
                continue;
            };
            let below = fields
                .get(&name)
                .with_context(|| format!("the schema has no {ty}.{name}"))?;
            let path = format!("{path}/{name}");
            let nested = selected(&set).find(|inner| {
                let target = self.0.get(below).and_then(|fields| fields.get(inner));
                target.is_some_and(|target| self.is_relation(target))
            });
            if let Some(nested) = nested
                && self.is_record(ty)
                && self.is_record(below)
                && !selected(&set).any(|name| name == KEEPS)
            {
                bail!(
                    "select `{KEEPS}` on {path}: without it the service loses `{nested}`, which is nested in it"
                );
            }
            self.walk(below, &set, &path)?;
        }
        Ok(())
    }

    /// A record has an id; what it is made of, such as a name, has none.
    fn is_record(&self, ty: &str) -> bool {
        self.0
            .get(ty)
            .is_some_and(|fields| fields.contains_key("id"))
    }

    fn is_relation(&self, ty: &str) -> bool {
        let many = self
            .0
            .get(ty)
            .is_some_and(|fields| fields.contains_key("edges"));
        many || self.is_record(ty)
    }
}

/// The names of the fields that are selected.
fn selected(set: &SelectionSet) -> impl Iterator<Item = String> {
    let fields = set.selections().filter_map(|selection| match selection {
        Selection::Field(field) => Some(field),
        _ => None,
    });
    fields.map(|field: Field| name(field.name()))
}

fn name(name: Option<Name>) -> String {
    name.map(|name| name.text().to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use trusted_documents::Sources;

    use super::*;

    const SCHEMA: &str = "
        type Query { deal: Deal deals: Deals }
        type Deals { edges: [Edge!]! }
        type Edge { node: Deal! }
        type Name { first: String }
        type Member { id: ID! name: Name }
        type Firm { id: ID! deletedAt: String name: Name owner: Member deals: Deals }
        type Deal { id: ID! firm: Firm owner: Member }
    ";

    #[test]
    fn relation_nested_without_deleted_at_is_refused() {
        let types = Types::read(SCHEMA).unwrap();
        for (document, expected) in [
            ("{ deal { firm { owner { id } } } }", "/deal/firm"),
            (
                "{ deal { firm { deals { edges { node { id } } } } } }",
                "`deals`",
            ),
            (
                "{ deals { edges { node { firm { id owner { id } } } } } }",
                "/deals/edges/node/firm",
            ),
            (
                "{ deal { firm { deletedAt deals { edges { node { firm { owner { id } } } } } } } }",
                "/deal/firm/deals/edges/node/firm",
            ),
            ("{ deal { ...F } } fragment F on Deal { id }", "fragment"),
        ] {
            let error = types.check(document).unwrap_err().to_string();
            assert!(error.contains(expected), "{document}: {error}");
        }
    }

    #[test]
    fn relation_nested_beside_deleted_at_passes() {
        let types = Types::read(SCHEMA).unwrap();
        for document in [
            "{ deal { owner { id name { first } } firm { id name { first } } } }",
            "{ deal { firm { deletedAt owner { id } } } }",
            "{ deals { edges { node { owner { id } } } } }",
        ] {
            types.check(document).unwrap();
        }
    }

    #[test]
    fn every_shipped_document_keeps_what_it_nests() {
        let graphql = Path::new(env!("CARGO_MANIFEST_DIR")).join("../skill/graphql");
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        let types = Types::read(&read(&graphql.join("schema.graphql"))).unwrap();
        let sources = Sources::open(&graphql).unwrap();
        let mut checked = 0;
        for folder in ["queries", "mutations"] {
            for path in sources.files(folder).unwrap() {
                let checks = types.check(&sources.read(&path).unwrap().text);
                checks.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                checked += 1;
            }
        }
        println!("{checked} documents");
        assert!(checked > 40, "{checked}");
    }
}
