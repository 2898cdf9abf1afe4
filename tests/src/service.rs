//! A service on loopback for the guests that misbehave: it answers plainly, and badly where it is
//! asked to.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};

/// A value in the service's answers that no audit row and no log line may hold.
pub const PLANTED: &str = "planted-customer-4c1d";

/// The running service.
pub struct Service {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Service {
    /// Starts it.
    ///
    /// # Errors
    /// When there is no port on loopback.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let service = Self {
            address: listener.local_addr()?,
            seen: Arc::default(),
        };
        let seen = Arc::clone(&service.seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                // A connection ends when the other side leaves it.
                tokio::spawn(async move { converse(stream, &seen).await });
            }
        });
        Ok(service)
    }

    /// The socket address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The origin that requests are sent to.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads and bodies of all requests that arrived.
    #[must_use]
    pub fn seen(&self) -> Vec<String> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn converse(stream: TcpStream, seen: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut stream = BufStream::new(stream);
    loop {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&request).to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        request.extend(body);
        let path = head.split(' ').nth(1).unwrap_or_default();
        let answer = answer(path);
        seen.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(String::from_utf8_lossy(&request).into_owned());
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
}

fn answer(path: &str) -> String {
    let (status, headers, body) = match path {
        "/items/giant" => (200, String::new(), "x".repeat(1 << 20)),
        "/items/headers" => {
            let line = |number| format!("x-filler-{number}: {}\r\n", "y".repeat(1000));
            (200, (0..500).map(line).collect(), "{}".to_owned())
        }
        "/items/moved" => {
            let location = "location: http://elsewhere.example/items/1\r\n".to_owned();
            (302, location, String::new())
        }
        _ => (200, String::new(), format!("{{\"data\":\"{PLANTED}\"}}")),
    };
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}
