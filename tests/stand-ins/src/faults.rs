//! Faults on demand: what goes wrong with which requests, how often, whether before the request is
//! carried out or after, and what that does to an answer.
//!
//! A request goes through these steps, and a fault can strike at each:
//!
//! 1. It arrives and is written into the journal.
//! 2. Faults without `after` that delay it or take the answer's place strike. A request whose
//!    answer is taken is not carried out: nothing is stored, no token is taken.
//! 3. It is carried out, one root field after the other. [`FaultKind::LimitReached`] and
//!    [`FaultKind::PartialError`] stop a root field before it stores anything or, with `after`, put
//!    an error in place of the answer to what it has stored. To a REST service a request is one
//!    root field without a name. [`FaultKind::HalfStored`] strikes here too.
//! 4. Faults with `after` strike, and those that spoil an answer, which need one: what was written
//!    is stored by now.
//!
//! For a read it makes no difference to the answer which of the two it is.

mod route;
mod strike;

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

pub(crate) use route::{Asked, leads_to};
pub(crate) use strike::{hold_back, strike};

/// A fault and the requests it strikes. In JSON: the fields of [`FaultKind`] beside those of this
/// struct.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Fault {
    /// The kind of fault.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// The number of matching requests it strikes; `None` is all until it is cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// The number of matching requests it lets pass first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip: u32,
    /// True if the request is carried out first, so that what it writes is stored. Without it,
    /// faults that delay or take the answer's place strike before. Those that spoil an answer
    /// always come after.
    #[serde(default, skip_serializing_if = "is_false")]
    pub after: bool,
    /// Only requests with this GraphQL operation name or, where it has a space in it, on this
    /// route: a method and a path without its query, with `*` for any one segment, such as
    /// `POST /conversations/*/messages`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Only requests that ask for this GraphQL root field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
}

/// A kind of fault. In JSON the name stands in `fault`:
/// `{"fault": "delay", "ms": 250, "times": 1}`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum FaultKind {
    /// The answer comes `ms` milliseconds late. A client that gives up in the meantime has stored
    /// nothing or, with `after`, has.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// An HTML page with this status, as a proxy in front would send.
    Status {
        /// The HTTP status, 100 to 999.
        code: u16,
    },
    /// HTTP 429.
    TooManyRequests {
        /// The value of `retry-after`, if one is sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u32>,
    },
    /// The service's own refusal of one request too many: of every root field or, with `only`, of
    /// that one; of the whole request where there are none.
    LimitReached {
        /// The root field that is refused; all of them without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only: Option<String>,
    },
    /// The connection is reset before an answer.
    Reset,
    /// No answer ever comes; the connection stays open until the client gives up.
    NoAnswer,
    /// The answer, to what is stored by then, promises its whole length and ends after `bytes`
    /// bytes.
    Truncated {
        /// The number of bytes that are sent; half of the answer without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<usize>,
    },
    /// An HTML page with status 200.
    NotJson,
    /// The answer, made this long with trailing spaces (which JSON allows).
    Huge {
        /// Bytes in all; 10 MiB and one byte without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<usize>,
    },
    /// The answer comes `chunk` bytes at a time, `every_ms` milliseconds apart.
    Drip {
        /// Bytes a piece, at least 1.
        chunk: usize,
        /// Milliseconds between pieces.
        every_ms: u64,
    },
    /// The relay's own failure halfway: a message is stored without its context and its recipients,
    /// and answered with its HTTP 500. Requests that store no message are not touched, nor are
    /// other services.
    HalfStored,
    /// One root field fails, the others answer.
    PartialError {
        /// The root field that fails.
        only: String,
        /// The error's message.
        #[serde(default = "internal_error")]
        message: String,
        /// Its `extensions.code`.
        #[serde(default = "internal_code")]
        code: String,
    },
    /// The value at this JSON pointer reads null; nothing happens where the pointer finds nothing.
    NullAt {
        /// RFC 6901, from the top of the answer: `/data/opportunity/stage`.
        pointer: String,
    },
    /// A redirect.
    Redirect {
        /// The `location`.
        to: String,
        /// The status; 302 without it.
        #[serde(default = "found")]
        code: u16,
    },
    /// One more response header.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// Another content type than the body has.
    ContentType {
        /// The value.
        value: String,
    },
    /// The request's `authorization` value turns up in the answer, in a field `echo` at its top.
    EchoAuthorization {
        /// As base64 instead of plain.
        #[serde(default)]
        base64: bool,
    },
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

fn is_false(b: &bool) -> bool {
    !b
}

fn internal_error() -> String {
    "Internal server error".to_owned()
}

fn internal_code() -> String {
    "INTERNAL_SERVER_ERROR".to_owned()
}

fn found() -> u16 {
    302
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Self {
        Self {
            kind,
            times: None,
            skip: 0,
            after: false,
            operation: None,
            root: None,
        }
    }
}

impl Fault {
    /// A fault that strikes the next matching request and no more.
    pub fn once(kind: FaultKind) -> Self {
        Self {
            times: Some(1),
            ..kind.into()
        }
    }

    /// The same, for requests that ask for this root field.
    #[must_use]
    pub fn on_root(mut self, root: &str) -> Self {
        self.root = Some(root.to_owned());
        self
    }

    /// The same, for requests with this operation name.
    #[must_use]
    pub fn on_operation(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// The same, for requests with this method whose path matches, `*` standing for any one
    /// segment: `on_route("GET", "/tez/*/thread")`.
    #[must_use]
    pub fn on_route(mut self, method: &str, path: &str) -> Self {
        self.operation = Some(format!("{method} {path}"));
        self
    }

    /// The same, once the request is carried out.
    #[must_use]
    pub fn after(mut self) -> Self {
        self.after = true;
        self
    }

    /// The same, after so many matching requests that pass.
    #[must_use]
    pub fn skipping(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    fn strikes(&self, asked: &Asked<'_>) -> bool {
        self.operation
            .as_deref()
            .is_none_or(|wanted| asked.is(wanted))
            && self
                .root
                .as_deref()
                .is_none_or(|wanted| asked.asks_for(wanted))
    }
}

impl FaultKind {
    /// Returns true if nothing is left of the answer.
    fn takes_the_answer(&self) -> bool {
        matches!(
            self,
            Self::Status { .. }
                | Self::TooManyRequests { .. }
                | Self::Reset
                | Self::NoAnswer
                | Self::NotJson
                | Self::Redirect { .. }
        )
    }
}

/// A fault that strikes a request.
pub(crate) struct Struck {
    pub(crate) kind: FaultKind,
    pub(crate) after: bool,
}

/// The faults that are set. Cloning shares them.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    /// Sets one more. Several may strike one request, in the order they were set.
    pub fn add(&self, fault: impl Into<Fault>) {
        self.lock().push(fault.into());
    }

    /// Removes them all.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Those still set.
    pub fn all(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// Those that strike this request, counted as having struck.
    pub(crate) fn take(&self, asked: &Asked<'_>) -> Vec<Struck> {
        let mut set = self.lock();
        let mut struck = Vec::new();
        set.retain_mut(|fault| {
            if !fault.strikes(asked) {
                return true;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                return true;
            }
            match &mut fault.times {
                Some(0) => return false,
                Some(left) => *left -= 1,
                None => {}
            }
            struck.push(Struck {
                kind: fault.kind.clone(),
                after: fault.after,
            });
            fault.times != Some(0)
        });
        struck
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
