//! The HTTP side of the stand-in: routes, request bodies, status codes, and what a stand-in is
//! started with.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::database::Workspace;
use super::documents::{Documents, Prepared};
use super::errors::{GqlError, Refusal};
use super::graphql::{Answered, Call, Means};
use super::keys::{ApiKey, Bucket, Caller, caller, default_keys};
use super::sample::{self, Size, TaskStatuses};
use super::state;
use crate::clock::Clock;
use crate::faults::{self, Asked, Faults, Struck};
use crate::percent;
use crate::reply::{self, Reply};
use crate::server::{self, Count, Running, Service, StartError};

const PLAIN: &str = "application/json";
const WITH_CHARSET: &str = "application/json; charset=utf-8";

/// Options of a stand-in.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes any that is free.
    pub port: u16,
    /// The clock: the sample workspace is laid out around the moment of starting (and of each
    /// reset), and the token bucket refills by it.
    pub clock: Clock,
    /// The number of records beside the sample workspace's own.
    pub size: Size,
    /// The number of members beside the sample's own.
    pub members: u32,
    /// The statuses of tasks, where the workspace has made its own.
    pub task_statuses: Option<TaskStatuses>,
    /// The keys it knows.
    pub keys: Vec<ApiKey>,
    /// True if the token bucket (100 tokens, one more every 600 ms) limits root fields.
    pub rate_limit: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            clock: Clock::system(),
            size: Size::default(),
            members: 0,
            task_statuses: None,
            keys: default_keys(),
            rate_limit: true,
        }
    }
}

impl Options {
    fn workspace(&self) -> rusqlite::Result<Workspace> {
        let now_ms = self.clock.now_ms();
        sample::workspace(now_ms, self.size, self.members, self.task_statuses)
    }
}

/// The stand-in for Twenty.
pub struct TwentyStandIn {
    options: Options,
    workspace: Mutex<Workspace>,
    documents: Documents,
    bucket: Bucket,
    faults: Faults,
}

impl TwentyStandIn {
    /// Fills the sample workspace and starts listening on loopback. Runs on the calling runtime
    /// until the handle is dropped.
    pub async fn start(options: Options) -> Result<Running, StartError> {
        let faults = Faults::default();
        let workspace = options.workspace().map_err(|error| StartError {
            port: options.port,
            source: std::io::Error::other(error),
        })?;
        let service = Self {
            workspace: Mutex::new(workspace),
            documents: Documents::default(),
            bucket: Bucket::new(options.clock.clone()),
            faults: faults.clone(),
            options,
        };
        server::start(service.options.port, faults, service).await
    }

    /// Reads a request as far as faults need it to be read.
    fn read(&self, parts: &Parts, body: &[u8]) -> Arrived<'_> {
        match (&parts.method, parts.uri.path()) {
            (&Method::POST | &Method::GET, "/graphql") | (&Method::POST, "/metadata") => {}
            (method, path) => {
                let missing = json!({"message": format!("Cannot {method} {path}"), "error": "Not Found", "statusCode": 404});
                let answer = Answer::new(StatusCode::NOT_FOUND, WITH_CHARSET, &missing);
                return Arrived::Answered(answer);
            }
        }
        let authorization = parts
            .headers
            .get(AUTHORIZATION)
            .map(hyper::header::HeaderValue::as_bytes);
        let metadata = parts.uri.path() == "/metadata";
        let request = match Request::read(&parts.method, parts.uri.query(), body) {
            Read::Request(request) => request,
            Read::Refused(answer) => return Arrived::Answered(answer),
            Read::Nothing => return Arrived::Nothing,
        };
        let refused = |error, checked| {
            Arrived::Answered(Answer::ok(Answered::errors(&[error], None, checked)))
        };
        let caller = match caller(&self.options.keys, authorization) {
            Ok(caller) => caller,
            Err(error) => return refused(error, metadata),
        };
        match self.documents.get(&request.query) {
            Ok(prepared) => Arrived::Asks {
                prepared,
                request,
                caller,
            },
            Err(error) => refused(error, true),
        }
    }

    /// Carries a request out.
    fn run(
        &self,
        call: &Call<'_>,
        caller: &Caller<'_>,
        parts: &Parts,
        faults: &[Struck],
    ) -> Answer {
        let means = Means {
            caller,
            bucket: self.options.rate_limit.then_some(&self.bucket),
            faults,
        };
        let answered = if parts.method == Method::GET {
            call.anonymous()
        } else if parts.uri.path() == "/metadata" {
            call.metadata(caller)
        } else if call.is_mutation() {
            call.mutate(&mut self.stored(), self.options.clock.now_ms(), &means)
        } else {
            call.records(&self.stored(), &means)
        };
        match answered {
            Ok(answered) => Answer::ok(answered),
            Err(refusal) => Answer::not_known(&refusal),
        }
    }

    fn stored(&self) -> MutexGuard<'_, Workspace> {
        self.workspace
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that has been read.
enum Arrived<'s> {
    /// It is answered whatever is stored.
    Answered(Answer),
    /// It asks for something or wants something done.
    Asks {
        prepared: Arc<Prepared>,
        request: Request,
        caller: Caller<'s>,
    },
    /// It is never answered.
    Nothing,
}

impl Service for TwentyStandIn {
    async fn handle(&self, parts: &Parts, body: Bytes) -> Reply {
        if (&parts.method, parts.uri.path()) == (&Method::GET, "/healthz") {
            let healthy = json!({"status": "ok", "info": {}, "error": {}, "details": {}});
            return Answer::new(StatusCode::OK, WITH_CHARSET, &healthy).reply();
        }
        let arrived = self.read(parts, &body);
        let authorization = parts.headers.get(AUTHORIZATION);
        match arrived {
            Arrived::Nothing => Reply::Never,
            Arrived::Answered(answer) => {
                let faults = self.faults.take(&Asked::of(parts));
                faults::hold_back(&faults).await;
                faults::strike(answer.reply(), &faults, authorization).await
            }
            Arrived::Asks {
                prepared,
                request,
                caller,
            } => {
                let call = Call {
                    prepared: &prepared,
                    operation_name: request.operation_name.as_deref(),
                    variables: &request.variables,
                };
                let faults = {
                    let (operation, roots) = call.describe();
                    self.faults.take(&Asked::of(parts).with(operation, &roots))
                };
                let answer = if faults::hold_back(&faults).await {
                    let run = || self.run(&call, &caller, parts, &faults);
                    TaskStatuses::hold(self.options.task_statuses, run)
                } else {
                    Answer::new(StatusCode::OK, PLAIN, &Value::Null)
                };
                faults::strike(answer.reply(), &faults, authorization).await
            }
        }
    }

    fn counts(&self) -> Vec<(String, Count)> {
        state::counts(&self.stored())
    }

    fn records(&self, object: &str) -> Option<Vec<Value>> {
        state::records(&self.stored(), object)
    }

    fn record(&self, object: &str, id: &str) -> Option<Value> {
        state::record_with(&self.stored(), object, id)
    }

    fn reset(&self) {
        // What could be laid out when it started can be again.
        if let Ok(fresh) = self.options.workspace() {
            *self.stored() = fresh;
        }
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

    fn reply(self) -> Reply {
        Reply::Answer(reply::json(self.status, self.content_type, self.body))
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
                    query: percent::decoded(text),
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
