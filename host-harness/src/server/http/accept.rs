//! Takes connections on, and serves each until it ends.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

use super::connections::Connection;
use super::front::Front;

/// Room for the head of a request, in bytes.
const HEAD_MAX: usize = 32 * 1024;
/// Pause after an accept that failed for want of something, so that it does not fail in a circle.
const PAUSE: Duration = Duration::from_millis(50);

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
