//! The trusted documents below skill/graphql, as the manifest lists them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use apollo_parser::cst::{Definition, OperationDefinition, Selection, SelectionSet};
use sha2::{Digest, Sha256};
use trusted_documents::{Sources, parse, type_name};

use crate::directives::Access;
use crate::nesting::Types;

/// One trusted document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    /// Path of its file below `queries` or `mutations`, without the extension, `.` between the
    /// folders.
    pub(crate) name: String,
    /// Path of the route that it is sent to.
    pub(crate) path: String,
    /// SHA-256 of the text that is sent, in hex: the file without its directives.
    pub(crate) sha256: String,
    /// That text itself, of one that the operator's fields can extend.
    pub(crate) text: Option<String>,
    /// Read or write.
    pub(crate) effect: Effect,
    /// Name and type of each variable, in the order of their declaration.
    pub(crate) variables: Vec<(String, String)>,
    /// The cost in Twenty's rate tokens: one for each root field that is not [`FREE`].
    pub(crate) cost: u32,
    /// Directives for the host: who may send the document, and which record it reads.
    pub(crate) access: Access,
}

/// The effect of a document on the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    Query,
    Mutation,
}

impl Effect {
    /// As GraphQL and the manifest spell it.
    pub(crate) fn keyword(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Mutation => "mutation",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Query => "queries",
            Self::Mutation => "mutations",
        }
    }
}

/// Root fields that Twenty 2.21 does not count; `objects` is all that /metadata is asked for.
const FREE: [&str; 3] = ["search", "__type", "objects"];

/// The path of a document that names none.
const DEFAULT_PATH: &str = "/graphql";

/// Reads `queries` and `mutations` below `graphql`, queries first, each sorted by name.
///
/// # Errors
/// Names the file that is no source, holds anything but one operation, nests a relation that the
/// service would lose, or lies in the wrong folder, and two files that give the same name or the
/// same bytes.
pub(crate) fn read_all(graphql: &Path) -> Result<Vec<Document>> {
    let schema = graphql.join("schema.graphql");
    let types = fs::read_to_string(&schema)
        .with_context(|| format!("cannot read {}", schema.display()))
        .and_then(|text| Types::read(&text).with_context(|| schema.display().to_string()))?;
    let sources = Sources::open(graphql)?;
    let mut documents: Vec<Document> = Vec::new();
    for effect in [Effect::Query, Effect::Mutation] {
        let folder = graphql.join(effect.folder());
        for file in sources.files(effect.folder())? {
            let source = sources.read(&file)?;
            let document = read(&folder, &file, effect, &source)
                .with_context(|| file.display().to_string())?;
            types
                .check(&source.text)
                .with_context(|| file.display().to_string())?;
            documents.push(document);
        }
    }
    documents.sort_by(|a, b| (a.effect, &a.name).cmp(&(b.effect, &b.name)));
    for (index, document) in documents.iter().enumerate() {
        let twin = documents.iter().skip(index + 1).find(|other| {
            other.name == document.name
                || (other.sha256 == document.sha256 && other.path == document.path)
        });
        if let Some(twin) = twin {
            bail!(
                "the {} `{}` and the {} `{}` have the same name or the same text; rename or remove one",
                document.effect.keyword(),
                document.name,
                twin.effect.keyword(),
                twin.name
            );
        }
    }
    Ok(documents)
}

fn read(
    folder: &Path,
    file: &Path,
    effect: Effect,
    source: &trusted_documents::Document,
) -> Result<Document> {
    let text = &source.text;
    let (found, variables, cost) = operation(text)?;
    if found != effect {
        bail!(
            "is a {} and belongs in the folder `{}`",
            found.keyword(),
            found.folder()
        );
    }
    let access = Access::read(&source.directives, effect, &variables)?;
    Ok(Document {
        name: name(folder, file)?,
        path: access
            .destination
            .clone()
            .unwrap_or_else(|| DEFAULT_PATH.to_owned()),
        sha256: hex::encode(Sha256::digest(text)),
        text: extensible(text)?,
        effect,
        variables,
        cost,
        access,
    })
}

fn name(folder: &Path, file: &Path) -> Result<String> {
    let relative = file.strip_prefix(folder)?.with_extension("");
    let parts: Option<Vec<&str>> = relative.iter().map(|part| part.to_str()).collect();
    Ok(parts.context("its name is not Unicode")?.join("."))
}

/// The text, if it has a place for a field that the operator names, and stays one operation when it
/// is extended.
fn extensible(text: &str) -> Result<Option<String>> {
    if graphql_fields::settings(text)?.next().is_none() {
        return Ok(None);
    }
    let extended = graphql_fields::extend(text, |_| Some("aFieldOfTheOperator"))?;
    operation(&extended).context("a place for a field has to stand where one can be selected")?;
    Ok(Some(text.to_owned()))
}

/// Names and types of variables.
pub(crate) type Variables = Vec<(String, String)>;

/// Reads the effect, the variables and the cost of a document's one operation. Fragments may stand
/// beside it.
pub(crate) fn operation(text: &str) -> Result<(Effect, Variables, u32)> {
    let parsed = parse(text)?;
    let mut operations = parsed
        .definitions()
        .filter_map(|definition| match definition {
            Definition::OperationDefinition(operation) => Some(operation),
            _ => None,
        });
    let (Some(only), None) = (operations.next(), operations.next()) else {
        bail!("hold exactly one operation in each file: the manifest trusts whole files");
    };
    let effect = match only.operation_type() {
        Some(kind) if kind.subscription_token().is_some() => {
            bail!("is a subscription; only queries and mutations can be sent")
        }
        Some(kind) if kind.mutation_token().is_some() => Effect::Mutation,
        _ => Effect::Query,
    };
    let roots = only.selection_set().context("selects nothing")?;
    Ok((effect, declared(&only)?, cost(&roots)?))
}

fn cost(roots: &SelectionSet) -> Result<u32> {
    let mut cost = 0;
    for selection in roots.selections() {
        let Selection::Field(field) = selection else {
            bail!("write its root fields out: a fragment hides what it costs");
        };
        let name = field.name().context("a root field without a name")?;
        cost += u32::from(!FREE.contains(&name.text().as_str()));
    }
    Ok(cost)
}

fn declared(operation: &OperationDefinition) -> Result<Variables> {
    let variables = operation.variable_definitions().into_iter();
    let variables = variables.flat_map(|all| all.variable_definitions());
    variables
        .map(|one| {
            let name = one.variable().and_then(|variable| variable.name());
            let name = name.context("a variable without a name")?;
            let ty = one.ty().context("a variable without a type")?;
            // The harness knows one type of number with decimals, by GraphQL's own name.
            let ty = type_name(&ty);
            let ty = match ty.trim_matches(['[', ']', '!']) {
                "BigFloat" => ty.replace("BigFloat", "Float"),
                _ => ty,
            };
            Ok((name.text().to_string(), ty))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use trusted_documents::Schema;

    use super::*;

    fn read_at(path: &str, effect: Effect, source: &str) -> Result<Document> {
        let schema = Schema::read(include_str!("../../skill/graphql/directives.graphql"))?;
        read(
            Path::new("/graphql"),
            &Path::new("/graphql").join(path),
            effect,
            &schema.document(source)?,
        )
    }

    #[test]
    fn document_is_described_from_its_text() {
        let source = "# What it is for.\nquery Q($a: [String!]!, $b: Int)\n  @destination(path: \"/metadata\")\n  @cacheable(seconds: 300)\n{ x(a: $a, b: $b) { ...F } }\nfragment F on X { id }\n";
        let document = read_at("people/find.graphql", Effect::Query, source).unwrap();
        assert_eq!(
            document,
            Document {
                name: "people.find".to_owned(),
                path: "/metadata".to_owned(),
                // sha256sum of the text above without its directives, and with `{` on the line of
                // `query`.
                sha256: "6b90de3c8bc93a843f1de00288b77eceb09a389e1791a25083629602c59ff5b7"
                    .to_owned(),
                text: None,
                effect: Effect::Query,
                variables: vec![
                    ("a".to_owned(), "[String!]!".to_owned()),
                    ("b".to_owned(), "Int".to_owned())
                ],
                cost: 1,
                access: Access {
                    destination: Some("/metadata".to_owned()),
                    cacheable_seconds: 300,
                    ..Access::default()
                },
            }
        );
    }

    #[test]
    fn document_without_directives_has_defaults() {
        let document = read_at("q.graphql", Effect::Query, "query Q { x }\n").unwrap();
        assert_eq!(
            (document.path.as_str(), document.access.cacheable_seconds),
            ("/graphql", 0)
        );
    }

    #[test]
    fn number_has_the_type_that_the_harness_knows() {
        let source =
            "query Q($a: BigFloat!, $b: [BigFloat!]!, $c: Float!) { x(a: $a, b: $b, c: $c) }\n";
        let document = read_at("q.graphql", Effect::Query, source).unwrap();
        let types: Vec<&str> = document
            .variables
            .iter()
            .map(|(_, ty)| ty.as_str())
            .collect();
        assert_eq!(types, ["Float!", "[Float!]!", "Float!"]);
    }

    #[test]
    fn extensible_document_keeps_its_text() {
        let source = "{\n  a @field(setting: \"b\") {\n    c\n  }\n}\n";
        let text = "{\n  a {\n    c\n    # field: b\n  }\n}\n";
        let document = read_at("q.graphql", Effect::Query, source).unwrap();
        assert_eq!(document.text.as_deref(), Some(text));
    }

    #[test]
    fn untrustworthy_document_is_refused() {
        for (effect, text, expected) in [
            (
                Effect::Query,
                "query A { a } query B { b }",
                "exactly one operation",
            ),
            (
                Effect::Query,
                "fragment F on X { id }",
                "exactly one operation",
            ),
            (
                Effect::Query,
                "mutation M($id: UUID!) @acts(verb: create, kind: task, id: \"id\") { m(id: $id) }",
                "belongs in the folder `mutations`",
            ),
            (Effect::Mutation, "{ a }", "belongs in the folder `queries`"),
            (Effect::Query, "subscription S { s }", "subscription"),
            (
                Effect::Query,
                "query Q @cacheable(seconds: soon) { a }",
                "a whole number",
            ),
            (
                Effect::Mutation,
                "mutation M($id: UUID!) @cacheable(seconds: 3) @acts(verb: create, kind: task, id: \"id\") { m(id: $id) }",
                "`@cacheable` cannot stand on a MUTATION",
            ),
            (
                Effect::Query,
                "query Q { a @cacheable(seconds: 9) }",
                "`@cacheable` cannot stand on a FIELD",
            ),
            (
                Effect::Query,
                "query Q { a }\n# destination: /elsewhere\n",
                "line 2: this comment tells the host nothing: write the directive `@destination",
            ),
            (Effect::Query, "query {", "no GraphQL"),
            (
                Effect::Query,
                "{ a @field(setting: \"b\") }",
                "has to stand where",
            ),
            (
                Effect::Query,
                "{ a {\nb @field(setting: \"B\") { c } } }",
                "line 2",
            ),
        ] {
            let error = format!("{:#}", read_at("q.graphql", effect, text).unwrap_err());
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
