//! ClawHub's own look at the plugin, which runs on this machine alone.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use super::{Check, Context, finished, last_lines};
use xtask::dist;

/// The release of its command line.
const VERSION: &str = "0.23.3";

/// Unpacks the tarball, as whoever installs it has it, and lets ClawHub validate it.
pub(super) fn run(context: &Context) -> Result<Vec<Check>> {
    let (node, tools) =
        match context.packages(&format!("clawhub-{VERSION}"), &[("clawhub", VERSION)]) {
            Ok(found) => found,
            Err(skipped) => return Ok(vec![skipped]),
        };
    let folder = context.workspace.target().join("e2e").join("clawhub");
    let tarball = dist::pack(
        &context.workspace,
        &context.harness,
        &context.component,
        &folder,
    )?;
    let unpacked = folder.join("unpacked");
    fs::create_dir_all(&unpacked)?;
    dist::unpack(&tarball, &unpacked)?;
    let package = unpacked.join("package");
    let validated = || {
        let mut command = node.program(&tools, "clawhub")?;
        let output = finished(
            command
                .args(["package", "validate"])
                .arg(&package)
                .current_dir(&folder),
        )?;
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        for line in ["Plugin Inspector: PASS", "Breakages: 0", "Warnings: 0"] {
            ensure!(
                output.status.success() && said.contains(line),
                "it does not say `{line}`:\n{}",
                last_lines(&said)
            );
        }
        Ok(())
    };
    let sums = || {
        let sums =
            fs::read_to_string(package.join("SHA256SUMS")).context("it has no SHA256SUMS")?;
        dist::check_sums(&package, &sums)
    };
    Ok(vec![
        Check::of("package validate", validated()),
        Check::of("every file by its digest", sums()),
    ])
}
