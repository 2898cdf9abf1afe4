//! `cargo xtask manifest`: the trusted documents in manifests/skill.toml, between two marker
//! comments.

use std::collections::BTreeMap;
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, value};

use crate::directives::Access;
use crate::documents::{self, Document};
use crate::workspace::Workspace;

/// The destination that the documents belong to.
const DESTINATION: &str = "twenty";

/// The lines around the generated part. What stands before the first and after the second belongs
/// to people.
const BEGIN: &str = "# Begin of the documents, written by `cargo xtask manifest`.";
const END: &str = "# End of the documents.";

/// Rewrites the generated part, or with `check` only compares it.
pub(crate) fn run(check: bool) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let path = workspace.root().join("manifests/skill.toml");
    let old =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let documents = documents::read_all(&workspace.root().join("skill/graphql"))?;
    let new = rewrite(&old, &documents).with_context(|| path.display().to_string())?;
    if new == old {
        println!(
            "manifests/skill.toml lists all {} documents.",
            documents.len()
        );
        return Ok(ExitCode::SUCCESS);
    }
    let differences = differences(&old, &new)?;
    if check {
        bail!(
            "manifests/skill.toml is stale; run `cargo xtask manifest` and look at what changes:\n{differences}"
        );
    }
    fs::write(&path, new).with_context(|| format!("cannot write {}", path.display()))?;
    println!("manifests/skill.toml has changed:\n{differences}");
    Ok(ExitCode::SUCCESS)
}

/// The manifest with `documents` in its generated part, and every other byte as it was.
fn rewrite(old: &str, documents: &[Document]) -> Result<String> {
    let (before, after) = match (old.split_once(BEGIN), old.split_once(END)) {
        (None, None) => (format!("{}\n\n", old.trim_end()), "\n"),
        (Some((before, rest)), Some((_, after))) if rest.contains(END) => {
            (before.to_owned(), after)
        }
        _ => bail!(
            "has one of the lines `{BEGIN}` and `{END}` without the other; restore it or remove both"
        ),
    };
    let own: DocumentMut = format!("{before}{after}").parse()?;
    let destination = own.get("destinations").and_then(|all| all.get(DESTINATION));
    let Some(destination) = destination.and_then(Item::as_table) else {
        bail!("needs a table [destinations.{DESTINATION}]");
    };
    if destination.contains_key("documents") {
        bail!("lists documents outside of the generated part; remove them there");
    }
    for document in documents {
        if !takes_documents(destination, &document.path) {
            bail!(
                "`{}` goes to {}: add a route with that path and `documents = true`",
                document.name,
                document.path
            );
        }
    }
    let new = format!("{before}{BEGIN}\n{}\n{END}{after}", render(documents));
    new.parse::<DocumentMut>()
        .context("what follows the generated part has to start with a table")?;
    Ok(new)
}

fn takes_documents(destination: &Table, path: &str) -> bool {
    let routes = destination.get("routes").and_then(Item::as_array_of_tables);
    routes.into_iter().flatten().any(|route| {
        route.get("path").and_then(Item::as_str) == Some(path)
            && route.get("documents").and_then(Item::as_bool) == Some(true)
    })
}

fn render(documents: &[Document]) -> String {
    let mut array = ArrayOfTables::new();
    for document in documents {
        let mut variables = InlineTable::new();
        for (name, declared) in &document.variables {
            variables.insert(name, declared.into());
        }
        let mut table = Table::new();
        table.insert("name", value(&document.name));
        table.insert("path", value(&document.path));
        table.insert("sha256", value(&document.sha256));
        if let Some(text) = &document.text {
            table.insert("text", value(text));
        }
        table.insert("effect", value(document.effect.keyword()));
        table.insert("variables", value(variables));
        describe(&document.access, &mut table);
        if document.cost != 1 {
            table.insert("cost", value(i64::from(document.cost)));
        }
        let seconds = document.access.cacheable_seconds;
        if seconds > 0 {
            table.insert("cacheable-seconds", value(i64::from(seconds)));
        }
        array.push(table);
    }
    let mut file = DocumentMut::new();
    let mut destinations = implicit();
    let mut destination = implicit();
    destination.insert("documents", Item::ArrayOfTables(array));
    destinations.insert(DESTINATION, Item::Table(destination));
    file.insert("destinations", Item::Table(destinations));
    file.to_string().trim().to_owned()
}

/// Writes a document's directives and variables into its table.
fn describe(access: &Access, table: &mut Table) {
    let mut values = InlineTable::new();
    for (variable, listed) in &access.values {
        values.insert(variable, listed.iter().collect::<Array>().into());
    }
    if !values.is_empty() {
        table.insert("values", value(values));
    }
    let mut lengths = InlineTable::new();
    for (variable, range) in &access.lengths {
        lengths.insert(variable, range.into());
    }
    if !lengths.is_empty() {
        table.insert("lengths", value(lengths));
    }
    if !access.acts.is_empty() {
        let mut all = Array::new();
        for acts in &access.acts {
            let mut told = InlineTable::new();
            told.insert("verb", (&acts.verb).into());
            told.insert("kind", (&acts.kind).into());
            told.insert("id", (&acts.id).into());
            all.push(told);
        }
        table.insert("acts", value(all));
    }
    if !access.refers.is_empty() {
        let mut all = Array::new();
        for refers in &access.refers {
            let mut told = InlineTable::new();
            told.insert("kind", (&refers.kind).into());
            told.insert("id", (&refers.id).into());
            all.push(told);
        }
        table.insert("refers", value(all));
    }
    if !access.records.is_empty() {
        let mut records = Array::new();
        for record in &access.records {
            let mut told = InlineTable::new();
            told.insert("kind", (&record.kind).into());
            told.insert("at", (&record.at).into());
            for (name, pointer) in &record.attributes {
                told.insert(name, pointer.into());
            }
            records.push(told);
        }
        table.insert("records", value(records));
    }
    let mut inputs = InlineTable::new();
    for (variable, paths) in &access.inputs {
        let mut told = InlineTable::new();
        for (path, ty) in paths {
            told.insert(path, ty.into());
        }
        inputs.insert(variable, told.into());
    }
    if !inputs.is_empty() {
        table.insert("inputs", value(inputs));
    }
    let mut custom = InlineTable::new();
    for (variable, kind) in &access.custom {
        custom.insert(variable, kind.into());
    }
    if !custom.is_empty() {
        table.insert("custom", value(custom));
    }
}

/// A table that is only a part of its children's headers.
fn implicit() -> Table {
    let mut table = Table::new();
    table.set_implicit(true);
    table
}

/// A line for each document that differs.
fn differences(old: &str, new: &str) -> Result<String> {
    let (old, new) = (entries(old)?, entries(new)?);
    let mut lines = Vec::new();
    for (name, entry) in &new {
        match old.get(name) {
            None => lines.push(format!("  new      {name}")),
            Some(before) if before != entry => lines.push(format!("  changed  {name}")),
            Some(_) => {}
        }
    }
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    lines.extend(gone.map(|name| format!("  gone     {name}")));
    if lines.is_empty() {
        lines.push("  only the order or the layout of the generated part".to_owned());
    }
    Ok(lines.join("\n"))
}

/// The documents of a manifest: name, and the entry as text.
fn entries(manifest: &str) -> Result<BTreeMap<String, String>> {
    let manifest: DocumentMut = manifest.parse()?;
    let documents = manifest
        .get("destinations")
        .and_then(|all| all.get(DESTINATION)?.get("documents")?.as_array_of_tables());
    let entry = |table: &Table| {
        let name = table
            .get("name")
            .and_then(Item::as_str)
            .unwrap_or("(no name)");
        (name.to_owned(), table.to_string())
    };
    Ok(documents.into_iter().flatten().map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::Effect;

    const HAND: &str = "# A manifest.\n[skill]\nname = \"crm\"   # short\n\n[destinations.twenty]\ntitle = \"T\"\n\n[[destinations.twenty.routes]]\nmethod = \"POST\"\npath = \"/graphql\"\ndocuments = true\n";

    fn document(name: &str, sha256: &str) -> Document {
        Document {
            name: name.to_owned(),
            path: "/graphql".to_owned(),
            sha256: sha256.to_owned(),
            text: None,
            effect: Effect::Query,
            variables: vec![("limit".to_owned(), "Int!".to_owned())],
            cost: 1,
            access: Access::default(),
        }
    }

    #[test]
    fn documents_follow_the_hand_written_part() {
        let new = rewrite(HAND, &[document("search", "ab")]).unwrap();
        let expected = format!(
            "{HAND}\n{BEGIN}\n[[destinations.twenty.documents]]\nname = \"search\"\npath = \"/graphql\"\nsha256 = \"ab\"\neffect = \"query\"\nvariables = {{ limit = \"Int!\" }}\n{END}\n"
        );
        assert_eq!(new, expected);
    }

    #[test]
    fn generated_part_is_replaced_idempotently() {
        let first = rewrite(HAND, &[document("search", "ab"), document("gone", "ef")]).unwrap();
        let first = format!("{first}\n[settings]\nx = {{ default = \"1\" }} # kept\n");
        let second = rewrite(
            &first,
            &[document("search", "cd"), document("stages", "01")],
        )
        .unwrap();
        assert!(
            second.starts_with(HAND)
                && second.ends_with("\n[settings]\nx = { default = \"1\" } # kept\n")
        );
        assert_eq!(
            differences(&first, &second).unwrap(),
            "  changed  search\n  new      stages\n  gone     gone"
        );
        let third = rewrite(
            &second,
            &[document("search", "cd"), document("stages", "01")],
        )
        .unwrap();
        assert_eq!(third, second);
    }

    #[test]
    fn unfit_manifest_is_refused() {
        let listed = format!("{HAND}\n[[destinations.twenty.documents]]\nname = \"mine\"\n");
        let half = format!("{HAND}\n{BEGIN}\n");
        let swapped = format!("{HAND}\n{END}\n{BEGIN}\n");
        let no_route = HAND.replace("documents = true", "documents = false");
        let elsewhere = HAND.replace("twenty", "other");
        for (manifest, expected) in [
            (listed.as_str(), "outside of the generated part"),
            (&half, "without the other"),
            (&swapped, "without the other"),
            (&no_route, "add a route"),
            (&elsewhere, "needs a table [destinations.twenty]"),
        ] {
            let error = format!(
                "{:#}",
                rewrite(manifest, &[document("search", "ab")]).unwrap_err()
            );
            assert!(error.contains(expected), "{error}");
        }
    }
}
