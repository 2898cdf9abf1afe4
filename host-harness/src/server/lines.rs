//! Lines of bounded length. The protocol's own library passes over a line that is too long and says nothing, so its sender would wait
//! for an answer without end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};

/// What stands in place of the rest of a line that is too long: something that makes no JSON of its beginning, and a message that
/// is none, which the library answers with the protocol's "invalid request".
const IN_PLACE: &[u8] = b"\0\n0\n";
/// How much is read at once, in bytes.
const CHUNK: usize = 8192;

/// An input whose lines are no longer than so many bytes, without their ends.
#[derive(Debug)]
pub struct Lines<R> {
    inner: R,
    longest: usize,
    /// Bytes of the line that is being read.
    length: usize,
    /// What was read and not yet taken.
    waiting: BytesMut,
}

impl<R> Lines<R> {
    /// Lines of `inner`, each of at most `longest` bytes.
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

impl<R: AsyncRead + Unpin> AsyncRead for Lines<R> {
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
    async fn a_line_that_is_too_long_becomes_one_that_is_answered_and_the_others_stay_as_they_are()
    {
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
            let mut lines = Lines::new(given.as_bytes(), 5);
            lines.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, read);
        }
    }
}
