//! Request bodies, read completely and in time or refused, and response bodies, which cancel their
//! call when the client stops reading.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::timeout;
use tokio_util::sync::DropGuard;

use super::admission::AdmissionPermit;
use super::connections::Busy;
use super::refusal::Refusal;
use super::sessions::InUse;

/// Reads the body of a request within limits of size and time.
pub(super) async fn collect(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
    patience: Duration,
) -> Result<Bytes, Refusal> {
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > bytes_max) {
        return Err(Refusal::TooLarge);
    }
    let whole = Limited::new(body, bytes_max).collect();
    match timeout(patience, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge),
        Ok(Err(_)) | Err(_) => Err(Refusal::Slow),
    }
}

/// Guards held until a response has been sent.
#[derive(Debug)]
pub(super) struct ResponseGuards {
    /// Cancels the call on drop; a finished call is not affected.
    pub(super) _leaving: DropGuard,
    pub(super) _admitted: AdmissionPermit,
    pub(super) _busy: Option<Busy>,
    pub(super) _session: Option<InUse>,
}

/// A response body together with its guards.
pub(super) struct Answering {
    pub(super) inner: BoxBody<Bytes, Infallible>,
    /// `None` once the body has been sent.
    pub(super) held: Option<ResponseGuards>,
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) {
            self.held = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
