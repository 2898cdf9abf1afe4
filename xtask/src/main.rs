//! Developer commands: `cargo xtask`.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::main()
}
