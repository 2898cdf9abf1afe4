//! Sends requests: over wasi:http in the component, over an ordinary client in tests and
//! benchmarks.

use std::time::Duration;

/// The method of a request. Writes are sent by the harness alone, from a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// HTTP GET, with no body.
    Get,
    /// HTTP POST: a trusted query to Twenty.
    Post,
}

/// A request to a service. The harness adds the credential; the skill never has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The destination's base URL with no slash at the end, such as `https://crm.example.com`.
    pub base_url: String,
    /// The path with its query, such as `/conversations?limit=50`.
    pub path: String,
    /// The JSON body; empty for a GET.
    pub body: Vec<u8>,
}

impl Request {
    /// Creates a request that reads.
    pub fn get(base_url: String, path: Path) -> Self {
        Self {
            method: Method::Get,
            base_url,
            path: path.0,
            body: Vec::new(),
        }
    }
}

/// A path with its query, built so that no value can add a segment or a parameter.
///
/// ```
/// use crm_skill::transport::Path;
/// let path = Path::new("/conversations").segment("c-1").unwrap();
/// let path = path.then("/messages").query("before", "09:00+1");
/// assert_eq!(path.as_str(), "/conversations/c-1/messages?before=09%3A00%2B1");
/// assert!(Path::new("/tez").segment("../unread").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    /// Starts a path with fixed segments.
    pub fn new(fixed: &'static str) -> Self {
        Self(fixed.to_owned())
    }

    /// Adds an id as a segment; none where it is no id, see [`is_id`].
    pub fn segment(mut self, id: &str) -> Option<Self> {
        is_id(id).then(|| {
            self.0.push('/');
            self.0.push_str(id);
            self
        })
    }

    /// Adds fixed segments.
    #[must_use]
    pub fn then(mut self, fixed: &'static str) -> Self {
        self.0.push_str(fixed);
        self
    }

    /// Adds a query parameter with its value, percent-encoded (RFC 3986: all but the unreserved
    /// characters).
    #[must_use]
    pub fn query(mut self, name: &'static str, value: &str) -> Self {
        const HEX: [char; 16] = [
            '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
        ];
        let hex = |digit: u8| HEX.get(usize::from(digit & 15)).copied().unwrap_or('0');
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(name);
        self.0.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                self.0.push(char::from(byte));
            } else {
                self.0.extend(['%', hex(byte >> 4), hex(byte)]);
            }
        }
        self
    }

    /// Returns the path as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks that a text can only be a service's id: 1 to 64 of A-Z, a-z, 0-9, `_` and `-`.
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// A service's HTTP response, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The `Retry-After` header, if it was given in seconds.
    pub retry_after: Option<u32>,
    /// The body.
    pub body: Vec<u8>,
}

/// A reason for the lack of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportError {
    /// The harness's gate refused the request. It knows why; the skill is not told.
    Refused,
    /// The answer is larger than the harness lets through.
    TooLarge,
    /// The service could not be reached, or broke off.
    Unreachable {
        /// Set if the service may have received the request.
        request_sent: bool,
        /// The cause, in a few words.
        reason: String,
    },
}

/// An answer, or the reason for its lack.
pub type Outcome = Result<Response, TransportError>;

/// Sends requests.
pub trait Transport {
    /// Sends all of them side by side and answers in the same order.
    fn send_all(&self, requests: &[Request]) -> Vec<Result<Response, TransportError>>;

    /// Returns the time since some fixed moment, to measure durations.
    fn elapsed(&self) -> Duration;

    /// Waits, for a service that asked for patience.
    fn wait(&self, time: Duration);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_an_id_and_nothing_else() {
        for good in [
            "a",
            "5b1d2c3e-0000-4000-8000-0000000000a1",
            "u_1",
            &"x".repeat(64),
        ] {
            assert!(Path::new("/tez").segment(good).is_some(), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "a?b",
            "a#b",
            "a%2fb",
            "a b",
            "ada@host",
            "é",
            &"x".repeat(65),
        ] {
            assert!(Path::new("/tez").segment(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_value_stays_within_its_parameter() {
        let path = Path::new("/contacts/search")
            .query("q", "Zoë & Co/?#=%\n")
            .query("limit", "10");
        assert_eq!(
            path.as_str(),
            "/contacts/search?q=Zo%C3%AB%20%26%20Co%2F%3F%23%3D%25%0A&limit=10"
        );
    }
}
