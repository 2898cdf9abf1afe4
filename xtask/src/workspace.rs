//! Paths in the repository and in its target directory.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand, Package};

/// The workspace that `cargo xtask` runs in.
pub struct Workspace {
    metadata: Metadata,
}

impl Workspace {
    /// Asks cargo for it, without touching the network or the lock file.
    pub fn find() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .no_deps()
            .exec()
            .context("cargo does not understand the workspace")?;
        Ok(Self { metadata })
    }

    /// The folder with the root Cargo.toml.
    pub fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// Cargo's target directory; `CARGO_TARGET_DIR` and `build.target-dir` move it.
    pub fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// The output of [`crate::component::run`]: the skill's component.
    pub fn component(&self) -> PathBuf {
        self.target().join("component").join("crm_skill.wasm")
    }

    /// The OpenClaw plugin.
    pub fn plugin(&self) -> PathBuf {
        self.root().join("manifests").join("openclaw")
    }

    /// The folder of the components of tests/guests and examples.
    pub fn guests(&self) -> PathBuf {
        self.target().join("guests")
    }

    /// The members of the workspace whose Cargo.toml lies below `folder`, sorted by name.
    pub fn members_below(&self, folder: &Path) -> Vec<&Package> {
        let mut members: Vec<&Package> = self
            .metadata
            .workspace_packages()
            .into_iter()
            .filter(|package| package.manifest_path.as_std_path().starts_with(folder))
            .collect();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        members
    }
}

/// The folder for what outlives the clones of this workspace: tools, and packages of other
/// registries.
///
/// # Errors
/// Says what to set where nobody says where caches belong.
pub fn cache() -> Result<PathBuf> {
    let set = std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty());
    let cache = set
        .map(PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".cache")))
        .context("set HOME or XDG_CACHE_HOME: tools are kept there")?;
    Ok(cache.join("crm-skill"))
}
