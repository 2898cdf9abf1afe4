//! The program around [`embedding::run`].

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use clap::Parser as _;
use embedding::Options;

// One thread: a call mostly waits.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    embedding::run(&Options::parse(), &mut std::io::stdout().lock()).await
}
