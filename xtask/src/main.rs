//! Developer commands: `cargo xtask`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod check;
mod component;
mod debian;
mod demo;
mod directives;
mod dist;
mod documents;
mod e2e;
mod eval;
mod family;
mod fuzz;
mod guests;
mod manifest;
mod nesting;
mod node;
mod place;
mod plugin;
mod process;
mod programs;
mod stand_ins;
mod style;
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
        /// Compiler for the component
        #[arg(long, value_enum, default_value_t)]
        toolchain: Choice,
    },
    /// Build the guests among the tests (tests/guests/*) as components: target/guests/*.wasm
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
    /// Try the programs with clients that others have made
    E2e {
        /// Compiler for the component
        #[arg(long, value_enum, default_value_t)]
        toolchain: Choice,
        /// Take what cannot be tried here for a failure
        #[arg(long)]
        strict: bool,
        /// Only these steps
        #[arg(value_enum)]
        steps: Vec<e2e::Step>,
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

fn main() -> ExitCode {
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
        Command::E2e {
            toolchain,
            strict,
            steps,
        } => e2e::run(toolchain, &steps, strict),
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
