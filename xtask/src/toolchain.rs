//! Finding (and where it may, installing) a compiler that builds for `wasm32-unknown-unknown`.
//!
//! Two compilers will do: rustup's with that target, or Debian's `rustc-web`, which builds the
//! standard library itself. The second needs nothing but Debian's package archive and crates.io.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::{debian, process};

/// The target of the component: its standard library imports nothing.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's compiler, its sources for the standard library, and the linker.
const DEBIAN_PACKAGES: [&str; 5] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-llvm",
    "lld-22",
];

/// The longest that rustup may take to fetch the target; without a way out it would retry for
/// minutes.
const RUSTUP_LIMIT: Duration = Duration::from_secs(60);

/// The caller's choice of a compiler.
#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Choice {
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
pub enum Toolchain {
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
    pub fn find(choice: Choice) -> Result<Self> {
        let rustup = choice != Choice::Debian;
        let debian = choice != Choice::Rustup;
        if rustup && active_has_target() {
            return Ok(Self::Active);
        }
        if debian && debian::missing(&DEBIAN_PACKAGES).is_empty() {
            return Ok(Self::Debian);
        }
        if rustup && rustup_adds_target() {
            return Ok(Self::Active);
        }
        if debian && debian::install(&DEBIAN_PACKAGES)? {
            return Ok(Self::Debian);
        }
        bail!(advice(choice));
    }

    /// A `cargo` that uses this compiler. The caller says what to build; [`Self::arguments`] go
    /// behind the subcommand.
    pub fn cargo(self) -> Command {
        match self {
            Self::Active => process::cargo(),
            Self::Debian => {
                let mut cargo = process::outside_rustup("/usr/bin/cargo");
                cargo.env("RUSTC", "/usr/bin/rustc");
                // Building the standard library is unstable; this compiler is pinned by the
                // distribution, so it stays what it is.
                cargo.env("RUSTC_BOOTSTRAP", "1");
                cargo
            }
        }
    }

    /// Options of `cargo build` that this compiler needs.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Active => &[],
            Self::Debian => &["-Z", "build-std=std,panic_abort"],
        }
    }

    /// Folder below the target directory that keeps the artefacts of different compilers apart;
    /// none is cargo's usual place.
    pub fn subfolder(self) -> Option<&'static str> {
        match self {
            Self::Active => None,
            Self::Debian => Some("debian"),
        }
    }

    /// For people: which compiler, and where its standard library comes from.
    pub fn describe(self) -> String {
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

/// Returns true if the active compiler has a standard library for the target.
pub fn active_has_target() -> bool {
    let folder =
        process::answer(active_rustc().args(["--print", "target-libdir", "--target", TARGET]));
    folder.is_some_and(|folder| {
        fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
    })
}

fn rustup_adds_target() -> bool {
    // Only a process that rustup's own cargo started has this; another compiler would not see what
    // rustup installs.
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

fn advice(choice: Choice) -> String {
    let rustup = format!("  rustup target add {TARGET}");
    let debian = format!("  {}", debian::command(&DEBIAN_PACKAGES));
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
