//! The loopback HTTP server that every stand-in runs in, with the control routes they share:
//! `GET|POST|DELETE /stand-in/faults`, `GET /stand-in/requests`, `POST /stand-in/reset`, and the
//! stored state under `GET /stand-in/records`: counts, `/OBJECT` for all records of one,
//! `/OBJECT/ID` for one record.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::faults::{Fault, Faults};
use crate::journal::Journal;
use crate::reply::{self, Reply, ReplyBody};

const JSON: &str = "application/json; charset=utf-8";

/// A reason that a stand-in did not start.
#[derive(Debug, thiserror::Error)]
#[error(
    "the stand-in cannot listen on 127.0.0.1:{port}; choose another port, or 0 for any free one"
)]
pub struct StartError {
    /// The port that was asked for.
    pub port: u16,
    /// The error of the operating system.
    #[source]
    pub source: std::io::Error,
}

/// A service that a stand-in plays.
pub(crate) trait Service: Send + Sync + 'static {
    /// Answers one request to the service itself.
    fn handle(&self, parts: &Parts, body: Bytes) -> impl Future<Output = Reply> + Send;
    /// Goes back to how it started. Faults and journal are the server's.
    fn reset(&self);
    /// Counts the stored records of each object.
    fn counts(&self) -> Vec<(String, Count)>;
    /// The stored records of an object; `None` if there is no such object.
    fn records(&self, object: &str) -> Option<Vec<Value>>;
    /// A stored record, soft-deleted or not.
    fn record(&self, object: &str, id: &str) -> Option<Value>;
}

/// The number of stored records of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Those that are not deleted.
    pub live: usize,
    /// Those that are soft-deleted.
    pub deleted: usize,
}

/// Queries of a handle to its service.
trait Stored: Send + Sync {
    fn reset(&self);
    fn counts(&self) -> Vec<(String, Count)>;
    fn records(&self, object: &str) -> Option<Vec<Value>>;
    fn record(&self, object: &str, id: &str) -> Option<Value>;
}

/// A stand-in that is listening. Dropping it stops it.
pub struct Running {
    addr: SocketAddr,
    faults: Faults,
    journal: Journal,
    stored: Arc<dyn Stored>,
    stop: watch::Sender<bool>,
    listening: JoinHandle<()>,
}

impl Running {
    /// The origin, `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The faults that strike its answers.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns the journal of received requests.
    pub fn requests(&self) -> &Journal {
        &self.journal
    }

    /// Data, limits, faults and received requests go back to how it started.
    pub fn reset(&self) {
        self.stored.reset();
    }

    /// Counts the stored records of an object; zero for an object that is not kept. Objects go by
    /// their singular names: Twenty's such as `taskTarget`; the relay's `tez` (shared, and
    /// replies), `message` (in a conversation), `context`, `conversation`, `team`, `contact`; the
    /// PA Workspace's `email`, `calendarAction`, `event`.
    pub fn count(&self, object: &str) -> Count {
        let counts = self.stored.counts();
        let found = counts.into_iter().find(|(name, _)| name == object);
        found.map(|(_, count)| count).unwrap_or_default()
    }

    /// All stored records of an object as JSON, soft-deleted ones included; `None` if there is no
    /// such object. Twenty's come by id, those of others in the order they were stored.
    pub fn records(&self, object: &str) -> Option<Vec<Value>> {
        self.stored.records(object)
    }

    /// The stored record with this id as JSON, soft-deleted or not. Unlike in an answer, an id
    /// shows whatever it points to.
    pub fn record(&self, object: &str, id: &str) -> Option<Value> {
        self.stored.record(object, id)
    }

    /// Stops listening and drops every connection.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        // The only way for the task to fail is a panic in it, which the test that follows would
        // show anyway.
        let _ = self.listening.await;
    }
}

struct ServerState<S> {
    service: S,
    faults: Faults,
    journal: Journal,
}

impl<S: Service> Stored for ServerState<S> {
    fn reset(&self) {
        self.service.reset();
        self.faults.clear();
        self.journal.clear();
    }

    fn counts(&self) -> Vec<(String, Count)> {
        self.service.counts()
    }

    fn records(&self, object: &str) -> Option<Vec<Value>> {
        self.service.records(object)
    }

    fn record(&self, object: &str, id: &str) -> Option<Value> {
        self.service.record(object, id)
    }
}

impl<S: Service> ServerState<S> {
    async fn answer(&self, request: Request<Incoming>) -> Reply {
        let (parts, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return Reply::Reset;
        };
        let body = body.to_bytes();
        if let Some(control) = parts.uri.path().strip_prefix("/stand-in/") {
            return Reply::Answer(self.control(&parts.method, control, &body));
        }
        self.journal.push(&parts, &body);
        self.service.handle(&parts, body).await
    }

    fn control(&self, method: &Method, route: &str, body: &[u8]) -> Response<ReplyBody> {
        let (status, text) = match (method, route) {
            (&Method::GET, "faults") => (StatusCode::OK, json!(self.faults.all())),
            (&Method::POST, "faults") => match parse_faults(body) {
                Ok(faults) => {
                    faults.into_iter().for_each(|fault| self.faults.add(fault));
                    (StatusCode::OK, json!(self.faults.all()))
                }
                Err(e) => (
                    StatusCode::BAD_REQUEST,
                    json!({"error": format!("send one fault or a list of them: {e}")}),
                ),
            },
            (&Method::DELETE, "faults") => {
                self.faults.clear();
                (StatusCode::OK, json!([]))
            }
            (&Method::GET, "requests") => (StatusCode::OK, json!(self.journal.all())),
            (&Method::POST, "reset") => {
                self.reset();
                (StatusCode::OK, json!({"reset": true}))
            }
            (&Method::GET, "records") => {
                let counts = self.service.counts().into_iter();
                let counts = counts.map(|(name, count)| (name, json!(count)));
                (StatusCode::OK, Value::Object(counts.collect()))
            }
            (&Method::GET, _) if route.starts_with("records/") => self.stored_at(route),
            _ => (
                StatusCode::NOT_FOUND,
                json!({"error": "use faults, requests, records or reset"}),
            ),
        };
        reply::json(status, JSON, text.to_string())
    }
}

impl<S: Service> ServerState<S> {
    /// The records under `records/OBJECT` or `records/OBJECT/ID`.
    fn stored_at(&self, route: &str) -> (StatusCode, Value) {
        let mut names = route.split('/').skip(1);
        let found = match (names.next(), names.next(), names.next()) {
            (Some(object), None, _) => self.service.records(object).map(Value::Array),
            (Some(object), Some(id), None) => self.service.record(object, id),
            _ => None,
        };
        found.map_or_else(
            || (StatusCode::NOT_FOUND, json!({"error": "no such record"})),
            |found| (StatusCode::OK, found),
        )
    }
}

fn parse_faults(body: &[u8]) -> Result<Vec<Fault>, serde_json::Error> {
    if body.trim_ascii_start().starts_with(b"[") {
        serde_json::from_slice(body)
    } else {
        Ok(vec![serde_json::from_slice(body)?])
    }
}

/// Binds 127.0.0.1 and serves until the handle is dropped or shut down.
pub(crate) async fn start<S: Service>(
    port: u16,
    faults: Faults,
    service: S,
) -> Result<Running, StartError> {
    let failed = |source| StartError { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    let shared = Arc::new(ServerState {
        service,
        faults,
        journal: Journal::default(),
    });
    let (stop, stopped) = watch::channel(false);
    let (faults, journal) = (shared.faults.clone(), shared.journal.clone());
    let stored: Arc<dyn Stored> = Arc::<ServerState<S>>::clone(&shared);
    let listening = tokio::spawn(accept(listener, shared, stopped));
    Ok(Running {
        addr,
        faults,
        journal,
        stored,
        stop,
        listening,
    })
}

async fn accept<S: Service>(
    listener: TcpListener,
    shared: Arc<ServerState<S>>,
    mut stopped: watch::Receiver<bool>,
) {
    // Dropping the set ends every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(connection(stream, Arc::clone(&shared)));
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            // An error means that the handle is gone.
            _ = stopped.changed() => return,
        }
    }
}

/// The service's way to tell the connection that there will be no answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer on purpose")]
struct NoAnswer;

async fn connection<S: Service>(stream: TcpStream, shared: Arc<ServerState<S>>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let reset = AtomicBool::new(false);
    let service = service_fn(async |request| match shared.answer(request).await {
        Reply::Answer(answer) => Ok(answer),
        Reply::Reset => {
            reset.store(true, Ordering::Release);
            Err(NoAnswer)
        }
        Reply::Never => std::future::pending().await,
    });
    let mut served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    // Errors here are clients that went away and faults that were asked for.
    let _ = Pin::new(&mut served).await;
    if reset.load(Ordering::Acquire) {
        // Without lingering, closing sends RST.
        let _ = served.into_parts().io.into_inner().set_zero_linger();
    }
}
