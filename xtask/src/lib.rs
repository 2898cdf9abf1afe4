//! Developer commands: `cargo xtask`. What is public serves the end-to-end tests beside it.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod check;
pub mod component;
mod debian;
mod demo;
mod directives;
pub mod dist;
mod documents;
mod eval;
pub mod family;
mod fuzz;
mod guests;
mod manifest;
mod nesting;
pub mod node;
pub mod place;
mod plugin;
pub mod process;
pub mod programs;
mod python;
pub mod stand_ins;
mod style;
mod test;
pub mod toolchain;
pub mod workspace;

use toolchain::Choice;

/// Builds the component, checks the repository and runs its tests.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the CRM skill as a WebAssembly component: target/component/crm_skill.wasm
    Component {
        /// Compiler for the component
        #[arg(long, value_enum, default_value_t)]
        toolchain: Choice,
    },
    /// Build the components of tests/guests and examples: target/guests/*.wasm
    Guests {
        /// Compiler for the guests
        #[arg(long, value_enum, default_value_t)]
        toolchain: Choice,
    },
    /// List the trusted documents of skill/graphql in manifests/skill.toml
    Manifest {
        /// Change nothing; fail if the list is stale
        #[arg(long)]
        check: bool,
    },
    /// Write what the OpenClaw plugin says of the component's tools: manifests/openclaw
    Plugin {
        /// Change nothing; fail if it is stale
        #[arg(long)]
        check: bool,
        /// Compiler for the component
        #[arg(long, value_enum, default_value_t)]
        toolchain: Choice,
    },
    /// Pack the OpenClaw plugin with component and harness as an npm tarball: target/dist
    Dist {
        /// Compiler for the component
        #[arg(long, value_enum, default_value_t)]
        toolchain: Choice,
    },
    /// Show the product on this machine, with an embedded stand-in for Twenty
    Demo {
        /// Compiler for the components
        #[arg(long, value_enum, default_value_t)]
        toolchain: Choice,
    },
    /// Measure the figures and print them as tables
    Bench {
        /// Compiler for the component
        #[arg(long, value_enum, default_value_t)]
        toolchain: Choice,
        /// Only these groups of them
        #[arg(value_enum)]
        groups: Vec<bench::Group>,
    },
    /// Ask a model which tools it would call for requests as people say them; the last line is the
    /// score
    Eval(eval::Options),
    /// Check layout, warnings, manifest and dependencies
    Check {
        /// Only these checks
        #[arg(value_enum)]
        checks: Vec<check::CheckKind>,
    },
    /// Try the programs with clients that others have made; `--help` lists the steps
    #[command(disable_help_flag = true)]
    E2e {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run the properties of the gate over made-up and broken input for a while
    ///
    /// The inputs know the structure of what they break (URLs, policies, bodies, answers); they are
    /// random, new in every round, and not guided by coverage. What fails is made small, printed,
    /// and kept beside the test to be run first next time.
    Fuzz {
        /// For how many minutes at least
        #[arg(long, default_value_t = 10)]
        minutes: u64,
        /// Cases of each property in one round
        #[arg(long, default_value_t = 50_000)]
        cases: u32,
    },
    /// Build everything and run all tests; the last line says how many passed and failed
    Test {
        /// Compiler for the components
        #[arg(long, value_enum, default_value_t)]
        toolchain: Choice,
    },
}

/// Runs the command that the arguments of this program name.
#[must_use]
pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Component { toolchain } => component::run(toolchain),
        Command::Guests { toolchain } => guests::run(toolchain),
        Command::Manifest { check } => manifest::run(check),
        Command::Plugin { check, toolchain } => plugin::run(toolchain, check),
        Command::Dist { toolchain } => dist::run(toolchain),
        Command::Demo { toolchain } => demo::run(toolchain),
        Command::Bench { toolchain, groups } => bench::run(toolchain, &groups),
        Command::Eval(options) => eval::run(&options),
        Command::Check { checks } => check::run(&checks),
        Command::E2e { arguments } => e2e(&arguments),
        Command::Fuzz { minutes, cases } => fuzz::run(minutes, cases),
        Command::Test { toolchain } => test::run(toolchain),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the end-to-end tests, a crate of their own: nothing else needs a WebSocket or an HTTP
/// client.
fn e2e(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let mut cargo = process::cargo();
    cargo
        .current_dir(workspace::Workspace::find()?.root())
        .args(["run", "--quiet", "--locked", "--bin", "e2e", "--"])
        .args(arguments);
    let success = process::status(&mut cargo)?.success();
    Ok(if success {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
