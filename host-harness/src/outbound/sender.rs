//! The sender: the one place that sends requests. In this order it
//!
//! 1. counts the request, decides by policy, and finds the credential;
//! 2. checks a component's read for values of other services and of unknown provenance;
//! 3. waits for a permit of the call, looks into the cache, and takes from the rate limit;
//! 4. writes the decision to the audit log;
//! 5. exchanges the request for an answer, unless the cache has one;
//! 6. strips headers, and withholds an answer that contains a secret or is in the wrong form;
//! 7. writes the end to the audit log, observes records, and caches the answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, Uri};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::timeout_at;

use super::call_context::Ledger;
use super::client::cache::{Cache, Key};
use super::client::headers::{bared, build};
use super::client::{Client, ClientError, Exchange, answer};
use super::outgoing::{Outgoing, SendError};
use super::policy::rate::Bucket;
use super::policy::{self, Allowed, Decision, Policy};
use super::read_check;
use super::request_audit::Watch;
use super::secrets::CredentialError;
use super::secrets::credentials::{Credentials, Ready};
use crate::denial::{Denial, DenialCode};
use crate::events::{Decided, End, Phase, Recorder, Refused};
use crate::observed::ObservedRead;

/// The egress of a harness: policy, credentials, client, cache and rate limits.
pub struct Outbound {
    policy: Policy,
    credentials: Credentials,
    client: Client,
    cache: Cache,
    buckets: HashMap<String, Bucket>,
    recorder: Arc<dyn Recorder>,
}

impl Outbound {
    /// Creates the egress for this policy.
    #[must_use]
    pub fn new(
        policy: Policy,
        credentials: Credentials,
        client: Client,
        recorder: Arc<dyn Recorder>,
    ) -> Self {
        let buckets = policy
            .destinations
            .iter()
            .filter_map(|destination| {
                Some((destination.name.clone(), Bucket::new(destination.rate?)))
            })
            .collect();
        Self {
            policy,
            credentials,
            client,
            cache: Cache::default(),
            buckets,
            recorder,
        }
    }

    /// Returns the policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns the current credential of a destination for a caller; `None` if the destination
    /// takes none.
    ///
    /// # Errors
    /// Fails if it takes one and there is none.
    pub fn credential(
        &self,
        destination: &str,
        caller: Option<&str>,
    ) -> Result<Option<Ready>, CredentialError> {
        self.credentials.ready(destination, caller)
    }

    /// Returns true if a text of this value contains a secret of this harness.
    #[must_use]
    pub fn leaks(&self, value: &Value) -> bool {
        self.credentials.scanner().finds_in(value)
    }

    /// Decides about a request, sends it, and reads the answer.
    ///
    /// # Errors
    /// Returns the refusal, or the reason why there is no answer.
    pub async fn send(
        &self,
        ledger: &Ledger,
        outgoing: Outgoing,
    ) -> Result<Response<Bytes>, SendError> {
        let length = outgoing.body.as_ref().map_or(0, Bytes::len);
        let decided = self.decide(ledger, &outgoing);
        let (allowed, credential) = match decided {
            Ok(found) => found,
            Err(denial) => return Err(self.refuse(ledger, &outgoing, denial)),
        };
        // Requests of the host itself were checked when they were proposed.
        if ledger.phase == Phase::Read
            && let Some(guard) = &ledger.guard
            && let Err(denial) = read_check::check_read(guard, &allowed, &outgoing)
        {
            return Err(self.refuse(ledger, &outgoing, denial));
        }
        let _turn = timeout_at(ledger.deadline().into(), ledger.turn())
            .await
            .map_err(|_| ClientError::Timeout)?;
        let kept = self.kept(&allowed, credential.as_ref(), &outgoing);
        if let (Kept::No | Kept::Later(_), Some(wait)) = (&kept, self.too_often(&allowed)) {
            return Err(self.postpone(ledger, &outgoing, &allowed, wait));
        }
        let event = Decided {
            call: ledger.call,
            phase: ledger.phase,
            destination: Some(&allowed.destination.name),
            rule: Some(&allowed.route.id),
            document: allowed.document.map(|document| document.name.as_str()),
            request_bytes: length,
            refused: None,
        };
        if let Err(error) = self.recorder.decided(&event) {
            return Err(self.refuse(ledger, &outgoing, unrecorded(&error.to_string())));
        }
        ledger.let_through();
        self.perform(ledger, &allowed, credential, outgoing, kept)
            .await
    }

    /// Looks a request up in the cache.
    fn kept(&self, allowed: &Allowed<'_>, credential: Option<&Ready>, outgoing: &Outgoing) -> Kept {
        let seconds = allowed.route.keeps(allowed.document);
        if seconds == 0 {
            return Kept::No;
        }
        let generation = credential.map(|ready| ready.generation);
        let body = outgoing.body.as_deref().unwrap_or_default();
        let key = Key::new(&allowed.destination.name, generation, &outgoing.url, body);
        match self.cache.get(&key) {
            Some(response) => Kept::Now(response),
            None => Kept::Later(Keep { key, seconds }),
        }
    }

    /// Takes the cost of a request from the rate limit of its destination. Returns the time to wait
    /// if there are too few tokens.
    fn too_often(&self, allowed: &Allowed<'_>) -> Option<Duration> {
        let bucket = self.buckets.get(&allowed.destination.name)?;
        let cost = allowed.document.map_or(1, |document| document.cost);
        bucket.take(cost).err()
    }

    /// Logs that a request exceeded the rate limit. It is no denial: the same request passes later.
    fn postpone(
        &self,
        ledger: &Ledger,
        outgoing: &Outgoing,
        allowed: &Allowed<'_>,
        retry_after: Duration,
    ) -> SendError {
        let title = &allowed.destination.title;
        let denial = Denial::new(
            DenialCode::Rate,
            format!("This harness sends {title} no more requests for now: its own limit is reached."),
            format!(
                "The limit is `rate` under [destinations.{0}] in skill.toml; an operator can only lower it, under [destinations.{0}] of the operator file.",
                allowed.destination.name
            ),
        )
        .at(&allowed.destination.name)
        .near(&*allowed.route.id);
        tracing::warn!(fix = denial.fix, "postponed: {}", denial.reason);
        ledger.postpone();
        self.record_refusal(ledger, outgoing, &denial);
        SendError::Rate { retry_after }
    }

    fn decide(
        &self,
        ledger: &Ledger,
        outgoing: &Outgoing,
    ) -> Result<(Allowed<'_>, Option<Ready>), Denial> {
        if !ledger.attempt() {
            return Err(too_many_requests(ledger));
        }
        let Some(body) = &outgoing.body else {
            if ledger.is_full() {
                return Err(too_much_held(ledger));
            }
            return Err(Denial::new(
                DenialCode::RequestSize,
                format!(
                    "A request's body was larger than {} bytes (`request-bytes`).",
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
        let decision = self
            .policy
            .decide_for(ledger.phase, &request, &ledger.settings);
        let allowed = match decision {
            Decision::Allow(allowed) => allowed,
            Decision::Deny(denial) => return Err(denial),
        };
        let credential = self
            .credential(&allowed.destination.name, ledger.caller.as_deref())
            .map_err(|error| {
                let reason = format!(
                    "{} cannot be used: no credential is set up for it.",
                    allowed.destination.title
                );
                Denial::new(DenialCode::Credential, reason, error.to_string())
                    .at(&allowed.destination.name)
            })?;
        Ok((allowed, credential))
    }

    /// Refuses a request beyond the limit of requests, before its body is read.
    pub(super) fn beyond_limit(&self, ledger: &Ledger, method: &Method, uri: &Uri) -> SendError {
        let outgoing = Outgoing {
            method: method.clone(),
            url: uri.to_string(),
            headers: HeaderMap::new(),
            body: None,
            connect: None,
            first_byte: None,
        };
        self.refuse(ledger, &outgoing, too_many_requests(ledger))
    }

    fn refuse(&self, ledger: &Ledger, outgoing: &Outgoing, denial: Denial) -> SendError {
        if ledger.refuse(denial.clone()) {
            self.record_refusal(ledger, outgoing, &denial);
        }
        SendError::Denied(denial)
    }

    fn record_refusal(&self, ledger: &Ledger, outgoing: &Outgoing, denial: &Denial) {
        let body = outgoing.body.as_deref().unwrap_or_default();
        let mut digest = Sha256::new();
        for part in [
            outgoing.method.as_str().as_bytes(),
            outgoing.url.as_bytes(),
            body,
        ] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        self.record(
            ledger,
            body.len(),
            Refused {
                denial,
                sha256: digest.finalize().into(),
                url_bytes: outgoing.url.len(),
            },
        );
    }

    /// Refuses something that is not a request yet, such as a header that a guest tries to set.
    pub(crate) fn refuse_part(&self, ledger: &Ledger, denial: &Denial) {
        if ledger.refuse(denial.clone()) {
            self.record(
                ledger,
                0,
                Refused {
                    denial,
                    sha256: Sha256::digest(b"").into(),
                    url_bytes: 0,
                },
            );
        }
    }

    fn record(&self, ledger: &Ledger, request_bytes: usize, refused: Refused<'_>) {
        let event = Decided {
            call: ledger.call,
            phase: ledger.phase,
            destination: refused.denial.destination.as_deref(),
            rule: None,
            document: None,
            request_bytes,
            refused: Some(refused),
        };
        // It is refused either way; a failure of the audit log is reported here only.
        if let Err(error) = self.recorder.decided(&event) {
            tracing::error!("{error}");
        }
    }

    async fn perform(
        &self,
        ledger: &Ledger,
        allowed: &Allowed<'_>,
        credential: Option<Ready>,
        outgoing: Outgoing,
        kept: Kept,
    ) -> Result<Response<Bytes>, SendError> {
        let mut watch = Watch::start(self.recorder.as_ref(), ledger, allowed);
        let read = observed_read(ledger, allowed, &outgoing);
        let path = outgoing.url.strip_prefix(allowed.origin.as_str());
        let path = path.unwrap_or_default().to_owned();
        let keep = match kept {
            Kept::Now(response) => {
                watch.end(End::FromMemory)?;
                observe(ledger, allowed, (read, &path), &response);
                return Ok(response);
            }
            Kept::Later(keep) => Some(keep),
            Kept::No => None,
        };
        let body = outgoing.body.unwrap_or_default();
        let uri: Uri = outgoing
            .url
            .parse()
            .map_err(|_| ClientError::Protocol("the URL cannot be sent".into()))?;
        let request = build(outgoing.method, uri, body, credential)?;
        let reserved = ledger.reserve(ledger.limits().response_bytes);
        let exchange = Exchange {
            deadline: ledger.deadline(),
            connect: outgoing.connect,
            first_byte: outgoing.first_byte,
            response_bytes: reserved,
            repeatable: ledger.phase == Phase::Read,
        };
        let grants = allowed.destination.grants;
        let answered = self
            .client
            .send(allowed.origin, grants, request, exchange)
            .await;
        let held = answered
            .as_ref()
            .map_or(0, |response| response.body().len().min(reserved));
        ledger.give_back(reserved - held);
        match answered {
            Ok(response) => {
                let response = bared(response);
                if self.echoes(&response) {
                    watch.end(End::Failed(DenialCode::Leak.as_str()))?;
                    let denial = leaked(&allowed.destination.title).at(&allowed.destination.name);
                    tracing::error!(fix = denial.fix, "answer withheld: {}", denial.reason);
                    ledger.refuse(denial.clone());
                    return Err(SendError::Withheld(denial));
                }
                let response = match allowed.document {
                    Some(document) => match answer::of_document(response) {
                        Some(response) => response,
                        None => {
                            let error = ClientError::NoObject {
                                document: document.name.clone(),
                            };
                            watch.end(End::Failed(error.code()))?;
                            tracing::warn!(rule = allowed.route.id, "answer withheld: {error}");
                            return Err(error.into());
                        }
                    },
                    None => response,
                };
                watch.end(End::Answered {
                    status: response.status().as_u16(),
                    bytes: response.body().len(),
                })?;
                observe(ledger, allowed, (read, &path), &response);
                if let Some(Keep { key, seconds }) = keep {
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
                )
                .at(&allowed.destination.name);
                tracing::warn!(fix = denial.fix, "request refused: {}", denial.reason);
                ledger.refuse(denial.clone());
                Err(SendError::Denied(denial))
            }
            Err(ClientError::ResponseTooLarge { .. })
                if reserved < ledger.limits().response_bytes =>
            {
                watch.end(End::Failed(DenialCode::BodySize.as_str()))?;
                let denial = too_much_held(ledger).at(&allowed.destination.name);
                tracing::warn!(fix = denial.fix, "answer withheld: {}", denial.reason);
                ledger.refuse(denial.clone());
                Err(SendError::Withheld(denial))
            }
            Err(error) => {
                tracing::debug!(rule = allowed.route.id, "no answer: {error}");
                watch.end(End::Failed(error.code()))?;
                Err(error.into())
            }
        }
    }
}

/// Returns everything needed to repeat a read, if its answer can contain records or people.
fn observed_read(
    ledger: &Ledger,
    allowed: &Allowed<'_>,
    outgoing: &Outgoing,
) -> Option<ObservedRead> {
    let tells = allowed
        .document
        .is_some_and(|document| !document.records.is_empty())
        || allowed.route.people.is_some()
        || allowed.route.group.is_some();
    if ledger.phase != Phase::Read || ledger.seen.is_none() || !tells {
        return None;
    }
    let body = outgoing.body.as_deref().unwrap_or_default();
    Some(ObservedRead {
        destination: allowed.destination.name.clone(),
        method: outgoing.method.as_str().to_owned(),
        path: outgoing
            .url
            .strip_prefix(allowed.origin.as_str())?
            .to_owned(),
        body: std::str::from_utf8(body).ok()?.to_owned(),
    })
}

/// Takes in an answer: its ids, and the records, people and values in it.
fn observe(
    ledger: &Ledger,
    allowed: &Allowed<'_>,
    (read, path): (Option<ObservedRead>, &str),
    response: &Response<Bytes>,
) {
    ledger.told.take_in(response.body());
    if let Some(seen) = &ledger.seen {
        if let Some(read) = read {
            seen.keep_read(read);
        }
        if let Some(document) = allowed.document {
            seen.observe(&document.records, response.body());
            if let Some(options) = &document.options {
                seen.learn_options(options, response.body());
            }
        }
        if let Some(people) = &allowed.route.people {
            seen.meet(&allowed.destination.name, people, response.body());
        }
        if let Some(group) = &allowed.route.group {
            seen.place(&allowed.destination.name, group, response.body());
        }
    }
    ledger.look_into(&allowed.destination.name, path, response);
    if let Some(guard) = &ledger.guard {
        read_check::take_in(guard, allowed, response.body());
    }
}

/// The use of the cache for a request.
enum Kept {
    /// Its answer is not cacheable.
    No,
    /// Its answer will be cached.
    Later(Keep),
    /// Its answer is in the cache.
    Now(Response<Bytes>),
}

/// The cache key and lifetime of an answer.
struct Keep {
    key: Key,
    seconds: u32,
}

impl Outbound {
    /// Returns true if the part of an answer that a guest would see contains a secret.
    fn echoes(&self, response: &Response<Bytes>) -> bool {
        let scanner = self.credentials.scanner();
        scanner.finds(response.body())
            || response
                .headers()
                .values()
                .any(|value| scanner.finds(value.as_bytes()))
    }
}

fn too_many_requests(ledger: &Ledger) -> Denial {
    Denial::new(
        DenialCode::RequestLimit,
        format!(
            "The action made more than {} requests (`requests`).",
            ledger.limits().requests
        ),
        "The limit is `requests` under [limits] in skill.toml; an operator can only lower it.",
    )
}

fn too_much_held(ledger: &Ledger) -> Denial {
    Denial::new(
        DenialCode::BodySize,
        format!(
            "The action's requests and their answers came to more than {} MiB (`memory-mib`).",
            ledger.limits().body_bytes >> 20
        ),
        "The limit is `memory-mib` under [limits] in skill.toml, of what a call may have and of what is held for it; an operator can only lower it.",
    )
}

fn leaked(title: &str) -> Denial {
    Denial::new(
        DenialCode::Leak,
        format!("An answer of {title} was withheld because a secret of this harness is in it."),
        "Find out why the service repeats its credential, and replace the credential: it may have been seen.",
    )
}

/// Returns the hint for operators about how to open a network for a destination.
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
