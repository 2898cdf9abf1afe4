//! Developer commands: `cargo xtask`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod check;
mod component;
mod demo;
mod directives;
mod documents;
mod eval;
mod fuzz;
mod guests;
mod manifest;
mod process;
mod test;
mod toolchain;
mod workspace;

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
        /// Which compiler builds it
        #[arg(long, value_enum, default_value_t)]
        toolchain: Choice,
    },
    /// Build the guests among the tests (tests/guests/*) as components: target/guests/*.wasm
    Guests {
        /// Which compiler builds them
        #[arg(long, value_enum, default_value_t)]
        toolchain: Choice,
    },
    /// List the trusted documents of skill/graphql in manifests/skill.toml
    Manifest {
        /// Change nothing; fail if the list is stale
        #[arg(long)]
        check: bool,
    },
    /// Show the product on this machine, with an embedded stand-in for Twenty
    Demo {
        /// Which compiler builds the components
        #[arg(long, value_enum, default_value_t)]
        toolchain: Choice,
    },
    /// Measure the figures and print them as one table
    Bench {
        /// Which compiler builds the component
        #[arg(long, value_enum, default_value_t)]
        toolchain: Choice,
    },
    /// Ask a model which tools it would call for requests as people say them; the last line is the score
    Eval(eval::Options),
    /// Check layout, warnings, manifest and dependencies
    Check {
        /// Only these steps
        #[arg(value_enum)]
        steps: Vec<check::Step>,
    },
    /// Run the properties of the gate over made-up and broken input for a while
    ///
    /// The inputs know the structure of what they break (URLs, policies, bodies, answers); they are random, new in every round, and
    /// not guided by coverage. What fails is made small, printed, and kept beside the test to be run first next time.
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
        /// Which compiler builds the components
        #[arg(long, value_enum, default_value_t)]
        toolchain: Choice,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Component { toolchain } => component::run(toolchain),
        Command::Guests { toolchain } => guests::run(toolchain),
        Command::Manifest { check } => manifest::run(check),
        Command::Demo { toolchain } => demo::run(toolchain),
        Command::Bench { toolchain } => bench::run(toolchain),
        Command::Eval(options) => eval::run(&options),
        Command::Check { steps } => check::run(&steps),
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
