//! One plan is performed by one call at a time, in this process and in all others.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::time::{sleep, timeout_at};

use super::{Digest, PlanError, StoreError};

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

async fn outside(path: PathBuf, deadline: Instant) -> Result<File, PlanError> {
    let unusable = |source| StoreError::Io {
        path: path.clone(),
        source,
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(unusable)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(unusable(error).into()),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                return Err(PlanError::Busy);
            }
            Err(TryLockError::WouldBlock) => sleep(PAUSE).await,
        }
    }
}
