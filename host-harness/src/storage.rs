//! Where this program keeps what is the user's alone: directories that nobody else may write to.

use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use thiserror::Error;

/// Why a directory cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StorageError {
    /// It cannot be made or looked at.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is another user's.
    #[error("{} belongs to another user: choose another directory", path.display())]
    Owner {
        /// The directory.
        path: PathBuf,
    },
    /// Others may write to it.
    #[error("others may write to {}: run `chmod 700` on it, or choose another directory", path.display())]
    Writable {
        /// The directory.
        path: PathBuf,
    },
    /// It is a link or no directory.
    #[error("{} is not a directory: choose another one", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
}

/// The user's data directory for this program (the record, what was accepted), if the system has a place for such.
#[must_use]
pub fn default_directory() -> Option<PathBuf> {
    etcetera::choose_base_strategy()
        .ok()
        .map(|base| base.data_dir().join("crm-harness"))
}

/// Makes the directory with mode 0700 if it is missing, and checks who may write to it. Answers with its absolute path.
///
/// # Errors
/// Why it cannot be used.
pub fn private_directory(path: &Path) -> Result<PathBuf, StorageError> {
    let io = |source| StorageError::Io {
        path: path.to_owned(),
        source,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(io)?;
    // Not through a link: its target could be changed by others.
    let metadata = path.symlink_metadata().map_err(io)?;
    check(path, &metadata)?;
    path.canonicalize().map_err(io)
}

/// Makes a file for this user alone if it is missing; SQLite gives the files beside its database the same mode.
pub(crate) fn private_file(path: &Path) -> std::io::Result<()> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map(|_| ())
}

fn check(path: &Path, metadata: &Metadata) -> Result<(), StorageError> {
    let path = path.to_owned();
    if !metadata.is_dir() {
        return Err(StorageError::NotADirectory { path });
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(StorageError::Owner { path });
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(StorageError::Writable { path });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_directory_is_private_and_one_that_others_may_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        private_directory(&path).unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o700);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o770)).unwrap();
        assert!(matches!(
            private_directory(&path),
            Err(StorageError::Writable { .. })
        ));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        private_directory(&path).unwrap();
    }

    #[test]
    fn a_link_and_a_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link, file) = (
            folder.path().join("real"),
            folder.path().join("link"),
            folder.path().join("file"),
        );
        private_directory(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(matches!(
            private_directory(&link),
            Err(StorageError::NotADirectory { .. })
        ));
        std::fs::write(&file, "").unwrap();
        assert!(private_directory(&file).is_err());
    }
}
