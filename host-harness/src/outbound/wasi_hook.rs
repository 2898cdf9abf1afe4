//! The sandbox's `wasi:http` hook: the only way out of a component.
//!
//! It reads the body of each request within the limits of the call, lets [`super::sender`] decide
//! and send, and maps errors to those of `wasi:http`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderName, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use tokio::time::timeout_at;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody,
    WasiHttpHooks,
};

use super::call_context::CallContext;
use super::client::ClientError;
use super::outgoing::{Outgoing, SendError};
use super::sender::Outbound;
use crate::denial::{Denial, DenialCode};

/// Bytes of a request body that a component writes at once.
pub(crate) const BODY_CHUNK: usize = 16 << 10;
/// Number of such chunks that wait to be read.
pub(crate) const BODY_CHUNKS: usize = 1;

/// Headers that a guest may never set, beside the sandbox's own list.
const SECRET_HEADERS: [HeaderName; 4] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::SET_COOKIE,
    HeaderName::from_static("x-api-key"),
];

/// The hook of one call.
pub struct GateHook {
    outbound: Arc<Outbound>,
    context: Arc<CallContext>,
    headers: ForbiddenHeaderFilter,
}

impl GateHook {
    /// Creates the hook of the call that this context belongs to.
    #[must_use]
    pub fn new(outbound: Arc<Outbound>, context: Arc<CallContext>) -> Self {
        let headers = header_filter(Arc::clone(&outbound), Arc::clone(&context));
        Self {
            outbound,
            context,
            headers,
        }
    }
}

/// Refuses forbidden headers while the guest builds them, and logs the first. Answers reach the
/// sandbox without any header of these names, so a hit is always the guest's doing.
fn header_filter(outbound: Arc<Outbound>, context: Arc<CallContext>) -> ForbiddenHeaderFilter {
    let noted = AtomicBool::new(false);
    Arc::new(move |name| {
        let forbidden = DEFAULT_FORBIDDEN_HEADERS.contains(name)
            || SECRET_HEADERS.contains(name)
            || name.as_str().starts_with("proxy-");
        if forbidden && !noted.swap(true, Ordering::Relaxed) {
            let denial = Denial::new(
                DenialCode::Header,
                "The action tried to set a header that belongs to the host.",
                "This cannot be granted: it is a fault of the skill. Report it to its makers.",
            );
            outbound.refuse_part(&context, &denial);
        }
        forbidden
    })
}

type HookResult = Result<
    (
        Response<WasiBody>,
        Box<dyn Future<Output = Result<(), Error>> + Send>,
    ),
    Error,
>;

impl WasiHttpHooks for GateHook {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::clone(&self.headers)
    }

    fn p2_outgoing_body_buffer_chunks(&mut self) -> usize {
        BODY_CHUNKS
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = HookResult> + Send> {
        let outbound = Arc::clone(&self.outbound);
        let context = Arc::clone(&self.context);
        if !context.hand_over() {
            // Refused at once: its body is not read.
            let error = outbound.beyond_limit(&context, request.method(), request.uri());
            return Box::new(std::future::ready(Err(for_guest(&error))));
        }
        Box::new(async move {
            let (parts, body) = request.into_parts();
            // Within both limits: of one body, and of all bodies of this call.
            let reserved = context.reserve(context.limits().request_bytes);
            let collected = collect(body, reserved);
            let body = timeout_at(context.deadline().into(), collected)
                .await
                .map_err(|_| Error::ConnectionWriteTimeout)??;
            context.give_back(reserved - body.as_ref().map_or(0, Bytes::len).min(reserved));
            let options = options.unwrap_or_default();
            let outgoing = Outgoing {
                method: parts.method,
                url: parts.uri.to_string(),
                headers: parts.headers,
                body,
                connect: options.connect_timeout,
                first_byte: options.first_byte_timeout,
            };
            let response = match outbound.send(&context, outgoing).await {
                Err(SendError::Rate { retry_after }) => too_many(retry_after)?,
                other => other.map_err(|error| for_guest(&error))?,
            };
            let response = response.map(|body| {
                Full::new(body)
                    .map_err(|never| match never {})
                    .boxed_unsync()
            });
            Ok((response, Box::new(std::future::ready(Ok(()))) as _))
        })
    }
}

/// Reads a request body to its end, so that the guest sees the decision and not a broken stream.
/// Returns `None` if it is too large.
async fn collect(mut body: WasiBody, limit: usize) -> Result<Option<Bytes>, Error> {
    let mut collected = BytesMut::new();
    let mut too_large = false;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        too_large |= collected.len() + data.len() > limit;
        if !too_large {
            collected.extend_from_slice(&data);
        }
    }
    Ok((!too_large).then(|| collected.freeze()))
}

/// Body of the host's own 429, which shows that the limit is not the service's.
const OWN_LIMIT: &str = r#"{"error":{"code":"HARNESS_RATE","message":"this is the harness's own limit: `rate` of the destination in skill.toml and the operator file"}}"#;

/// Builds the host's own answer to a request beyond the rate limit: 429 with `retry-after` (RFC
/// 6585, RFC 9110), which a skill must handle anyway.
fn too_many(retry_after: Duration) -> Result<Response<Bytes>, Error> {
    let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
    Response::builder()
        .status(StatusCode::TOO_MANY_REQUESTS)
        .header(header::RETRY_AFTER, seconds)
        .body(Bytes::from_static(OWN_LIMIT.as_bytes()))
        .map_err(|_| Error::InternalError(None))
}

/// Maps an error to the one that the guest sees: its kind, without the operator's details.
fn for_guest(error: &SendError) -> Error {
    match error {
        SendError::Denied(denial) | SendError::Withheld(denial) => match denial.code {
            DenialCode::Credential => Error::ConfigurationError,
            DenialCode::Address => Error::DestinationIpProhibited,
            DenialCode::RequestSize => Error::HttpRequestBodySize(None),
            DenialCode::BodySize => Error::HttpResponseBodySize(None),
            DenialCode::RequestLimit => Error::ConnectionLimitReached,
            _ => Error::HttpRequestDenied,
        },
        // The gate answers such a request itself.
        SendError::Rate { .. } => Error::HttpRequestDenied,
        SendError::Record => Error::HttpRequestDenied,
        SendError::Client(error) => match error {
            ClientError::Resolve(_) => Error::DnsError {
                rcode: None,
                info_code: None,
            },
            ClientError::Address(_) => Error::DestinationIpProhibited,
            ClientError::Connect(error)
                if error.kind() == std::io::ErrorKind::ConnectionRefused =>
            {
                Error::ConnectionRefused
            }
            ClientError::Connect(_) => Error::DestinationUnavailable,
            ClientError::ConnectTimeout => Error::ConnectionTimeout,
            ClientError::Roots(_) => Error::ConfigurationError,
            ClientError::Tls(error) if is_certificate(error) => Error::TlsCertificateError,
            ClientError::Tls(_) => Error::TlsProtocolError,
            ClientError::Timeout => Error::HttpResponseTimeout,
            ClientError::ResponseTooLarge { limit } => {
                Error::HttpResponseBodySize(u64::try_from(*limit).ok())
            }
            // The nearest that wasi:http has: the content is not in the requested form.
            ClientError::NoObject { .. } => {
                Error::HttpResponseContentCoding(Some("application/json".to_owned()))
            }
            ClientError::Broken(_) => Error::ConnectionTerminated,
            ClientError::Protocol(_) => Error::HttpProtocolError,
        },
    }
}

fn is_certificate(error: &std::io::Error) -> bool {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}
