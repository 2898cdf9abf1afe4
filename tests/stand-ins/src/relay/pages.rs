//! The pages that P answers with where JSON could be expected.

use hyper::header::{CONTENT_SECURITY_POLICY, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};

use crate::reply::{self, ReplyBody};
use crate::rest::Unread;

const TOO_LARGE: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n<body>\n<pre>PayloadTooLargeError: request entity too large</pre>\n</body>\n</html>\n";
const NOT_JSON: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n<body>\n<pre>SyntaxError: Expected property name or &#39;}&#39; in JSON at position 1</pre>\n</body>\n</html>\n";

/// The page for a body that was not read. What the parser says is always the same here, and no
/// stack is shown.
pub(super) fn unread(why: Unread) -> Response<ReplyBody> {
    let mut answer = match why {
        Unread::TooLarge => reply::html(StatusCode::PAYLOAD_TOO_LARGE, TOO_LARGE),
        Unread::NotJson => reply::html(StatusCode::BAD_REQUEST, NOT_JSON),
    };
    let headers = answer.headers_mut();
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'"),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}
