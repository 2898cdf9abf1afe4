//! Resolves arguments to a harness that is ready.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, anyhow};
use component_json::nearest;
use crm_harness::audit::Audit;
use crm_harness::clock::{FixedClock, SystemClock};
use crm_harness::config::{ConfigError, Flags, Manifest, Operator};
use crm_harness::plans::{Store, retention};
use crm_harness::runtime::code_cache;
use crm_harness::storage::{self, StorageError};
use crm_harness::{Caller, Harness, Parts, Setup};

use super::args::Args;
use super::render;
use super::report::Misuse;

/// The component's file name.
const COMPONENT: &str = "crm_skill.wasm";

/// A harness, and the caller on whose behalf it is used.
pub(super) struct Resolved {
    pub(super) harness: Harness,
    pub(super) caller: Caller,
}

/// Reads everything that the arguments name.
pub(super) fn resolve(args: &Args) -> Result<Resolved, Misuse> {
    let setup = setup(args)?;
    let data = data_dir(args)?;
    let audit = Audit::open(&data, Arc::new(SystemClock))
        .map_err(|error| Misuse::new(error.code(), error))?;
    let plans = Store::open(&data).map_err(|error| Misuse::new("plan-store", error))?;
    forget(&plans, setup.keep_days)?;
    let parts = Parts {
        recorder: Arc::new(audit),
        plans: Some(plans),
        ..Parts::default()
    };
    load(args, setup, parts)
}

/// Reads everything that the arguments name, for queries about plans. Plans in a directory that
/// cannot be written, such as a copy, can be queried as well; such a query is not written to the
/// audit log.
pub(super) fn resolve_to_look(args: &Args) -> Result<Resolved, Misuse> {
    let data = data_dir_to_read(args)?;
    if !storage::is_read_only(&data) {
        return resolve(args);
    }
    let plans = Store::open_for_reading(&data).map_err(|error| Misuse::new("plan-store", error))?;
    render::note(&format!(
        "nothing can be written to {}: it is only read, and this look is not on record",
        data.display()
    ));
    let parts = Parts {
        plans: Some(plans),
        ..Parts::default()
    };
    load(args, setup(args)?, parts)
}

fn load(args: &Args, setup: Setup, mut parts: Parts) -> Result<Resolved, Misuse> {
    let caller = caller(args, &setup)?;
    let bytes = read_component(&component(args)?)?;
    let cache = cache(args)?;
    if let Some(now) = args.now {
        let since = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .context("--now must be after 1970")?;
        parts.told = Some(Arc::new(FixedClock(since)));
    }
    let harness = Harness::load(&bytes, setup, parts, cache.as_deref())
        .map_err(|error| Misuse::new(error.code(), error))?;
    Ok(Resolved { harness, caller })
}

/// Deletes the plans that have been over for as long as the operator keeps them.
fn forget(plans: &Store, keep_days: u32) -> Result<(), Misuse> {
    let now = jiff::Timestamp::now().as_millisecond();
    retention::forget(plans, keep_days, now)
        .map(|_| ())
        .map_err(|error| Misuse::new("plan-store", error))
}

impl Resolved {
    /// Prints on stderr the services without a credential.
    pub(super) fn tell_missing(&self) {
        let outbound = self.harness.outbound();
        for destination in &outbound.policy().destinations {
            let ready = outbound.credential(&destination.name, self.caller.id.as_deref());
            if let (Some(_), Err(error)) = (&destination.origin, ready) {
                render::note(&format!("{}: {error}", destination.title));
            }
        }
    }
}

/// Creates or opens the directory of the audit log and the plans.
pub(super) fn data_dir(args: &Args) -> Result<PathBuf, Misuse> {
    let directory = named_data_dir(args)?;
    storage::data_directory(&directory).map_err(|error| Misuse::new("data-dir", error))
}

/// Finds the directory of the audit log and the plans for commands that only read it. It may be a
/// copy of somebody else's.
pub(super) fn data_dir_to_read(args: &Args) -> Result<PathBuf, Misuse> {
    let directory = named_data_dir(args)?;
    Ok(directory.canonicalize().unwrap_or(directory))
}

fn named_data_dir(args: &Args) -> Result<PathBuf, Misuse> {
    let directory = args.data_dir.clone().or_else(storage::default_directory);
    let missing = || anyhow!("this system has no place for data: name one with --data-dir");
    Ok(directory.ok_or_else(missing)?)
}

/// Reads a component that nobody but this user and root may change.
pub(super) fn read_component(path: &Path) -> Result<Vec<u8>, Misuse> {
    storage::read_trusted(path).map_err(|error| Misuse::new("component", error))
}

/// Reads manifest, operator file and environment, without the component.
pub(super) fn setup(args: &Args) -> Result<Setup, Misuse> {
    let config = |error: ConfigError| Misuse::new(error.code(), error);
    let manifest = Manifest::read(&manifest(args)?).map_err(config)?;
    let operator = args
        .operator
        .as_deref()
        .map(Operator::read)
        .transpose()
        .map_err(config)?;
    settle(args, manifest, operator.as_ref()).map_err(config)
}

/// Puts manifest and operator file together with the flags and the variables: those that were
/// handed over, else those of the environment.
pub(super) fn settle(
    args: &Args,
    manifest: Manifest,
    operator: Option<&Operator>,
) -> Result<Setup, ConfigError> {
    let flags = Flags {
        allow_loopback: args.allow_loopback,
    };
    let variable = |name: &str| match &args.variables {
        Some(handed) => handed.get(name).map(|value| value.to_string()),
        None => std::env::var(name).ok(),
    };
    Setup::resolve(manifest, operator, flags, &variable)
}

/// Finds the component: the one that is named, else the one beside this program or in the project
/// that it was built in. The current directory is not searched, since whoever wrote the files there
/// would choose what runs, and with whose credential.
pub(super) fn component(args: &Args) -> Result<PathBuf, Misuse> {
    if let Some(path) = &args.component {
        return Ok(path.clone());
    }
    let built = build_folder().map(|folder| folder.join("component").join(COMPONENT));
    [beside_program(COMPONENT), built]
        .into_iter()
        .flatten()
        .find(|path| path.is_file())
        .ok_or_else(|| {
            anyhow!("no component was found beside this program: build it with `cargo xtask component`, or name one with --component").into()
        })
}

/// Finds the manifest in the same places as [`component`]; one beside a named component comes
/// first.
pub(super) fn manifest(args: &Args) -> Result<PathBuf, Misuse> {
    if let Some(path) = &args.manifest {
        return Ok(path.clone());
    }
    let beside = args
        .component
        .as_deref()
        .and_then(Path::parent)
        .map(|folder| folder.join("skill.toml"));
    let built =
        build_folder().and_then(|folder| Some(folder.parent()?.join("manifests/skill.toml")));
    [beside, beside_program("skill.toml"), built]
        .into_iter()
        .flatten()
        .find(|path| path.is_file())
        .ok_or_else(|| {
            anyhow!("no skill.toml was found beside the component or this program: name one with --manifest").into()
        })
}

fn beside_program(name: &str) -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.parent()?.join(name))
}

/// Returns cargo's build folder, if this program is still where cargo has put it.
fn build_folder() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?.parent()?;
    folder
        .join("CACHEDIR.TAG")
        .is_file()
        .then(|| folder.to_owned())
}

pub(super) fn cache(args: &Args) -> Result<Option<PathBuf>, Misuse> {
    let Some(directory) = args
        .cache_dir
        .clone()
        .or_else(code_cache::default_directory)
    else {
        return Ok(None);
    };
    match storage::private_directory(&directory) {
        Ok(directory) => Ok(Some(directory)),
        // Nobody asked for this directory; without it, each start compiles again.
        Err(StorageError::Io { path, source }) if args.cache_dir.is_none() => {
            tracing::warn!(
                "compiled code is not kept: cannot use {}: {source}",
                path.display()
            );
            Ok(None)
        }
        Err(error) => Err(Misuse::new("code-cache", error)),
    }
}

pub(super) fn caller(args: &Args, setup: &Setup) -> Result<Caller, Misuse> {
    let mut caller = match &args.caller {
        Some(name) => setup.callers.get(name).cloned().ok_or_else(|| {
            let known = setup.callers.keys().map(String::as_str);
            anyhow!(
                "--caller: the operator file has no caller `{name}`. {}",
                nearest::hint(name, known)
            )
        })?,
        // A single caller needs no choice.
        None if setup.callers.len() == 1 => {
            setup.callers.values().next().cloned().unwrap_or_default()
        }
        None => Caller::default(),
    };
    if args.operator.is_some() && args.caller_role.is_some() {
        let message = "--caller-role: with an operator file roles are what it says: write `role` under [callers.NAME] there";
        return Err(anyhow!(message).into());
    }
    // A value from a program only fills what the operator file leaves open; a typed one overrides
    // it.
    let typed = args.variables.is_none();
    for (given, field) in [
        (&args.caller_email, &mut caller.email),
        (&args.caller_name, &mut caller.name),
        (&args.caller_role, &mut caller.role),
        (&args.time_zone, &mut caller.time_zone),
    ] {
        if given.is_some() && (typed || field.is_none()) {
            field.clone_from(given);
        }
    }
    caller
        .settings("--time-zone")
        .map_err(|error| Misuse::new(error.code(), error))?;
    Ok(caller)
}
