//! Entry point of the `crm-harness` command.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
