//! A program of a Python package, in a virtual environment in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process;

/// Written last, so that an installation that was cut off is begun anew.
const STAMP: &str = ".installed";
/// Names under which a Python that is new enough may be found.
const NAMES: [&str; 4] = ["python3.14", "python3.13", "python3.12", "python3"];

/// Returns the folder of programs of a virtual environment with this version of this package.
/// `minor` is the oldest Python 3 that the package runs on.
///
/// # Errors
/// Says what is missing, or what pip said.
pub(crate) fn package(cache: &Path, name: &str, version: &str, minor: u32) -> Result<PathBuf> {
    let folder = cache.join(format!("{name}-{version}"));
    let bin = folder.join("bin");
    let stamp = folder.join(STAMP);
    if stamp.is_file() {
        return Ok(bin);
    }
    let python =
        python(minor).with_context(|| format!("there is no Python 3.{minor} or newer here"))?;
    let wanted = format!("{name}=={version}");
    eprintln!(
        "Installing {wanted} from PyPI in {}, once.",
        folder.display()
    );
    succeed(
        Command::new(python)
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    )?;
    let mut pip = Command::new(bin.join("python"));
    succeed(pip.args([
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--quiet",
        &wanted,
    ]))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(bin)
}

/// A Python that is new enough: on the search path, or one of pyenv's.
fn python(minor: u32) -> Option<PathBuf> {
    let new_enough = format!("import sys; sys.exit(sys.version_info < (3, {minor}))");
    let pyenv = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".pyenv")));
    let versions = pyenv.and_then(|root| fs::read_dir(root.join("versions")).ok());
    let versions = versions.into_iter().flatten().flatten();
    let mut own: Vec<PathBuf> = versions
        .map(|entry| entry.path().join("bin/python3"))
        .collect();
    own.sort();
    let names = NAMES.into_iter().map(PathBuf::from);
    names.chain(own.into_iter().rev()).find(|python| {
        let mut asked = Command::new(python);
        process::answer(asked.args(["-c", &new_enough])).is_some()
    })
}

fn succeed(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", process::shown(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed:\n{said}", process::shown(command));
    }
    Ok(())
}
