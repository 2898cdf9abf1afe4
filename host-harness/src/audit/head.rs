//! The head file beside the database, which is also the lock between processes that write.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use super::chain::Head;

/// Time to wait for the lock. Writing a row takes well under a millisecond.
const PATIENCE: Duration = Duration::from_secs(2);
/// Length of the text: a number of 64 bits, a colon, 64 digits, a line break.
const LENGTH: usize = 20 + 1 + 64 + 1;

/// An open head file.
#[derive(Debug)]
pub(super) struct HeadFile(File);

impl HeadFile {
    /// Opens the file, or creates it for this user alone; the second value says that it was
    /// created.
    pub(super) fn open(path: &Path) -> io::Result<(Self, bool)> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        match options.clone().create_new(true).open(path) {
            Ok(file) => Ok((Self(file), true)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                options.open(path).map(|file| (Self(file), false))
            }
            Err(error) => Err(error),
        }
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

    /// Returns the head in the file; none if it holds none that can be parsed.
    pub(super) fn read(&self) -> io::Result<Option<Head>> {
        read(&self.0)
    }

    /// Replaces the head. With `durable` it is on disk afterwards.
    pub(super) fn write(&self, head: Head, durable: bool) -> io::Result<()> {
        // The length is fixed, so that one write replaces the text.
        let text = format!("{:>width$}\n", head.to_string(), width = LENGTH - 1);
        self.0.write_all_at(text.as_bytes(), 0)?;
        if durable { self.sync() } else { Ok(()) }
    }

    /// Flushes the file to disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// State of the head file beside a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeptHead {
    /// It holds this head.
    Known(Head),
    /// It holds no head that can be read: it is empty or was overwritten.
    Unreadable,
    /// There is no such file.
    Missing,
}

/// Reads a head file.
pub(super) fn read_at(path: &Path) -> io::Result<KeptHead> {
    match File::open(path) {
        Ok(file) => Ok(read(&file)?.map_or(KeptHead::Unreadable, KeptHead::Known)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(KeptHead::Missing),
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
    // A power cut can leave zeros or nothing: that is a state to report, not a reason to stop.
    Ok(text.trim().parse().ok())
}
