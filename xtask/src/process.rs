//! Running other programs: a clean environment, time limits and errors that name the command.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use wait_timeout::ChildExt;

/// Variables that `cargo run` sets for the program it starts, and that would reach a cargo started
/// from here as if a user had set them.
const OF_THE_OUTER_CARGO: [&str; 4] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PRIMARY_PACKAGE",
    "OUT_DIR",
];

/// Variables that bind a process to rustup's toolchain, and would pass its compiler or its
/// libraries to another one.
const OF_RUSTUP: [&str; 9] = [
    "CARGO",
    "CARGO_BUILD_RUSTC",
    "LD_LIBRARY_PATH",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTUP_TOOLCHAIN",
    "RUST_RECURSION_COUNT",
];

/// The cargo that runs this program, without the outer call's own variables.
pub fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    without_outer_variables(Command::new(program))
}

/// A program that itself runs the cargo that runs this one.
pub fn cargo_tool(program: &Path) -> Command {
    without_outer_variables(Command::new(program))
}

/// A program that is no part of rustup's toolchain.
pub fn outside_rustup(program: &str) -> Command {
    let mut command = without_outer_variables(Command::new(program));
    for name in OF_RUSTUP {
        command.env_remove(name);
    }
    command
}

fn without_outer_variables(mut command: Command) -> Command {
    for name in OF_THE_OUTER_CARGO {
        command.env_remove(name);
    }
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|n| n.starts_with("CARGO_PKG_")) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs to the end; anything but success is an error that shows the command.
pub fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs to the end and says how it ended.
pub fn status(command: &mut Command) -> Result<ExitStatus> {
    command
        .status()
        .with_context(|| format!("cannot start `{}`", shown(command)))
}

/// The standard output of a command that succeeds quickly and quietly; none if it is missing or
/// fails.
pub fn answer(command: &mut Command) -> Option<String> {
    let output = command
        .stderr(Stdio::null())
        .stdin(Stdio::null())
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// Returns true if the command succeeds, silently, within `limit`; if the time is up it is stopped.
pub fn succeeds_within(command: &mut Command, limit: Duration) -> bool {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    match child.wait_timeout(limit) {
        Ok(Some(status)) => status.success(),
        Ok(None) | Err(_) => {
            // It may have ended in this very moment; there is nothing to do about either error.
            let _ = child.kill();
            let _ = child.wait();
            false
        }
    }
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Seconds since `start`, to a tenth.
pub fn seconds(start: Instant) -> String {
    format!("{:.1} s", start.elapsed().as_secs_f64())
}
