//! Caches compiled code: one file per component and engine configuration, memory-mapped on use, so
//! that unused code is never read and unused pages can be evicted.
//!
//! Whoever can write to the directory can run code outside the sandbox, so it must belong to the
//! user alone (see [`crate::storage::private_directory`]). A file is never changed once it has its
//! final name.

use std::fs::{self, DirEntry, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use etcetera::BaseStrategy;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Extension of files with compiled code.
const EXTENSION: &str = "cwasm";
/// Prefix of the extension of a file that is still being written.
const UNFINISHED: &str = "cwasm-";
/// Age after which an unfinished file counts as abandoned.
const WRITING: Duration = Duration::from_secs(60 * 60);
/// Number of files kept, newest first: a directory serves few components, and a new version
/// replaces an old one.
const KEPT: usize = 16;

/// Returns the user's cache directory for this program, if the system defines one.
#[must_use]
pub fn default_directory() -> Option<PathBuf> {
    etcetera::choose_base_strategy()
        .ok()
        .map(|base| base.cache_dir().join("crm-harness"))
}

/// A component compiled for an engine.
pub(super) struct LoadedCode {
    pub(super) component: Component,
    /// True if it was compiled now rather than loaded from the cache.
    pub(super) compiled: bool,
}

/// Loads the component with these bytes and this SHA-256 from the cache, or compiles and stores it.
///
/// # Errors
/// Returns an error if the bytes are not a component. A failing cache directory only costs time.
pub(super) fn load(
    engine: &Engine,
    bytes: &[u8],
    sha256: &str,
    directory: Option<&Path>,
) -> wasmtime::Result<LoadedCode> {
    let Some(directory) = directory else {
        return Ok(LoadedCode {
            component: Component::from_binary(engine, bytes)?,
            compiled: true,
        });
    };
    let path = directory.join(file_name(engine, sha256));
    if let Some(component) = mapped(engine, &path) {
        return Ok(LoadedCode {
            component,
            compiled: false,
        });
    }
    let code = engine.precompile_component(bytes)?;
    let component = match put(&path, &code) {
        Ok(()) => mapped(engine, &path),
        Err(error) => {
            tracing::warn!(
                "compiled code cannot be kept as {}: {error}",
                path.display()
            );
            None
        }
    };
    forget_old(directory);
    Ok(LoadedCode {
        component: match component {
            Some(component) => component,
            None => Component::from_binary(engine, bytes)?,
        },
        compiled: true,
    })
}

/// Returns the file name of a component's code: its digest and the engine's compatibility hash.
fn file_name(engine: &Engine, sha256: &str) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{sha256}-{:016x}.{EXTENSION}", hasher.finish())
}

/// Maps the code in a file; `None` if the file is missing or the engine rejects it.
fn mapped(engine: &Engine, path: &Path) -> Option<Component> {
    if !path.is_file() {
        return None;
    }
    #[allow(
        unsafe_code,
        reason = "the engine cannot check machine code; the directory is this user's alone, and `put` alone writes there"
    )]
    // SAFETY: `put` gives a file this name only when it is complete, so it holds the engine's own
    // output, and nothing changes it afterwards.
    let component = unsafe { Component::deserialize_file(engine, path) };
    component
        .inspect_err(|error| tracing::info!("{} is compiled anew: {error:#}", path.display()))
        .ok()
}

/// Writes a file atomically, also when other processes write the same one.
fn put(path: &Path, code: &[u8]) -> io::Result<()> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let unfinished = path.with_extension(format!("{UNFINISHED}{}-{number}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| {
            file.write_all(code)?;
            // The final name promises complete content, also after a power cut.
            file.sync_all()
        })
        .and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // The file may not exist; the first error is the one to report.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// Removes all but the newest files of compiled code, and unfinished files of processes that ended.
/// A file in use stays mapped.
fn forget_old(directory: &Path) {
    let written = |entry: DirEntry| -> Option<(SystemTime, PathBuf)> {
        let path = entry.path();
        let extension = path.extension()?.to_str()?;
        let own = extension == EXTENSION || extension.starts_with(UNFINISHED);
        let when = own.then(|| entry.metadata().ok()?.modified().ok())??;
        Some((when, path))
    };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let found = entries.filter_map(written);
    let (mut code, unfinished): (Vec<_>, Vec<_>) =
        found.partition(|(_, path)| path.extension().is_some_and(|found| found == EXTENSION));
    code.sort_by(|one, other| other.cmp(one));
    let left = unfinished
        .into_iter()
        .filter(|(when, _)| when.elapsed().is_ok_and(|since| since > WRITING));
    for (_, path) in code.into_iter().skip(KEPT).chain(left) {
        if let Err(error) = fs::remove_file(&path) {
            tracing::info!("{} cannot be removed: {error}", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    const EMPTY: &[u8] = b"(component)";

    fn files(directory: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    fn loaded(engine: &Engine, name: &str, directory: &Path) -> LoadedCode {
        let bytes = wat::parse_bytes(EMPTY).unwrap();
        load(engine, &bytes, name, Some(directory)).unwrap()
    }

    #[test]
    fn code_is_compiled_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::default();
        assert!(loaded(&engine, "a", folder.path()).compiled);
        assert!(!loaded(&engine, "a", folder.path()).compiled);
        assert!(loaded(&engine, "b", folder.path()).compiled);
        let files = files(folder.path());
        assert_eq!(files.len(), 2);
        for file in files {
            assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn another_engine_has_code_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(true);
        let other = Engine::new(&config).unwrap();
        assert!(loaded(&Engine::default(), "a", folder.path()).compiled);
        assert!(loaded(&other, "a", folder.path()).compiled);
        assert!(!loaded(&other, "a", folder.path()).compiled);
    }

    #[test]
    fn bad_cache_file_is_replaced_no_cache_is_fine() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::default();
        let path = folder.path().join(file_name(&engine, "a"));
        for text in ["", "no code"] {
            fs::write(&path, text).unwrap();
            assert!(loaded(&engine, "a", folder.path()).compiled);
            assert!(!loaded(&engine, "a", folder.path()).compiled);
        }
        let missing = folder.path().join("missing");
        assert!(loaded(&engine, "a", &missing).compiled);
        assert!(!missing.exists());
    }

    #[test]
    fn only_newest_files_of_the_cache_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("somebody.else");
        fs::write(&other, "").unwrap();
        let engine = Engine::default();
        for number in 0..KEPT {
            let path = folder.path().join(format!("{number}.{EXTENSION}"));
            let file = fs::File::create(&path).unwrap();
            let when = SystemTime::UNIX_EPOCH + Duration::from_secs(number as u64);
            file.set_modified(when).unwrap();
        }
        let left = folder.path().join(format!("a.{UNFINISHED}1-0"));
        let file = fs::File::create(&left).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let under_way = folder.path().join(format!("b.{UNFINISHED}1-1"));
        fs::write(&under_way, "").unwrap();
        assert!(loaded(&engine, "a", folder.path()).compiled);
        assert_eq!(files(folder.path()).len(), KEPT + 2);
        assert!(other.exists() && under_way.exists() && !left.exists());
        assert!(!folder.path().join(format!("0.{EXTENSION}")).exists());
        assert!(folder.path().join(format!("1.{EXTENSION}")).exists());
        assert!(!loaded(&engine, "a", folder.path()).compiled);
    }
}
