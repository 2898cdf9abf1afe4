//! Relations nested in relations, as the service answers them. A to-one relation loses the
//! relations that are nested in it, without an error, unless `deletedAt` is selected on it: no
//! document may nest without.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use graphql_parser::query::{Definition, OperationDefinition, Selection, SelectionSet};
use graphql_parser::schema::{Definition as SchemaDefinition, Type, TypeDefinition};

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
        let parsed = graphql_parser::parse_schema::<&str>(schema)
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let mut types = BTreeMap::new();
        for definition in parsed.definitions {
            if let SchemaDefinition::TypeDefinition(TypeDefinition::Object(object)) = definition {
                let fields = object.fields.iter();
                let fields = fields.map(|field| (field.name.to_owned(), named(&field.field_type)));
                types.insert(object.name.to_owned(), fields.collect());
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
        let parsed = graphql_parser::parse_query::<&str>(document)?;
        for definition in &parsed.definitions {
            let (root, set) = match definition {
                Definition::Operation(OperationDefinition::Query(query)) => {
                    ("Query", &query.selection_set)
                }
                Definition::Operation(OperationDefinition::SelectionSet(set)) => ("Query", set),
                Definition::Operation(OperationDefinition::Mutation(mutation)) => {
                    ("Mutation", &mutation.selection_set)
                }
                _ => continue,
            };
            self.walk(root, set, "")?;
        }
        Ok(())
    }

    fn walk<'d>(&self, ty: &str, set: &SelectionSet<'d, &'d str>, path: &str) -> Result<()> {
        let fields = self
            .0
            .get(ty)
            .with_context(|| format!("the schema has no type {ty} for {path}"))?;
        for selection in &set.items {
            let Selection::Field(field) = selection else {
                bail!("write the fields of {path} out: a fragment hides what is nested in them");
            };
            // What a schema says of itself are no records.
            if field.selection_set.items.is_empty() || field.name.starts_with("__") {
                continue;
            }
            let below = fields
                .get(field.name)
                .with_context(|| format!("the schema has no {ty}.{}", field.name))?;
            let path = format!("{path}/{}", field.name);
            let names = |wanted: &str| {
                let mut items = field.selection_set.items.iter();
                items.any(|item| matches!(item, Selection::Field(field) if field.name == wanted))
            };
            let nested = field
                .selection_set
                .items
                .iter()
                .find_map(|item| match item {
                    Selection::Field(inner) => {
                        let target = self.0.get(below)?.get(inner.name)?;
                        self.is_relation(target).then_some(inner.name)
                    }
                    _ => None,
                });
            if let Some(nested) = nested
                && self.is_record(ty)
                && self.is_record(below)
                && !names(KEEPS)
            {
                bail!(
                    "select `{KEEPS}` on {path}: without it the service loses `{nested}`, which is nested in it"
                );
            }
            self.walk(below, &field.selection_set, &path)?;
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

fn named<'a>(ty: &Type<'a, &'a str>) -> String {
    match ty {
        Type::NamedType(name) => (*name).to_owned(),
        Type::ListType(inner) | Type::NonNullType(inner) => named(inner),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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
        let mut checked = 0;
        for folder in ["queries", "mutations"] {
            for entry in std::fs::read_dir(graphql.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                let checks = types.check(&read(&path));
                checks.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                checked += 1;
            }
        }
        println!("{checked} documents");
        assert!(checked > 40, "{checked}");
    }
}
