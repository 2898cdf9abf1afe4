//! The sender: the one place that sends requests. [`Outbound::send`] lists what happens to one in
//! its order; whether it may leave at all is decided by `gate`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, Uri};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::SemaphorePermit;
use tokio::time::timeout_at;

use super::call_context::CallContext;
use super::client::cache::{Cache, CacheKey};
use super::client::headers::{bared, build};
use super::client::{Client, ClientError, Exchange, answer};
use super::gate::{self, Admitted, Gate};
use super::outgoing::{Outgoing, SendError};
use super::policy::addresses::AddressRefusal;
use super::policy::rate::Bucket;
use super::policy::{Allowed, Policy};
use super::read_check;
use super::request_audit::RequestAudit;
use super::secrets::CredentialError;
use super::secrets::credentials::{Credentials, Ready};
use crate::denial::{Denial, DenialCode};
use crate::events::{AuditSink, Decided, Phase, Refused, RequestEnd};
use crate::observed::ObservedRead;

/// The egress of a harness: policy, credentials, client, cache and rate limits.
pub struct Outbound {
    gate: Gate,
    client: Client,
    cache: Cache,
    buckets: HashMap<String, Bucket>,
    sink: Arc<dyn AuditSink>,
}

impl Outbound {
    /// Creates the egress for this policy.
    #[must_use]
    pub fn new(
        policy: Policy,
        credentials: Credentials,
        client: Client,
        sink: Arc<dyn AuditSink>,
    ) -> Self {
        let buckets = policy
            .destinations
            .iter()
            .filter_map(|destination| {
                Some((destination.name.clone(), Bucket::new(destination.rate?)))
            })
            .collect();
        Self {
            gate: Gate {
                policy,
                credentials,
            },
            client,
            cache: Cache::default(),
            buckets,
            sink,
        }
    }

    /// Returns the policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.gate.policy
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
        self.gate.credential(destination, caller)
    }

    /// Returns true if a text of this value contains a secret of this harness.
    #[must_use]
    pub fn leaks(&self, value: &Value) -> bool {
        self.gate.credentials.scanner().finds_in(value)
    }

    /// Sends a request that the gate admits, and returns the answer. The order of what happens:
    /// gate, permit, cache, rate limit, audit log, exchange, checks of the answer.
    ///
    /// # Errors
    /// Returns the refusal, or the reason why there is no answer.
    pub async fn send(
        &self,
        context: &CallContext,
        outgoing: Outgoing,
    ) -> Result<Response<Bytes>, SendError> {
        let refused = |denial| self.refuse(context, &outgoing, denial);
        let Admitted {
            allowed,
            credential,
        } = self.gate.admit(context, &outgoing).map_err(refused)?;
        let _permit = permit(context).await?;
        let kept = self.kept(&allowed, credential.as_ref(), &outgoing);
        self.within_rate(context, &allowed, &outgoing, &kept)?;
        self.log_admitted(context, &allowed, &outgoing)
            .map_err(refused)?;
        context.let_through();
        let mut audit = RequestAudit::start(self.sink.as_ref(), context, &allowed);
        let observed = ReadObservation::of(context, &allowed, &outgoing);
        let keep = match kept {
            CacheLookup::Now(response) => {
                audit.end(RequestEnd::FromMemory)?;
                observe(context, &allowed, observed, &response);
                return Ok(response);
            }
            CacheLookup::Later(keep) => Some(keep),
            CacheLookup::No => None,
        };
        let answered = self.exchange(context, &allowed, credential, outgoing);
        let answered = answered.await?;
        let answered = answered.and_then(|response| self.accept(&allowed, response));
        let response =
            answered.map_err(|failed| failed.tell(context, &allowed.route.id, &mut audit))?;
        audit.end(RequestEnd::Answered {
            status: response.status().as_u16(),
            bytes: response.body().len(),
        })?;
        observe(context, &allowed, observed, &response);
        if let Some(Keep { key, seconds }) = keep {
            self.cache.put(key, seconds, &response);
        }
        Ok(response)
    }

    /// Sends a request that has been logged. The inner error is an exchange that failed.
    async fn exchange(
        &self,
        context: &CallContext,
        allowed: &Allowed<'_>,
        credential: Option<Ready>,
        outgoing: Outgoing,
    ) -> Result<Result<Response<Bytes>, Failed>, SendError> {
        let body = outgoing.body.unwrap_or_default();
        let uri: Uri = outgoing
            .url
            .parse()
            .map_err(|_| ClientError::Protocol("the URL cannot be sent".into()))?;
        let request = build(outgoing.method, uri, body, credential)?;
        let reserved = context.reserve(context.limits().response_bytes);
        let exchange = Exchange {
            deadline: context.deadline(),
            connect: outgoing.connect,
            first_byte: outgoing.first_byte,
            response_bytes: reserved,
            repeatable: context.phase == Phase::Read,
        };
        let grants = allowed.destination.grants;
        let answered = self
            .client
            .send(allowed.origin, grants, request, exchange)
            .await;
        let held = answered
            .as_ref()
            .map_or(0, |response| response.body().len().min(reserved));
        context.give_back(reserved - held);
        Ok(answered.map_err(|error| match error {
            ClientError::Address(refusal) => not_dialled(allowed, &refusal),
            ClientError::ResponseTooLarge { .. } if reserved < context.limits().response_bytes => {
                withheld(allowed, gate::too_much_held(context))
            }
            error => error.into(),
        }))
    }

    /// Checks an answer before anybody sees it: headers are stripped, then secrets and the form
    /// are looked at.
    fn accept(
        &self,
        allowed: &Allowed<'_>,
        response: Response<Bytes>,
    ) -> Result<Response<Bytes>, Failed> {
        let response = bared(response);
        if self.echoes(&response) {
            return Err(withheld(allowed, leaked(&allowed.destination.title)));
        }
        let Some(document) = allowed.document else {
            return Ok(response);
        };
        answer::of_document(response).ok_or_else(|| {
            let document = document.name.clone();
            ClientError::NoObject { document }.into()
        })
    }

    /// Returns true if the part of an answer that a guest would see contains a secret.
    fn echoes(&self, response: &Response<Bytes>) -> bool {
        let scanner = self.gate.credentials.scanner();
        scanner.finds(response.body())
            || response
                .headers()
                .values()
                .any(|value| scanner.finds(value.as_bytes()))
    }

    /// Looks a request up in the cache.
    fn kept(
        &self,
        allowed: &Allowed<'_>,
        credential: Option<&Ready>,
        outgoing: &Outgoing,
    ) -> CacheLookup {
        let seconds = allowed.route.keeps(allowed.document);
        if seconds == 0 {
            return CacheLookup::No;
        }
        let generation = credential.map(|ready| ready.generation);
        let body = outgoing.body.as_deref().unwrap_or_default();
        let key = CacheKey::new(&allowed.destination.name, generation, &outgoing.url, body);
        match self.cache.get(&key) {
            Some(response) => CacheLookup::Now(response),
            None => CacheLookup::Later(Keep { key, seconds }),
        }
    }

    /// Takes the cost of a request from the rate limit of its destination, unless the cache has the
    /// answer.
    fn within_rate(
        &self,
        context: &CallContext,
        allowed: &Allowed<'_>,
        outgoing: &Outgoing,
        kept: &CacheLookup,
    ) -> Result<(), SendError> {
        let bucket = match kept {
            CacheLookup::Now(_) => None,
            CacheLookup::No | CacheLookup::Later(_) => self.buckets.get(&allowed.destination.name),
        };
        let Some(bucket) = bucket else {
            return Ok(());
        };
        let cost = allowed.document.map_or(1, |document| document.cost);
        bucket
            .take(cost)
            .map_err(|wait| self.postpone(context, outgoing, allowed, wait))
    }

    /// Logs that a request is let through; what cannot be logged is not sent.
    fn log_admitted(
        &self,
        context: &CallContext,
        allowed: &Allowed<'_>,
        outgoing: &Outgoing,
    ) -> Result<(), Denial> {
        let event = Decided {
            call: context.call,
            phase: context.phase,
            destination: Some(&allowed.destination.name),
            rule: Some(&allowed.route.id),
            document: allowed.document.map(|document| document.name.as_str()),
            request_bytes: outgoing.body.as_ref().map_or(0, Bytes::len),
            refused: None,
        };
        self.sink
            .decided(&event)
            .map_err(|error| unrecorded(&error.to_string()))
    }

    /// Logs that a request exceeded the rate limit. It is no denial: the same request passes later.
    fn postpone(
        &self,
        context: &CallContext,
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
        context.postpone();
        self.record_refusal(context, outgoing, &denial);
        SendError::Rate { retry_after }
    }

    /// Refuses a request beyond the limit of requests, before its body is read.
    pub(super) fn beyond_limit(
        &self,
        context: &CallContext,
        method: &Method,
        uri: &Uri,
    ) -> SendError {
        let outgoing = Outgoing {
            method: method.clone(),
            url: uri.to_string(),
            headers: HeaderMap::new(),
            body: None,
            connect: None,
            first_byte: None,
        };
        self.refuse(context, &outgoing, gate::too_many_requests(context))
    }

    fn refuse(&self, context: &CallContext, outgoing: &Outgoing, denial: Denial) -> SendError {
        if context.refuse(denial.clone()) {
            self.record_refusal(context, outgoing, &denial);
        }
        SendError::Denied(denial)
    }

    fn record_refusal(&self, context: &CallContext, outgoing: &Outgoing, denial: &Denial) {
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
            context,
            body.len(),
            Refused {
                denial,
                sha256: digest.finalize().into(),
                url_bytes: outgoing.url.len(),
            },
        );
    }

    /// Refuses something that is not a request yet, such as a header that a guest tries to set.
    pub(crate) fn refuse_part(&self, context: &CallContext, denial: &Denial) {
        if context.refuse(denial.clone()) {
            self.record(
                context,
                0,
                Refused {
                    denial,
                    sha256: Sha256::digest(b"").into(),
                    url_bytes: 0,
                },
            );
        }
    }

    fn record(&self, context: &CallContext, request_bytes: usize, refused: Refused<'_>) {
        let event = Decided {
            call: context.call,
            phase: context.phase,
            destination: refused.denial.destination.as_deref(),
            rule: None,
            document: None,
            request_bytes,
            refused: Some(refused),
        };
        // It is refused either way; a failure of the audit log is reported here only.
        if let Err(error) = self.sink.decided(&event) {
            tracing::error!("{error}");
        }
    }
}

/// Facts about a request for what its answer tells.
struct ReadObservation {
    /// Everything needed to repeat the read, if its answer can contain records or people.
    read: Option<ObservedRead>,
    /// Path and query.
    path: String,
}

impl ReadObservation {
    fn of(context: &CallContext, allowed: &Allowed<'_>, outgoing: &Outgoing) -> Self {
        let path = outgoing.url.strip_prefix(allowed.origin.as_str());
        Self {
            read: observed_read(context, allowed, outgoing),
            path: path.unwrap_or_default().to_owned(),
        }
    }
}

/// Returns everything needed to repeat a read, if its answer can contain records or people.
fn observed_read(
    context: &CallContext,
    allowed: &Allowed<'_>,
    outgoing: &Outgoing,
) -> Option<ObservedRead> {
    let tells = allowed
        .document
        .is_some_and(|document| !document.records.is_empty())
        || allowed.route.people.is_some()
        || allowed.route.group.is_some();
    if context.phase != Phase::Read || context.seen.is_none() || !tells {
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
    context: &CallContext,
    allowed: &Allowed<'_>,
    observed: ReadObservation,
    response: &Response<Bytes>,
) {
    context.told.take_in(response.body());
    if let Some(seen) = &context.seen {
        if let Some(read) = observed.read {
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
    context.look_into(&allowed.destination.name, &observed.path, response);
    if let Some(guard) = &context.guard {
        read_check::take_in(guard, allowed, response.body());
    }
}

/// An exchange without an answer that may be passed on: its code in the audit log, and what the
/// caller gets.
struct Failed {
    code: &'static str,
    error: Box<SendError>,
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        Self {
            code: error.code(),
            error: Box::new(error.into()),
        }
    }
}

impl Failed {
    /// Logs it, and counts it where it is a refusal.
    fn tell(self, context: &CallContext, rule: &str, audit: &mut RequestAudit<'_>) -> SendError {
        if let Err(unrecorded) = audit.end(RequestEnd::Failed(self.code)) {
            return unrecorded;
        }
        match &*self.error {
            SendError::Denied(denial) => {
                tracing::warn!(fix = denial.fix, "request refused: {}", denial.reason);
                context.refuse(denial.clone());
            }
            SendError::Withheld(denial) if denial.code == DenialCode::Leak => {
                tracing::error!(fix = denial.fix, "answer withheld: {}", denial.reason);
                context.refuse(denial.clone());
            }
            SendError::Withheld(denial) => {
                tracing::warn!(fix = denial.fix, "answer withheld: {}", denial.reason);
                context.refuse(denial.clone());
            }
            SendError::Client(error @ ClientError::NoObject { .. }) => {
                tracing::warn!(rule, "answer withheld: {error}");
            }
            error => tracing::debug!(rule, "no answer: {error}"),
        }
        *self.error
    }
}

/// The use of the cache for a request.
enum CacheLookup {
    /// Its answer is not cacheable.
    No,
    /// Its answer will be cached.
    Later(Keep),
    /// Its answer is in the cache.
    Now(Response<Bytes>),
}

/// The cache key and lifetime of an answer.
struct Keep {
    key: CacheKey,
    seconds: u32,
}

/// The failure of a destination at an address that may not be dialled.
fn not_dialled(allowed: &Allowed<'_>, refusal: &AddressRefusal) -> Failed {
    let destination = allowed.destination;
    let denial = Denial::new(
        DenialCode::Address,
        format!(
            "{} is at an address that may not be dialled.",
            destination.title
        ),
        format!("{refusal}. {}", grant_hint(&destination.name)),
    );
    Failed {
        code: "address",
        error: Box::new(SendError::Denied(denial.at(&destination.name))),
    }
}

/// The failure of an answer that is withheld.
fn withheld(allowed: &Allowed<'_>, denial: Denial) -> Failed {
    Failed {
        code: denial.code.as_str(),
        error: Box::new(SendError::Withheld(denial.at(&allowed.destination.name))),
    }
}

/// Waits until one more request of the call may be under way.
async fn permit(context: &CallContext) -> Result<Option<SemaphorePermit<'_>>, ClientError> {
    timeout_at(context.deadline().into(), context.turn())
        .await
        .map_err(|_| ClientError::Timeout)
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
