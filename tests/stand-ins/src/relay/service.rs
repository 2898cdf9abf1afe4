//! The HTTP side of the stand-in: routes, and what a stand-in is started with.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use hyper::header::{HeaderValue, VARY};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::limit::Limit;
use super::store::RelayStore;
use super::{access, pages, sample, state};
use crate::clock::Clock;
use crate::faults::{FaultKind, Faults, Struck};
use crate::reply::{Reply, ReplyBody};
use crate::rest::{self, Outcome, RestRefusal, Seed, Target, Unread};
use crate::server::{self, Count, Running, Service, StartError};
use crate::tokens::SECRET;

/// One of the two published relays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// The protocol's own.
    #[default]
    P,
    /// MyPA's.
    M,
}

/// Options of a stand-in.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes any that is free.
    pub port: u16,
    /// The relay to play.
    pub variant: Variant,
    /// The secret that tokens are signed with.
    pub secret: String,
    /// The relay's own host, the part of addresses after the @.
    pub host: String,
    /// The clock: messages are stamped and tokens judged by it, the sample is laid out around the
    /// moment of starting (and of each reset), and the limit's minute passes by it.
    pub clock: Clock,
    /// True if the limit of 100 requests a minute is on. Without it no headers tell of it either.
    pub rate_limit: bool,
    /// The records at the start.
    pub seed: Seed,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            variant: Variant::default(),
            secret: SECRET.to_owned(),
            host: "relay.example".to_owned(),
            clock: Clock::system(),
            rate_limit: true,
            seed: Seed::default(),
        }
    }
}

/// The stand-in for the Tezit relay.
pub struct RelayStandIn {
    options: Options,
    store: RwLock<RelayStore>,
    limit: Limit,
    faults: Faults,
}

impl RelayStandIn {
    /// Lays out what is there at the start and listens on loopback. Runs on the calling runtime
    /// until the handle is dropped.
    pub async fn start(options: Options) -> Result<Running, StartError> {
        let faults = Faults::default();
        let service = Self {
            store: RwLock::new(seeded(&options)),
            limit: Limit::new(options.clock.clone()),
            faults: faults.clone(),
            options,
        };
        server::start(service.options.port, faults, service).await
    }

    fn answer(&self, parts: &Parts, body: &[u8], faults: &[Struck]) -> Response<ReplyBody> {
        // Bodies are read before anything else, the limit included.
        let body = match rest::body(parts, body) {
            Ok(body) => body,
            Err(why) => return self.unread(why),
        };
        let left = self.options.rate_limit.then(|| self.limit.count());
        let too_many = left.is_some_and(|left| left.exceeded);
        let outcome = if too_many {
            Err(rate_limited())
        } else {
            rest::within_limit(faults, rate_limited, || self.routed(parts, &body, faults))
        };
        let mut answer = outcome.unwrap_or_else(|refusal| refusal.answer());
        let headers = answer.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        if let Some(left) = left {
            left.tell(headers);
        }
        answer
    }

    fn unread(&self, why: Unread) -> Response<ReplyBody> {
        match self.options.variant {
            Variant::P => pages::unread(why),
            Variant::M => RestRefusal::internal("Internal server error").answer(),
        }
    }

    fn routed(&self, parts: &Parts, body: &Value, faults: &[Struck]) -> Outcome {
        let target = Target::of(parts);
        let segments = target.segments();
        let method = parts.method.as_str();
        if let Some(answer) = self.open_to_all(method, &segments) {
            return answer;
        }
        let Some(route) = Route::of(method, &segments) else {
            return Err(RestRefusal::no_route());
        };
        let options = &self.options;
        let now_ms = options.clock.now_ms();
        let caller = access::caller(parts, &options.secret, options.variant, now_ms)?;
        let half_stored = |fault: &Struck| matches!(fault.kind, FaultKind::HalfStored);
        let call = RelayCall {
            variant: options.variant,
            host: &options.host,
            caller: &caller,
            now: &options.clock.now_iso(),
            target: &target,
            body,
            half_stored: faults.iter().any(half_stored),
        };
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        call.carry_out(&route, &mut store)
    }

    /// Answers requests that need no token.
    fn open_to_all(&self, method: &str, segments: &[&str]) -> Option<Outcome> {
        let answer = match (method, segments) {
            ("GET", ["health"]) => json!({
                "status": "ok",
                "service": "tezit-relay",
                "version": "0.3.0",
            }),
            ("GET", [".well-known", "tezit.json"]) if self.options.variant == Variant::M => {
                let (status, message) = (StatusCode::NOT_FOUND, "Federation is not enabled");
                return Some(Err(RestRefusal::new(
                    status,
                    "FEDERATION_DISABLED",
                    message,
                )));
            }
            ("GET", [".well-known", "tezit.json"]) => json!({
                "host": self.options.host,
                "protocol_version": "1.2.4",
                "profiles": ["messaging", "knowledge"],
                "federation": {"enabled": false},
            }),
            (_, ["federation", ..])
            | ("GET", ["events", "subscribe"])
            | ("POST", ["contacts", "admin", "upsert"]) => {
                let error = json!({"error": "not implemented by this stand-in"});
                return Some(Ok(rest::answer(StatusCode::NOT_IMPLEMENTED, &error)));
            }
            _ => return None,
        };
        Some(Ok(rest::answer(StatusCode::OK, &answer)))
    }

    fn stored(&self) -> RwLockReadGuard<'_, RelayStore> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn seeded(options: &Options) -> RelayStore {
    match options.seed {
        Seed::Empty => RelayStore::default(),
        Seed::Sample => sample::store(options.clock.now_ms(), &options.host),
    }
}

fn rate_limited() -> RestRefusal {
    let message = "Too many requests, please try again later";
    RestRefusal::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", message)
}

/// A route that asks for a token.
enum Route<'r> {
    Share,
    Stream,
    Tez(&'r str),
    ChangeStatus(&'r str),
    Thread(&'r str),
    ReplyTo(&'r str),
    Unread,
    Open,
    Conversations,
    Messages(&'r str),
    Send(&'r str),
    MarkRead(&'r str),
    MakeTeam,
    Teams,
    Members(&'r str),
    AddMember(&'r str),
    RemoveMember(&'r str, &'r str),
    Register,
    OwnContact,
    Search,
    Contact(&'r str),
    Routing(&'r str),
}

impl<'r> Route<'r> {
    fn of(method: &str, segments: &[&'r str]) -> Option<Self> {
        Some(match (method, segments) {
            ("POST", ["tez", "share"]) => Self::Share,
            ("GET", ["tez", "stream"]) => Self::Stream,
            ("GET", ["tez", id]) => Self::Tez(id),
            ("PATCH", ["tez", id]) => Self::ChangeStatus(id),
            ("GET", ["tez", id, "thread"]) => Self::Thread(id),
            ("POST", ["tez", id, "reply"]) => Self::ReplyTo(id),
            ("GET", ["unread"]) => Self::Unread,
            ("POST", ["conversations"]) => Self::Open,
            ("GET", ["conversations"]) => Self::Conversations,
            ("GET", ["conversations", id, "messages"]) => Self::Messages(id),
            ("POST", ["conversations", id, "messages"]) => Self::Send(id),
            ("POST", ["conversations", id, "read"]) => Self::MarkRead(id),
            ("POST", ["teams"]) => Self::MakeTeam,
            ("GET", ["teams"]) => Self::Teams,
            ("GET", ["teams", id, "members"]) => Self::Members(id),
            ("POST", ["teams", id, "members"]) => Self::AddMember(id),
            ("DELETE", ["teams", id, "members", user]) => Self::RemoveMember(id, user),
            ("POST", ["contacts", "register"]) => Self::Register,
            ("GET", ["contacts", "me"]) => Self::OwnContact,
            ("GET", ["contacts", "search"]) => Self::Search,
            ("GET", ["contacts", id]) => Self::Contact(id),
            ("GET", ["contacts", id, "routing"]) => Self::Routing(id),
            _ => return None,
        })
    }
}

/// A request about to be carried out for somebody.
pub(super) struct RelayCall<'c> {
    pub(super) variant: Variant,
    pub(super) host: &'c str,
    pub(super) caller: &'c str,
    pub(super) now: &'c str,
    pub(super) target: &'c Target,
    pub(super) body: &'c Value,
    /// True if a fault stores a message without its context and recipients.
    pub(super) half_stored: bool,
}

impl RelayCall<'_> {
    fn carry_out(&self, route: &Route<'_>, store: &mut RelayStore) -> Outcome {
        match *route {
            Route::Share => self.share(store),
            Route::Stream => self.stream(store),
            Route::Tez(id) => self.one(store, id),
            Route::ChangeStatus(id) => self.change_status(store, id),
            Route::Thread(id) => self.thread(store, id),
            Route::ReplyTo(id) => self.reply(store, id),
            Route::Unread => self.unread(store),
            Route::Open => self.open(store),
            Route::Conversations => self.conversations(store),
            Route::Messages(id) => self.messages(store, id),
            Route::Send(id) => self.send(store, id),
            Route::MarkRead(id) => self.mark_read(store, id),
            Route::MakeTeam => self.make_team(store),
            Route::Teams => self.teams(store),
            Route::Members(id) => self.members(store, id),
            Route::AddMember(id) => self.add_member(store, id),
            Route::RemoveMember(id, user) => self.remove_member(store, id, user),
            Route::Register => self.register(store),
            Route::OwnContact => self.own_contact(store),
            Route::Search => self.search(store),
            Route::Contact(id) => self.contact(store, id),
            Route::Routing(id) => self.routing(store, id),
        }
    }
}

impl Service for RelayStandIn {
    async fn handle(&self, parts: &Parts, body: Bytes) -> Reply {
        let run = |faults: &[Struck]| self.answer(parts, &body, faults);
        rest::carry_out(&self.faults, parts, run).await
    }

    fn reset(&self) {
        *self.store.write().unwrap_or_else(PoisonError::into_inner) = seeded(&self.options);
        self.limit.clear();
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
