//! A service on loopback that answers as a test wants it to.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::HeaderMap;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// A canned response of the test service.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: String,
    /// In chunks, without saying how long it is.
    pub(crate) chunked: bool,
    /// Never answers.
    pub(crate) silent: bool,
    /// Closes the connection after this answer without announcing it.
    pub(crate) close_after: bool,
}

impl Answer {
    pub(crate) fn json(body: &str) -> Self {
        Self {
            status: 200,
            headers: vec![],
            body: body.into(),
            chunked: false,
            silent: false,
            close_after: false,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head = format!(
            "HTTP/1.1 {} X\r\ncontent-type: application/json\r\n",
            self.status
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let body = &self.body;
        if self.chunked {
            let (first, second) = body.split_at(body.len() / 2);
            head.push_str("transfer-encoding: chunked\r\n\r\n");
            for part in [first, second].into_iter().filter(|part| !part.is_empty()) {
                head.push_str(&format!("{:x}\r\n{part}\r\n", part.len()));
            }
            head.push_str("0\r\n\r\n");
        } else {
            head.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        }
        head.into_bytes()
    }
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
}

/// A service on loopback that keeps what it receives.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

type Answers = Arc<dyn Fn(usize) -> Answer + Send + Sync>;

impl Server {
    /// Answers request number n with `answers(n)`.
    pub(crate) async fn start(answers: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        Self::serve(Arc::new(answers), None).await
    }

    /// The same with TLS for `name`; the certificate is written to `authority`.
    pub(crate) async fn start_tls(
        name: &str,
        answers: impl Fn(usize) -> Answer + Send + Sync + 'static,
        authority: &Path,
    ) -> Self {
        let certified = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        std::fs::write(authority, certified.cert.pem()).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der())
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        Self::serve(
            Arc::new(answers),
            Some(tokio_rustls::TlsAcceptor::from(Arc::new(config))),
        )
        .await
    }

    async fn serve(answers: Answers, tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            connections: Arc::default(),
        };
        let (seen, connections) = (server.seen.clone(), server.connections.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (answers, seen, tls) = (answers.clone(), seen.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => converse(stream, answers, seen).await,
                            Err(_) => None,
                        },
                        None => converse(stream, answers, seen).await,
                    }
                });
            }
        });
        server
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Serves one connection until the peer or an answer ends it.
async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answers: Answers,
    seen: Arc<Mutex<Vec<Seen>>>,
) -> Option<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).ok()?;
        let mut lines = head.lines();
        let line = lines.next()?.rsplit_once(' ')?.0.to_owned();
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            headers.append(
                http::HeaderName::from_bytes(name.as_bytes()).ok()?,
                value.parse().ok()?,
            );
        }
        let length: usize = headers
            .get("content-length")
            .map_or(Some(0), |v| v.to_str().ok()?.parse().ok())?;
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(Seen { line, headers });
            seen.len() - 1
        };
        let answer = answers(number);
        if answer.silent {
            std::future::pending::<()>().await;
        }
        stream.write_all(&answer.bytes()).await.ok()?;
        stream.flush().await.ok()?;
        if answer.close_after {
            return None;
        }
    }
}
