//! What is wrong with an SQLite database, in words that say what to do, and databases that are read without being written to.

use std::fmt::Display;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Error, ErrorCode, OpenFlags, ffi};

/// How long another process may keep a database busy.
const BUSY: Duration = Duration::from_secs(2);
/// What a disk that takes no more is told as, whatever the system calls it.
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

/// Describes an error of a file that is written.
pub(crate) fn told_io(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            FULL.to_owned()
        }
        _ => error.to_string(),
    }
}

/// True if nothing more can be written. A limit of a file's size (RLIMIT_FSIZE) comes as a failed write.
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
    /// The connection. Dropped before what it reads.
    pub(crate) connection: Connection,
    /// Where what it reads was copied to, if it was.
    pub(crate) copy: Option<Copied>,
}

/// Opens a database for reading, wherever it lies. In a directory that cannot be written SQLite cannot take part in what writers
/// do beside the database: there it is read as it stands (`immutable`), and where rows stand in its `-wal` file alone, both files
/// are copied to a directory of this process, so that those rows are seen.
///
/// # Errors
/// Why it cannot be read.
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
    // Opening reads nothing: the first look shows whether it can be read.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

/// Writes a path as SQLite's URIs have it.
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
