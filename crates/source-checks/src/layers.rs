//! Holds a crate to its layers: no circle between files or folders, and no arrow upwards.
//!
//! An arrow is a path that one file writes to reach another: in a `use`, or within the code, also
//! through a module that is in scope. Paths through a re-export count as arrows to the file that
//! defines the name. Tests within files are left out. Calls of methods are not seen: a method
//! belongs to the layer of its type.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use crate::source::{Source, Syntax};

/// Re-exports that are followed one after the other.
const HOPS_MAX: usize = 8;

/// A module as the names on the way to it; the crate's root has none.
type Module = Vec<String>;
/// Files by their module, each with the files that it uses.
type Arrows = BTreeMap<Module, BTreeSet<Module>>;

/// The layers of a crate.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    /// The files and folders of `src`, the highest layer first. Each may use those of lower layers.
    pub rows: &'a [&'a [&'a str]],
    /// True if those of one layer may use each other too, as long as there is no circle.
    pub neighbours: bool,
    /// Arrows that go downwards and are wrong all the same.
    pub forbidden: &'a [(&'a str, &'a str)],
}

/// The imports between the files of a crate.
#[derive(Debug)]
pub struct Imports(Arrows);

impl Imports {
    /// Reads every file below a folder but the tests. `name` is the crate's own name, which stands
    /// for its root in a program beside the library.
    ///
    /// # Errors
    /// Returns an error if a file or folder cannot be read.
    pub fn read(folder: &Path, name: &str) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        collect(folder, &Module::new(), &mut files)?;
        Ok(Self::of(&files, name))
    }

    fn of(files: &BTreeMap<Module, Vec<String>>, name: &str) -> Self {
        let mut scopes: BTreeMap<&Module, BTreeMap<String, Module>> = BTreeMap::new();
        let mut paths: BTreeMap<&Module, Vec<Module>> = BTreeMap::new();
        for (file, tokens) in files {
            let scope = scopes.entry(file).or_default();
            let found = paths.entry(file).or_default();
            let (used, written) = paths_of(tokens);
            for (path, alias) in used {
                if let Some(path) = absolute(file, &path, files, name) {
                    scope.insert(alias, path.clone());
                    found.push(path);
                }
            }
            for path in written {
                let module = path.first().and_then(|first| scope.get(first));
                let module = module.filter(|module| files.contains_key(*module));
                match (module, path.get(1..)) {
                    (Some(module), Some(rest)) => found.push([module.as_slice(), rest].concat()),
                    _ => found.extend(absolute(file, &path, files, name)),
                }
            }
        }
        let arrows = paths.into_iter().filter(|(file, _)| !file.is_empty());
        let arrows = arrows.map(|(file, paths)| {
            let targets = paths.iter().map(|path| defining(path, &scopes, HOPS_MAX));
            let targets = targets.filter(|to| !to.is_empty() && to != file);
            (file.clone(), targets.collect())
        });
        Self(arrows.collect())
    }

    /// Returns the number of files.
    #[must_use]
    pub fn files(&self) -> usize {
        self.0.len()
    }

    /// Returns the number of arrows between files.
    #[must_use]
    pub fn arrows(&self) -> usize {
        self.0.values().map(BTreeSet::len).sum()
    }

    /// Describes the circles between files, and between what lies side by side in a folder.
    #[must_use]
    pub fn circles(&self) -> Vec<String> {
        let mut found: Vec<String> = circle(&self.0)
            .map(|files| format!("files: {}", joined(&files)))
            .into_iter()
            .collect();
        let mut folders: BTreeMap<Module, Arrows> = BTreeMap::new();
        for (file, targets) in &self.0 {
            for to in targets {
                let shared = file.iter().zip(to).take_while(|(a, b)| a == b).count();
                // From a folder's own file to one in it, or the other way, is no arrow between
                // neighbours.
                if let (Some(from), Some(into)) = (file.get(shared), to.get(shared)) {
                    let folder = file.iter().take(shared).cloned().collect();
                    let level = folders.entry(folder).or_default();
                    level
                        .entry(vec![from.clone()])
                        .or_default()
                        .insert(vec![into.clone()]);
                }
            }
        }
        for (folder, arrows) in &folders {
            if let Some(names) = circle(arrows) {
                let place = if folder.is_empty() {
                    String::new()
                } else {
                    format!(" in {}", folder.join("::"))
                };
                found.push(format!("folders{place}: {}", joined(&names)));
            }
        }
        found
    }

    /// Describes the arrows that go up, and those that are forbidden otherwise.
    #[must_use]
    pub fn upward(&self, layers: &Layers<'_>) -> Vec<String> {
        let row = |name: &str| layers.rows.iter().position(|row| row.contains(&name));
        let mut wrong = Vec::new();
        for (file, targets) in &self.0 {
            for to in targets {
                let (Some(from), Some(into)) = (file.first(), to.first()) else {
                    continue;
                };
                let said = match (row(from), row(into)) {
                    _ if from == into => continue,
                    (None, _) => format!("`{from}` stands in no layer"),
                    (_, None) => format!("`{into}` stands in no layer"),
                    (Some(above), Some(below)) if above > below => "goes up".to_owned(),
                    (Some(above), Some(below)) if above == below && !layers.neighbours => {
                        "stays in its layer".to_owned()
                    }
                    _ if layers.forbidden.contains(&(from, into)) => "is forbidden".to_owned(),
                    _ => continue,
                };
                wrong.push(format!("{} -> {}: {said}", file.join("::"), to.join("::")));
            }
        }
        wrong
    }
}

fn collect(
    folder: &Path,
    parent: &Module,
    files: &mut BTreeMap<Module, Vec<String>>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let stem = stem.unwrap_or_default().to_owned();
        let root = parent.is_empty();
        if stem == "tests" || (root && stem == "main") {
            continue;
        }
        let mut module = parent.clone();
        if stem != "mod" && !(root && stem == "lib") {
            module.push(stem);
        }
        if path.is_dir() {
            collect(&path, &module, files)?;
        } else {
            files.insert(module, tokens(&fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

/// Splits a source into words and signs, without comments, texts, test modules and visibilities.
fn tokens(text: &str) -> Vec<String> {
    let all = words(&Source::read(text, Syntax::Slashes).code);
    let mut kept: Vec<String> = Vec::new();
    let mut rest = all.as_slice();
    while let [first, after @ ..] = rest {
        if rest.starts_with(&["#", "[", "cfg", "(", "test", ")", "]"].map(str::to_owned)) {
            rest = after_item(rest);
        } else if first == "pub" && after.first().is_some_and(|next| next == "(") {
            let end = after.iter().position(|token| token == ")");
            rest = after
                .get(end.map_or(0, |end| end + 1)..)
                .unwrap_or_default();
        } else {
            kept.push(first.clone());
            rest = after;
        }
    }
    kept
}

/// Returns what follows the item that begins with an attribute.
fn after_item(tokens: &[String]) -> &[String] {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        let ends = match token.as_str() {
            "{" | "(" | "[" => {
                depth += 1;
                false
            }
            close @ ("}" | ")" | "]") => {
                depth = depth.saturating_sub(1);
                depth == 0 && close == "}"
            }
            ";" => depth == 0,
            _ => false,
        };
        if ends {
            return tokens.get(at + 1..).unwrap_or_default();
        }
    }
    &[]
}

/// Splits code into words, `::`, and other signs one by one.
fn words(code: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let length = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        if !first.is_whitespace() {
            found.push(token.to_owned());
        }
        rest = after;
    }
    found
}

/// Finds the paths that a file writes: those of its `use` statements, each with the name that it
/// brings into scope, and those within its code.
fn paths_of(tokens: &[String]) -> (Vec<(Module, String)>, Vec<Module>) {
    let (mut used, mut written) = (Vec::new(), Vec::new());
    let mut rest = tokens;
    while let [first, after @ ..] = rest {
        if first == "use" {
            let end = after.iter().position(|token| token == ";");
            let (statement, behind) = after.split_at(end.unwrap_or(after.len()));
            tree(statement, &[], &mut used);
            rest = behind;
        } else if after.first().is_some_and(|next| next == "::") && first != "::" {
            let mut path = vec![first.clone()];
            rest = after;
            while let [sign, name, behind @ ..] = rest
                && sign == "::"
                && name != "<"
                && name != "{"
            {
                path.push(name.clone());
                rest = behind;
            }
            // What is left of a path goes on behind generics, and is none of its own.
            if let [sign, behind @ ..] = rest
                && sign == "::"
            {
                rest = behind;
            }
            written.push(path);
        } else {
            rest = after;
        }
    }
    (used, written)
}

/// Collects the paths of a `use` tree, each with the name that it brings into scope.
fn tree(tokens: &[String], above: &[String], found: &mut Vec<(Module, String)>) {
    let mut depth = 0_usize;
    let branches = tokens.split(|token| {
        match token.as_str() {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        token == "," && depth == 0
    });
    for branch in branches.filter(|branch| !branch.is_empty()) {
        let ends = |token: &String| token == "{" || token == "as";
        let end = branch.iter().position(ends).unwrap_or(branch.len());
        let (names, behind) = branch.split_at(end);
        let mut path = above.to_vec();
        path.extend(names.iter().filter(|token| *token != "::").cloned());
        match behind {
            [open, inner @ .., _close] if open == "{" => {
                tree(inner, &path, found);
                continue;
            }
            _ => {}
        }
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = behind.get(1).or(path.last()).cloned();
        found.extend(name.map(|name| (path, name)));
    }
}

/// Returns a path from the crate's root on; none if it leads elsewhere.
fn absolute(
    file: &Module,
    path: &[String],
    files: &BTreeMap<Module, Vec<String>>,
    name: &str,
) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    let mut base = match first.as_str() {
        "crate" => Vec::new(),
        first if first == name => Vec::new(),
        "self" => file.clone(),
        "super" => file.split_last()?.1.to_vec(),
        _ => {
            let child = [file.as_slice(), std::slice::from_ref(first)].concat();
            files.contains_key(&child).then_some(child)?
        }
    };
    for name in rest {
        match name.as_str() {
            "super" => drop(base.pop()),
            "self" => {}
            name => base.push(name.to_owned()),
        }
    }
    Some(base)
}

/// Returns the file that defines what a path leads to, through re-exports; the crate's root where
/// no other does.
fn defining(
    path: &[String],
    scopes: &BTreeMap<&Module, BTreeMap<String, Module>>,
    hops: usize,
) -> Module {
    let split = (0..=path.len())
        .rev()
        .filter_map(|at| path.split_at_checked(at));
    for (file, rest) in split {
        let Some(scope) = scopes.get(&file.to_vec()) else {
            continue;
        };
        let through = rest.split_first().and_then(|(name, rest)| {
            let to = scope
                .get(name)
                .filter(|to| hops > 0 && to.as_slice() != path)?;
            Some(defining(&[to.as_slice(), rest].concat(), scopes, hops - 1))
        });
        return through.unwrap_or_else(|| file.to_vec());
    }
    Module::new()
}

fn joined(modules: &[Module]) -> String {
    let names: Vec<_> = modules.iter().map(|module| module.join("::")).collect();
    names.join(" -> ")
}

/// Returns one circle, its beginning at both ends.
fn circle(arrows: &Arrows) -> Option<Vec<Module>> {
    fn visit(
        at: &Module,
        arrows: &Arrows,
        path: &mut Vec<Module>,
        done: &mut BTreeSet<Module>,
    ) -> Option<Vec<Module>> {
        if let Some(begin) = path.iter().position(|module| module == at) {
            let circle = path.iter().skip(begin).chain([at]);
            return Some(circle.cloned().collect());
        }
        if !done.contains(at) {
            path.push(at.clone());
            for to in arrows.get(at).into_iter().flatten() {
                if let Some(found) = visit(to, arrows, path, done) {
                    return Some(found);
                }
            }
            path.pop();
            done.insert(at.clone());
        }
        None
    }
    let mut done = BTreeSet::new();
    arrows
        .keys()
        .find_map(|from| visit(from, arrows, &mut Vec::new(), &mut done))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(path: &str) -> Module {
        path.split("::").map(str::to_owned).collect()
    }

    fn imports(files: &[(&str, &str)]) -> Imports {
        let files = files.iter();
        let files = files.map(|(path, text)| (module(path), tokens(text)));
        Imports::of(&files.collect(), "the_crate")
    }

    #[test]
    fn circle_of_files_is_found() {
        let found = imports(&[
            ("a::x", "use crate::b::Thing;"),
            ("b", "mod y;\npub use y::Thing;"),
            ("b::y", "pub struct Thing;\nfn f() { crate::a::x::g() }"),
        ])
        .circles();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("a::x -> b::y"), "{found:?}");
    }

    #[test]
    fn circle_of_folders_is_found() {
        let found = imports(&[
            ("a::x", "use crate::b::y::Thing;"),
            ("a::z", ""),
            ("b::y", "pub struct Thing;"),
            ("b::w", "use super::super::a::z;"),
        ])
        .circles();
        assert_eq!(found, ["folders: a -> b -> a"]);
    }

    #[test]
    fn aliases_and_modules_in_scope_are_followed() {
        let found = imports(&[
            ("a", "mod c;\npub use c::{Deep, Other as Same};\n"),
            (
                "a::c",
                "pub struct Deep;\nfn x() { crate::b::y(\"crate::d\") }\n",
            ),
            (
                "b",
                "// use crate::e::F;\nuse crate::a::Same;\npub fn y() {}\n",
            ),
            ("d", "use the_crate::a;\nfn z() { a::Deep::new::<u8>() }\n"),
        ]);
        assert_eq!(found.0[&module("a::c")], BTreeSet::from([module("b")]));
        assert_eq!(found.0[&module("b")], BTreeSet::from([module("a::c")]));
        let both = BTreeSet::from([module("a"), module("a::c")]);
        assert_eq!(found.0[&module("d")], both);
    }

    #[test]
    fn tests_comments_and_texts_make_no_arrows() {
        let found = imports(&[
            (
                "a",
                "// use crate::b;\nconst T: &str = \"crate::b\";\npub(in crate::b) fn f() {}\n#[cfg(test)]\nmod tests { use crate::b; }",
            ),
            ("b", "fn g() { crate::a::f() }"),
        ]);
        assert!(found.circles().is_empty());
        assert_eq!(found.0[&module("b")].len(), 1);
    }

    #[test]
    fn upward_arrow_is_found() {
        let found = imports(&[
            ("runtime::x", "use crate::plans::y::Thing;"),
            ("plans::y", "pub struct Thing;"),
            ("plans::z", "use crate::runtime::w;"),
            ("runtime::w", ""),
            ("unheard", "use crate::runtime::w;"),
        ]);
        let layers = Layers {
            rows: &[&["plans"], &["runtime"]],
            neighbours: true,
            forbidden: &[("plans", "runtime")],
        };
        let wrong = found.upward(&layers);
        assert_eq!(wrong.len(), 3, "{wrong:?}");
    }

    #[test]
    fn neighbours_use_each_other_only_where_they_may() {
        let found = imports(&[("a", "use crate::b::f;"), ("b", "pub fn f() {}")]);
        for neighbours in [true, false] {
            let layers = Layers {
                rows: &[&["a", "b"]],
                neighbours,
                forbidden: &[],
            };
            assert_eq!(found.upward(&layers).is_empty(), neighbours);
        }
    }
}
