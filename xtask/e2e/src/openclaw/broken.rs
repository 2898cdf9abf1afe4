//! Programs in the harness's place that end before they read anything, or say what is no message:
//! the gateway lives on and is told.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Result, ensure};

use crate::{Context, finished};
use xtask::node::Node;

/// The plugin's own code, with such programs.
const SCRIPT: &str = include_str!("broken.mjs");
/// The programs: each does this and ends.
const PROGRAMS: [(&str, &str); 2] = [
    ("ends", "exit 3"),
    (
        "babbles",
        "echo null; echo 7; echo '{'; echo null >&3; echo '[]' >&3; exit 4",
    ),
];

/// Checks that a call learns of the end, and that nothing is started any more after a stop.
pub(super) fn check(context: &Context, node: &Node) -> Result<()> {
    let folder = context.workspace.target().join("e2e").join("broken");
    fs::create_dir_all(&folder)?;
    let script = folder.join("broken.mjs");
    fs::write(&script, SCRIPT)?;
    let mut command = node.command("node")?;
    command.arg(script).arg(context.workspace.plugin());
    for (name, text) in PROGRAMS {
        let program = folder.join(name);
        fs::write(&program, format!("#!/bin/sh\n{text}\n"))?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700))?;
        command.arg(program);
    }
    let output = finished(&mut command)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "the plugin's code ended with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let told: Vec<&str> = said.lines().collect();
    let as_told = told.chunks(2).all(|pair| {
        matches!(pair, [ended, after] if ended.contains("has ended (status") && after.contains("was stopped"))
    });
    ensure!(
        told.len() == 2 * PROGRAMS.len() && as_told,
        "it was told: {said}"
    );
    Ok(())
}
