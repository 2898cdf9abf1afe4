//! Refusals of HTTP requests: a status, a code for metrics, and a JSON-RPC error that reveals
//! nothing else.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// Reason for which a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The host name is not one of this server's, or there are several.
    Host,
    /// The request comes from a page of another origin.
    Origin,
    /// The bearer token is missing or unknown.
    Token,
    /// The session does not exist, or is another caller's.
    Session,
    /// The server is shutting down.
    Closing,
    /// Too many requests are in flight, or too many sessions open.
    Busy,
    /// The caller has too many requests in flight.
    CallerBusy,
    /// The body is too long.
    TooLarge,
    /// The body did not arrive completely in time.
    Slow,
    /// The body is not JSON.
    Malformed,
    /// The body is not a valid message, or a header is repeated.
    Invalid,
    /// The body holds several messages.
    Batch,
    /// The protocol does not use this HTTP method.
    Method,
    Internal,
}

impl Refusal {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Origin => "origin",
            Self::Token => "token",
            Self::Session => "session",
            Self::Closing => "closing",
            Self::Busy => "busy",
            Self::CallerBusy => "caller-busy",
            Self::TooLarge => "too-large",
            Self::Slow => "slow",
            Self::Malformed => "malformed",
            Self::Invalid => "invalid",
            Self::Batch => "batch",
            Self::Method => "method",
            Self::Internal => "internal",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Host | Self::Origin => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Session => StatusCode::NOT_FOUND,
            Self::Closing | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::CallerBusy => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Malformed | Self::Invalid | Self::Batch => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the code and text of the JSON-RPC error.
    const fn message(self) -> (i32, &'static str) {
        match self {
            Self::Malformed => (-32700, "Parse error"),
            Self::Invalid => (-32600, "Invalid request"),
            Self::Batch => (-32600, "Invalid request: send one message at a time"),
            Self::Internal => (-32603, "Internal error"),
            Self::Host => (-32000, "Host is not allowed"),
            Self::Origin => (-32000, "Origin is not allowed"),
            Self::Token => (-32000, "A bearer token is needed"),
            Self::Session => (-32001, "Session not found"),
            Self::Closing => (-32000, "The server is ending"),
            Self::Busy | Self::CallerBusy => (-32000, "Too many requests at once: try again soon"),
            Self::TooLarge => (-32000, "The body is too long"),
            Self::Slow => (-32000, "The body did not come in time"),
            Self::Method => (-32000, "Method not allowed"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (code, message) = self.message();
        let body =
            json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": message}});
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        let mut say = |name, value| headers.insert(name, HeaderValue::from_static(value));
        say(header::CONTENT_TYPE, "application/json");
        match self {
            Self::Token => say(header::WWW_AUTHENTICATE, "Bearer"),
            Self::Closing | Self::Busy | Self::CallerBusy => say(header::RETRY_AFTER, "1"),
            Self::Method => say(header::ALLOW, "GET, POST, DELETE"),
            // The rest of the body is not read, so the connection cannot be reused.
            Self::TooLarge | Self::Slow => say(header::CONNECTION, "close"),
            _ => None,
        };
        response
    }
}
