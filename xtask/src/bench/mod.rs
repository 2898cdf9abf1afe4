//! `cargo xtask bench`: the figures that this project promises, measured side by side in one run
//! and printed as tables.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;

use crate::toolchain::{Choice, Toolchain};
use crate::workspace::Workspace;
use crate::{component, guests, process, programs};

mod peers;
mod server;
mod table;

/// A group of figures.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// The component beside the same code natively, the gate, plans, start and memory of the
    /// harness
    Figures,
    /// The MCP server beside others for the same CRM, over standard input and output
    Peers,
    /// The MCP server over HTTP with many clients at once
    Http,
}

/// The programs that were built for release.
struct ReleaseBuild {
    workspace: Workspace,
    component: PathBuf,
    harness: PathBuf,
    stand_in: PathBuf,
}

/// Builds everything for release and measures the groups, all of them if none is named.
pub(crate) fn run(choice: Choice, groups: &[Group]) -> Result<ExitCode> {
    let groups = if groups.is_empty() {
        Group::value_variants()
    } else {
        groups
    };
    let built = build(choice)?;
    for group in groups {
        match group {
            Group::Figures => figures(&built, choice)?,
            Group::Peers => peers::run(&built)?,
            Group::Http => http(&built)?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn build(choice: Choice) -> Result<ReleaseBuild> {
    let workspace = Workspace::find()?;
    let toolchain = Toolchain::find(choice)?;
    let component = component::build_skill(&workspace, toolchain)?.path;
    let programs = programs::release(&workspace)?;
    Ok(ReleaseBuild {
        workspace,
        component,
        harness: programs.join("crm-harness"),
        stand_in: programs.join("crm-stand-in"),
    })
}

/// The benchmark of the crate `crm-tests`, which prints its own table.
fn figures(built: &ReleaseBuild, choice: Choice) -> Result<()> {
    guests::build_all(&built.workspace, Toolchain::find(choice)?)?;
    let mut bench = process::cargo();
    bench
        .current_dir(built.workspace.root())
        .args([
            "bench",
            "--locked",
            "--package",
            "crm-tests",
            "--bench",
            "figures",
        ])
        .env("CRM_COMPONENT", &built.component)
        .env("CRM_GUESTS", built.workspace.guests())
        .env("CRM_HARNESS_BIN", &built.harness)
        .env("CRM_STAND_IN_BIN", &built.stand_in);
    process::run(&mut bench)
}

/// The test of the HTTP front that is too long for every day. It says what it has measured of the
/// program that was built for release, and fails at the first error; its own clients are built as
/// tests are.
fn http(built: &ReleaseBuild) -> Result<()> {
    let mut test = process::cargo();
    test.current_dir(built.workspace.root())
        .args(["test", "--workspace", "--locked"])
        .args(["--test", "mcp_load", "--", "--ignored", "--nocapture"])
        .env("CRM_HARNESS_BIN", &built.harness);
    process::run(&mut test)
}
