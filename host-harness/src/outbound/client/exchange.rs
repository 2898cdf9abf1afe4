//! The HTTP client under the gate. For each request it resolves the name, checks every address,
//! dials a checked one, sends, and reads the answer within limits.
//!
//! It follows no redirects, sends nothing of its own and knows no credentials. Native code that
//! wants the same transport, such as a benchmark, can use it too.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::{timeout, timeout_at};

use super::dial::{Dialler, Stream};
use super::error::ClientError;
use super::pool::{Pool, PooledConnection};
use super::resolve::Resolver;
use super::tls::Tls;
use crate::outbound::policy::addresses::{self, AddressRefusal, Grants, Reach};
use crate::outbound::policy::origin::{Origin, Scheme};

/// Maximum time for connecting to one address.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Limits of one exchange.
#[derive(Debug, Clone, Copy)]
pub struct Exchange {
    /// Deadline for reading the whole answer.
    pub deadline: Instant,
    /// Maximum time for connecting; at most five seconds per address.
    pub connect: Option<Duration>,
    /// Maximum time until the response begins.
    pub first_byte: Option<Duration>,
    /// Maximum size of the response body, in bytes.
    pub response_bytes: usize,
    /// True if the request may be sent a second time when a pooled connection turns out to be dead.
    pub repeatable: bool,
}

/// The HTTP client. Cheap to share; it pools connections.
pub struct Client {
    resolver: Arc<dyn Resolver>,
    dialler: Arc<dyn Dialler>,
    tls: Tls,
    pool: Pool,
}

impl Client {
    /// Creates a client with this resolver, dialler and TLS set-up.
    #[must_use]
    pub fn new(resolver: Arc<dyn Resolver>, dialler: Arc<dyn Dialler>, tls: Tls) -> Self {
        Self {
            resolver,
            dialler,
            tls,
            pool: Pool::default(),
        }
    }

    /// Sends one request to `origin` and reads the whole answer. The request's URI must be in
    /// origin form (path and query); `host` and `content-length` are added.
    ///
    /// # Errors
    /// Returns the reason why there is no answer.
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
        // Resolved and checked for each request: a pooled connection must not outlive a change of
        // the name's addresses.
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
                // It was never sent: the next pooled connection may do.
                (Some(unsent), _) => request = unsent,
                // A read may be sent once more, on a fresh connection.
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
        connection: PooledConnection,
        response: Response<Incoming>,
        exchange: Exchange,
    ) -> Result<Response<Bytes>, ClientError> {
        let (parts, body) = response.into_parts();
        let body = collect(body, exchange.response_bytes).await?;
        self.pool.put(origin, connection);
        Ok(Response::from_parts(parts, body))
    }

    /// Resolves an origin to its addresses. Fails if one of them may not be dialled.
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
    ) -> Result<PooledConnection, ClientError> {
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

    async fn open(
        &self,
        origin: &Origin,
        address: SocketAddr,
    ) -> Result<PooledConnection, ClientError> {
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
        Ok(PooledConnection { sender, address })
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

/// Adds the headers that HTTP/1.1 requires, and leaves the rest alone.
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
    // hyper sets the length from the body, whatever was claimed.
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
        // Most answers come in one piece, which is passed on without a copy.
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
