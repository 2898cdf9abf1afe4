//! Entry point of the `crm-harness` command.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
