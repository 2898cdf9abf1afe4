//! Accepts connections, and serves each until it ends.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

use super::connections::ClientConnection;
use super::front::Front;

/// Most bytes of a request's head.
const HEAD_MAX: usize = 32 * 1024;
/// Pause after a failed accept, so that a lasting cause does not become a busy loop.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections for as long as it is polled.
pub(super) async fn accept(
    listener: TcpListener,
    front: &Arc<Front>,
    routes: Router,
) -> io::Result<()> {
    for number in 0_u64.. {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // The error concerns this connection, or too many open files: others may still be
                // served.
                tracing::warn!("a connection could not be taken on: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Some(connection) = front.connections.add(number) else {
            front.mcp.metrics().refused("connections");
            continue;
        };
        // Responses are small and are sent without delay.
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
    connection: ClientConnection,
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
            // The request in flight is answered, and no further one is read.
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                _ = &mut serving => {}
                () = connection.end.cancelled() => {}
            }
        }
    }
    front.connections.open().remove(&number);
}
