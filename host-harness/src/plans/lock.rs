//! Locks of plans: one call at a time performs a plan, across all processes.

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

/// Pause between attempts to lock a file that another process holds.
const PAUSE: Duration = Duration::from_millis(20);

/// The locks of plans.
pub(crate) struct Locks {
    /// The folder of the lock files; none for plans in memory.
    folder: Option<PathBuf>,
    inside: Mutex<HashMap<Digest, Weak<AsyncMutex<()>>>>,
}

/// A lock on a plan, released when it is dropped or the process ends.
pub(crate) struct PlanLock {
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

    /// Waits for the lock on a plan.
    ///
    /// # Errors
    /// When another call holds it until the deadline, or its file cannot be locked.
    pub(crate) async fn hold(
        &self,
        plan: &Digest,
        deadline: Instant,
    ) -> Result<PlanLock, PlanError> {
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
        Ok(PlanLock {
            _inside: inside,
            _file: file,
        })
    }
}

/// Removes the lock file of a plan that is no longer stored, unless it is locked.
pub(super) fn remove(folder: &Path, plan: &str) {
    let path = folder.join(plan);
    let Ok(file) = OpenOptions::new().write(true).open(&path) else {
        return;
    };
    // Locked while it is removed, so that anybody who waits for it notices afterwards that it is
    // gone.
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
        // A file that was removed in the meantime excludes nobody.
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

    /// A waiter must not end up with a lock file that was removed in the meantime and that nobody
    /// else can find.
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
        // The task may wait already or start later; either way it locks the file that exists in the
        // end.
        tokio::task::yield_now().await;
        std::fs::remove_file(&path).unwrap();
        drop(before);
        let held = waiting.await.unwrap().unwrap();
        let other = File::open(&path).unwrap();
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        drop(held);
    }
}
