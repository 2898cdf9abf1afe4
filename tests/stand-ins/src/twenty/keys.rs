//! API keys, what they may do, and the token bucket that the workspace's keys share.

use std::sync::{Mutex, PoisonError};

use super::catalogue::Object;
use super::errors::GqlError;
use crate::clock::Clock;

/// The key that may do everything.
pub const FULL_KEY: &str = "stand-in-full-key";
/// A key that may read what the CRM is about, and write nothing.
pub const READ_ONLY_KEY: &str = "stand-in-read-only-key";
/// A key that may not read notes and opportunities.
pub const NARROW_KEY: &str = "stand-in-narrow-key";
/// A key that was revoked.
pub const REVOKED_KEY: &str = "stand-in-revoked-key";
/// A key whose time is over.
pub const EXPIRED_KEY: &str = "stand-in-expired-key";

/// The name that all keys were given, which shows in who made a record.
pub const API_KEY_NAME: &str = "stand-in";

/// An API key.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// The token after `Bearer `.
    pub token: String,
    /// The permissions of the key.
    pub access: Access,
}

/// The permissions of a key.
#[derive(Clone, Debug)]
pub enum Access {
    /// Only the permissions of its role.
    Role(Role),
    /// Nothing: it was revoked.
    Revoked,
    /// Nothing: its time is over.
    Expired,
}

/// The permissions of a role.
#[derive(Clone, Debug, Default)]
pub struct Role {
    /// Singular names of objects that it may not read.
    pub unreadable: Vec<String>,
    /// True if it may read every searchable object there is, also those that this stand-in does not
    /// keep. Without it a search must name the kinds it is about.
    pub reads_everything: bool,
    /// True if it may write.
    pub writes: bool,
    /// Fields that it may not read, by the singular name of their object.
    pub hidden: Vec<(String, String)>,
}

impl Role {
    /// Everything.
    pub fn full() -> Self {
        Self {
            unreadable: Vec::new(),
            reads_everything: true,
            writes: true,
            hidden: Vec::new(),
        }
    }

    /// Reading, except these objects.
    pub fn read_except(unreadable: &[&str]) -> Self {
        Self {
            unreadable: unreadable.iter().map(|s| (*s).to_owned()).collect(),
            reads_everything: false,
            writes: false,
            hidden: Vec::new(),
        }
    }

    /// Everything but these fields, as `object.field`.
    pub fn hiding(fields: &[&str]) -> Self {
        let split = |field: &&str| {
            let (object, name) = field.split_once('.').unwrap_or((field, ""));
            (object.to_owned(), name.to_owned())
        };
        Self {
            hidden: fields.iter().map(split).collect(),
            ..Self::full()
        }
    }

    /// Returns true if the key may read an object.
    pub(crate) fn may_read(&self, object: &Object) -> bool {
        !self
            .unreadable
            .iter()
            .any(|name| name == object.spec.singular)
    }

    /// Returns true if the role may write an object. System objects, links among them, take no
    /// permissions: a role that may read them may write them.
    pub(crate) fn may_write(&self, object: &Object) -> bool {
        (self.writes || object.spec.system) && self.may_read(object)
    }
}

/// One key of each sort.
pub fn default_keys() -> Vec<ApiKey> {
    let key = |token: &str, access| ApiKey {
        token: token.to_owned(),
        access,
    };
    vec![
        key(FULL_KEY, Access::Role(Role::full())),
        key(READ_ONLY_KEY, Access::Role(Role::read_except(&[]))),
        key(
            NARROW_KEY,
            Access::Role(Role::read_except(&["note", "opportunity"])),
        ),
        key(REVOKED_KEY, Access::Revoked),
        key(EXPIRED_KEY, Access::Expired),
    ]
}

/// The authenticated caller of a request.
pub enum Caller<'k> {
    /// Nobody: there is no `authorization`.
    Anonymous,
    /// A key in force.
    Role(&'k Role),
}

/// The caller that an `authorization` header stands for.
pub fn caller<'k>(
    keys: &'k [ApiKey],
    authorization: Option<&[u8]>,
) -> Result<Caller<'k>, GqlError> {
    let Some(header) = authorization else {
        return Ok(Caller::Anonymous);
    };
    let token = std::str::from_utf8(header)
        .ok()
        .and_then(|h| h.strip_prefix("Bearer "))
        .unwrap_or_default();
    let refused = |message: &str, code: &str, sub_code: &str, id: &str, friendly: &str| {
        let mut error = GqlError::full(message, code, Some(sub_code), "");
        if let Some(serde_json::Value::Object(fields)) = &mut error.extensions {
            fields.insert(
                "userFriendlyMessage".to_owned(),
                serde_json::json!({"id": id, "message": friendly}),
            );
        }
        error
    };
    let unauthenticated = |message| {
        refused(
            message,
            "UNAUTHENTICATED",
            "UNAUTHENTICATED",
            "z+7x/s",
            "You must be authenticated to perform this action.",
        )
    };
    match keys
        .iter()
        .find(|key| key.token == token)
        .map(|key| &key.access)
    {
        Some(Access::Role(role)) => Ok(Caller::Role(role)),
        Some(Access::Revoked) => Err(refused(
            "This API Key is revoked",
            "FORBIDDEN",
            "FORBIDDEN_EXCEPTION",
            "q5OVn+",
            "You do not have permission to perform this action.",
        )),
        Some(Access::Expired) => Err(unauthenticated("Token has expired.")),
        None => Err(unauthenticated("Token invalid.")),
    }
}

/// The capacity of the token bucket.
const BUCKET: i64 = 100;
/// The time until a token comes back, in milliseconds.
const REFILL_MS: i64 = 600;

/// The token bucket: 100 tokens, one more every 600 ms, one for each root field over records.
/// Unlike the real 2.21 bucket it counts root fields that arrive together exactly.
pub struct Bucket {
    clock: Clock,
    state: Mutex<(i64, i64)>,
}

impl Bucket {
    /// A full bucket.
    pub fn new(clock: Clock) -> Self {
        let now = clock.now_ms();
        Self {
            clock,
            state: Mutex::new((BUCKET, now)),
        }
    }

    /// Takes a token if there is one.
    pub fn take(&self) -> bool {
        let now = self.clock.now_ms();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, since) = *state;
        let back = (now - since).max(0) / REFILL_MS;
        let tokens = (tokens + back).min(BUCKET);
        let since = if tokens == BUCKET {
            now
        } else {
            since + back * REFILL_MS
        };
        let taken = tokens > 0;
        *state = (if taken { tokens - 1 } else { tokens }, since);
        taken
    }

    /// Fills it up.
    pub fn fill(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = (BUCKET, self.clock.now_ms());
    }
}
