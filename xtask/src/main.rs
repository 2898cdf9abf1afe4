//! Developer commands: `cargo xtask`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod component;
mod documents;
mod guests;
mod manifest;
mod process;
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
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Component { toolchain } => component::run(toolchain),
        Command::Guests { toolchain } => guests::run(toolchain),
        Command::Manifest { check } => manifest::run(check),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
