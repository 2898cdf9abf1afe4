//! Loads a component: compiles it or takes it from the cache, checks its imports, and finds its
//! tools.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre};

use super::code_cache::{self, LoadedCode};
use super::engine::{self, CALLS_MAX, Ticker};
use super::judge_exports::{INTERFACE, JudgeExports};
use super::state::{self, StoreState};
use super::tools::{self, READ, Tool, ToolEffect, ToolError};
use super::wit_version::are_compatible;
use crate::config::{Manifest, Trust, Untrusted};
use crate::digest::hex;
use component_json::docs::{self, Docs};

/// Error of loading a component.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The component's file cannot be read.
    #[error("cannot read the component {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The operator has not accepted this component and manifest.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// The bytes are not a component, or wasmtime does not support this machine.
    #[error("this is not a component that can run here: {0:#}")]
    Compile(wasmtime::Error),
    /// The component imports an interface that no skill may have.
    #[error(
        "the component imports `{0}`, which no skill gets: it may import wasi:io, wasi:clocks, wasi:http and wasi:config alone"
    )]
    Import(String),
    /// The component imports a version of an interface that this harness does not provide.
    #[error("the component's imports do not fit this harness: {0:#}")]
    Link(wasmtime::Error),
    /// Manifest and component are of different versions or packages.
    #[error(
        "the component is of {component}, but skill.toml is for {manifest}: use the two that belong together"
    )]
    Package {
        /// The package that the component exports.
        component: String,
        /// The package that the manifest names.
        manifest: String,
    },
    /// The component exports no action.
    #[error("the component exports no interface `{0}`, so there is no action to call")]
    NoActions(String),
    /// A function that cannot be a tool.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The component proposes plans, but exports no judge of a supported version.
    #[error(
        "the component exports `{0}`, but no `claw:skill/judge` of this harness's version: it cannot say what answers mean"
    )]
    NoJudge(String),
    /// The thread of the epoch ticker cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

impl LoadError {
    /// Returns the stable error code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "component-unreadable",
            Self::Untrusted(_) => "untrusted",
            Self::Compile(_) => "component-invalid",
            Self::Import(_) => "component-import",
            Self::Link(_) => "component-link",
            Self::Package { .. } => "component-package",
            Self::NoActions(_) => "component-no-actions",
            Self::Tool(_) => "component-function",
            Self::NoJudge(_) => "component-no-judge",
            Self::Thread(_) => "thread",
        }
    }
}

/// Summary of a component, for display.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// SHA-256 of the component in hexadecimal.
    pub sha256: String,
    /// Size of the component in bytes.
    pub bytes: usize,
    /// Names of the imported interfaces.
    pub imports: Vec<String>,
    /// Exported interfaces with their functions.
    pub exports: Vec<Exported>,
}

/// An exported interface.
#[derive(Debug, Clone)]
pub struct Exported {
    /// Full name of the interface.
    pub interface: String,
    /// Names of its functions.
    pub functions: Vec<String>,
    /// Reason for which its functions are not offered as tools; `None` if they are.
    pub not_offered: Option<&'static str>,
}

/// A loaded component, ready to be called.
pub struct Skill {
    pub(super) engine: Engine,
    pub(super) instance: InstancePre<StoreState>,
    pub(super) ticker: Ticker,
    pub(super) slots: Semaphore,
    pub(super) memory_bytes: usize,
    tools: Vec<Tool>,
    indices: HashMap<String, ComponentExportIndex>,
    pub(super) judge: Option<JudgeExports>,
    inspection: Inspection,
    compiled: bool,
}

impl Skill {
    /// Loads a component from a file. `cache` is a directory for compiled code that
    /// [`crate::storage`] has checked.
    ///
    /// # Errors
    /// Returns an error if the component cannot be used.
    pub fn read(
        path: &Path,
        manifest: &Manifest,
        memory_mib: u64,
        cache: Option<&Path>,
    ) -> Result<Self, LoadError> {
        let bytes = crate::storage::read_trusted(path).map_err(|error| LoadError::Read {
            path: path.to_owned(),
            source: std::io::Error::other(error),
        })?;
        Self::load(&bytes, manifest, memory_mib, cache)
    }

    /// Loads a component.
    ///
    /// # Errors
    /// Returns an error if the component cannot be used.
    pub fn load(
        bytes: &[u8],
        manifest: &Manifest,
        memory_mib: u64,
        cache: Option<&Path>,
    ) -> Result<Self, LoadError> {
        Self::trusted(bytes, manifest, &Trust::NoOperator, memory_mib, cache)
    }

    /// Loads a component if the operator has accepted it and its manifest.
    pub(crate) fn trusted(
        bytes: &[u8],
        manifest: &Manifest,
        trust: &Trust,
        memory_mib: u64,
        cache: Option<&Path>,
    ) -> Result<Self, LoadError> {
        let sha256 = hex(&Sha256::digest(bytes));
        trust.check(&sha256, &manifest.sha256)?;
        let memory_bytes =
            usize::try_from(memory_mib.saturating_mul(1 << 20)).unwrap_or(usize::MAX);
        let engine = engine::build(memory_bytes).map_err(LoadError::Compile)?;
        let LoadedCode {
            component,
            compiled,
        } = code_cache::load(&engine, bytes, &sha256, cache).map_err(LoadError::Compile)?;
        let imports = check_imports(&engine, &component)?;
        let linker = state::linker(&engine).map_err(LoadError::Link)?;
        let instance = linker
            .instantiate_pre(&component)
            .map_err(LoadError::Link)?;
        let docs = Docs::read(bytes);
        let (tools, exports) = offered(&engine, &component, manifest, &docs)?;
        let judge = JudgeExports::find(&engine, &component, &docs)?;
        let proposes = tools.iter().find(|tool| tool.effect == ToolEffect::Propose);
        if let (Some(tool), None) = (proposes, &judge) {
            return Err(LoadError::NoJudge(tool.interface.clone()));
        }
        let indices = tools
            .iter()
            .filter_map(|tool| {
                let index = tools::export_index(&component, &tool.interface, &tool.function)?;
                Some((tool.name.clone(), index))
            })
            .collect();
        Ok(Self {
            ticker: Ticker::start(engine.clone()).map_err(LoadError::Thread)?,
            slots: Semaphore::new(CALLS_MAX as usize),
            engine,
            instance,
            memory_bytes,
            tools,
            indices,
            judge,
            inspection: Inspection {
                sha256,
                bytes: bytes.len(),
                imports,
                exports,
            },
            compiled,
        })
    }

    /// Returns the tools that the component offers.
    #[must_use]
    pub fn tools(&self) -> &[Tool] {
        &self.tools
    }

    /// Returns the tool of this name, with or without the package's prefix.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        let short = |tool: &Tool| {
            tool.name
                .split_once('_')
                .is_some_and(|(_, rest)| rest == name.replace('-', "_"))
        };
        self.tools
            .iter()
            .find(|tool| tool.name == name)
            .or_else(|| self.tools.iter().find(|tool| short(tool)))
    }

    /// Returns the summary of the component.
    #[must_use]
    pub fn inspection(&self) -> &Inspection {
        &self.inspection
    }

    /// Returns true if the code was compiled by this load rather than taken from the cache.
    #[must_use]
    pub const fn was_compiled(&self) -> bool {
        self.compiled
    }

    pub(super) fn index(&self, tool: &Tool) -> Option<&ComponentExportIndex> {
        self.indices.get(&tool.name)
    }
}

/// Returns the names of all imports, or an error for one that a skill may not have.
fn check_imports(engine: &Engine, component: &Component) -> Result<Vec<String>, LoadError> {
    let ty = component.component_type();
    let mut names = Vec::new();
    for (name, item) in ty.imports(engine) {
        // An interface of types alone, from the skill's own packages, imports no capability.
        let only_types = matches!(&item.ty, ComponentItem::ComponentInstance(instance)
            if instance.exports(engine).all(|(_, item)| matches!(item.ty, ComponentItem::Type(_))));
        if !state::may_import(name) && !only_types {
            return Err(LoadError::Import(name.to_owned()));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

fn offered(
    engine: &Engine,
    component: &Component,
    manifest: &Manifest,
    docs: &Docs,
) -> Result<(Vec<Tool>, Vec<Exported>), LoadError> {
    let wanted = manifest.skill.package.as_str();
    let (package, version) = wanted.split_once('@').unwrap_or((wanted, ""));
    let ty = component.component_type();
    let mut found = Vec::new();
    let mut exports = Vec::new();
    let imported = tools::instances(ty.imports(engine));
    for interface in tools::instances(ty.exports(engine)) {
        let (id, short) = docs::split(interface.name).unwrap_or_default();
        let (name, exported) = id.split_once('@').unwrap_or((id.as_str(), ""));
        let of_package = name == package;
        if of_package && !are_compatible(exported, version) {
            return Err(LoadError::Package {
                component: id,
                manifest: wanted.to_owned(),
            });
        }
        let not_offered = match ToolEffect::of_interface(short).filter(|_| of_package) {
            Some(effect) => {
                let more = tools::tools(engine, package, effect, &interface, &imported, docs)?;
                found.extend(more);
                None
            }
            None if interface.name.starts_with(INTERFACE) => Some("it judges what comes of plans"),
            None => Some("it is none of the interfaces that hold actions"),
        };
        let functions = tools::functions(engine, &interface);
        if !functions.is_empty() {
            exports.push(Exported {
                interface: interface.name.to_owned(),
                functions,
                not_offered,
            });
        }
    }
    match found.is_empty() {
        false => Ok((found, exports)),
        true => {
            let other = exports
                .first()
                .and_then(|exported| docs::split(&exported.interface));
            match other {
                Some((id, READ)) => Err(LoadError::Package {
                    component: id,
                    manifest: wanted.to_owned(),
                }),
                _ => Err(LoadError::NoActions(format!("{package}/{READ}"))),
            }
        }
    }
}

/// Compile-time check that a skill can be shared between threads.
const _: fn() = || {
    fn shareable<T: Send + Sync>() {}
    shareable::<Arc<Skill>>();
};
