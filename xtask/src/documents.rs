//! The trusted documents below skill/graphql, as the manifest lists them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use graphql_parser::query::{
    Definition, OperationDefinition, Selection, SelectionSet, VariableDefinition,
};
use sha2::{Digest, Sha256};

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
    /// SHA-256 of the file's bytes, in hex: these bytes are what is sent.
    pub(crate) sha256: String,
    /// The text itself, of one that the operator's fields can extend.
    pub(crate) text: Option<String>,
    /// Read or write.
    pub(crate) effect: Effect,
    /// Name and type of each variable, in the order of their declaration.
    pub(crate) variables: Vec<(String, String)>,
    /// For how long the host may answer it from memory; 0 is not at all.
    pub(crate) cacheable_seconds: u32,
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
/// Names the file that does not parse, holds anything but one operation, nests a relation that the
/// service would lose, or lies in the wrong folder, and two files that give the same name or the
/// same bytes.
pub(crate) fn read_all(graphql: &Path) -> Result<Vec<Document>> {
    let schema = graphql.join("schema.graphql");
    let types = fs::read_to_string(&schema)
        .with_context(|| format!("cannot read {}", schema.display()))
        .and_then(|text| Types::read(&text).with_context(|| schema.display().to_string()))?;
    let mut documents: Vec<Document> = Vec::new();
    for effect in [Effect::Query, Effect::Mutation] {
        let folder = graphql.join(effect.folder());
        let mut files = Vec::new();
        collect(&folder, &mut files)?;
        for file in files {
            let text = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let document =
                read(&folder, &file, effect, &text).with_context(|| file.display().to_string())?;
            types
                .check(&text)
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

/// All `.graphql` files below a folder; a missing folder has none.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "graphql")
        {
            files.push(path);
        }
    }
    Ok(())
}

fn read(folder: &Path, file: &Path, effect: Effect, text: &str) -> Result<Document> {
    let (found, variables, cost) = operation(text)?;
    if found != effect {
        bail!(
            "is a {} and belongs in the folder `{}`",
            found.keyword(),
            found.folder()
        );
    }
    let cacheable_seconds = match directive(text, "cacheable") {
        Some(_) if effect == Effect::Mutation => {
            bail!("a mutation cannot be cacheable; remove the comment")
        }
        Some(seconds) => seconds.parse().with_context(|| {
            format!("write `# cacheable: 300` with whole seconds instead of `{seconds}`")
        })?,
        None => 0,
    };
    let access = Access::read(text, effect, &variables)?;
    Ok(Document {
        access,
        name: name(folder, file)?,
        path: directive(text, "destination")
            .unwrap_or(DEFAULT_PATH)
            .to_owned(),
        sha256: hex::encode(Sha256::digest(text)),
        text: extensible(text)?,
        effect,
        variables,
        cacheable_seconds,
        cost,
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

/// The value of a comment line `# key: value` in the comment that a document starts with.
fn directive<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines()
        .map_while(|line| line.strip_prefix('#'))
        .find_map(|comment| comment.trim().strip_prefix(key)?.strip_prefix(':'))
        .map(str::trim)
}

/// Names and types of variables.
type Variables = Vec<(String, String)>;

/// Reads the effect, the variables and the cost of a document's one operation. Fragments may stand
/// beside it.
fn operation(text: &str) -> Result<(Effect, Variables, u32)> {
    let parsed = graphql_parser::parse_query::<&str>(text)?;
    let mut operations = parsed
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            Definition::Operation(operation) => Some(operation),
            Definition::Fragment(_) => None,
        });
    let (Some(only), None) = (operations.next(), operations.next()) else {
        bail!("hold exactly one operation in each file: the manifest trusts whole files");
    };
    Ok(match only {
        OperationDefinition::Query(query) => (
            Effect::Query,
            declared(&query.variable_definitions),
            cost(&query.selection_set)?,
        ),
        OperationDefinition::Mutation(mutation) => (
            Effect::Mutation,
            declared(&mutation.variable_definitions),
            cost(&mutation.selection_set)?,
        ),
        OperationDefinition::SelectionSet(set) => (Effect::Query, Vec::new(), cost(set)?),
        OperationDefinition::Subscription(_) => {
            bail!("is a subscription; only queries and mutations can be sent")
        }
    })
}

fn cost<'a>(set: &SelectionSet<'a, &'a str>) -> Result<u32> {
    let mut cost = 0;
    for selection in &set.items {
        match selection {
            Selection::Field(field) => cost += u32::from(!FREE.contains(&field.name)),
            _ => bail!("write its root fields out: a fragment hides what it costs"),
        }
    }
    Ok(cost)
}

fn declared<'a>(variables: &[VariableDefinition<'a, &'a str>]) -> Vec<(String, String)> {
    variables
        .iter()
        .map(|variable| (variable.name.to_owned(), variable.var_type.to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_at(path: &str, effect: Effect, text: &str) -> Result<Document> {
        read(
            Path::new("/graphql"),
            &Path::new("/graphql").join(path),
            effect,
            text,
        )
    }

    #[test]
    fn document_is_described_from_its_text() {
        let text = "# What it is for.\n# destination: /metadata\n# cacheable: 300\nquery Q($a: [String!]!, $b: Int) { x(a: $a, b: $b) { ...F } }\nfragment F on X { id }\n";
        let document = read_at("people/find.graphql", Effect::Query, text).unwrap();
        assert_eq!(
            document,
            Document {
                name: "people.find".to_owned(),
                path: "/metadata".to_owned(),
                // sha256sum of the text above.
                sha256: "2e176e2d82540f2652284438db4f4aeedad34d9d7e1dcc52251e3a5de58264f0"
                    .to_owned(),
                text: None,
                effect: Effect::Query,
                variables: vec![
                    ("a".to_owned(), "[String!]!".to_owned()),
                    ("b".to_owned(), "Int".to_owned())
                ],
                cacheable_seconds: 300,
                cost: 1,
                access: Access::default(),
            }
        );
    }

    #[test]
    fn directives_count_only_before_the_operation() {
        let late = "query Q { x }\n# destination: /elsewhere\n# cacheable: 9\n";
        let document = read_at("q.graphql", Effect::Query, late).unwrap();
        assert_eq!(
            (document.path.as_str(), document.cacheable_seconds),
            ("/graphql", 0)
        );
    }

    #[test]
    fn extensible_document_keeps_its_text() {
        let text = "{\n  a {\n    # field: b\n    c\n  }\n}\n";
        let document = read_at("q.graphql", Effect::Query, text).unwrap();
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
                "# acts: create item $id\nmutation M($id: UUID!) { m(id: $id) }",
                "belongs in the folder `mutations`",
            ),
            (Effect::Mutation, "{ a }", "belongs in the folder `queries`"),
            (Effect::Query, "subscription S { s }", "subscription"),
            (Effect::Query, "# cacheable: soon\n{ a }", "whole seconds"),
            (
                Effect::Mutation,
                "# cacheable: 3\n# acts: create item $id\nmutation M($id: UUID!) { m(id: $id) }",
                "cannot be cacheable",
            ),
            (Effect::Query, "query {", "query parse error"),
            (Effect::Query, "{ a }\n# field: b\n", "has to stand where"),
            (Effect::Query, "{ a\n# field: B\n}", "line 2"),
        ] {
            let error = format!("{:#}", read_at("q.graphql", effect, text).unwrap_err());
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
