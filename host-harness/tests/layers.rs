//! Holds the sources to their layers: no circle between files or folders, and no arrow upwards.
//!
//! An arrow is a path that one file writes to reach another: in a `use`, or within the code. Paths
//! through a re-export count as arrows to the file that defines the name. Tests within files are
//! left out. Calls of methods are not seen: a method belongs to the layer of its type.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Rows of the drawing in the architecture page, from above; a file uses its own folder and the
/// rows below.
const ROWS: &[&[&str]] = &[
    &["cli"],
    &["server"],
    &["harness"],
    &["plans", "trust"],
    &["runtime"],
    &["access", "judge"],
    &["config"],
    &["outbound"],
    &["observed", "audit"],
    &[
        "clock",
        "database",
        "denial",
        "digest",
        "events",
        "failure",
        "json_path",
        "nearest",
        "proposal",
        "storage",
        "text",
        "words",
    ],
];
/// Arrows that go downwards and are wrong all the same: plans ask the judge, never the component.
const FORBIDDEN: &[(&str, &str)] = &[("plans", "runtime")];

type Module = Vec<String>;
/// Files by their module, each with the files that it uses.
type Arrows = BTreeMap<Module, BTreeSet<Module>>;

#[test]
fn sources_have_no_circles_and_no_upward_arrows() {
    let mut sources = BTreeMap::new();
    read(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut Vec::new(),
        &mut sources,
    );
    let arrows = arrows(&sources);
    let count: usize = arrows.values().map(BTreeSet::len).sum();
    println!("{} files, {count} arrows between them", sources.len());
    assert!(
        sources.len() > 150 && count > 600,
        "the sources were not read"
    );
    let mut wrong = circles(&arrows);
    wrong.extend(upward(&arrows));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn circle_of_files_is_found() {
    let sources = sources(&[
        ("a::x", "use crate::b::Thing;"),
        ("b", "mod y;\npub use y::Thing;"),
        ("b::y", "pub struct Thing;\nfn f() { crate::a::x::g() }"),
    ]);
    let found = circles(&arrows(&sources));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("a::x -> b::y"), "{found:?}");
}

#[test]
fn circle_of_folders_is_found() {
    let sources = sources(&[
        ("a::x", "use crate::b::y::Thing;"),
        ("a::z", ""),
        ("b::y", "pub struct Thing;"),
        ("b::w", "use super::super::a::z;"),
    ]);
    let found = circles(&arrows(&sources));
    assert_eq!(found, ["folders: a -> b -> a"]);
}

#[test]
fn tests_comments_and_texts_make_no_arrows() {
    let sources = sources(&[
        (
            "a",
            "// use crate::b;\nconst T: &str = \"crate::b\";\npub(in crate::b) fn f() {}\n#[cfg(test)]\nmod tests { use crate::b; }",
        ),
        ("b", "fn g() { crate::a::f() }"),
    ]);
    assert!(circles(&arrows(&sources)).is_empty());
    assert_eq!(arrows(&sources)[&module("b")].len(), 1);
}

#[test]
fn upward_arrow_is_found() {
    let sources = sources(&[
        ("runtime::x", "use crate::plans::y::Thing;"),
        ("plans::y", "pub struct Thing;"),
        ("plans::z", "use crate::runtime::w;"),
        ("runtime::w", ""),
        ("unheard", "use crate::runtime::w;"),
    ]);
    let found = upward(&arrows(&sources));
    assert_eq!(found.len(), 3, "{found:?}");
}

fn module(path: &str) -> Module {
    path.split("::").map(str::to_owned).collect()
}

fn sources(files: &[(&str, &str)]) -> BTreeMap<Module, Vec<String>> {
    let parsed = files.iter();
    let parsed = parsed.map(|(path, text)| (module(path), tokens(text)));
    parsed.collect()
}

/// Reads every file below a folder but the tests.
fn read(folder: &Path, at: &mut Module, sources: &mut BTreeMap<Module, Vec<String>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name == "tests" || (at.is_empty() && matches!(&*name, "lib" | "main")) {
            continue;
        }
        at.push(name.clone());
        if path.is_dir() {
            read(&path, at, sources);
        } else {
            let mut file = at.clone();
            if name == "mod" {
                file.pop();
            }
            sources.insert(file, tokens(&std::fs::read_to_string(&path).unwrap()));
        }
        at.pop();
    }
}

/// Splits a source into words and signs, without comments, texts, test modules and visibilities.
fn tokens(text: &str) -> Vec<String> {
    let all = lex(text);
    let mut kept: Vec<String> = Vec::new();
    let mut at = 0;
    while at < all.len() {
        if all[at..].starts_with(&["#", "[", "cfg", "(", "test", ")", "]"].map(str::to_owned)) {
            at = after_item(&all, at);
        } else if all[at] == "pub" && all.get(at + 1).is_some_and(|next| next == "(") {
            kept.push("pub".to_owned());
            at = 1 + at + all[at..].iter().position(|token| token == ")").unwrap();
        } else {
            kept.push(all[at].clone());
            at += 1;
        }
    }
    kept
}

/// Returns the position after the item that begins at a position with an attribute.
fn after_item(all: &[String], mut at: usize) -> usize {
    let mut depth = 0_usize;
    loop {
        match all.get(at).map(String::as_str) {
            None => return at,
            Some("{" | "(" | "[") => depth += 1,
            Some(close @ ("}" | ")" | "]")) => {
                depth -= 1;
                if depth == 0 && close == "}" {
                    return at + 1;
                }
            }
            Some(";") if depth == 0 => return at + 1,
            Some(_) => {}
        }
        at += 1;
    }
}

fn lex(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        if rest.starts_with(b"//") {
            at += rest
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(rest.len());
        } else if rest.starts_with(b"/*") {
            let end = rest.windows(2).position(|pair| pair == b"*/");
            at += end.map_or(rest.len(), |end| end + 2);
        } else if rest.starts_with(b"r\"")
            || rest.starts_with(b"r#\"")
            || rest.starts_with(b"r##\"")
        {
            let hashes = rest
                .iter()
                .skip(1)
                .take_while(|byte| **byte == b'#')
                .count();
            let close = [b"\"".as_slice(), &b"##"[..hashes]].concat();
            let body = &rest[hashes + 2..];
            let end = body.windows(close.len()).position(|window| window == close);
            at += hashes + 2 + end.map_or(body.len(), |end| end + close.len());
        } else if rest[0] == b'"' {
            at += after_quote(rest, b'"');
        } else if rest[0] == b'\'' {
            // A lifetime has no second quote near.
            let is_char =
                rest.get(1) == Some(&b'\\') || text[at + 1..].chars().nth(1) == Some('\'');
            at += if is_char { after_quote(rest, b'\'') } else { 1 };
        } else if is_word(&rest[0]) {
            let length = rest.iter().take_while(|byte| is_word(byte)).count();
            found.push(text[at..at + length].to_owned());
            at += length;
        } else if rest.starts_with(b"::") {
            found.push("::".to_owned());
            at += 2;
        } else {
            if rest[0].is_ascii_punctuation() {
                found.push((rest[0] as char).to_string());
            }
            at += 1;
        }
    }
    found
}

fn after_quote(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// A path as it is written, and whether it is re-exported.
struct Written {
    path: Vec<String>,
    exported: bool,
}

/// Finds the paths that a file writes.
fn written(tokens: &[String]) -> Vec<Written> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == "use" {
            let exported = at > 0 && tokens[at - 1] == "pub";
            let end = at + tokens[at..].iter().position(|token| token == ";").unwrap();
            let mut trees = Vec::new();
            tree(&tokens[at + 1..end], &[], &mut trees);
            found.extend(trees.into_iter().map(|path| Written { path, exported }));
            at = end;
        } else if tokens.get(at + 1).is_some_and(|next| next == "::")
            && (at == 0 || tokens[at - 1] != "::")
        {
            let mut path = vec![tokens[at].clone()];
            while tokens.get(at + 1).is_some_and(|next| next == "::")
                && tokens
                    .get(at + 2)
                    .is_some_and(|next| next != "<" && next != "{")
            {
                path.push(tokens[at + 2].clone());
                at += 2;
            }
            let exported = false;
            found.push(Written { path, exported });
        }
        at += 1;
    }
    found
}

/// Collects the paths of a `use` tree.
fn tree(tokens: &[String], above: &[String], found: &mut Vec<Vec<String>>) {
    let mut depth = 0;
    let branches = tokens.split(|token| {
        match token.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        token == "," && depth == 0
    });
    for branch in branches.filter(|branch| !branch.is_empty()) {
        let mut path = above.to_vec();
        let names = branch
            .iter()
            .take_while(|token| *token != "{" && *token != "as");
        path.extend(names.filter(|token| *token != "::").cloned());
        match branch.iter().position(|token| token == "{") {
            Some(open) => tree(&branch[open + 1..branch.len() - 1], &path, found),
            None => found.push(path),
        }
    }
}

fn arrows(sources: &BTreeMap<Module, Vec<String>>) -> Arrows {
    let written: BTreeMap<_, _> = sources
        .iter()
        .map(|(file, tokens)| (file.clone(), written(tokens)))
        .collect();
    let mut exports: BTreeMap<Module, BTreeMap<String, Module>> = BTreeMap::new();
    for (file, paths) in &written {
        for path in paths.iter().filter(|path| path.exported) {
            if let (Some(to), Some(name)) = (absolute(file, &path.path, sources), path.path.last())
            {
                exports
                    .entry(file.clone())
                    .or_default()
                    .insert(name.clone(), to);
            }
        }
    }
    let mut arrows = Arrows::new();
    for (file, paths) in &written {
        let targets = arrows.entry(file.clone()).or_default();
        for path in paths
            .iter()
            .filter_map(|path| absolute(file, &path.path, sources))
        {
            targets.extend(defining(&path, sources, &exports, 8).filter(|to| to != file));
        }
    }
    arrows
}

/// Returns a path from the crate's root on; none if it leads elsewhere.
fn absolute(
    file: &Module,
    path: &[String],
    sources: &BTreeMap<Module, Vec<String>>,
) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    let mut base = match first.as_str() {
        "crate" | "crm_harness" => Vec::new(),
        "self" => file.clone(),
        "super" => file[..file.len().checked_sub(1)?].to_vec(),
        _ => {
            let child = [file.as_slice(), std::slice::from_ref(first)].concat();
            sources.contains_key(&child).then_some(child)?
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

/// Returns the file that a path leads to, through re-exports.
fn defining(
    path: &[String],
    sources: &BTreeMap<Module, Vec<String>>,
    exports: &BTreeMap<Module, BTreeMap<String, Module>>,
    hops: usize,
) -> std::option::IntoIter<Module> {
    for length in (1..=path.len()).rev() {
        let (file, rest) = path.split_at(length);
        if !sources.contains_key(file) {
            continue;
        }
        let through = rest
            .first()
            .and_then(|name| exports.get(file)?.get(name))
            .filter(|to| hops > 0 && to.as_slice() != path);
        return match through {
            Some(to) => defining(
                &[to.as_slice(), &rest[1..]].concat(),
                sources,
                exports,
                hops - 1,
            ),
            None => Some(file.to_vec()).into_iter(),
        };
    }
    None.into_iter()
}

/// Describes the circles between files, and between what lies side by side in a folder.
fn circles(arrows: &Arrows) -> Vec<String> {
    let mut found: Vec<String> = circle(arrows)
        .map(|files| format!("files: {}", joined(&files)))
        .into_iter()
        .collect();
    let mut folders: BTreeMap<Module, Arrows> = BTreeMap::new();
    for (file, targets) in arrows {
        for to in targets {
            let shared = file.iter().zip(to).take_while(|(a, b)| a == b).count();
            // From a folder's own file to one in it, or the other way, is no arrow between
            // neighbours.
            if let (Some(from), Some(to)) = (file.get(shared), to.get(shared)) {
                let level = folders.entry(file[..shared].to_vec()).or_default();
                level
                    .entry(vec![from.clone()])
                    .or_default()
                    .insert(vec![to.clone()]);
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
            return Some([&path[begin..], std::slice::from_ref(at)].concat());
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

/// Describes the arrows that go up, and those that are forbidden otherwise.
fn upward(arrows: &Arrows) -> Vec<String> {
    let row = |name: &str| ROWS.iter().position(|row| row.contains(&name));
    let mut wrong = Vec::new();
    for (file, targets) in arrows {
        for to in targets {
            let (from, into) = (file[0].as_str(), to[0].as_str());
            let said = match (row(from), row(into)) {
                _ if from == into => continue,
                (None, _) => format!("`{from}` stands in no row of the drawing"),
                (_, None) => format!("`{into}` stands in no row of the drawing"),
                (Some(above), Some(below)) if above > below => "goes up".to_owned(),
                _ if FORBIDDEN.contains(&(from, into)) => "is forbidden".to_owned(),
                _ => continue,
            };
            wrong.push(format!("{} -> {}: {said}", file.join("::"), to.join("::")));
        }
    }
    wrong
}
