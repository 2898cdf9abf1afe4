//! Finding (and where it may, installing) a compiler that builds for `wasm32-unknown-unknown`.
//!
//! Two compilers will do: rustup's with that target, or Debian's `rustc-web`, which builds the standard library itself.
//! The second needs nothing but Debian's package archive and crates.io.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::process;

/// The target of the component: its standard library imports nothing.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's compiler, its sources for the standard library, and the linker.
const DEBIAN_PACKAGES: [&str; 5] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-llvm",
    "lld-22",
];

/// How long rustup may take to fetch the target; without a way out it would retry for minutes.
const RUSTUP_LIMIT: Duration = Duration::from_secs(60);

/// Which compiler the caller wants.
#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Choice {
    /// rustup's if it has the target or can fetch it, else Debian's
    #[default]
    Auto,
    /// rustup's toolchain with the wasm32-unknown-unknown target
    Rustup,
    /// Debian's rustc-web, building the standard library too
    Debian,
}

/// A compiler that is ready to build for [`TARGET`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The compiler that also builds everything else, with the target installed.
    Active,
    /// /usr/bin/rustc of the package `rustc-web`.
    Debian,
}

impl Toolchain {
    /// Finds one that is ready; if there is none, tries to install what is missing.
    ///
    /// # Errors
    /// Says which commands a person has to run when none can be had.
    pub(crate) fn find(choice: Choice) -> Result<Self> {
        let rustup = choice != Choice::Debian;
        let debian = choice != Choice::Rustup;
        if rustup && active_has_target() {
            return Ok(Self::Active);
        }
        if debian && debian_missing().is_empty() {
            return Ok(Self::Debian);
        }
        if rustup && rustup_adds_target() {
            return Ok(Self::Active);
        }
        if debian && install_debian_packages()? {
            return Ok(Self::Debian);
        }
        bail!(advice(choice));
    }

    /// A `cargo` that uses this compiler. The caller says what to build; [`Self::arguments`] go behind the subcommand.
    pub(crate) fn cargo(self) -> Command {
        match self {
            Self::Active => process::cargo(),
            Self::Debian => {
                let mut cargo = process::outside_rustup("/usr/bin/cargo");
                cargo.env("RUSTC", "/usr/bin/rustc");
                // Building the standard library is unstable; this compiler is pinned by the distribution, so it stays what it is.
                cargo.env("RUSTC_BOOTSTRAP", "1");
                cargo
            }
        }
    }

    /// Options of `cargo build` that this compiler needs.
    pub(crate) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Active => &[],
            Self::Debian => &["-Z", "build-std=std,panic_abort"],
        }
    }

    /// Folder below the target directory that keeps the artefacts of different compilers apart; none is cargo's usual place.
    pub(crate) fn subfolder(self) -> Option<&'static str> {
        match self {
            Self::Active => None,
            Self::Debian => Some("debian"),
        }
    }

    /// For people: which compiler, and where its standard library comes from.
    pub(crate) fn describe(self) -> String {
        let version = match self {
            Self::Active => process::answer(active_rustc().arg("--version")),
            Self::Debian => {
                process::answer(process::outside_rustup("/usr/bin/rustc").arg("--version"))
            }
        };
        let version = version.unwrap_or_else(|| "rustc of unknown version".to_owned());
        match self {
            Self::Active => format!("{version}, with the target {TARGET}"),
            Self::Debian => {
                format!("{version} (Debian's rustc-web), standard library built from its sources")
            }
        }
    }
}

/// `rustc` of the toolchain that runs this program.
fn active_rustc() -> Command {
    Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// Whether the active compiler has a standard library for the target.
pub(crate) fn active_has_target() -> bool {
    let folder =
        process::answer(active_rustc().args(["--print", "target-libdir", "--target", TARGET]));
    folder.is_some_and(|folder| {
        fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
    })
}

fn rustup_adds_target() -> bool {
    // Only a process that rustup's own cargo started has this; another compiler would not see what rustup installs.
    let Some(toolchain) = std::env::var_os("RUSTUP_TOOLCHAIN") else {
        return false;
    };
    let mut rustup = Command::new("rustup");
    rustup
        .args(["target", "add", TARGET, "--toolchain"])
        .arg(toolchain);
    if process::answer(Command::new("rustup").arg("--version")).is_none() {
        return false;
    }
    eprintln!("The target {TARGET} is not installed; asking rustup for it.");
    if process::succeeds_within(&mut rustup, RUSTUP_LIMIT) && active_has_target() {
        return true;
    }
    eprintln!("rustup could not fetch it.");
    false
}

/// The packages of [`DEBIAN_PACKAGES`] that are not installed; all of them where there is no dpkg.
fn debian_missing() -> Vec<&'static str> {
    let status = |package| {
        process::answer(Command::new("dpkg-query").args([
            "--show",
            "--showformat",
            "${Status}",
            package,
        ]))
    };
    DEBIAN_PACKAGES
        .into_iter()
        .filter(|package| status(package).as_deref() != Some("install ok installed"))
        .collect()
}

/// Installs the missing packages where that is possible without asking anybody: as root, on a system whose archive has them.
fn install_debian_packages() -> Result<bool> {
    let root = process::answer(Command::new("id").arg("-u")).as_deref() == Some("0");
    if !root || !Path::new("/etc/debian_version").exists() {
        return Ok(false);
    }
    if !archive_has_packages() {
        eprintln!("Reading the list of Debian packages.");
        process::run(apt_get().arg("update").arg("--quiet=2"))?;
        if !archive_has_packages() {
            return Ok(false);
        }
    }
    let missing = debian_missing();
    eprintln!("Installing Debian's {}.", missing.join(", "));
    process::run(
        apt_get()
            .args(["install", "--quiet=2", "--yes", "--no-install-recommends"])
            .args(missing),
    )?;
    Ok(debian_missing().is_empty())
}

fn archive_has_packages() -> bool {
    DEBIAN_PACKAGES.into_iter().all(|package| {
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

fn advice(choice: Choice) -> String {
    let rustup = format!("  rustup target add {TARGET}");
    let debian = format!(
        "  apt-get update && apt-get install --yes --no-install-recommends {}",
        DEBIAN_PACKAGES.join(" ")
    );
    let (ways, commands) = match choice {
        Choice::Auto => (
            "one of these",
            format!("{rustup}\n{debian}   (Debian, as root)"),
        ),
        Choice::Rustup => ("this", rustup),
        Choice::Debian => ("this, as root on Debian,", debian),
    };
    format!("no compiler here builds for {TARGET}. Run {ways} and try again:\n{commands}")
}
