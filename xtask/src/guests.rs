//! `cargo xtask guests`: the small components beside the skill, each a cdylib crate below
//! tests/guests or examples.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use cargo_metadata::Package;

use crate::component::{self, Built};
use crate::toolchain::{Choice, Toolchain};
use crate::workspace::Workspace;

/// The folders with crates of which some are built as components.
const HOMES: [&str; 2] = ["tests/guests", "examples"];

/// Builds them all and lists them.
pub(crate) fn run(choice: Choice) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    if folders(&workspace).is_empty() {
        println!("There are no guests in tests/guests and examples.");
        return Ok(ExitCode::SUCCESS);
    }
    let toolchain = Toolchain::find(choice)?;
    for built in build_all(&workspace, toolchain)? {
        println!("{}  {} bytes", built.path.display(), built.bytes);
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds every guest to `<target>/guests/<package with _ for ->.wasm`; of a package that is no
/// cdylib itself, every cdylib example to `<package>_<example>.wasm`. A package with neither is no
/// guest.
///
/// A guest's WIT package is the folder `wit` beside its Cargo.toml, or the one that its
/// `[package.metadata.component] wit = "..."` names.
pub(crate) fn build_all(workspace: &Workspace, toolchain: Toolchain) -> Result<Vec<Built>> {
    let members = members(workspace);
    for folder in folders(workspace) {
        if !members.iter().any(|member| folder_of(member) == folder) {
            bail!(
                "{} is no member of the workspace; add it to `members` in the root Cargo.toml",
                folder.display()
            );
        }
    }
    build_members(workspace, toolchain, &guests_of(members))
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
    let mut guests = guests_of(members(workspace));
    guests.retain(|guest| guest.name == package);
    if guests.is_empty() {
        bail!("no package `{package}` in tests/guests or examples is built as a component");
    }
    build_members(workspace, toolchain, &guests)
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
    let guests = guests_of(members(workspace));
    std::iter::once(component::PACKAGE.to_owned())
        .chain(guests.into_iter().map(|guest| guest.name.to_string()))
        .collect()
}

/// The members of the workspace in all [`HOMES`].
fn members(workspace: &Workspace) -> Vec<&Package> {
    let homes = HOMES.iter().map(|home| workspace.root().join(home));
    homes
        .flat_map(|home| workspace.members_below(&home))
        .collect()
}

/// Those that are built as components: a program beside them, such as examples/embedding, is not.
fn guests_of(members: Vec<&Package>) -> Vec<&Package> {
    let is_guest = |package: &&Package| package.targets.iter().any(component::is_module);
    members.into_iter().filter(is_guest).collect()
}

/// The folders in all [`HOMES`] that hold a crate.
pub(crate) fn folders(workspace: &Workspace) -> Vec<PathBuf> {
    let homes = HOMES.iter().map(|home| workspace.root().join(home));
    let entries = homes.filter_map(|home| home.read_dir().ok()).flatten();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_among_the_examples_is_no_guest() {
        let workspace = Workspace::find().unwrap();
        let names = sandboxed(&workspace);
        for (package, expected) in [
            ("outsider", true),
            ("small-skill", true),
            ("embedding", false),
        ] {
            let found = names.iter().any(|name| name == package);
            assert_eq!(found, expected, "{package} in {names:?}");
        }
    }
}
