//! Tracks open connections, and closes idle ones to make room for new ones.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::limits::HttpLimits;

/// The open connections, in the order in which they were accepted.
pub(super) struct Connections {
    open: Mutex<BTreeMap<u64, ClientConnection>>,
    most: usize,
    pub(super) tasks: TaskTracker,
    cut: CancellationToken,
}

/// An open connection, stored as an extension of each of its requests.
#[derive(Debug, Clone)]
pub(super) struct ClientConnection {
    busy: Arc<AtomicUsize>,
    pub(super) end: CancellationToken,
}

/// Marks a connection as having an authenticated request in flight, until dropped.
#[derive(Debug)]
pub(super) struct Busy(Arc<AtomicUsize>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl ClientConnection {
    /// Marks the connection as busy, so that it is not closed to make room.
    pub(super) fn busy(&self) -> Busy {
        self.busy.fetch_add(1, Ordering::SeqCst);
        Busy(Arc::clone(&self.busy))
    }
}

impl Connections {
    pub(super) fn new(limits: HttpLimits) -> Self {
        Self {
            open: Mutex::default(),
            most: limits.connections.max(1),
            tasks: TaskTracker::new(),
            cut: CancellationToken::new(),
        }
    }

    pub(super) fn open(&self) -> MutexGuard<'_, BTreeMap<u64, ClientConnection>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.open().len()).unwrap_or(u64::MAX)
    }

    /// Adds a connection if there is room, or if an idle one can be closed to make room.
    pub(super) fn add(&self, number: u64) -> Option<ClientConnection> {
        let mut open = self.open();
        if open.len() >= self.most {
            let idle = |(_, one): &(&u64, &ClientConnection)| one.busy.load(Ordering::SeqCst) == 0;
            let oldest = open.iter().find(idle).map(|(number, _)| *number)?;
            if let Some(oldest) = open.remove(&oldest) {
                oldest.end.cancel();
            }
        }
        let connection = ClientConnection {
            busy: Arc::default(),
            end: self.cut.child_token(),
        };
        open.insert(number, connection.clone());
        Some(connection)
    }

    /// Waits until all connections have ended, and closes those that remain after `patience`.
    pub(super) async fn over(&self, patience: Duration) {
        self.tasks.close();
        if timeout(patience, self.tasks.wait()).await.is_err() {
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }
}
