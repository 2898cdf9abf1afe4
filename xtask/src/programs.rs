//! The programs of the workspace, built together with its tests.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;

use crate::process;
use crate::workspace::Workspace;

/// Builds the programs for release: what is handed out, measured, and measured with. Always these
/// two together, since cargo compiles everything once more for another choice of packages. The
/// folder in which they are.
pub fn release(workspace: &Workspace) -> Result<PathBuf> {
    let mut cargo = process::cargo();
    cargo
        .current_dir(workspace.root())
        .args(["build", "--release", "--locked", "--bins"])
        .args(["--package", "crm-harness", "--package", "crm-stand-in"]);
    process::run(&mut cargo)?;
    Ok(workspace.target().join("release"))
}

/// Programs that were built, each with its name.
pub struct Programs(Vec<(String, PathBuf)>);

impl Programs {
    /// Builds them in the dev profile, with the tests so that cargo compiles everything once.
    pub fn build(workspace: &Workspace) -> Result<Self> {
        let mut cargo = process::cargo();
        cargo
            .current_dir(workspace.root())
            .args(["build", "--workspace", "--bins", "--tests", "--locked"])
            .args(["--message-format", "json-render-diagnostics"])
            .stdout(Stdio::piped());
        let mut child = cargo
            .spawn()
            .with_context(|| format!("cannot start `{}`", process::shown(&cargo)))?;
        let mut programs = Vec::new();
        if let Some(output) = child.stdout.take() {
            for message in Message::parse_stream(BufReader::new(output)) {
                if let Message::CompilerArtifact(artifact) =
                    message.context("cannot read what cargo says")?
                    && artifact.target.is_bin()
                    && !artifact.profile.test
                    && artifact.target.name.starts_with("crm-")
                    && let Some(program) = artifact.executable
                {
                    programs.push((artifact.target.name, program.into()));
                }
            }
        }
        let status = child.wait()?;
        if !status.success() {
            bail!("`{}` failed ({status})", process::shown(&cargo));
        }
        Ok(Self(programs))
    }

    /// Returns the path of the program of this name.
    pub fn path(&self, name: &str) -> Result<&Path> {
        let found = self.0.iter().find(|(program, _)| program == name);
        found
            .map(|(_, path)| path.as_path())
            .with_context(|| format!("the workspace has no program `{name}`"))
    }

    /// A variable for each: `CRM_HARNESS_BIN` for `crm-harness`, `CRM_STAND_IN_BIN` for
    /// `crm-stand-in`.
    pub fn variables(&self) -> impl Iterator<Item = (String, &Path)> {
        self.0
            .iter()
            .map(|(name, path)| (variable(name), path.as_path()))
    }
}

fn variable(program: &str) -> String {
    format!("{}_BIN", program.replace('-', "_").to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_a_variable_of_its_name() {
        assert_eq!(variable("crm-stand-in"), "CRM_STAND_IN_BIN");
    }
}
