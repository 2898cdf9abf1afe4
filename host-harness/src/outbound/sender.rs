//! The one place that sends: decide, record, add the credential, exchange, record again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, Response, Uri, header};
use thiserror::Error;

use super::cache::{Cache, Key};
use super::client::{Client, ClientError, Exchange};
use super::credentials::{Credential, CredentialError, Ready};
use super::denial::{Denial, DenialCode};
use super::ledger::Ledger;
use super::policy::{self, Allowed, Decision, Phase, Policy};
use super::record::{Decided, End, Finished, Recorder};

/// Response headers that are handed on; everything else stays with the host.
const RESPONSE_HEADERS: [HeaderName; 8] = [
    header::CONTENT_TYPE,
    header::CONTENT_LANGUAGE,
    header::DATE,
    header::ETAG,
    header::LAST_MODIFIED,
    header::LOCATION,
    header::RETRY_AFTER,
    HeaderName::from_static("x-request-id"),
];

/// A request as it was asked for.
#[derive(Debug)]
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// The URL exactly as it was given.
    pub url: String,
    /// The headers that were given.
    pub headers: HeaderMap,
    /// The whole body, or none if it is larger than the limit.
    pub body: Option<Bytes>,
    /// How long connecting may take.
    pub connect: Option<Duration>,
    /// How long the service may take until its response begins.
    pub first_byte: Option<Duration>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum SendError {
    /// It may not be sent.
    #[error("{0}")]
    Denied(Denial),
    /// It was let through, and there is no answer.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// There is an answer, which is withheld because it could not be recorded.
    #[error("the answer could not be put on record")]
    Record,
}

/// Everything that sending needs.
pub struct Outbound {
    policy: Policy,
    credentials: HashMap<String, Credential>,
    client: Client,
    cache: Cache,
    recorder: Arc<dyn Recorder>,
}

impl Outbound {
    /// A gate over this policy; `credentials` are by destination name.
    #[must_use]
    pub fn new(
        policy: Policy,
        credentials: HashMap<String, Credential>,
        client: Client,
        recorder: Arc<dyn Recorder>,
    ) -> Self {
        Self {
            policy,
            credentials,
            client,
            cache: Cache::default(),
            recorder,
        }
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The credential of a destination as it stands now; none if the destination takes none.
    ///
    /// # Errors
    /// When it takes one and there is none.
    pub fn credential(&self, destination: &str) -> Result<Option<Ready>, CredentialError> {
        self.credentials
            .get(destination)
            .map(Credential::ready)
            .transpose()
    }

    /// Decides about a request, sends it, and reads the answer.
    ///
    /// # Errors
    /// The refusal, or why there is no answer.
    pub async fn send(
        &self,
        ledger: &Ledger,
        outgoing: Outgoing,
    ) -> Result<Response<Bytes>, SendError> {
        let length = outgoing.body.as_ref().map_or(0, Bytes::len);
        let decided = self.decide(ledger, &outgoing);
        let (allowed, credential) = match decided {
            Ok(found) => found,
            Err(denial) => return Err(self.refuse(ledger, length, denial)),
        };
        let event = Decided {
            call: ledger.call,
            phase: ledger.phase,
            destination: Some(&allowed.destination.name),
            rule: Some(&allowed.route.id),
            document: allowed.document.map(|document| document.name.as_str()),
            request_bytes: length,
            denial: None,
        };
        if let Err(error) = self.recorder.decided(&event) {
            return Err(self.refuse(ledger, length, unrecorded(&error.to_string())));
        }
        ledger.let_through();
        self.perform(ledger, &allowed, credential, outgoing).await
    }

    fn decide(
        &self,
        ledger: &Ledger,
        outgoing: &Outgoing,
    ) -> Result<(Allowed<'_>, Option<Ready>), Denial> {
        if !ledger.attempt() {
            return Err(Denial::new(
                DenialCode::RequestLimit,
                format!(
                    "The action made more than {} requests.",
                    ledger.limits().requests
                ),
                "The limit is `requests` under [limits] in skill.toml; an operator can only lower it.",
            ));
        }
        let Some(body) = &outgoing.body else {
            return Err(Denial::new(
                DenialCode::RequestSize,
                format!(
                    "A request's body was larger than {} bytes.",
                    ledger.limits().request_bytes
                ),
                "The limit is `request-bytes` under [limits] in skill.toml; an operator can only lower it.",
            ));
        };
        let request = policy::Request {
            method: &outgoing.method,
            url: &outgoing.url,
            headers: &outgoing.headers,
            body,
        };
        let allowed = match self.policy.decide(ledger.phase, &request) {
            Decision::Allow(allowed) => allowed,
            Decision::Deny(denial) => return Err(denial),
        };
        let credential = self
            .credential(&allowed.destination.name)
            .map_err(|error| {
                let reason = format!(
                    "{} cannot be used: no credential is set up for it.",
                    allowed.destination.title
                );
                Denial::new(DenialCode::Credential, reason, error.to_string())
            })?;
        Ok((allowed, credential))
    }

    fn refuse(&self, ledger: &Ledger, length: usize, denial: Denial) -> SendError {
        let event = Decided {
            call: ledger.call,
            phase: ledger.phase,
            destination: None,
            rule: None,
            document: None,
            request_bytes: length,
            denial: Some(&denial),
        };
        // It is refused either way; a recorder that fails here has its say in the log.
        if let Err(error) = self.recorder.decided(&event) {
            tracing::error!("{error}");
        }
        ledger.refuse(denial.clone());
        SendError::Denied(denial)
    }

    async fn perform(
        &self,
        ledger: &Ledger,
        allowed: &Allowed<'_>,
        credential: Option<Ready>,
        outgoing: Outgoing,
    ) -> Result<Response<Bytes>, SendError> {
        let mut watch = Watch::start(self.recorder.as_ref(), ledger.call, allowed);
        let body = outgoing.body.unwrap_or_default();
        let seconds = allowed
            .document
            .map_or(0, |document| document.cacheable_seconds);
        let generation = credential.as_ref().map(|ready| ready.generation);
        let uri: Uri = outgoing
            .url
            .parse()
            .map_err(|_| ClientError::Protocol("the URL cannot be sent".into()))?;
        let key = (seconds > 0)
            .then(|| Key::new(&allowed.destination.name, generation, uri.path(), &body));
        if let Some(kept) = key.and_then(|key| self.cache.get(&key)) {
            watch.end(End::FromMemory)?;
            return Ok(kept);
        }
        let request = build(outgoing.method, uri, outgoing.headers, body, credential)?;
        let exchange = Exchange {
            deadline: ledger.deadline(),
            connect: outgoing.connect,
            first_byte: outgoing.first_byte,
            response_bytes: ledger.limits().response_bytes,
            repeatable: ledger.phase == Phase::Read,
        };
        let grants = allowed.destination.grants;
        match self
            .client
            .send(allowed.origin, grants, request, exchange)
            .await
        {
            Ok(response) => {
                watch.end(End::Answered {
                    status: response.status().as_u16(),
                    bytes: response.body().len(),
                })?;
                let response = bared(response);
                if let Some(key) = key {
                    self.cache.put(key, seconds, &response);
                }
                Ok(response)
            }
            Err(ClientError::Address(refusal)) => {
                watch.end(End::Failed("address"))?;
                let title = &allowed.destination.title;
                let denial = Denial::new(
                    DenialCode::Address,
                    format!("{title} is at an address that may not be dialled."),
                    format!("{refusal}. {}", grant_hint(&allowed.destination.name)),
                );
                tracing::warn!(fix = denial.fix, "request refused: {}", denial.reason);
                ledger.refuse(denial.clone());
                Err(SendError::Denied(denial))
            }
            Err(error) => {
                tracing::debug!(rule = allowed.route.id, "no answer: {error}");
                watch.end(End::Failed(error.code()))?;
                Err(error.into())
            }
        }
    }
}

/// How an operator opens a network for a destination.
pub(crate) fn grant_hint(destination: &str) -> String {
    format!(
        "For a service on this machine pass --allow-loopback, or write `allow-loopback = true` (for a private network \
         `allow-private = true`) under [destinations.{destination}] in the operator file"
    )
}

fn unrecorded(error: &str) -> Denial {
    Denial::new(
        DenialCode::Record,
        "Requests are refused because they cannot be put on record.",
        error,
    )
}

/// The request as it leaves: origin form, the credential last.
fn build(
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    credential: Option<Ready>,
) -> Result<Request<Bytes>, ClientError> {
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .body(body)
        .map_err(|error| ClientError::Protocol(error.to_string()))?;
    *request.headers_mut() = headers;
    if let Some(ready) = credential {
        request.headers_mut().insert(ready.header, ready.value);
    }
    Ok(request)
}

fn bared(response: Response<Bytes>) -> Response<Bytes> {
    let (mut parts, body) = response.into_parts();
    let mut kept = HeaderMap::with_capacity(4);
    for (name, value) in &parts.headers {
        if RESPONSE_HEADERS.contains(name) || name.as_str().starts_with("x-ratelimit-") {
            kept.append(name, value.clone());
        }
    }
    parts.headers = kept;
    Response::from_parts(parts, body)
}

/// Records how a request ended, also when the call is cut off in the middle of it.
struct Watch<'a> {
    recorder: &'a dyn Recorder,
    call: u64,
    allowed: &'a Allowed<'a>,
    started: Instant,
    ended: bool,
}

impl<'a> Watch<'a> {
    fn start(recorder: &'a dyn Recorder, call: u64, allowed: &'a Allowed<'a>) -> Self {
        Self {
            recorder,
            call,
            allowed,
            started: Instant::now(),
            ended: false,
        }
    }

    fn end(&mut self, end: End<'_>) -> Result<(), SendError> {
        self.ended = true;
        let event = Finished {
            call: self.call,
            destination: &self.allowed.destination.name,
            rule: &self.allowed.route.id,
            end,
            elapsed: self.started.elapsed(),
        };
        self.recorder.finished(&event).map_err(|error| {
            tracing::error!("{error}");
            SendError::Record
        })
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.ended && self.end(End::Abandoned).is_err() {
            tracing::error!(
                call = self.call,
                "an abandoned request is missing in the record"
            );
        }
    }
}
