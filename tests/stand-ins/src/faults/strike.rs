//! Applies faults to a request before it is carried out, and to its answer afterwards.

use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::Value;

use super::{FaultKind, Struck};
use crate::reply::{Reply, ReplyBody, html};

/// The page that answers which should have been JSON are replaced with.
const HTML_PAGE: &str = "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>";

/// Waits as long as the faults ask for before a request is carried out; whether it is carried out
/// at all.
pub(crate) async fn hold_back(faults: &[Struck]) -> bool {
    let mut carried_out = true;
    for fault in faults.iter().filter(|fault| !fault.after) {
        if let FaultKind::Delay { ms } = fault.kind {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        carried_out &= !fault.kind.takes_the_answer();
    }
    carried_out
}

/// Does to an answer what the faults ask for, in order. Kinds that only the service itself can act
/// on are left to it.
pub(crate) async fn strike(
    mut reply: Reply,
    faults: &[Struck],
    authorization: Option<&HeaderValue>,
) -> Reply {
    for fault in faults {
        if let FaultKind::Delay { ms } = fault.kind
            && fault.after
        {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        let Reply::Answer(answer) = reply else {
            return reply;
        };
        reply = strike_one(answer, &fault.kind, authorization);
    }
    reply
}

fn strike_one(
    mut answer: Response<ReplyBody>,
    fault: &FaultKind,
    authorization: Option<&HeaderValue>,
) -> Reply {
    match fault {
        FaultKind::Delay { .. }
        | FaultKind::LimitReached { .. }
        | FaultKind::HalfStored
        | FaultKind::PartialError { .. } => {}
        FaultKind::Status { code } => answer = html(status(*code), HTML_PAGE),
        FaultKind::TooManyRequests {
            retry_after_seconds,
        } => {
            answer = html(StatusCode::TOO_MANY_REQUESTS, HTML_PAGE);
            if let Some(seconds) = retry_after_seconds {
                answer
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from(*seconds));
            }
        }
        FaultKind::Reset => return Reply::Reset,
        FaultKind::NoAnswer => return Reply::Never,
        FaultKind::Truncated { bytes } => {
            answer = answer.map(|body| {
                let whole = body.into_bytes();
                let sent = bytes
                    .unwrap_or(whole.len() / 2)
                    .min(whole.len().saturating_sub(1));
                ReplyBody::truncated(whole, sent)
            });
        }
        FaultKind::NotJson => answer = html(StatusCode::OK, HTML_PAGE),
        FaultKind::Huge { bytes } => {
            answer = answer.map(|body| {
                let mut whole = body.into_bytes().to_vec();
                let length = bytes.unwrap_or(10 * 1024 * 1024 + 1).max(whole.len());
                whole.resize(length, b' ');
                ReplyBody::whole(Bytes::from(whole))
            });
        }
        FaultKind::Drip { chunk, every_ms } => {
            answer = answer.map(|body| {
                ReplyBody::drip(body.into_bytes(), *chunk, Duration::from_millis(*every_ms))
            });
        }
        FaultKind::NullAt { pointer } => edit(&mut answer, |json| {
            if let Some(value) = json.pointer_mut(pointer) {
                *value = Value::Null;
            }
        }),
        FaultKind::Redirect { to, code } => {
            answer = html(status(*code), "");
            if let Ok(location) = HeaderValue::from_str(to) {
                answer.headers_mut().insert(LOCATION, location);
            }
        }
        FaultKind::Header { name, value } => {
            if let (Ok(name), Ok(value)) = (
                HeaderName::try_from(name.as_str()),
                HeaderValue::from_str(value),
            ) {
                answer.headers_mut().append(name, value);
            }
        }
        FaultKind::ContentType { value } => {
            if let Ok(value) = HeaderValue::from_str(value) {
                answer.headers_mut().insert(CONTENT_TYPE, value);
            }
        }
        FaultKind::EchoAuthorization { base64 } => {
            let value = authorization.map_or(&b""[..], HeaderValue::as_bytes);
            let shown = if *base64 {
                base64::engine::general_purpose::STANDARD.encode(value)
            } else {
                String::from_utf8_lossy(value).into_owned()
            };
            edit(&mut answer, |json| {
                if let Value::Object(fields) = json {
                    fields.insert("echo".to_owned(), Value::String(shown));
                }
            });
        }
    }
    Reply::Answer(answer)
}

/// Changes a JSON body in place; other bodies stay as they are.
fn edit(answer: &mut Response<ReplyBody>, change: impl FnOnce(&mut Value)) {
    let body = std::mem::replace(answer.body_mut(), ReplyBody::whole(Bytes::new())).into_bytes();
    let changed = serde_json::from_slice(&body).ok().and_then(|mut json| {
        change(&mut json);
        serde_json::to_vec(&json).ok()
    });
    *answer.body_mut() = ReplyBody::whole(changed.map_or(body, Bytes::from));
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
