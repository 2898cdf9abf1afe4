//! Connections: taking them on, and making room where somebody holds them idle.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Front, Limits};

/// Room for the head of a request, in bytes.
const HEAD_MAX: usize = 32 * 1024;
/// Pause after an accept that failed for want of something, so that it does not fail in a circle.
const PAUSE: Duration = Duration::from_millis(50);

/// The open connections, in order of their beginning.
pub(super) struct Connections {
    open: Mutex<BTreeMap<u64, Connection>>,
    most: usize,
    tasks: TaskTracker,
    cut: CancellationToken,
}

/// An open connection; an extension of each of its requests.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    busy: Arc<AtomicUsize>,
    end: CancellationToken,
}

/// A connection has a request of somebody known under way, until this is dropped.
#[derive(Debug)]
pub(super) struct Busy(Arc<AtomicUsize>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Connection {
    /// From now on it does not make room.
    pub(super) fn busy(&self) -> Busy {
        self.busy.fetch_add(1, Ordering::SeqCst);
        Busy(Arc::clone(&self.busy))
    }
}

impl Connections {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            open: Mutex::default(),
            most: limits.connections.max(1),
            tasks: TaskTracker::new(),
            cut: CancellationToken::new(),
        }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, Connection>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.open().len()).unwrap_or(u64::MAX)
    }

    /// One more, if there is room or an idle one makes some.
    fn add(&self, number: u64) -> Option<Connection> {
        let mut open = self.open();
        if open.len() >= self.most {
            let idle = |(_, one): &(&u64, &Connection)| one.busy.load(Ordering::SeqCst) == 0;
            let oldest = open.iter().find(idle).map(|(number, _)| *number)?;
            if let Some(oldest) = open.remove(&oldest) {
                oldest.end.cancel();
            }
        }
        let connection = Connection {
            busy: Arc::default(),
            end: self.cut.child_token(),
        };
        open.insert(number, connection.clone());
        Some(connection)
    }

    /// Waits until all have ended, and cuts off those that do not.
    pub(super) async fn over(&self, patience: Duration) {
        self.tasks.close();
        if timeout(patience, self.tasks.wait()).await.is_err() {
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }
}

/// Takes connections on until the front is closing.
pub(super) async fn accept(
    listener: TcpListener,
    front: &Arc<Front>,
    routes: Router,
) -> io::Result<()> {
    for number in 0_u64.. {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Of one connection, or of too many files: others may still be served.
                tracing::warn!("a connection could not be taken on: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Some(connection) = front.connections.add(number) else {
            front.mcp.meter().refused("connections");
            continue;
        };
        // Answers are small and go at once.
        let _ = stream.set_nodelay(true);
        let front = Arc::clone(front);
        let served = serve(
            Arc::clone(&front),
            stream,
            number,
            connection,
            routes.clone(),
        );
        front.connections.tasks.spawn(served);
    }
    Ok(())
}

async fn serve(
    front: Arc<Front>,
    stream: TcpStream,
    number: u64,
    connection: Connection,
    routes: Router,
) {
    let service = TowerToHyperService::new(routes.layer(axum::Extension(connection.clone())));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(front.limits.head)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        _ = &mut serving => {}
        () = connection.end.cancelled() => {}
        () = front.closing.cancelled() => {
            // The request that is under way is answered; there is no next one.
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                _ = &mut serving => {}
                () = connection.end.cancelled() => {}
            }
        }
    }
    front.connections.open().remove(&number);
}
