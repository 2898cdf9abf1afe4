//! `cargo xtask check`: what must hold before a change is taken, short of the tests.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::toolchain::{self, TARGET};
use crate::workspace::{self, Workspace};
use crate::{fuzz, guests, manifest, process, python, style};

/// The release of cargo-deny that reads deny.toml. It builds with this workspace's compiler.
const CARGO_DENY: &str = "0.20.2";
/// The release of typos that reads _typos.toml, as PyPI has it, and the oldest Python 3 for it.
const TYPOS: (&str, u32) = ("1.52.0", 8);

/// A check that `cargo xtask check` runs.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckKind {
    /// The layout of the code (rustfmt)
    Fmt,
    /// The language: doc summaries, test names, width of comments, names of types
    Style,
    /// Spelling, in code and pages (typos)
    Typos,
    /// The documentation of the crates: links that lead nowhere, and other warnings of rustdoc
    Doc,
    /// Warnings of the compiler and of clippy, for this machine
    Clippy,
    /// The same for what is built for the sandbox
    ClippyWasm,
    /// The manifest's list of trusted documents
    Manifest,
    /// Licences, sources and bans of the dependencies (cargo-deny)
    Deny,
    /// Properties of the gate over a few thousand made-up inputs each (`cargo xtask fuzz` runs
    /// more)
    Fuzz,
}

enum CheckOutcome {
    Passed,
    /// Not run, for this reason.
    Skipped(String),
}

/// Runs the checks, all of them if none is named, and fails at the end if one did.
pub(crate) fn run(checks: &[CheckKind]) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let checks = if checks.is_empty() {
        CheckKind::value_variants()
    } else {
        checks
    };
    let mut code = ExitCode::SUCCESS;
    let mut report = Vec::new();
    for &check in checks {
        let start = Instant::now();
        let name = name(check);
        eprintln!("== {name}");
        let outcome = match run_check(check, &workspace) {
            Ok(CheckOutcome::Passed) => "passed".to_owned(),
            Ok(CheckOutcome::Skipped(reason)) => format!("skipped: {reason}"),
            Err(error) => {
                eprintln!("error: {error:#}");
                code = ExitCode::FAILURE;
                "failed".to_owned()
            }
        };
        report.push(format!(
            "{name:<12} {:>8}  {outcome}",
            process::seconds(start)
        ));
    }
    println!("{}", report.join("\n"));
    Ok(code)
}

fn name(check: CheckKind) -> String {
    let value = check.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

fn run_check(check: CheckKind, workspace: &Workspace) -> Result<CheckOutcome> {
    let mut cargo = process::cargo();
    cargo.current_dir(workspace.root());
    match check {
        CheckKind::Fmt => {
            process::run(cargo.args(["fmt", "--all", "--check"])).context("run `cargo fmt`")?
        }
        CheckKind::Style => style::run(workspace.root())?,
        CheckKind::Typos => return typos(workspace),
        CheckKind::Doc => {
            cargo.env("RUSTDOCFLAGS", "--deny warnings");
            process::run(cargo.args(["doc", "--workspace", "--no-deps", "--locked"]))?;
        }
        CheckKind::Clippy => {
            cargo.args(["clippy", "--workspace", "--all-targets", "--locked"]);
            process::run(cargo.args(["--", "--deny", "warnings"]))?;
        }
        CheckKind::ClippyWasm => return clippy_wasm(cargo, workspace),
        CheckKind::Manifest => {
            manifest::run(true)?;
        }
        CheckKind::Fuzz => fuzz::round(workspace, 2_000)?,
        CheckKind::Deny => {
            let deny = cargo_deny(workspace)?;
            let mut command = process::cargo_tool(&deny);
            command.current_dir(workspace.root());
            process::run(command.args([
                "--locked",
                "check",
                "--hide-inclusion-graph",
                "bans",
                "licenses",
                "sources",
            ]))?;
        }
    }
    Ok(CheckOutcome::Passed)
}

/// Runs typos of the wanted release: the one on the search path, or one that is installed once for
/// all clones.
fn typos(workspace: &Workspace) -> Result<CheckOutcome> {
    let (version, minor) = TYPOS;
    let wanted = format!("typos-cli {version}");
    let on_path = process::answer(Command::new("typos").arg("--version"));
    let program = if on_path.is_some_and(|is| is == wanted) {
        PathBuf::from("typos")
    } else {
        let cache = workspace::cache()?.join("python");
        match python::package(&cache, "typos", version, minor) {
            Ok(bin) => bin.join("typos"),
            Err(error) => return Ok(CheckOutcome::Skipped(format!("{error:#}"))),
        }
    };
    process::run(Command::new(program).current_dir(workspace.root()))?;
    Ok(CheckOutcome::Passed)
}

fn clippy_wasm(mut cargo: Command, workspace: &Workspace) -> Result<CheckOutcome> {
    if !toolchain::active_has_target() {
        return Ok(CheckOutcome::Skipped(format!(
            "the toolchain with clippy has no target {TARGET} (`rustup target add {TARGET}`)"
        )));
    }
    cargo.args([
        "clippy",
        "--locked",
        "--lib",
        "--examples",
        "--target",
        TARGET,
    ]);
    for package in guests::sandboxed(workspace) {
        cargo.args(["--package", &package]);
    }
    process::run(cargo.args(["--", "--deny", "warnings"]))?;
    Ok(CheckOutcome::Passed)
}

/// A cargo-deny of the wanted release: the one on the search path, or one that is installed once
/// for all clones.
fn cargo_deny(workspace: &Workspace) -> Result<PathBuf> {
    let wanted = format!("cargo-deny {CARGO_DENY}");
    let is_wanted = |program: &Path| {
        process::answer(Command::new(program).arg("--version")).is_some_and(|is| is == wanted)
    };
    let on_path = PathBuf::from("cargo-deny");
    if is_wanted(&on_path) {
        return Ok(on_path);
    }
    let root = workspace::cache()?
        .join("tools")
        .join(wanted.replace(' ', "-"));
    let own = root
        .join("bin")
        .join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if is_wanted(&own) {
        return Ok(own);
    }
    eprintln!(
        "Installing {wanted} in {}; that takes some minutes, once.",
        root.display()
    );
    let mut cargo = process::cargo();
    cargo
        .args(["install", "cargo-deny", "--locked", "--force", "--debug"])
        .args(["--version", CARGO_DENY])
        .arg("--root")
        .arg(&root)
        .arg("--target-dir")
        .arg(workspace.target().join("tools"))
        // It runs for a second: what counts is how soon it is built.
        .env("CARGO_PROFILE_DEV_DEBUG", "false");
    process::run(&mut cargo)?;
    if !is_wanted(&own) {
        bail!(
            "{} is not {wanted}; remove {} and try again",
            own.display(),
            root.display()
        );
    }
    Ok(own)
}
