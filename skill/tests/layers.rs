//! Checks the layers of the crate: imports point downward, and no files import each other in a
//! circle. Re-exports are followed, so a facade is no detour.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The files and folders of `src`, lowest layer first. Each may use those of lower layers alone.
const LAYERS: &[&[&str]] = &[
    &["bindings"],
    &["failure", "markdown", "names", "transport"],
    &["day", "ids", "text"],
    &["hidden_fields"],
    &["context"],
    &["plan", "rest"],
    &["twenty", "workspace"],
    &["tezit"],
    &["actions", "judge", "wasi"],
];

type Module = Vec<String>;

/// The modules of the crate with what each imports.
#[derive(Default)]
struct Imports {
    /// The paths that a module names, from the root of the crate.
    paths: BTreeMap<Module, BTreeSet<Module>>,
    /// The names that a module brings into scope, and so may re-export.
    names: BTreeMap<Module, BTreeMap<String, Module>>,
}

impl Imports {
    fn read(root: &Path) -> Self {
        let mut sources = BTreeMap::new();
        collect(root, &Module::new(), &mut sources);
        let known: BTreeSet<Module> = sources.keys().cloned().collect();
        let mut imports = Self::default();
        for (module, source) in &sources {
            let mut names = BTreeMap::new();
            let mut paths = BTreeSet::new();
            let (statements, body) = split(source);
            for (path, name) in statements.iter().flat_map(|tree| expand(tree)) {
                if let Some(path) = absolute(module, &path, &known) {
                    names.insert(name, path.clone());
                    paths.insert(path);
                }
            }
            for path in inline(&body) {
                let first = path[0].clone();
                let within = names.get(&first).filter(|path| known.contains(*path));
                match within {
                    Some(outer) => {
                        let inner = path[1..].iter().cloned();
                        paths.insert(outer.iter().cloned().chain(inner).collect());
                    }
                    None => paths.extend(absolute(module, &path, &known)),
                }
            }
            imports.paths.insert(module.clone(), paths);
            imports.names.insert(module.clone(), names);
        }
        imports
    }

    /// Finds the module that defines the item of a path.
    fn definition(&self, path: &[String], depth: usize) -> Option<(Module, Module)> {
        let known = (0..=path.len()).rev();
        let module = known
            .map(|length| path[..length].to_vec())
            .find(|module| self.paths.contains_key(module))?;
        let rest = path[module.len()..].to_vec();
        let source = rest.first().and_then(|name| self.names[&module].get(name));
        match source {
            Some(source) if depth < 8 => {
                let path: Module = source.iter().chain(&rest[1..]).cloned().collect();
                self.definition(&path, depth + 1)
            }
            _ => Some((module, rest)),
        }
    }

    /// Returns the modules that define what each module uses.
    fn edges(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let targets = |module: &Module, paths: &BTreeSet<Module>| {
            let found = paths.iter().filter_map(|path| self.definition(path, 0));
            let items = found.filter(|(target, rest)| target != module && !rest.is_empty());
            items.map(|(target, _)| target).collect()
        };
        let edges = self.paths.iter();
        edges
            .map(|(module, paths)| (module.clone(), targets(module, paths)))
            .collect()
    }
}

/// Reads the modules below a folder, without their tests.
fn collect(folder: &Path, parent: &Module, sources: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut module = parent.clone();
        if !matches!(stem.as_str(), "lib" | "mod") {
            module.push(stem);
        }
        if path.is_dir() {
            collect(&path, &module, sources);
        } else {
            let source = fs::read_to_string(&path).unwrap();
            let source = source.split("#[cfg(test)]\nmod tests").next().unwrap();
            sources.insert(module, code(source));
        }
    }
}

/// Removes comments and the contents of strings.
fn code(source: &str) -> String {
    let mut out = String::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("'\"'") {
            3
        } else if first == '"' {
            let mut escaped = false;
            let end = rest[1..].find(|character| {
                let closes = character == '"' && !escaped;
                escaped = character == '\\' && !escaped;
                closes
            });
            end.map_or(rest.len(), |end| end + 2)
        } else {
            out.push(first);
            first.len_utf8()
        };
        rest = &rest[skipped..];
    }
    out
}

/// Splits code into the trees of its `use` statements and the rest.
fn split(code: &str) -> (Vec<String>, String) {
    let (mut trees, mut body) = (Vec::new(), String::new());
    let mut within: Option<String> = None;
    for line in code.lines() {
        let start = line.trim_start();
        let start = start.strip_prefix("pub ").unwrap_or(start);
        let start = start
            .split_once(") ")
            .filter(|(before, _)| before.starts_with("pub("));
        let start = start.map_or(
            line.trim_start().trim_start_matches("pub "),
            |(_, after)| after,
        );
        let text = match (&mut within, start.strip_prefix("use ")) {
            (Some(tree), _) => {
                tree.push_str(line.trim());
                tree.clone()
            }
            (None, Some(tree)) => tree.to_owned(),
            (None, None) => {
                body.push_str(line);
                body.push('\n');
                continue;
            }
        };
        match text.strip_suffix(';') {
            Some(tree) => {
                trees.push(tree.to_owned());
                within = None;
            }
            None => within = Some(text),
        }
    }
    (trees, body)
}

/// Lists the paths of a tree such as `a::{self, b::C}`, each with the name that it brings.
fn expand(tree: &str) -> Vec<(Module, String)> {
    let tree = tree.trim();
    if let Some((before, inner)) = tree.split_once('{') {
        let outer: Module = parts(before);
        let inner = inner.trim_end().strip_suffix('}').unwrap();
        let (mut depth, mut start, mut out) = (0, 0, Vec::new());
        let ends = inner.char_indices().chain([(inner.len(), ',')]);
        for (at, character) in ends {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    for (path, name) in expand(&inner[start..at]) {
                        out.push((outer.iter().cloned().chain(path).collect(), name));
                    }
                    start = at + 1;
                }
                _ => {}
            }
        }
        let own = |(path, name): (Module, String)| match path.last().is_some_and(|l| l == "self") {
            true => {
                let path = path[..path.len() - 1].to_vec();
                let name = path.last().cloned().unwrap_or_default();
                (path, name)
            }
            false => (path, name),
        };
        return out.into_iter().map(own).collect();
    }
    let (path, alias) = tree
        .split_once(" as ")
        .map_or((tree, None), |(p, a)| (p, Some(a)));
    let path = parts(path);
    let name = alias.map(str::trim).map(str::to_owned);
    let name = name.or_else(|| path.last().cloned());
    name.map(|name| vec![(path, name)]).unwrap_or_default()
}

fn parts(path: &str) -> Module {
    let parts = path.split("::").map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Lists the paths of several parts in code.
fn inline(code: &str) -> Vec<Module> {
    let word =
        |character: char| character.is_alphanumeric() || character == '_' || character == ':';
    let paths = code.split(|character| !word(character)).map(parts);
    paths.filter(|path| path.len() > 1).collect()
}

/// Resolves a path to one from the root of the crate; none where it leads to another crate.
fn absolute(module: &Module, path: &[String], known: &BTreeSet<Module>) -> Option<Module> {
    let mut base = module.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => {
            base.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|part| part == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        child => {
            base.push(child.to_owned());
            if !known.contains(&base) {
                return None;
            }
            rest = &rest[1..];
        }
    }
    base.extend(rest.iter().cloned());
    Some(base)
}

fn edges() -> BTreeMap<Module, BTreeSet<Module>> {
    Imports::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).edges()
}

#[test]
fn imports_point_downward() {
    let layer = |module: &Module| {
        let name = module.first().map_or("", String::as_str);
        let layer = LAYERS.iter().position(|layer| layer.contains(&name));
        layer.unwrap_or_else(|| panic!("`{name}` has no place in LAYERS"))
    };
    let edges = edges();
    assert!(edges.len() > 50, "only {} modules were found", edges.len());
    let mut upward = Vec::new();
    for (module, targets) in edges.iter().filter(|(module, _)| !module.is_empty()) {
        for target in targets
            .iter()
            .filter(|target| target.first() != module.first())
        {
            if layer(target) >= layer(module) {
                upward.push(format!("{} -> {}", module.join("::"), target.join("::")));
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut edges = edges();
    // What imports nothing that is left is in no circle.
    loop {
        let left: BTreeSet<Module> = edges.keys().cloned().collect();
        for targets in edges.values_mut() {
            targets.retain(|target| left.contains(target));
        }
        edges.retain(|_, targets| !targets.is_empty());
        if edges.len() == left.len() {
            break;
        }
    }
    assert!(edges.is_empty(), "in or above a circle: {edges:#?}");
}

#[test]
fn a_circle_would_be_noticed() {
    let scratch = std::env::temp_dir().join(format!("layers-{}", std::process::id()));
    fs::create_dir_all(scratch.join("a")).unwrap();
    fs::write(scratch.join("lib.rs"), "mod a;\nmod b;\n").unwrap();
    fs::write(
        scratch.join("a/mod.rs"),
        "mod c;\npub use c::{Deep, Other as Same};\n",
    )
    .unwrap();
    fs::write(
        scratch.join("a/c.rs"),
        "pub struct Deep;\nfn x() { crate::b::y(\"crate::d\") }\n",
    )
    .unwrap();
    fs::write(
        scratch.join("b.rs"),
        "// use crate::e::F;\nuse crate::a::Same;\npub fn y() {}\n",
    )
    .unwrap();
    let found = Imports::read(&scratch).edges();
    fs::remove_dir_all(&scratch).unwrap();
    let module = |path: &str| parts(path);
    assert_eq!(found[&module("a::c")], BTreeSet::from([module("b")]));
    assert_eq!(found[&module("b")], BTreeSet::from([module("a::c")]));
}
