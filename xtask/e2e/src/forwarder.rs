//! A forwarder on loopback that adds a token to every request and changes nothing else, for clients
//! that cannot send one.
//!
//! It reads HTTP/1.1 just as far as it must to find where a request begins: heads, and bodies of a
//! stated length. Answers pass as they come, byte for byte.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result};

/// Longest head that is taken.
const HEAD_MAX: u64 = 64 << 10;

/// A port that forwards once it is told where to.
pub(crate) struct Forwarder {
    listener: TcpListener,
    /// The address for clients.
    pub(crate) address: SocketAddr,
}

impl Forwarder {
    /// Takes a free port.
    pub(crate) fn bind() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .context("cannot listen on a port of this machine")?;
        let address = listener.local_addr().context("cannot tell the port")?;
        Ok(Self { listener, address })
    }

    /// Forwards from now on, in threads of its own, until this process ends.
    pub(crate) fn forward(self, to: SocketAddr, token: &str) {
        let header = format!("Authorization: Bearer {token}\r\n");
        thread::spawn(move || {
            for client in self.listener.incoming().flatten() {
                let header = header.clone();
                thread::spawn(move || {
                    if let Err(error) = connection(client, to, &header) {
                        eprintln!("forwarder: {error}");
                    }
                });
            }
        });
    }
}

/// Forwards what comes over one connection.
fn connection(client: TcpStream, to: SocketAddr, header: &str) -> io::Result<()> {
    let mut server = TcpStream::connect(to)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let (mut answers, mut back) = (server.try_clone()?, client.try_clone()?);
    let answering = thread::spawn(move || {
        // A client that has gone is its own affair.
        let _ = io::copy(&mut answers, &mut back);
        let _ = back.shutdown(Shutdown::Both);
    });
    let forwarded = requests(BufReader::new(client), &mut server, header);
    // The server may see at once that nobody waits any more.
    let _ = server.shutdown(Shutdown::Both);
    let _ = answering.join();
    match forwarded {
        // Clients leave without a word once they have what they wanted.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
        other => other,
    }
}

/// Forwards one request after the other, each with the header.
fn requests(mut from: impl BufRead, to: &mut impl Write, header: &str) -> io::Result<()> {
    loop {
        let (mut head, mut length) = (Vec::new(), 0);
        loop {
            let begun = head.len();
            let rest = HEAD_MAX.saturating_sub(begun as u64);
            if from.by_ref().take(rest).read_until(b'\n', &mut head)? == 0 {
                return match begun {
                    0 => Ok(()),
                    _ => Err(io::Error::other("a head is too long, or was cut off")),
                };
            }
            let line = String::from_utf8_lossy(head.get(begun..).unwrap_or_default());
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                head.truncate(begun);
                break;
            }
            match line.split_once(':') {
                Some(("content-length", value)) => {
                    length = value.trim().parse().map_err(io::Error::other)?;
                }
                Some(("transfer-encoding", _)) => {
                    return Err(io::Error::other("a body without a length is not forwarded"));
                }
                _ => {}
            }
        }
        head.extend_from_slice(header.as_bytes());
        head.extend_from_slice(b"\r\n");
        to.write_all(&head)?;
        if io::copy(&mut from.by_ref().take(length), to)? < length {
            return Err(io::Error::other("a body was cut off"));
        }
        to.flush()?;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn header_is_added_and_nothing_else_changes() {
        let sent = "POST /mcp HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 5\r\n\r\n\r\na\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n";
        let mut arrived = Vec::new();
        requests(sent.as_bytes(), &mut arrived, "A: b\r\n").unwrap();
        let expected = "POST /mcp HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 5\r\nA: b\r\n\r\n\r\na\r\nGET / HTTP/1.1\r\nhost: a\r\nA: b\r\n\r\n";
        assert_eq!(String::from_utf8(arrived).unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_told_apart_is_not_forwarded() {
        for sent in [
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab",
            "POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: ",
        ] {
            let mut arrived = Vec::new();
            assert!(
                requests(sent.as_bytes(), &mut arrived, "A: b\r\n").is_err(),
                "{sent:?}"
            );
        }
    }

    #[test]
    fn answers_stream_and_client_loss_is_seen() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let forwarder = Forwarder::bind().unwrap();
        let mut client = TcpStream::connect(forwarder.address).unwrap();
        forwarder.forward(server.local_addr().unwrap(), "t");
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let (mut accepted, _) = server.accept().unwrap();
        for stream in [&accepted, &client] {
            stream
                .set_read_timeout(Some(Duration::from_secs(20)))
                .unwrap();
        }
        let expected = b"GET / HTTP/1.1\r\nAuthorization: Bearer t\r\n\r\n";
        let mut arrived = vec![0; expected.len()];
        accepted.read_exact(&mut arrived).unwrap();
        assert_eq!(arrived, expected);
        for part in ["data: 1\n\n", "data: 2\n\n"] {
            accepted.write_all(part.as_bytes()).unwrap();
            let mut seen = vec![0; part.len()];
            client.read_exact(&mut seen).unwrap();
            assert_eq!(seen, part.as_bytes());
        }
        drop(client);
        assert_eq!(accepted.read(&mut [0; 8]).unwrap(), 0);
    }
}
