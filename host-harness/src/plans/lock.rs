//! One plan is performed by one call at a time, in this process and in all others.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::time::{sleep, timeout_at};

use super::{PlanError, StoreError};
use crate::digest::Digest;

/// How long to wait before looking again whether another process is through.
const PAUSE: Duration = Duration::from_millis(20);

/// The locks of plans.
pub(crate) struct Locks {
    /// Where the files are that processes lock; none where plans are in memory.
    folder: Option<PathBuf>,
    inside: Mutex<HashMap<Digest, Weak<AsyncMutex<()>>>>,
}

/// A plan that is ours alone. Given back when it is dropped, also by the end of the process.
pub(crate) struct Held {
    _inside: OwnedMutexGuard<()>,
    _file: Option<File>,
}

impl Locks {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            inside: Mutex::default(),
        }
    }

    /// Waits until the plan is ours.
    ///
    /// # Errors
    /// When it is still another's at the deadline, or its file cannot be locked.
    pub(crate) async fn hold(&self, plan: &Digest, deadline: Instant) -> Result<Held, PlanError> {
        let lock = {
            let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
            inside.retain(|_, lock| lock.strong_count() > 0);
            match inside.get(plan).and_then(Weak::upgrade) {
                Some(lock) => lock,
                None => {
                    let lock = Arc::new(AsyncMutex::new(()));
                    inside.insert(plan.clone(), Arc::downgrade(&lock));
                    lock
                }
            }
        };
        let inside = timeout_at(deadline.into(), lock.lock_owned())
            .await
            .map_err(|_| PlanError::Busy)?;
        let file = match &self.folder {
            None => None,
            Some(folder) => Some(outside(folder.join(plan.as_str()), deadline).await?),
        };
        Ok(Held {
            _inside: inside,
            _file: file,
        })
    }
}

/// Removes the file of a plan that is no longer kept, unless somebody holds it.
pub(super) fn remove(folder: &Path, plan: &str) {
    let path = folder.join(plan);
    let Ok(file) = OpenOptions::new().write(true).open(&path) else {
        return;
    };
    // Held while it is removed: whoever waits for it sees afterwards that it is gone.
    if file.try_lock().is_ok()
        && let Err(error) = std::fs::remove_file(&path)
    {
        tracing::debug!("{} stays: {error}", path.display());
    }
}

async fn outside(path: PathBuf, deadline: Instant) -> Result<File, PlanError> {
    let unusable = |source| StoreError::Io {
        path: path.clone(),
        source,
    };
    loop {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(unusable)?;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(unusable(error).into()),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                    return Err(PlanError::Busy);
                }
                Err(TryLockError::WouldBlock) => sleep(PAUSE).await,
            }
        }
        // One that was removed meanwhile locks nobody out.
        let ours = file.metadata().map_err(unusable)?;
        if path.metadata().is_ok_and(|there| there.ino() == ours.ino()) {
            return Ok(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_is_held_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let locks = Locks::new(Some(folder.path().to_owned()));
        let plan = Digest::of(b"a plan");
        let path = folder.path().join(plan.as_str());
        let soon = || Instant::now() + Duration::from_secs(5);
        let held = locks.hold(&plan, soon()).await.unwrap();
        remove(folder.path(), plan.as_str());
        assert!(path.exists());
        drop(held);
        remove(folder.path(), plan.as_str());
        assert!(!path.exists());
        let _again = locks.hold(&plan, soon()).await.unwrap();
        assert!(path.exists());
    }

    /// Who waited for a file that was removed meanwhile must not hold what nobody else can find.
    #[tokio::test]
    async fn a_removed_file_locks_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let plan = Digest::of(b"a plan");
        let path = folder.path().join(plan.as_str());
        let before = File::create(&path).unwrap();
        before.lock().unwrap();
        let waiting = tokio::spawn(outside(
            path.clone(),
            Instant::now() + Duration::from_secs(5),
        ));
        // It waits, or comes later: it holds the file that is there in the end either way.
        tokio::task::yield_now().await;
        std::fs::remove_file(&path).unwrap();
        drop(before);
        let held = waiting.await.unwrap().unwrap();
        let other = File::open(&path).unwrap();
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        drop(held);
    }
}
