//! `cargo xtask e2e`: the programs against clients that others have made, each installed in the
//! cache of this user.
//!
//! A step is a function that makes checks. What it cannot check for want of something on this
//! machine is skipped with the reason, which `--strict` takes for a failure.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use xtask::node::Node;
use xtask::place::{Parts, Place};
use xtask::programs::Programs;
use xtask::toolchain::{Choice, Toolchain};
use xtask::workspace::{self, Workspace};
use xtask::{component, process};

mod clawhub;
mod conformance;
mod forwarder;
mod inspector;
mod openclaw;

/// Tries the programs with clients that others have made
#[derive(Parser)]
#[command(name = "cargo xtask e2e", bin_name = "cargo xtask e2e")]
struct Arguments {
    /// Compiler for the component
    #[arg(long, value_enum, default_value_t)]
    toolchain: Choice,
    /// Take what cannot be tried here for a failure
    #[arg(long)]
    strict: bool,
    /// Only these steps
    #[arg(value_enum)]
    steps: Vec<Step>,
}

/// A step of `cargo xtask e2e`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// The scenarios of the protocol's conformance suite that any server has to pass, over HTTP
    Conformance,
    /// The MCP Inspector's command line, over standard input and output and over HTTP
    Inspector,
    /// ClawHub's validation of the plugin's package
    Clawhub,
    /// The plugin in a real OpenClaw gateway, without a model
    Openclaw,
}

impl Step {
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn run(self, context: &Context) -> Result<Vec<Check>> {
        match self {
            Self::Conformance => conformance::run(context),
            Self::Inspector => inspector::run(context),
            Self::Clawhub => clawhub::run(context),
            Self::Openclaw => openclaw::run(context),
        }
    }
}

/// Shared context of the steps.
pub(crate) struct Context {
    pub(crate) workspace: Workspace,
    /// A Node, or why there is none.
    pub(crate) node: Result<Node, String>,
    /// Directory of cached packages, outside the repository.
    pub(crate) cache: PathBuf,
    pub(crate) harness: PathBuf,
    pub(crate) stand_in: PathBuf,
    pub(crate) component: PathBuf,
}

impl Context {
    /// The harness beside its stand-ins, in a folder of this step's own.
    pub(crate) fn place(&self, step: &str) -> Result<Place> {
        Place::new(Parts {
            harness: &self.harness,
            stand_in: &self.stand_in,
            component: &self.component,
            manifest: &self.workspace.root().join("manifests/skill.toml"),
            folder: self.workspace.target().join("e2e").join(step),
            limited: true,
        })
    }

    /// A Node and the folder with these packages, or the check that is skipped without them.
    pub(crate) fn packages(
        &self,
        folder: &str,
        packages: &[(&str, &str)],
    ) -> Result<(&Node, PathBuf), Check> {
        let skipped = |reason: String| Check::new("packages", Outcome::Skipped(reason));
        let node = self.node.as_ref().map_err(|why| skipped(why.clone()))?;
        let folder = self.cache.join(folder);
        node.packages(&folder, packages)
            .map_err(|error| skipped(format!("{error:#}")))?;
        Ok((node, folder))
    }
}

/// Something that was checked, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    name: String,
    outcome: Outcome,
}

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// With what was found instead.
    Failed(String),
    /// Something else than this server is asked for.
    DoesNotApply(String),
    /// Something is missing on this machine.
    Skipped(String),
}

impl Check {
    pub(crate) fn new(name: impl Into<String>, outcome: Outcome) -> Self {
        Self {
            name: name.into(),
            outcome,
        }
    }

    /// Passed, or failed with the error.
    pub(crate) fn of(name: impl Into<String>, result: Result<()>) -> Self {
        Self::new(name, Outcome::of(result))
    }
}

impl Outcome {
    /// Passed, or failed with the error.
    fn of(result: Result<()>) -> Self {
        match result {
            Ok(()) => Self::Passed,
            Err(error) => Self::Failed(format!("{error:#}")),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::DoesNotApply(why) => write!(f, "does not apply: {why}"),
            Self::Skipped(why) => write!(f, "skipped: {why}"),
        }
    }
}

fn main() -> ExitCode {
    run(&Arguments::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Runs the steps, all of them if none is named. The last line of the standard output sums up.
fn run(arguments: &Arguments) -> Result<ExitCode> {
    let context = context(arguments.toolchain)?;
    let steps = if arguments.steps.is_empty() {
        Step::value_variants()
    } else {
        &arguments.steps
    };
    let mut all = Vec::new();
    for step in steps {
        let name = step.name();
        eprintln!("== {name}");
        let checks = step
            .run(&context)
            .unwrap_or_else(|error| vec![Check::of("the step itself", Err(error))]);
        for check in &checks {
            println!("{name:<11}  {:<32}  {}", check.name, check.outcome);
        }
        all.extend(checks);
    }
    let tally = Tally::of(&all);
    println!("{tally}");
    Ok(if tally.is_success(arguments.strict) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn context(choice: Choice) -> Result<Context> {
    let workspace = Workspace::find()?;
    let toolchain = Toolchain::find(choice)?;
    eprintln!("== component");
    let component = component::build_skill(&workspace, toolchain)?.path;
    eprintln!("== programs");
    let programs = Programs::build(&workspace)?;
    let cache = workspace::cache()?.join("npm");
    Ok(Context {
        node: Node::ensure(&cache).map_err(|error| format!("{error:#}")),
        harness: programs.path("crm-harness")?.to_owned(),
        stand_in: programs.path("crm-stand-in")?.to_owned(),
        workspace,
        cache,
        component,
    })
}

/// Counts of checks by outcome.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: usize,
    failed: usize,
    do_not_apply: usize,
    skipped: usize,
}

impl Tally {
    fn of(checks: &[Check]) -> Self {
        let mut tally = Self::default();
        for check in checks {
            *match check.outcome {
                Outcome::Passed => &mut tally.passed,
                Outcome::Failed(_) => &mut tally.failed,
                Outcome::DoesNotApply(_) => &mut tally.do_not_apply,
                Outcome::Skipped(_) => &mut tally.skipped,
            } += 1;
        }
        tally
    }

    /// Nothing failed; with `strict` something passed and nothing was skipped.
    fn is_success(&self, strict: bool) -> bool {
        self.failed == 0 && (!strict || (self.skipped == 0 && self.passed > 0))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            do_not_apply,
            skipped,
        } = self;
        write!(
            f,
            "{passed} passed, {failed} failed, {do_not_apply} do not apply"
        )?;
        if *skipped > 0 {
            write!(f, ", {skipped} skipped")?;
        }
        Ok(())
    }
}

/// The last lines of what a program said, for a person.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let from = lines.len().saturating_sub(12);
    lines.get(from..).unwrap_or_default().join("\n")
}

/// Runs a client to its end; its output, and whether it calls itself successful.
fn finished(command: &mut std::process::Command) -> Result<std::process::Output> {
    use anyhow::Context as _;
    command
        .stdin(std::process::Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", process::shown(command)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_check_fails_only_when_strict() {
        let passed = || Check::new("a", Outcome::Passed);
        let with = |outcome| Tally::of(&[passed(), Check::new("b", outcome)]);
        for (tally, leniently, strictly) in [
            (with(Outcome::Passed), true, true),
            (with(Outcome::DoesNotApply("no".to_owned())), true, true),
            (with(Outcome::Skipped("no".to_owned())), true, false),
            (with(Outcome::Failed("no".to_owned())), false, false),
            (Tally::default(), true, false),
        ] {
            assert_eq!(tally.is_success(false), leniently, "{tally}");
            assert_eq!(tally.is_success(true), strictly, "{tally}");
        }
    }

    #[test]
    fn last_line_has_every_count() {
        let mut checks = vec![
            Check::new("a", Outcome::Passed),
            Check::new("b", Outcome::DoesNotApply("no".to_owned())),
        ];
        let shown = |checks: &[Check]| Tally::of(checks).to_string();
        assert_eq!(shown(&checks), "1 passed, 0 failed, 1 do not apply");
        checks.push(Check::new("c", Outcome::Skipped("no".to_owned())));
        checks.push(Check::of("d", Err(anyhow::anyhow!("no"))));
        assert_eq!(
            shown(&checks),
            "1 passed, 1 failed, 1 do not apply, 1 skipped"
        );
    }
}
