//! Figures of the repository's language: the beginnings of doc summaries, the length of test names,
//! the width of comments, names that two types of a crate share, and crates that may panic.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

mod items;

use items::Named;
use source_checks::source::{Source, Syntax};

/// Beginnings of a summary that asks instead of saying what it documents.
const QUESTIONS: [&str; 10] = [
    "what", "whether", "who", "whom", "whose", "which", "how", "where", "when", "why",
];
/// The percentage of summaries that may begin with one of [`QUESTIONS`], exclusive.
const QUESTIONS_PERCENT: usize = 5;
/// The longest that half of all test names may be.
const TEST_NAME: usize = 45;
/// The width of lines with a comment.
const COLUMNS: usize = 100;
/// Type names so plain that a crate's modules may each have one.
const PLAIN: [&str; 5] = ["Builder", "Case", "Config", "Error", "Options"];
/// Folders that are not the repository's own text, or are kept as they once were.
const SKIPPED: [&str; 4] = ["target", "data", "deps", "node_modules"];
/// The lints that each root of a crate turns on. The workspace cannot: it would reach the tests.
const NO_PANIC: [&str; 4] = [
    "clippy::expect_used",
    "clippy::indexing_slicing",
    "clippy::panic",
    "clippy::unwrap_used",
];
/// Crates of test code alone, which fails by panicking.
const TEST_CRATES: [&str; 2] = ["tests/src", "tests/guests/hostile/src"];
/// The number of findings that are listed for a figure.
const LISTED: usize = 20;

/// The findings in some files.
#[derive(Default)]
struct Figures {
    summaries: usize,
    /// Places and texts of summaries that begin with a question.
    questions: Vec<String>,
    /// Lengths of the test names.
    tests: Vec<usize>,
    /// Places and names of tests that are longer than half of them may be.
    long_tests: Vec<String>,
    /// Places of lines that are too wide.
    wide: Vec<String>,
    /// Roots of crates without a lint against panics.
    roots: Vec<String>,
    /// Places of types by crate and name.
    types: BTreeMap<(String, String), Vec<String>>,
}

/// Measures all files below `root`, prints the figures, and fails if one is out of bounds.
///
/// # Errors
/// Names the figures and their first findings, or a file that cannot be read.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut paths = Vec::new();
    collect(root, &mut paths)?;
    paths.sort();
    let mut figures = Figures::default();
    for path in paths {
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let place = path.strip_prefix(root).unwrap_or(&path);
        figures.add(place, &text, &crate_of(root, place));
    }
    let (report, faults) = figures.judge();
    print!("{report}");
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    Ok(())
}

/// Gathers the files of known syntax below a folder, without links and hidden folders.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind = entry.file_type()?;
        if kind.is_dir() && !name.starts_with('.') && !SKIPPED.contains(&&*name) {
            collect(&entry.path(), paths)?;
        } else if kind.is_file() && syntax(&entry.path()).is_some() {
            paths.push(entry.path());
        }
    }
    Ok(())
}

fn syntax(path: &Path) -> Option<Syntax> {
    match path.extension()?.to_str()? {
        "rs" | "wit" | "cedar" | "cedarschema" => Some(Syntax::Slashes),
        "toml" => Some(Syntax::Hash),
        _ => None,
    }
}

/// Returns the folder of a package with the first folder in it: tests do not share names with what
/// they test.
fn crate_of(root: &Path, place: &Path) -> String {
    let package = place
        .ancestors()
        .skip(1)
        .find(|folder| root.join(folder).join("Cargo.toml").is_file())
        .unwrap_or_else(|| Path::new(""));
    let below = place.strip_prefix(package).unwrap_or(place);
    let first = below.components().next();
    let part = first.map_or(package.to_owned(), |first| package.join(first));
    part.display().to_string()
}

impl Figures {
    fn add(&mut self, place: &Path, text: &str, of_crate: &str) {
        let Some(syntax) = syntax(place) else { return };
        let source = Source::read(text, syntax);
        let at = |line: usize| format!("{}:{line}", place.display());
        self.add_widths(text, &source, at);
        for summary in source.summaries() {
            self.summaries += 1;
            if is_question(summary.body()) {
                let found = format!("{} {}", at(summary.line), summary.body());
                self.questions.push(found);
            }
        }
        if place.extension().is_none_or(|extension| extension != "rs") {
            return;
        }
        let root = place.ends_with("src/lib.rs") || place.ends_with("src/main.rs");
        if root && !TEST_CRATES.contains(&of_crate) {
            let missing = NO_PANIC.iter().filter(|lint| !source.code.contains(*lint));
            self.roots
                .extend(missing.map(|lint| format!("{} {lint}", place.display())));
        }
        for Named { name, line } in items::tests(&source.code) {
            let length = name.chars().count();
            self.tests.push(length);
            if length > TEST_NAME {
                self.long_tests.push(format!("{} {name}", at(line)));
            }
        }
        for Named { name, line } in items::types(&source.code) {
            let key = (of_crate.to_owned(), name);
            self.types.entry(key).or_default().push(at(line));
        }
    }

    fn add_widths(&mut self, text: &str, source: &Source, at: impl Fn(usize) -> String) {
        let lines: Vec<&str> = text.lines().collect();
        for comment in &source.comments {
            let ends = comment.line + comment.text.matches('\n').count();
            for number in comment.line..=ends {
                let line = lines.get(number - 1).copied().unwrap_or_default();
                // A single word, such as an address, cannot be wrapped, nor can a row of a table.
                let one_word = line.split_whitespace().count() <= 2;
                let row = line.trim_end().ends_with('|');
                if line.chars().count() > COLUMNS && !one_word && !row {
                    self.wide.push(at(number));
                }
            }
        }
    }

    /// Returns a line for each figure, and a text for each that is out of bounds.
    fn judge(&self) -> (String, Vec<String>) {
        let mut report = String::new();
        let mut faults = Vec::new();
        let mut line = |what: &str, figure: String| {
            // Writing to a string does not fail.
            let _ = writeln!(report, "{what:<44} {figure}");
        };

        let (asking, all) = (self.questions.len(), self.summaries);
        let tenths = (asking * 1000).checked_div(all).unwrap_or_default();
        let percent = format!("{}.{} %", tenths / 10, tenths % 10);
        line(
            "doc summaries that begin with a question",
            format!("{asking} of {all}, {percent} (below {QUESTIONS_PERCENT} %)"),
        );
        if asking > 0 && asking * 100 >= all * QUESTIONS_PERCENT {
            faults.push(fault(
                &format!("{percent} of the doc summaries begin with a question; begin with a verb or a noun that classifies"),
                &self.questions,
            ));
        }

        let median = median(&self.tests);
        line(
            "test names, median length",
            format!(
                "{median} of {} tests, {} longer than {TEST_NAME} (at most {TEST_NAME})",
                self.tests.len(),
                self.long_tests.len()
            ),
        );
        if median > TEST_NAME {
            faults.push(fault(
                &format!("half of the test names are longer than {TEST_NAME} characters; name the behaviour and put the sentence in the doc comment"),
                &self.long_tests,
            ));
        }

        line(
            &format!("comment lines over {COLUMNS} columns"),
            self.wide.len().to_string(),
        );
        if !self.wide.is_empty() {
            faults.push(fault(
                &format!("comment lines are wider than {COLUMNS} columns; wrap them"),
                &self.wide,
            ));
        }

        line(
            "lints against panics missing in a root",
            self.roots.len().to_string(),
        );
        if !self.roots.is_empty() {
            faults.push(fault(
                "roots of crates lack a lint against panics; add it to `#![warn(...)]`",
                &self.roots,
            ));
        }

        let shared: Vec<_> = self.types.iter().filter(|(_, at)| at.len() > 1).collect();
        let (plain, other): (Vec<_>, Vec<_>) = shared
            .into_iter()
            .partition(|((_, name), _)| PLAIN.contains(&name.as_str()));
        let list = |names: &[(&(String, String), &Vec<String>)]| -> Vec<String> {
            let one = |((of_crate, name), at): &(&(String, String), &Vec<String>)| {
                format!("{name} in {of_crate}: {}", at.join(", "))
            };
            names.iter().map(one).collect()
        };
        line(
            "type names used more than once in a crate",
            format!("{}, and {} plain ones", other.len(), plain.len()),
        );
        for found in list(&plain).iter().chain(&list(&other)) {
            let _ = writeln!(report, "    {found}");
        }
        if !other.is_empty() {
            faults.push(format!(
                "{} type names are used more than once in a crate, see above; give each idea its own name: only {} are plain enough",
                other.len(),
                PLAIN.join(", ")
            ));
        }
        (report, faults)
    }
}

fn is_question(summary: &str) -> bool {
    let word = summary.split(|c: char| !c.is_alphabetic()).next();
    let word = word.unwrap_or_default().to_lowercase();
    QUESTIONS.contains(&word.trim_end_matches("ever"))
}

fn median(lengths: &[usize]) -> usize {
    let mut sorted = lengths.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// Renders what is wrong with the first findings below it.
fn fault(what: &str, findings: &[String]) -> String {
    let mut text = what.to_owned();
    for finding in findings.iter().take(LISTED) {
        let _ = write!(text, "\n    {finding}");
    }
    if let Some(more) = findings.len().checked_sub(LISTED).filter(|more| *more > 0) {
        let _ = write!(text, "\n    and {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(files: &[(&str, &str)]) -> Figures {
        let mut figures = Figures::default();
        for (place, text) in files {
            figures.add(Path::new(place), text, "one/src");
        }
        figures
    }

    fn faults(files: &[(&str, &str)]) -> Vec<String> {
        figures(files).judge().1
    }

    #[test]
    fn question_summaries_are_counted() {
        for (summary, expected) in [
            ("What it does.", true),
            ("Whether it does.", true),
            ("Whatever it does.", true),
            ("How", true),
            ("Returns what it does.", false),
            ("Whole numbers.", false),
            ("Howl.", false),
            ("`what` it does.", false),
        ] {
            assert_eq!(is_question(summary), expected, "{summary}");
        }
        let good = "/// Returns it.\nfn f() {}\n\n".repeat(19);
        let bad = "/// What it is.\n/// Where it is.\nfn g() {}\n";
        let found = faults(&[("a.rs", &good), ("b.rs", bad)]);
        assert!(
            found[0].contains("5.0 %") && found[0].contains("b.rs:1 What it is."),
            "{found:?}"
        );
        let enough = good.clone() + "/// Returns it.\nfn f() {}\n";
        assert_eq!(faults(&[("a.rs", &enough), ("b.rs", bad)]), [""; 0]);
    }

    #[test]
    fn half_of_the_test_names_may_be_long() {
        let long = format!("#[test]\nfn {}() {{}}\n", "a".repeat(46));
        let short = format!("#[test]\nfn {}() {{}}\n", "a".repeat(45));
        assert_eq!(faults(&[("a.rs", &(short.repeat(2) + &long))]), [""; 0]);
        let found = faults(&[("a.rs", &(long.repeat(2) + &short))]);
        assert!(found[0].contains("a.rs:2 aaa"), "{found:?}");
    }

    #[test]
    fn wide_comments_are_found_and_wide_strings_not() {
        let wide = "word ".repeat(20);
        let files = [
            ("a.rs", format!("fn f() {{}}\n// {wide} end\n")),
            ("b.rs", format!("const A: &str = \"// {wide}\";\n")),
            ("c.rs", format!("// https://{}\n", "a".repeat(100))),
            ("d.rs", format!("/*\n {wide} end\n*/\n")),
            ("e.toml", format!("a = \"{wide} # end\"\n# {wide} end\n")),
            ("f.md", format!("# {wide} end\n")),
        ];
        let files: Vec<(&str, &str)> = files.iter().map(|(at, text)| (*at, &**text)).collect();
        assert_eq!(figures(&files).wide, ["a.rs:2", "d.rs:2", "e.toml:2"]);
        assert_eq!(faults(&files).len(), 1);
    }

    #[test]
    fn root_without_lints_is_found() {
        let lints = format!("#![warn({})]\n", NO_PANIC.join(", "));
        assert_eq!(faults(&[("one/src/lib.rs", &lints)]), [""; 0]);
        assert_eq!(faults(&[("one/src/other.rs", "fn f() {}\n")]), [""; 0]);
        let commented = format!("// {lints}");
        let found = faults(&[("one/src/main.rs", &commented)]);
        assert!(
            found[0].contains("one/src/main.rs clippy::panic"),
            "{found:?}"
        );
    }

    #[test]
    fn shared_type_names_are_listed_unless_plain() {
        let both = "struct Entry;\nenum Error {}\n";
        let found = faults(&[("a.rs", both), ("b.rs", both)]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("1 type names"), "{found:?}");
        let report = figures(&[("a.rs", both), ("b.rs", both)]).judge().0;
        assert!(
            report.contains("    Entry in one/src: a.rs:1, b.rs:1"),
            "{report}"
        );
        assert!(report.contains("1, and 1 plain ones"), "{report}");
        assert!(
            report.contains("    Error in one/src: a.rs:2, b.rs:2"),
            "{report}"
        );
    }

    #[test]
    fn crates_are_told_apart_by_manifest_and_folder() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for (place, expected) in [
            ("xtask/src/style/mod.rs", "xtask/src"),
            ("tests/tests/plans.rs", "tests/tests"),
            ("tests/stand-ins/src/lib.rs", "tests/stand-ins/src"),
        ] {
            assert_eq!(crate_of(&root, Path::new(place)), expected);
        }
    }
}
