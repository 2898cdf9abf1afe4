//! `cargo xtask fuzz`: the property tests of the gate, over many more inputs than the tests run.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::process;
use crate::workspace::Workspace;

/// The test program that holds properties, in each package that has one.
const PROGRAM: &str = "properties";

/// Runs rounds until the time is over; each begins with other random numbers.
pub(crate) fn run(minutes: u64, cases: u32) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let (start, time) = (Instant::now(), Duration::from_secs(minutes * 60));
    let mut rounds = 0;
    while rounds == 0 || start.elapsed() < time {
        round(&workspace, cases)?;
        rounds += 1;
    }
    println!(
        "{rounds} rounds of {cases} cases for each property, {}: nothing was found",
        process::seconds(start)
    );
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn round(workspace: &Workspace, cases: u32) -> Result<()> {
    let mut cargo = process::cargo();
    // The whole workspace, as for the tests, so that nothing is compiled twice.
    cargo
        .current_dir(workspace.root())
        .args(["test", "--workspace", "--locked"])
        .args(["--test", PROGRAM])
        .env("PROPTEST_CASES", cases.to_string());
    process::run(&mut cargo).context("the input that was found is printed above")
}
