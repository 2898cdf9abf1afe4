//! The HTTP side of the stand-in: routes, request bodies, status codes, and what a stand-in is started with.

use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::documents::Documents;
use super::errors::{GqlError, Refusal};
use super::graphql::{Answered, Call};
use super::keys::{ApiKey, Bucket, caller, default_keys};
use super::sample::{self, Size};
use super::table::Workspace;
use crate::clock::Clock;
use crate::faults::{self, Faults};
use crate::reply::{self, Reply};
use crate::server::{self, Running, Service, StartError};

const PLAIN: &str = "application/json";
const WITH_CHARSET: &str = "application/json; charset=utf-8";

/// What a stand-in is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes any that is free.
    pub port: u16,
    /// Where the time comes from: the sample workspace is laid out around the moment of starting (and of each reset), and
    /// the token bucket refills by it.
    pub clock: Clock,
    /// How many records there are beside the sample workspace's own.
    pub size: Size,
    /// The keys it knows.
    pub keys: Vec<ApiKey>,
    /// Whether the token bucket (100 tokens, one more every 600 ms) limits root fields.
    pub rate_limit: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            clock: Clock::system(),
            size: Size::default(),
            keys: default_keys(),
            rate_limit: true,
        }
    }
}

/// The stand-in for Twenty.
pub struct TwentyStandIn {
    options: Options,
    workspace: RwLock<Workspace>,
    documents: Documents,
    bucket: Bucket,
    faults: Faults,
}

impl TwentyStandIn {
    /// Fills the sample workspace and starts listening on loopback. Runs on the calling runtime until the handle is dropped.
    pub async fn start(options: Options) -> Result<Running, StartError> {
        let faults = Faults::default();
        let service = Self {
            workspace: RwLock::new(sample::workspace(options.clock.now_ms(), options.size)),
            documents: Documents::default(),
            bucket: Bucket::new(options.clock.clone()),
            faults: faults.clone(),
            options,
        };
        server::start(service.options.port, faults, service).await
    }

    fn graphql(
        &self,
        parts: &Parts,
        body: &[u8],
    ) -> Result<(Answer, Vec<faults::FaultKind>), Option<Answer>> {
        let authorization = parts
            .headers
            .get(AUTHORIZATION)
            .map(hyper::header::HeaderValue::as_bytes);
        let metadata = parts.uri.path() == "/metadata";
        let request = match Request::read(&parts.method, parts.uri.query(), body) {
            Read::Request(request) => request,
            Read::Refused(answer) => return Ok((answer, self.faults.take(None, &[]))),
            Read::Nothing => return Err(None),
        };
        let caller = match caller(&self.options.keys, authorization) {
            Ok(caller) => caller,
            Err(error) => {
                return Ok((
                    Answer::ok(Answered::errors(&[error], None, metadata)),
                    self.faults.take(None, &[]),
                ));
            }
        };
        let prepared = match self.documents.get(&request.query) {
            Ok(prepared) => prepared,
            Err(error) => {
                return Ok((
                    Answer::ok(Answered::errors(&[error], None, true)),
                    self.faults.take(None, &[]),
                ));
            }
        };
        let call = Call {
            prepared: &prepared,
            operation_name: request.operation_name.as_deref(),
            variables: &request.variables,
        };
        let (operation, roots) = call.describe();
        let faults = self.faults.take(operation, &roots);
        let answered = if parts.method == Method::GET {
            call.anonymous()
        } else if metadata {
            call.metadata(&caller)
        } else {
            let workspace = self
                .workspace
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            call.records(
                &workspace,
                &caller,
                self.options.rate_limit.then_some(&self.bucket),
                &faults,
            )
        };
        let answer = match answered {
            Ok(answered) => Answer::ok(answered),
            Err(refusal) => Answer::not_known(&refusal),
        };
        Ok((answer, faults))
    }
}

impl Service for TwentyStandIn {
    async fn handle(&self, parts: &Parts, body: Bytes) -> Reply {
        let (answer, faults) = match (&parts.method, parts.uri.path()) {
            (&Method::GET, "/healthz") => (
                Answer::new(
                    StatusCode::OK,
                    WITH_CHARSET,
                    &json!({"status": "ok", "info": {}, "error": {}, "details": {}}),
                ),
                Vec::new(),
            ),
            (&Method::POST | &Method::GET, "/graphql") | (&Method::POST, "/metadata") => {
                match self.graphql(parts, &body) {
                    Ok(answered) => answered,
                    Err(_) => return Reply::Never,
                }
            }
            (method, path) => {
                let missing = json!({"message": format!("Cannot {method} {path}"), "error": "Not Found", "statusCode": 404});
                (
                    Answer::new(StatusCode::NOT_FOUND, WITH_CHARSET, &missing),
                    self.faults.take(None, &[]),
                )
            }
        };
        let reply = Reply::Answer(reply::json(answer.status, answer.content_type, answer.body));
        if faults.is_empty() {
            return reply;
        }
        faults::strike(reply, &faults, parts.headers.get(AUTHORIZATION)).await
    }

    fn reset(&self) {
        let fresh = sample::workspace(self.options.clock.now_ms(), self.options.size);
        *self
            .workspace
            .write()
            .unwrap_or_else(PoisonError::into_inner) = fresh;
        self.bucket.fill();
    }
}

/// An answer about to be sent.
struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Answer {
    fn new(status: StatusCode, content_type: &'static str, body: &Value) -> Self {
        Self {
            status,
            content_type,
            body: body.to_string().into_bytes(),
        }
    }

    fn ok(answered: Answered) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: if answered.checked {
                WITH_CHARSET
            } else {
                PLAIN
            },
            body: answered.body,
        }
    }

    fn not_known(refusal: &Refusal) -> Self {
        let what = match refusal {
            Refusal::NotKnown(what) => what.clone(),
            Refusal::Service(GqlError { message, .. }) => message.clone(),
        };
        let error = format!("not implemented by this stand-in: {what}");
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            WITH_CHARSET,
            &json!({"error": error}),
        )
    }
}

/// A GraphQL request body.
struct Request {
    query: String,
    operation_name: Option<String>,
    variables: Map<String, Value>,
}

enum Read {
    Request(Request),
    Refused(Answer),
    /// The real server leaves the connection open without an answer.
    Nothing,
}

impl Request {
    fn read(method: &Method, query: Option<&str>, body: &[u8]) -> Read {
        if method == Method::GET {
            return match query
                .and_then(|q| q.split('&').find_map(|pair| pair.strip_prefix("query=")))
            {
                Some(text) => Read::Request(Self {
                    query: decoded(text),
                    operation_name: None,
                    variables: Map::new(),
                }),
                None => Read::Nothing,
            };
        }
        let refused =
            |body: &Value| Read::Refused(Answer::new(StatusCode::BAD_REQUEST, WITH_CHARSET, body));
        let mut fields = match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => fields,
            Ok(Value::Array(_)) => {
                return refused(&json!({"errors": [{"message": "Batching is not supported."}]}));
            }
            Ok(_) => {
                return refused(
                    &json!({"message": "Unexpected token in JSON", "error": "Bad Request", "statusCode": 400}),
                );
            }
            Err(e) => {
                let message = if e.is_eof() {
                    "Unexpected end of JSON input"
                } else {
                    "Unexpected token in JSON"
                };
                return refused(
                    &json!({"message": message, "error": "Bad Request", "statusCode": 400}),
                );
            }
        };
        let Some(Value::String(query)) = fields.remove("query") else {
            return Read::Nothing;
        };
        let operation_name = if let Some(Value::String(name)) = fields.remove("operationName") {
            Some(name)
        } else {
            None
        };
        let variables = if let Some(Value::Object(variables)) = fields.remove("variables") {
            variables
        } else {
            Map::new()
        };
        Read::Request(Self {
            query,
            operation_name,
            variables,
        })
    }
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |b: Option<u8>| {
                    b.and_then(|b| char::from(b).to_digit(16))
                        .and_then(|d| u8::try_from(d).ok())
                        .unwrap_or(0)
                };
                digit(rest.next()) << 4 | digit(rest.next())
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
