//! Loading a component: compile or take from the cache, refuse what it may not import, find its tools.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre};

use super::code_cache::{self, Loaded};
use super::docs::{self, Docs};
use super::engine::{self, CALLS_MAX, Ticker};
use super::judge::Judge;
use super::state::{self, State};
use super::tools::{self, READ, Tool, ToolEffect, ToolError};
use crate::access::AccessError;
use crate::config::{Manifest, Trust, Untrusted};
use crate::digest::hex;
use crate::plans::StoreError;

/// Why a component cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Its file cannot be read.
    #[error("cannot read the component {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Nobody has accepted it.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// It is no component, or the machine cannot run one.
    #[error("this is not a component that can run here: {0:#}")]
    Compile(wasmtime::Error),
    /// It asks for something that no skill gets.
    #[error(
        "the component imports `{0}`, which no skill gets: it may import wasi:io, wasi:clocks, wasi:http and wasi:config alone"
    )]
    Import(String),
    /// It imports a version of an interface that this harness does not have.
    #[error("the component's imports do not fit this harness: {0:#}")]
    Link(wasmtime::Error),
    /// Manifest and component are of different versions or packages.
    #[error(
        "the component is of {component}, but skill.toml is for {manifest}: use the two that belong together"
    )]
    Package {
        /// What the component exports.
        component: String,
        /// What the manifest names.
        manifest: String,
    },
    /// It offers nothing.
    #[error("the component exports no interface `{0}`, so there is no action to call")]
    NoActions(String),
    /// A function that cannot be a tool.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// It proposes plans that nobody could judge.
    #[error(
        "the component exports `{0}`, but no `claw:skill/judge` of this harness's version: it cannot say what answers mean"
    )]
    NoJudge(String),
    /// The access policies cannot be used.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Plans cannot be kept.
    #[error(transparent)]
    Plans(#[from] StoreError),
    /// The thread that ends endless loops cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

impl LoadError {
    /// The stable code.
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
            Self::Access(error) => error.code(),
            Self::Plans(_) => "plan-store",
            Self::Thread(_) => "thread",
        }
    }
}

/// What a component is made of, for people.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// SHA-256 of the component in hexadecimal.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: usize,
    /// What it imports.
    pub imports: Vec<String>,
    /// The interfaces that it exports, with their functions.
    pub exports: Vec<Exported>,
}

/// An exported interface.
#[derive(Debug, Clone)]
pub struct Exported {
    /// Its full name.
    pub interface: String,
    /// Its functions.
    pub functions: Vec<String>,
    /// Why its functions are not offered; none if they are.
    pub not_offered: Option<&'static str>,
}

/// A component that is ready to be called.
pub struct Skill {
    pub(super) engine: Engine,
    pub(super) instance: InstancePre<State>,
    pub(super) ticker: Ticker,
    pub(super) slots: Semaphore,
    pub(super) memory_bytes: usize,
    tools: Vec<Tool>,
    indices: HashMap<String, ComponentExportIndex>,
    pub(super) judge: Option<Judge>,
    inspection: Inspection,
    compiled: bool,
}

impl Skill {
    /// Loads the component in a file. `cache` is a directory for compiled code that [`crate::storage`] has checked.
    ///
    /// # Errors
    /// Why it cannot be used.
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
    /// Why it cannot be used.
    pub fn load(
        bytes: &[u8],
        manifest: &Manifest,
        memory_mib: u64,
        cache: Option<&Path>,
    ) -> Result<Self, LoadError> {
        Self::trusted(bytes, manifest, &Trust::NoOperator, memory_mib, cache)
    }

    /// The same, but only if it has been accepted.
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
        let Loaded {
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
        let judge = Judge::find(&engine, &component, &docs)?;
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

    /// What it offers.
    #[must_use]
    pub fn tools(&self) -> &[Tool] {
        &self.tools
    }

    /// The tool of this name, with or without the package's prefix.
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

    /// What it is made of.
    #[must_use]
    pub fn inspection(&self) -> &Inspection {
        &self.inspection
    }

    /// Whether its code had to be compiled, and was not there from an earlier start.
    #[must_use]
    pub const fn was_compiled(&self) -> bool {
        self.compiled
    }

    pub(crate) fn index(&self, tool: &Tool) -> Option<&ComponentExportIndex> {
        self.indices.get(&tool.name)
    }
}

/// The names of all imports, if each is one that a skill may have.
fn check_imports(engine: &Engine, component: &Component) -> Result<Vec<String>, LoadError> {
    let ty = component.component_type();
    let mut names = Vec::new();
    for (name, item) in ty.imports(engine) {
        // A types interface of the skill's own packages is no import of anything.
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
    let (package, _) = wanted.split_once('@').unwrap_or((wanted, ""));
    let ty = component.component_type();
    let mut found = Vec::new();
    let mut exports = Vec::new();
    let imported = tools::instances(ty.imports(engine));
    for interface in tools::instances(ty.exports(engine)) {
        let (id, short) = docs::split(interface.name).unwrap_or_default();
        let of_package = id.split_once('@').map_or(id.as_str(), |(name, _)| name) == package;
        if of_package && id != wanted {
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
            None if interface.name.starts_with(super::judge::INTERFACE) => {
                Some("it judges what comes of plans")
            }
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

/// A skill may be shared between calls.
const _: fn() = || {
    fn shareable<T: Send + Sync>() {}
    shareable::<Arc<Skill>>();
};
