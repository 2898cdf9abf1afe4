//! The HTTP client under the gate: resolves, checks every address, dials a checked one, sends, reads within limits.
//!
//! It follows no redirect, sends nothing of its own, and knows no credential. It also serves native code that wants the same
//! transport, such as benchmarks.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{timeout, timeout_at};

use super::pool::{Connection, Pool};
use super::resolve::Resolver;
use super::tls::Tls;
use crate::outbound::policy::addresses::{self, AddressRefusal, Grants, Reach};
use crate::outbound::policy::origin::{Origin, Scheme};

/// How long one address may take to accept a connection.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// A byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens connections to addresses that have been checked.
#[async_trait]
pub trait Dialler: Send + Sync {
    /// Connects to exactly this address.
    ///
    /// # Errors
    /// When nobody answers there.
    async fn dial(&self, address: SocketAddr) -> io::Result<Box<dyn Stream>>;
}

/// TCP.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpDialler;

#[async_trait]
impl Dialler for TcpDialler {
    async fn dial(&self, address: SocketAddr) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }
}

/// What one exchange may use.
#[derive(Debug, Clone, Copy)]
pub struct Exchange {
    /// When the answer must have been read to its end.
    pub deadline: Instant,
    /// How long connecting may take; at most five seconds an address.
    pub connect: Option<Duration>,
    /// How long the service may take until its response begins.
    pub first_byte: Option<Duration>,
    /// Most bytes of the response's body.
    pub response_bytes: usize,
    /// Whether the request may be sent a second time if a kept connection turns out to be dead.
    pub repeatable: bool,
}

/// Why there is no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The name cannot be looked up.
    #[error("the host name cannot be resolved: {0}")]
    Resolve(io::Error),
    /// An address may not be dialled.
    #[error("{0}")]
    Address(AddressRefusal),
    /// Nobody accepts the connection.
    #[error("the connection was refused or failed: {0}")]
    Connect(io::Error),
    /// Connecting took too long.
    #[error("connecting took too long")]
    ConnectTimeout,
    /// The trusted roots cannot be used.
    #[error("{0}")]
    Roots(String),
    /// The peer did not prove who it is, or TLS failed otherwise.
    #[error("TLS failed: {0}")]
    Tls(io::Error),
    /// The answer took too long.
    #[error("the service took too long to answer")]
    Timeout,
    /// The answer's body is too large.
    #[error("the answer is larger than {limit} bytes")]
    ResponseTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer to a document is no JSON object, and was withheld.
    #[error("the answer to `{document}` is no JSON object: something else may be at this address")]
    NoObject {
        /// The document.
        document: String,
    },
    /// The connection broke after the request was sent.
    #[error("the connection broke before the answer was complete: {0}")]
    Broken(hyper::Error),
    /// The request or the response is not HTTP.
    #[error("the exchange is not valid HTTP: {0}")]
    Protocol(String),
}

impl ClientError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Resolve(_) => "resolve",
            Self::Address(_) => "address",
            Self::Connect(_) => "connect",
            Self::ConnectTimeout => "connect-timeout",
            Self::Roots(_) => "roots",
            Self::Tls(_) => "tls",
            Self::Timeout => "timeout",
            Self::ResponseTooLarge { .. } => "response-size",
            Self::NoObject { .. } => "no-object",
            Self::Broken(_) => "broken",
            Self::Protocol(_) => "protocol",
        }
    }
}

/// The client. Cheap to share; keeps connections open.
pub struct Client {
    resolver: Arc<dyn Resolver>,
    dialler: Arc<dyn Dialler>,
    tls: Tls,
    pool: Pool,
}

impl Client {
    /// A client over this resolver, dialler and TLS set-up.
    #[must_use]
    pub fn new(resolver: Arc<dyn Resolver>, dialler: Arc<dyn Dialler>, tls: Tls) -> Self {
        Self {
            resolver,
            dialler,
            tls,
            pool: Pool::default(),
        }
    }

    /// Sends one request to `origin` and reads the whole answer. The request's URI must be in origin form (path and query);
    /// `host` and `content-length` are added.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send(
        &self,
        origin: &Origin,
        grants: Grants,
        request: Request<Bytes>,
        exchange: Exchange,
    ) -> Result<Response<Bytes>, ClientError> {
        let whole = self.exchange(origin, grants, request, exchange);
        timeout_at(exchange.deadline.into(), whole)
            .await
            .unwrap_or(Err(ClientError::Timeout))
    }

    async fn exchange(
        &self,
        origin: &Origin,
        grants: Grants,
        request: Request<Bytes>,
        exchange: Exchange,
    ) -> Result<Response<Bytes>, ClientError> {
        let mut request = complete(origin, request)?;
        // Looked up and checked for each request: a name that has moved is not served by an old connection.
        let addresses = self.addresses(origin, grants).await?;
        while let Some(mut kept) = self.pool.take(origin, &addresses) {
            if kept.sender.ready().await.is_err() {
                continue;
            }
            let again = exchange.repeatable.then(|| request.clone());
            let mut error =
                match within(exchange.first_byte, kept.sender.try_send_request(request)).await? {
                    Ok(response) => {
                        tracing::debug!(%origin, address = %kept.address, "kept connection used");
                        return self.finish(origin, kept, response, exchange).await;
                    }
                    Err(error) => error,
                };
            match (error.take_message(), again) {
                // It was never sent: the next kept connection may do.
                (Some(unsent), _) => request = unsent,
                // A read may be asked once more, on a connection that is surely alive.
                (None, Some(again)) => {
                    request = again;
                    break;
                }
                (None, None) => return Err(ClientError::Broken(error.into_error())),
            }
        }
        let mut fresh = self.connect(origin, addresses, exchange).await?;
        let response = within(exchange.first_byte, fresh.sender.send_request(request)).await?;
        self.finish(origin, fresh, response.map_err(broken)?, exchange)
            .await
    }

    async fn finish(
        &self,
        origin: &Origin,
        connection: Connection,
        response: Response<Incoming>,
        exchange: Exchange,
    ) -> Result<Response<Bytes>, ClientError> {
        let (parts, body) = response.into_parts();
        let body = collect(body, exchange.response_bytes).await?;
        self.pool.put(origin, connection);
        Ok(Response::from_parts(parts, body))
    }

    /// Where an origin is: every address, if each may be dialled.
    async fn addresses(
        &self,
        origin: &Origin,
        grants: Grants,
    ) -> Result<Vec<SocketAddr>, ClientError> {
        let addresses = match origin.address() {
            Some(address) => vec![address],
            None => self
                .resolver
                .resolve(&origin.host_text())
                .await
                .map_err(ClientError::Resolve)?,
        };
        let reach = addresses::check_all(&addresses, grants).map_err(ClientError::Address)?;
        if let (Scheme::Http, Reach::Global, Some(first)) =
            (origin.scheme(), reach, addresses.first())
        {
            return Err(ClientError::Address(AddressRefusal::PlainHttp(*first)));
        }
        let port = origin.port();
        Ok(addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect())
    }

    async fn connect(
        &self,
        origin: &Origin,
        addresses: Vec<SocketAddr>,
        exchange: Exchange,
    ) -> Result<Connection, ClientError> {
        let limit = exchange
            .connect
            .map_or(CONNECT_MAX, |asked| asked.min(CONNECT_MAX));
        let mut failure = ClientError::Address(AddressRefusal::NoAnswer);
        for address in addresses {
            match timeout(limit, self.open(origin, address)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error @ (ClientError::Tls(_) | ClientError::Roots(_)))) => {
                    return Err(error);
                }
                Ok(Err(error)) => failure = error,
                Err(_) => failure = ClientError::ConnectTimeout,
            }
        }
        Err(failure)
    }

    async fn open(&self, origin: &Origin, address: SocketAddr) -> Result<Connection, ClientError> {
        let stream = self
            .dialler
            .dial(address)
            .await
            .map_err(ClientError::Connect)?;
        let sender = match origin.scheme() {
            Scheme::Http => handshake(stream).await?,
            Scheme::Https => {
                handshake(self.tls.connect(&origin.host_text(), stream).await?).await?
            }
        };
        tracing::debug!(%origin, %address, "connected");
        Ok(Connection { sender, address })
    }
}

async fn within<T>(
    limit: Option<Duration>,
    work: impl Future<Output = T>,
) -> Result<T, ClientError> {
    match limit {
        Some(limit) => timeout(limit, work).await.map_err(|_| ClientError::Timeout),
        None => Ok(work.await),
    }
}

async fn handshake<S: Stream + 'static>(
    stream: S,
) -> Result<http1::SendRequest<Full<Bytes>>, ClientError> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!("a connection ended: {error}");
        }
    });
    Ok(sender)
}

fn broken(error: hyper::Error) -> ClientError {
    if error.is_parse() || error.is_user() {
        ClientError::Protocol(error.to_string())
    } else {
        ClientError::Broken(error)
    }
}

/// Adds what HTTP/1.1 needs and leaves the rest alone.
fn complete(origin: &Origin, request: Request<Bytes>) -> Result<Request<Full<Bytes>>, ClientError> {
    let protocol = |error: &dyn std::fmt::Display| ClientError::Protocol(error.to_string());
    let (mut parts, body) = request.into_parts();
    let target = parts
        .uri
        .path_and_query()
        .cloned()
        .ok_or_else(|| protocol(&"the request has no path"))?;
    parts.uri = Uri::from(target);
    let host = HeaderValue::from_str(origin.authority()).map_err(|error| protocol(&error))?;
    parts.headers.insert(header::HOST, host);
    // The length of what is sent, whatever was claimed; hyper sets it from the body.
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Request::from_parts(parts, Full::new(body)))
}

async fn collect(mut body: Incoming, limit: usize) -> Result<Bytes, ClientError> {
    let too_large = || ClientError::ResponseTooLarge { limit };
    if usize::try_from(body.size_hint().lower()).is_ok_and(|announced| announced > limit) {
        return Err(too_large());
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        if first.len() + rest.len() + data.len() > limit {
            return Err(too_large());
        }
        // Most answers come in one piece: it is handed on without a copy.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&std::mem::take(&mut first));
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    })
}
