//! The head kept apart: a small file beside the database, which is also the lock between processes that write.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use super::chain::Head;

/// How long another process may hold the lock. A row takes it well under a millisecond.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest text: a number of 64 bits, a colon, 64 digits, a line break.
const LENGTH: usize = 20 + 1 + 64 + 1;

/// The open file.
#[derive(Debug)]
pub(super) struct HeadFile(File);

impl HeadFile {
    /// Opens it, or makes it for this user alone.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map(Self)
    }

    /// Runs `work` while no other process writes.
    pub(super) fn locked<T, E: From<io::Error>>(
        &self,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let since = Instant::now();
        loop {
            match self.0.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(error.into()),
                Err(TryLockError::WouldBlock) if since.elapsed() > PATIENCE => {
                    let message = "another process keeps the record locked";
                    return Err(io::Error::new(ErrorKind::TimedOut, message).into());
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        let done = work();
        self.0.unlock()?;
        done
    }

    /// The head in it; none if it is new.
    pub(super) fn read(&self) -> io::Result<Option<Head>> {
        read(&self.0)
    }

    /// Replaces it. With `durable` it is on disk afterwards.
    pub(super) fn write(&self, head: Head, durable: bool) -> io::Result<()> {
        // Always of one length, so that one write replaces it.
        let text = format!("{:>width$}\n", head.to_string(), width = LENGTH - 1);
        self.0.write_all_at(text.as_bytes(), 0)?;
        if durable {
            self.0.sync_data()?;
        }
        Ok(())
    }
}

/// Reads a head file; none if there is none or nothing is in it.
pub(super) fn read_at(path: &Path) -> io::Result<Option<Head>> {
    match File::open(path) {
        Ok(file) => read(&file),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read(file: &File) -> io::Result<Option<Head>> {
    let mut bytes = [0; LENGTH];
    let mut length = 0;
    while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, length as u64)? {
            0 => break,
            read => length += read,
        }
    }
    let text = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default()).into_owned();
    if text.trim().is_empty() {
        return Ok(None);
    }
    let head = text.trim().parse();
    head.map(Some)
        .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}
