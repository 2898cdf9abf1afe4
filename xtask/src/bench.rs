//! `cargo xtask bench`: the figures that this project promises, measured side by side in one run and printed as one table.

use std::process::ExitCode;

use anyhow::Result;

use crate::toolchain::{Choice, Toolchain};
use crate::workspace::Workspace;
use crate::{component, guests, process};

/// Builds everything for release and runs the benchmark of the crate `crm-tests`, which prints the table.
pub(crate) fn run(choice: Choice) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let toolchain = Toolchain::find(choice)?;
    let component = component::build_skill(&workspace, toolchain)?;
    guests::build_all(&workspace, toolchain)?;
    let mut build = process::cargo();
    build
        .current_dir(workspace.root())
        .args(["build", "--release", "--locked"]);
    process::run(build.args([
        "--package",
        "crm-harness",
        "--package",
        "crm-stand-in",
        "--bins",
    ]))?;
    let programs = workspace.target().join("release");
    let mut bench = process::cargo();
    bench
        .current_dir(workspace.root())
        .args([
            "bench",
            "--locked",
            "--package",
            "crm-tests",
            "--bench",
            "figures",
        ])
        .env("CRM_COMPONENT", component.path)
        .env("CRM_GUESTS", workspace.guests())
        .env("CRM_HARNESS_BIN", programs.join("crm-harness"))
        .env("CRM_STAND_IN_BIN", programs.join("crm-stand-in"));
    process::run(&mut bench)?;
    Ok(ExitCode::SUCCESS)
}
