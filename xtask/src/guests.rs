//! `cargo xtask guests`: the small components among the tests, each a cdylib crate below
//! tests/guests.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use cargo_metadata::Package;

use crate::component::{self, Built};
use crate::toolchain::{Choice, Toolchain};
use crate::workspace::Workspace;

/// Builds them all and lists them.
pub(crate) fn run(choice: Choice) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    if folders(&workspace).is_empty() {
        println!("There are no guests in tests/guests.");
        return Ok(ExitCode::SUCCESS);
    }
    let toolchain = Toolchain::find(choice)?;
    for built in build_all(&workspace, toolchain)? {
        println!("{}  {} bytes", built.path.display(), built.bytes);
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds every guest to `<target>/guests/<package with _ for ->.wasm`; of a package that is no
/// cdylib itself, every cdylib example to `<package>_<example>.wasm`.
///
/// A guest's WIT package is the folder `wit` beside its Cargo.toml, or the one that its
/// `[package.metadata.component] wit = "..."` names.
pub(crate) fn build_all(workspace: &Workspace, toolchain: Toolchain) -> Result<Vec<Built>> {
    let home = home(workspace);
    let members = workspace.members_below(&home);
    for folder in folders(workspace) {
        if !members.iter().any(|member| folder_of(member) == folder) {
            bail!(
                "{} is no member of the workspace; add it to `members` in the root Cargo.toml",
                folder.display()
            );
        }
    }
    build_members(workspace, toolchain, &members)
}

/// Builds the guest of one package.
///
/// # Errors
/// When no guest has this name, or it does not build.
pub(crate) fn build_one(
    workspace: &Workspace,
    toolchain: Toolchain,
    package: &str,
) -> Result<Vec<Built>> {
    let mut members = workspace.members_below(&home(workspace));
    members.retain(|member| member.name == package);
    if members.is_empty() {
        bail!("tests/guests has no package `{package}`");
    }
    build_members(workspace, toolchain, &members)
}

fn build_members(
    workspace: &Workspace,
    toolchain: Toolchain,
    members: &[&Package],
) -> Result<Vec<Built>> {
    let mut built = Vec::new();
    for &member in members {
        let (name, wit) = (&member.name, wit_of(member));
        if member.targets.iter().any(cargo_metadata::Target::is_cdylib) {
            let out = workspace
                .guests()
                .join(format!("{}.wasm", name.replace('-', "_")));
            built.push(component::build(workspace, toolchain, name, &wit, &out)?);
        } else {
            built.extend(component::build_examples(
                workspace,
                toolchain,
                name,
                &wit,
                &workspace.guests(),
            )?);
        }
    }
    Ok(built)
}

/// Names of the packages that are compiled for the sandbox alone: the skill's component and the
/// guests.
pub(crate) fn sandboxed(workspace: &Workspace) -> Vec<String> {
    let guests = workspace.members_below(&home(workspace));
    std::iter::once(component::PACKAGE.to_owned())
        .chain(guests.into_iter().map(|guest| guest.name.to_string()))
        .collect()
}

fn home(workspace: &Workspace) -> PathBuf {
    workspace.root().join("tests/guests")
}

/// The folders of tests/guests that hold a crate.
pub(crate) fn folders(workspace: &Workspace) -> Vec<PathBuf> {
    let Ok(entries) = home(workspace).read_dir() else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|folder| folder.join("Cargo.toml").is_file())
        .collect()
}

fn folder_of(package: &Package) -> &Path {
    let manifest = package.manifest_path.as_std_path();
    manifest.parent().unwrap_or(manifest)
}

fn wit_of(package: &Package) -> PathBuf {
    let named = package
        .metadata
        .pointer("/component/wit")
        .and_then(|wit| wit.as_str());
    folder_of(package).join(named.unwrap_or("wit"))
}
