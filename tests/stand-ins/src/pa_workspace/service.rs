//! The HTTP side of the stand-in: routes, who may ask, and what a stand-in is started with.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::store::PaStore;
use super::{SERVICE_TOKEN, sample, state};
use crate::clock::Clock;
use crate::faults::{Faults, Struck};
use crate::reply::{Reply, ReplyBody};
use crate::rest::{self, Outcome, RestRefusal, Seed, Target};
use crate::server::{self, Count, Running, Service, StartError};
use crate::tokens::{SECRET, verified};

/// Options of a stand-in.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes any that is free.
    pub port: u16,
    /// The secret that users' tokens are signed with.
    pub secret: String,
    /// The token of services, `APP_SERVICE_TOKEN`, which passes without a question of whose an
    /// assistant is.
    pub service_token: String,
    /// The assistants' owners: user ids by address.
    pub owners: BTreeMap<String, String>,
    /// The addresses that are ready to read and send.
    pub ready: Vec<String>,
    /// The clock: entries are stamped and tokens judged by it, and the sample is laid out around
    /// the moment of starting (and of each reset).
    pub clock: Clock,
    /// The records at the start.
    pub seed: Seed,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            secret: SECRET.to_owned(),
            service_token: SERVICE_TOKEN.to_owned(),
            owners: sample::owners(),
            ready: vec![sample::ROBIN_PA.to_owned()],
            clock: Clock::system(),
            seed: Seed::default(),
        }
    }
}

/// The stand-in for MyPA's PA Workspace.
pub struct WorkspaceStandIn {
    options: Options,
    store: RwLock<PaStore>,
    faults: Faults,
}

impl WorkspaceStandIn {
    /// Lays out what is there at the start and listens on loopback. Runs on the calling runtime
    /// until the handle is dropped.
    pub async fn start(options: Options) -> Result<Running, StartError> {
        let faults = Faults::default();
        let service = Self {
            store: RwLock::new(seeded(&options)),
            faults: faults.clone(),
            options,
        };
        server::start(service.options.port, faults, service).await
    }

    fn answer(&self, parts: &Parts, body: &[u8], faults: &[Struck]) -> Response<ReplyBody> {
        let too_many = || {
            let (status, message) = (StatusCode::TOO_MANY_REQUESTS, "Too many requests");
            RestRefusal::new(status, "RATE_LIMIT_EXCEEDED", message)
        };
        let outcome = rest::within_limit(faults, too_many, || self.routed(parts, body));
        outcome.unwrap_or_else(|refusal| refusal.answer())
    }

    fn routed(&self, parts: &Parts, body: &[u8]) -> Outcome {
        let target = Target::of(parts);
        let (method, segments) = (parts.method.as_str(), target.segments());
        if let ("GET", ["health", "ready"]) = (method, segments.as_slice()) {
            let ready = json!({
                "status": "ok",
                "service": "pa-workspace",
                "checks": {"database": "ok"},
            });
            return Ok(rest::answer(StatusCode::OK, &ready));
        }
        let Ok(body) = rest::body(parts, body) else {
            let error = "not implemented by this stand-in: a body that is too long or not JSON";
            let error = json!({ "error": error });
            return Ok(rest::answer(StatusCode::NOT_IMPLEMENTED, &error));
        };
        let call = PaCall {
            options: &self.options,
            clock: &self.options.clock,
            caller: self.caller(parts)?,
            target: &target,
            body: &body,
        };
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        match (method, segments.as_slice()) {
            ("POST", ["api", "email", "send"]) => call.send(&mut store),
            ("GET", ["api", "email", "inbox"]) => call.inbox(&store),
            ("POST", ["api", "calendar", "log-action"]) => call.log_action(&mut store),
            ("GET", ["api", "calendar", "shared-events"]) => call.shared_events(&store),
            ("GET", ["api", "calendar", "timesheet"]) => call.timesheet(&store),
            ("GET", ["api", "identity", "by-user", user]) => call.identity(user),
            _ => Err(RestRefusal::no_route()),
        }
    }

    fn caller(&self, parts: &Parts) -> Result<PaCaller, RestRefusal> {
        let Some(token) = rest::bearer(parts) else {
            let message = "Bearer token required";
            return Err(RestRefusal::unauthorized(
                "AUTHENTICATION_REQUIRED",
                message,
            ));
        };
        if token == self.options.service_token {
            return Ok(PaCaller::Service);
        }
        let now_ms = self.options.clock.now_ms();
        let claims = verified(token, &self.options.secret, now_ms).ok_or_else(|| {
            RestRefusal::unauthorized("INVALID_TOKEN", "Invalid or expired token")
        })?;
        if claims.kind.as_deref() != Some("access") {
            let message = "Invalid token type";
            return Err(RestRefusal::unauthorized("INVALID_TOKEN_TYPE", message));
        }
        Ok(PaCaller::User(claims.sub.unwrap_or_default()))
    }

    fn stored(&self) -> RwLockReadGuard<'_, PaStore> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn seeded(options: &Options) -> PaStore {
    match options.seed {
        Seed::Empty => PaStore::default(),
        Seed::Sample => sample::store(options.clock.now_ms()),
    }
}

/// The authenticated caller of a request.
enum PaCaller {
    /// The application itself, for anybody.
    Service,
    /// A user.
    User(String),
}

/// A request about to be carried out for somebody.
pub(super) struct PaCall<'c> {
    options: &'c Options,
    pub(super) clock: &'c Clock,
    caller: PaCaller,
    pub(super) target: &'c Target,
    pub(super) body: &'c Value,
}

impl PaCall<'_> {
    /// A field of the body that has to say something.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let text = self.body.get(name)?.as_str()?;
        (!text.is_empty()).then_some(text)
    }

    /// The address that the query is about.
    pub(super) fn named_pa(&self) -> Result<&str, RestRefusal> {
        let message = "paEmail query parameter is required";
        let pa = self.target.parameter("paEmail");
        pa.ok_or_else(|| RestRefusal::invalid(message))
    }

    pub(super) fn is_service(&self) -> bool {
        matches!(self.caller, PaCaller::Service)
    }

    pub(super) fn is_ready(&self, pa: &str) -> bool {
        self.options.ready.iter().any(|ready| ready == pa)
    }

    /// Refuses an assistant that is not ready, and then one that is not the caller's.
    pub(super) fn ready(&self, pa: &str) -> Result<(), RestRefusal> {
        if !self.is_ready(pa) {
            let (status, message) = (
                StatusCode::BAD_REQUEST,
                "No workspace credentials for this PA",
            );
            return Err(RestRefusal::new(status, "WORKSPACE_NOT_READY", message));
        }
        self.owned(pa)
    }

    /// Refuses an assistant that is not known to be the caller's.
    pub(super) fn owned(&self, pa: &str) -> Result<(), RestRefusal> {
        self.belongs(self.options.owners.get(pa))
    }

    /// Refuses an assistant that is known to be somebody else's.
    pub(super) fn nobody_elses(&self, pa: &str) -> Result<(), RestRefusal> {
        match self.options.owners.get(pa) {
            None => Ok(()),
            owner => self.belongs(owner),
        }
    }

    fn belongs(&self, owner: Option<&String>) -> Result<(), RestRefusal> {
        match &self.caller {
            PaCaller::Service => Ok(()),
            PaCaller::User(user) if owner == Some(user) => Ok(()),
            PaCaller::User(_) => Err(RestRefusal::forbidden("You can only access your own PA")),
        }
    }

    /// `GET /api/identity/by-user/:userId`.
    fn identity(&self, user: &str) -> Outcome {
        if matches!(&self.caller, PaCaller::User(caller) if caller != user) {
            let message = "You can only access your own PA identity";
            return Err(RestRefusal::forbidden(message));
        }
        let mut owners = self.options.owners.iter();
        let Some((pa, _)) = owners.find(|(_, owner)| *owner == user) else {
            let message = "No PA identity found for this user";
            return Err(RestRefusal::not_found(message));
        };
        let ready = self.is_ready(pa);
        let identity = json!({
            "userId": user,
            "paEmail": pa,
            "displayName": pa.split('@').next(),
            "googleUserId": null,
            "googleVoiceNumber": null,
            "clientEmail": null,
            "clientName": null,
            "provisionStatus": if ready { "active" } else { "pending" },
        });
        Ok(rest::data(StatusCode::OK, identity))
    }
}

impl Service for WorkspaceStandIn {
    async fn handle(&self, parts: &Parts, body: Bytes) -> Reply {
        let run = |faults: &[Struck]| self.answer(parts, &body, faults);
        rest::carry_out(&self.faults, parts, run).await
    }

    fn reset(&self) {
        *self.store.write().unwrap_or_else(PoisonError::into_inner) = seeded(&self.options);
    }

    fn counts(&self) -> Vec<(String, Count)> {
        state::counts(&self.stored())
    }

    fn records(&self, object: &str) -> Option<Vec<Value>> {
        state::records(&self.stored(), object)
    }

    fn record(&self, object: &str, id: &str) -> Option<Value> {
        state::record(&self.stored(), object, id)
    }
}
