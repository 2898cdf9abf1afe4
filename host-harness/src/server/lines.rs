//! Bounds the length of input lines. The MCP library silently skips a line that is too long, so its
//! sender would wait for a response forever.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};

/// Replacement for the rest of a line that is too long: bytes that make its beginning invalid JSON,
/// then an invalid message, to which the library responds with "invalid request".
const IN_PLACE: &[u8] = b"\0\n0\n";
/// Bytes read at once.
const CHUNK: usize = 8192;

/// A reader that limits the bytes of each line, line ends not counted.
#[derive(Debug)]
pub struct BoundedLines<R> {
    inner: R,
    longest: usize,
    /// Length so far of the line that is being read.
    length: usize,
    /// Bytes that were read, but not handed out yet.
    waiting: BytesMut,
}

impl<R> BoundedLines<R> {
    /// Wraps `inner`, limiting each line to `longest` bytes.
    pub fn new(inner: R, longest: usize) -> Self {
        Self {
            inner,
            longest,
            length: 0,
            waiting: BytesMut::new(),
        }
    }

    fn take_in(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (content, ends) = match part.strip_suffix(b"\n") {
                Some(content) => (content, true),
                None => (part, false),
            };
            let room = self.longest.saturating_sub(self.length);
            self.length = self.length.saturating_add(content.len());
            self.waiting
                .extend_from_slice(content.get(..room).unwrap_or(content));
            if ends {
                let end = if self.length > self.longest {
                    IN_PLACE
                } else {
                    b"\n"
                };
                self.waiting.extend_from_slice(end);
                self.length = 0;
            }
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for BoundedLines<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        while this.waiting.is_empty() {
            let mut chunk = [0; CHUNK];
            let mut read = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.take_in(read.filled());
        }
        let taken = this.waiting.len().min(buffer.remaining());
        if let Some(bytes) = this.waiting.get(..taken) {
            buffer.put_slice(bytes);
        }
        this.waiting.advance(taken);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn too_long_line_is_answered_and_others_are_kept() {
        let long = "x".repeat(3 * CHUNK);
        for (given, read) in [
            (String::new(), String::new()),
            ("12345\nab\n".to_owned(), "12345\nab\n".to_owned()),
            ("\n\n1".to_owned(), "\n\n1".to_owned()),
            ("123456\nab\n".to_owned(), "12345\0\n0\nab\n".to_owned()),
            (format!("{long}\nab\n"), "xxxxx\0\n0\nab\n".to_owned()),
            (format!("ab\n{long}"), "ab\nxxxxx".to_owned()),
        ] {
            let mut text = String::new();
            let mut lines = BoundedLines::new(given.as_bytes(), 5);
            lines.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, read);
        }
    }
}
