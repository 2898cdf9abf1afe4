//! Describes errors of SQLite databases together with a fix, and opens databases for reading
//! without writing to them.

use std::fmt::Display;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Error, ErrorCode, OpenFlags, ffi};

/// Time to wait for a database that another process keeps busy.
const BUSY: Duration = Duration::from_secs(2);
/// Description of a full disk, for each of the errors by which the system reports it.
const FULL: &str = "the disk takes no more: it is full, over quota, or a file may not grow any further. Make room, then call again";

/// Describes an error of a database; `file` names it.
pub(crate) fn told(file: &dyn Display, error: &Error) -> String {
    match error.sqlite_error() {
        Some(found) if is_full(found) => format!("cannot write {file}: {FULL}"),
        Some(found)
            if matches!(
                found.code,
                ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt
            ) =>
        {
            format!(
                "{file} is damaged ({found}). Stop every crm-harness that uses it, move it and the files beside it whose names begin with its own to another place, and put a backup of them there; without a backup the next call begins a new one"
            )
        }
        Some(found)
            if matches!(
                found.code,
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked
            ) =>
        {
            format!("{file} is kept busy by another process: try again")
        }
        Some(found) if found.code == ErrorCode::ReadOnly => {
            format!("{file} cannot be written: it, its directory or the disk is read-only")
        }
        _ => format!("{file} cannot be used: {error}"),
    }
}

/// Describes an error of writing a file.
pub(crate) fn told_io(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            FULL.to_owned()
        }
        _ => error.to_string(),
    }
}

/// Returns true if nothing more can be written. A file size limit (RLIMIT_FSIZE) shows as a failed
/// write.
fn is_full(error: &ffi::Error) -> bool {
    error.code == ErrorCode::DiskFull
        || matches!(
            error.extended_code,
            ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE
        )
}

/// A database open for reading.
#[derive(Debug)]
pub(crate) struct ReadOnly {
    /// The connection, dropped before the copy that it reads.
    pub(crate) connection: Connection,
    /// The copy that the connection reads, if one was made.
    pub(crate) copy: Option<Copied>,
}

/// Opens a database for reading, wherever it lies. In a directory that cannot be written, SQLite
/// cannot use the files that writers keep beside the database: there it is opened as `immutable`,
/// and if some rows are in its `-wal` file only, both files are first copied to a directory of this
/// process.
///
/// # Errors
/// Returns an error if it cannot be read.
pub(crate) fn open_for_reading(path: &Path) -> Result<ReadOnly, Error> {
    let usual = open(path, "mode=ro");
    let denied = match usual {
        Ok(connection) => {
            return Ok(ReadOnly {
                connection,
                copy: None,
            });
        }
        Err(error) => error,
    };
    let shut_out = denied.sqlite_error().is_some_and(|error| {
        matches!(
            error.code,
            ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied
        )
    });
    if !shut_out {
        return Err(denied);
    }
    let log = beside(path, "-wal");
    if log.metadata().is_ok_and(|found| found.len() > 0) {
        let copy = Copied::of(path, &log).map_err(|error| {
            tracing::warn!("cannot copy {}: {error}", path.display());
            denied
        })?;
        let connection = open(&copy.database, "mode=rw")?;
        return Ok(ReadOnly {
            connection,
            copy: Some(copy),
        });
    }
    Ok(ReadOnly {
        connection: open(path, "mode=ro&immutable=1")?,
        copy: None,
    })
}

fn open(path: &Path, parameters: &str) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri(path, parameters), flags)?;
    connection.busy_timeout(BUSY)?;
    // Opening reads nothing, so a first query shows if the database can be read.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

/// Encodes a path as a URI for SQLite.
fn uri(path: &Path, parameters: &str) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("{uri}?{parameters}")
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A copy of a database in a directory that this user alone can read; removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Copied {
    folder: PathBuf,
    database: PathBuf,
}

impl Copied {
    fn of(path: &Path, log: &Path) -> io::Result<Self> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let name = crate::digest::hex(&random);
        let folder = std::env::temp_dir().join(format!("crm-harness-{name}"));
        DirBuilder::new().mode(0o700).create(&folder)?;
        let copy = Self {
            database: folder.join("copy.sqlite3"),
            folder,
        };
        copy_to(path, &copy.database)?;
        copy_to(log, &beside(&copy.database, "-wal"))?;
        Ok(copy)
    }
}

fn copy_to(from: &Path, to: &Path) -> io::Result<()> {
    let mut into = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    io::copy(&mut File::open(from)?, &mut into).map(|_| ())
}

impl Drop for Copied {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!("cannot remove {}: {error}", self.folder.display());
        }
    }
}
