//! A relay and a PA Workspace for tests, beside the CRM: they answer each path as they are told to
//! and keep what they were asked.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "helpers of tests may fail like tests, and not every test needs all of them"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use crm_skill::context::Context;
use crm_skill::failure::{self, Failure};
use crm_skill::transport::{Method, Request, Response, Transport, TransportError};
use serde_json::{Value, json};

use crate::common::{Crm, FixedSettings};

pub const RELAY: &str = "https://relay.example.com";
pub const WORKSPACE: &str = "https://pa.example.com";
pub const TEAM: &str = "7ea70000-0000-4000-8000-000000000001";
pub const MIA: &str = "a1a00000-0000-4000-8000-000000000001";
pub const NOOR: &str = "b0b00000-0000-4000-8000-000000000002";
pub const OLE: &str = "c0c00000-0000-4000-8000-000000000003";
pub const STRANGER: &str = "d0d00000-0000-4000-8000-000000000004";
pub const TALK: &str = "e0e00000-0000-4000-8000-000000000005";
pub const NOON: &str = "2026-03-11T12:00:00Z";

type ScriptedReply = Result<(u16, String), TransportError>;

/// All services.
#[derive(Default)]
pub struct Services {
    pub crm: Crm,
    replies: BTreeMap<String, Vec<ScriptedReply>>,
    asked: RefCell<Vec<String>>,
    rounds: RefCell<Vec<usize>>,
    waited: RefCell<Duration>,
}

impl Services {
    /// Those beside this CRM.
    pub fn beside(crm: Crm) -> Self {
        Self {
            crm,
            ..Self::default()
        }
    }

    /// Answers a path with these data. Of several answers for a path the last stays.
    pub fn answers(self, path: &str, data: Value) -> Self {
        self.says(path, 200, &json!({ "data": data }).to_string())
    }

    /// Answers a path with this.
    pub fn says(self, path: &str, status: u16, body: &str) -> Self {
        self.with(path, Ok((status, body.to_owned())))
    }

    /// Breaks off instead of answering a path.
    pub fn breaks(self, path: &str) -> Self {
        let reason = "it closed the connection".to_owned();
        let request_sent = true;
        self.with(
            path,
            Err(TransportError::Unreachable {
                request_sent,
                reason,
            }),
        )
    }

    pub fn with(mut self, path: &str, reply: ScriptedReply) -> Self {
        self.replies.entry(path.to_owned()).or_default().push(reply);
        self
    }

    /// The paths that were asked, in order, with their queries.
    pub fn asked(&self) -> Vec<String> {
        self.asked.borrow().clone()
    }

    /// Returns the number of requests in each round.
    pub fn rounds(&self) -> Vec<usize> {
        self.rounds.borrow().clone()
    }

    /// For how long it was waited in all.
    pub fn waited(&self) -> Duration {
        *self.waited.borrow()
    }

    /// Runs something at noon of 11 March 2026, UTC.
    pub fn run<T>(&self, settings: &FixedSettings, run: impl FnOnce(&Context<'_>) -> T) -> T {
        run(&Context::new(self, settings, NOON.parse().unwrap()))
    }
}

impl Transport for Services {
    fn send_all(&self, requests: &[Request]) -> Vec<Result<Response, TransportError>> {
        self.rounds.borrow_mut().push(requests.len());
        let one = |request: &Request| {
            if request.base_url == "https://crm.example.com" {
                return self.crm.send_all(std::slice::from_ref(request)).remove(0);
            }
            assert!(
                [RELAY, WORKSPACE].contains(&request.base_url.as_str()),
                "{request:?}"
            );
            assert_eq!((request.method, request.body.len()), (Method::Get, 0));
            self.asked.borrow_mut().push(request.path.clone());
            let path = request.path.split('?').next().unwrap();
            let before = self
                .asked
                .borrow()
                .iter()
                .filter(|asked| asked.split('?').next() == Some(path))
                .count();
            let replies = self
                .replies
                .get(&request.path)
                .or_else(|| self.replies.get(path));
            let replies = replies.unwrap_or_else(|| panic!("nobody expects {}", request.path));
            let (status, body) = replies[(before - 1).min(replies.len() - 1)].clone()?;
            Ok(Response {
                status,
                retry_after: None,
                body: body.into_bytes(),
            })
        };
        requests.iter().map(one).collect()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn wait(&self, time: Duration) {
        *self.waited.borrow_mut() += time;
    }
}

/// The settings of a caller for whom everything is set up.
pub fn all_set() -> FixedSettings {
    let mut settings = crate::common::settings();
    settings.0.extend([
        ("tezit.base-url", "https://relay.example.com/"),
        ("tezit.team-id", TEAM),
        ("caller.relay-user", MIA),
        ("workspace.base-url", WORKSPACE),
        ("caller.pa-email", "mia.pa@example.com"),
    ]);
    settings
}

/// The same without some.
pub fn all_but(keys: &[&str]) -> FixedSettings {
    let mut settings = all_set();
    settings.0.retain(|(key, _)| !keys.contains(key));
    settings
}

/// A failure as its case, its sentence and what to do.
pub fn shown(failure: &Failure) -> String {
    let case = match failure {
        Failure::InvalidInput(input) => format!("invalid-input {}", input.field),
        Failure::NotFound(_) => "not-found".to_owned(),
        Failure::Ambiguous(ambiguity) => format!("ambiguous {}", ambiguity.field),
        Failure::Denied(denial) => format!("denied {}", denial.code),
        Failure::Unauthenticated(_) => "unauthenticated".to_owned(),
        Failure::RateLimited(limit) => format!("rate-limited {}", limit.retry_after),
        Failure::Unavailable(outage) => format!("unavailable sent={}", outage.request_sent),
        Failure::SchemaMismatch(mismatch) => format!("schema-mismatch {}", mismatch.field),
        Failure::Conflict(_) => "conflict".to_owned(),
        Failure::InDoubt(_) => "in-doubt".to_owned(),
    };
    let (reason, next) = (failure::sentence(failure), failure::next(failure));
    assert!(!reason.is_empty() && !next.is_empty(), "{failure:?}");
    format!("{case}: {reason} -> {next}")
}

/// Members of a team.
pub fn members(ids: &[&str]) -> Value {
    let member = |id: &&str| json!({ "teamId": TEAM, "userId": id, "role": "member", "joinedAt": "2026-01-05T09:00:00.000Z" });
    ids.iter().map(member).collect()
}

/// A user as both relays tell of them.
pub fn contact(id: &str, name: &str) -> Value {
    json!({ "id": id, "displayName": name, "tezAddress": format!("{id}@relay.example.com"), "status": "active", "lastSeenAt": null })
}

/// A message as lists have it.
pub fn row(id: u32, from: &str, kind: &str, text: &str, at: &str) -> Value {
    json!({
        "id": tez_id(id), "teamId": TEAM, "conversationId": null, "threadId": tez_id(id), "parentTezId": null,
        "surfaceText": text, "type": kind, "urgency": "normal", "actionRequested": null, "senderUserId": from,
        "visibility": "team", "sourceChannel": null, "sourceAddress": null, "status": "active",
        "createdAt": at, "updatedAt": at,
    })
}

/// The id of a message.
pub fn tez_id(number: u32) -> String {
    format!("70000000-0000-4000-8000-{number:012}")
}

/// An error as both services tell it.
pub fn refusal(code: &str, message: &str) -> String {
    json!({ "error": { "code": code, "message": message } }).to_string()
}
