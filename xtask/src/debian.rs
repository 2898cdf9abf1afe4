//! Debian packages: which are missing, and installing them where that is possible without asking
//! anybody.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process;

/// Those of the packages that are not installed; all of them where there is no dpkg.
pub(crate) fn missing<'p>(packages: &[&'p str]) -> Vec<&'p str> {
    let status = |package| {
        process::answer(Command::new("dpkg-query").args([
            "--show",
            "--showformat",
            "${Status}",
            package,
        ]))
    };
    packages
        .iter()
        .copied()
        .filter(|package| status(package).as_deref() != Some("install ok installed"))
        .collect()
}

/// Installs those that are missing, as root, on a system whose archive has them; whether all are
/// there then.
pub(crate) fn install(packages: &[&str]) -> Result<bool> {
    let root = process::answer(Command::new("id").arg("-u")).as_deref() == Some("0");
    if !root || !Path::new("/etc/debian_version").exists() {
        return Ok(false);
    }
    if !archive_has(packages) {
        eprintln!("Reading the list of Debian packages.");
        process::run(apt_get().arg("update").arg("--quiet=2"))?;
        if !archive_has(packages) {
            return Ok(false);
        }
    }
    let wanted = missing(packages);
    eprintln!("Installing Debian's {}.", wanted.join(", "));
    process::run(
        apt_get()
            .args(["install", "--quiet=2", "--yes", "--no-install-recommends"])
            .args(wanted),
    )?;
    Ok(missing(packages).is_empty())
}

/// Returns the command that installs the packages.
pub(crate) fn command(packages: &[&str]) -> String {
    format!(
        "apt-get update && apt-get install --yes --no-install-recommends {}",
        packages.join(" ")
    )
}

fn archive_has(packages: &[&str]) -> bool {
    packages.iter().all(|package| {
        process::answer(Command::new("apt-cache").args(["show", "--no-all-versions", package]))
            .is_some()
    })
}

fn apt_get() -> Command {
    let mut command = process::outside_rustup("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    // What it prints is progress; the standard output belongs to the answer.
    command.stdout(std::io::stderr());
    command
}
