//! Responses of a stand-in: whole ones, and the broken ones that faults ask for.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::time::{Instant, Sleep};

/// The fate of a request.
pub(crate) enum Reply {
    /// It is answered.
    Answer(Response<ReplyBody>),
    /// The connection is reset without an answer.
    Reset,
    /// It is never answered; the connection stays open until the client gives up.
    Never,
}

/// A response body.
pub(crate) enum ReplyBody {
    /// All of it, at once.
    Whole(Bytes),
    /// Announced in full and cut short.
    Truncated { rest: Bytes, announced: u64 },
    /// A piece at a time.
    Drip {
        rest: Bytes,
        chunk: usize,
        every: Duration,
        next: Pin<Box<Sleep>>,
    },
}

/// The error of a body that ended early on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the answer was cut short on purpose")]
pub(crate) struct CutShort;

impl From<Infallible> for CutShort {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl ReplyBody {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(bytes.into())
    }

    pub(crate) fn truncated(whole: Bytes, sent: usize) -> Self {
        let announced = whole.len() as u64;
        Self::Truncated {
            rest: whole.slice(..sent.min(whole.len())),
            announced,
        }
    }

    pub(crate) fn drip(whole: Bytes, chunk: usize, every: Duration) -> Self {
        Self::Drip {
            rest: whole,
            chunk: chunk.max(1),
            every,
            next: Box::pin(tokio::time::sleep(every)),
        }
    }

    /// Returns the bytes still to be sent, without the fault.
    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Self::Whole(bytes)
            | Self::Truncated { rest: bytes, .. }
            | Self::Drip { rest: bytes, .. } => bytes,
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Truncated { rest, .. } if rest.is_empty() => Poll::Ready(Some(Err(CutShort))),
            Self::Truncated { rest, .. } => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(rest)))))
            }
            Self::Drip { rest, .. } if rest.is_empty() => Poll::Ready(None),
            Self::Drip {
                rest,
                chunk,
                every,
                next,
            } => {
                std::task::ready!(next.as_mut().poll(cx));
                next.as_mut().reset(Instant::now() + *every);
                let piece = rest.split_to((*chunk).min(rest.len()));
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) | Self::Drip { rest: bytes, .. } => bytes.is_empty(),
            Self::Truncated { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) | Self::Drip { rest: bytes, .. } => {
                SizeHint::with_exact(bytes.len() as u64)
            }
            Self::Truncated { announced, .. } => SizeHint::with_exact(*announced),
        }
    }
}

/// An answer of JSON text under the given content type.
pub(crate) fn json(
    status: StatusCode,
    content_type: &'static str,
    text: impl Into<Bytes>,
) -> Response<ReplyBody> {
    answer(status, content_type, text.into())
}

/// An answer that is a page.
pub(crate) fn html(status: StatusCode, page: &'static str) -> Response<ReplyBody> {
    answer(
        status,
        "text/html; charset=utf-8",
        Bytes::from_static(page.as_bytes()),
    )
}

fn answer(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::whole(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
