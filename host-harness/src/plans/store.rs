//! Plans on disk, in one SQLite database. A request is stored before it is sent, and its answer
//! before it is judged.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{
    Connection, OptionalExtension as _, Params, Row, Statement, TransactionBehavior, params,
};

use serde_json::Value;

use super::error::{DATABASE, StoreError};
use super::plan::Plan;
use super::{PlanError, PlanState, StepState, lock};
use crate::database::{self, Copied, ReadOnly};
use crate::digest::Digest;
use crate::observed::ObservedRead;
use crate::storage;

/// The folder of the lock files.
const LOCKS: &str = "plan-locks";
/// The version of the database's layout; `PRAGMA user_version`.
const VERSION: i64 = 4;
/// Time to wait for another process that keeps the database busy.
const BUSY: Duration = Duration::from_secs(2);
/// Maximum number of waiting plans of one caller. Each can take a quarter of a MiB.
const WAITING_MAX: usize = 64;
/// Time for which a plan may wait for approval.
pub(super) const WAITS: Duration = Duration::from_secs(15 * 60);

const LAYOUT: &str = "
CREATE TABLE plan (
    digest TEXT PRIMARY KEY,
    bytes BLOB NOT NULL,
    component TEXT NOT NULL,
    tool TEXT NOT NULL,
    proposer TEXT NOT NULL,
    state TEXT NOT NULL,
    made INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    decided_by TEXT,
    reason TEXT
) STRICT;
CREATE TABLE step (
    plan TEXT NOT NULL REFERENCES plan (digest) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    state TEXT NOT NULL,
    status INTEGER,
    answer BLOB,
    detail TEXT,
    PRIMARY KEY (plan, position)
) STRICT, WITHOUT ROWID;
";
/// Added by layout 3: idempotency keys, which outlive their plans, and the reads that a plan rests
/// on.
///
/// `request` is the SHA-256 of what was sent under a key. It is empty in rows from layout 2, which
/// did not store it, and then equals no request.
const CLAIMS: &str = "
CREATE TABLE claim (
    caller TEXT NOT NULL,
    name TEXT NOT NULL,
    request TEXT NOT NULL,
    plan TEXT NOT NULL,
    position INTEGER NOT NULL,
    state TEXT NOT NULL,
    status INTEGER,
    answer BLOB,
    changed INTEGER NOT NULL,
    PRIMARY KEY (caller, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_step ON claim (plan, position);
ALTER TABLE plan ADD COLUMN reads TEXT;
PRAGMA user_version = 3;
";
/// Migrates the keys of layout 2. A key whose step may have been sent is kept as such.
const CLAIMS_OF_LAYOUT_2: &str = "
INSERT INTO claim (caller, name, request, plan, position, state, changed)
    SELECT plan.proposer, once.name, '', once.plan, once.position,
           CASE WHEN step.state IN ('done', 'found') THEN 'done' ELSE 'sending' END, plan.changed
    FROM once
    JOIN plan ON plan.digest = once.plan
    JOIN step ON step.plan = once.plan AND step.position = once.position
    WHERE step.state NOT IN ('pending', 'failed', 'conflict');
DROP TABLE once;
";

/// Added by layout 4: the arguments of the call that proposed a plan, which plan it
/// replaces, and which replaces it.
const EDITS: &str = "
ALTER TABLE plan ADD COLUMN arguments TEXT;
ALTER TABLE plan ADD COLUMN replaces TEXT;
ALTER TABLE plan ADD COLUMN replaced_by TEXT;
PRAGMA user_version = 4;
";

/// Indexes for finding plans without reading them all: a row holds the bodies of a plan, so that
/// reading past one reads many pages. They are created wherever they are missing, since they change
/// no data.
const INDEXES: &str = "
CREATE INDEX IF NOT EXISTS plan_made ON plan (made DESC, digest);
CREATE INDEX IF NOT EXISTS plan_changed ON plan (state, changed);
CREATE INDEX IF NOT EXISTS plan_expires ON plan (state, expires);
CREATE INDEX IF NOT EXISTS plan_waiting ON plan (proposer, state, expires);
CREATE INDEX IF NOT EXISTS claim_changed ON claim (state, changed);
";

const NEWEST: &str = "SELECT digest FROM plan ORDER BY made DESC, digest LIMIT ?1";
const NAMED: &str = "SELECT digest FROM plan WHERE digest >= ?1 AND digest < ?2 LIMIT 2";
const COUNTS: &str = "
SELECT CASE WHEN state = 'waiting' AND expires < ?1 THEN 'expired' ELSE state END AS stands, count(*)
FROM plan INDEXED BY plan_expires GROUP BY stands ORDER BY stands";
const WAITING: &str = "
SELECT count(*) FROM plan WHERE proposer = ?1 AND state = 'waiting' AND expires >= ?2 AND digest <> ?3";
const FORGET_OVER: &str = "
DELETE FROM plan WHERE state IN ('done', 'failed', 'conflict', 'denied', 'expired') AND changed < ?1 RETURNING digest";
const FORGET_EXPIRED: &str =
    "DELETE FROM plan WHERE state = 'waiting' AND expires < ?1 RETURNING digest";
/// Plans that were approved or stopped, but not begun in time, have expired as well.
const FORGET_UNBEGUN: &str = "
DELETE FROM plan WHERE state IN ('approved', 'stopped') AND expires < ?1
AND NOT EXISTS (SELECT 1 FROM step WHERE plan = digest AND step.state <> 'pending') RETURNING digest";

const FORGET_ANSWERS: &str = "UPDATE claim SET status = NULL, answer = NULL WHERE plan = ?1";
const FORGET_CLAIMS: &str = "DELETE FROM claim WHERE state IN ('done', 'sending') AND changed < ?1";

/// Times before which things are deleted, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy)]
pub struct Before {
    /// Plans that are over.
    pub over: i64,
    /// Plans that expired without having begun.
    pub expired: i64,
    /// Idempotency keys that were used.
    pub claims: i64,
}

/// A stored plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPlan {
    /// Its digest.
    pub digest: Digest,
    /// The plan.
    pub plan: Plan,
    /// SHA-256 of the component that proposed it.
    pub component: String,
    /// Its state.
    pub state: PlanState,
    /// The time of the proposal, in milliseconds since 1970-01-01T00:00:00Z.
    pub made: i64,
    /// The time until which it may be approved.
    pub expires: i64,
    /// The caller who approved or denied it, or `policy`.
    pub decided_by: Option<String>,
    /// The reason for the state, if there is one to give.
    pub reason: Option<String>,
    /// Its steps.
    pub steps: Vec<KeptStep>,
    /// The reads in which its records and people were observed, so that they can be repeated.
    pub reads: Vec<ObservedRead>,
    /// The arguments of the call that proposed it; none once it was approved, and for a plan of an
    /// older version.
    pub arguments: Option<Value>,
    /// The plan that it replaces, if a person edited that one.
    pub replaces: Option<Digest>,
    /// The plan that replaces it, if a person edited it.
    pub replaced_by: Option<Digest>,
}

/// A stored step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptStep {
    /// Its state.
    pub state: StepState,
    /// The answer, if there is one.
    pub answer: Option<(u16, Vec<u8>)>,
    /// A remark on the state, if there is one.
    pub detail: Option<String>,
}

/// An idempotency key and the request that is to be sent under it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClaimKey<'a> {
    /// The caller's key: callers do not share idempotency keys.
    pub(super) caller: &'a str,
    /// The idempotency key, as the component names it.
    pub(super) name: &'a str,
    /// SHA-256 of destination, method, path and body, in hexadecimal.
    pub(super) request: &'a str,
}

/// The result of claiming an idempotency key for a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Claim {
    /// The key belongs to the step, which is `sending` from now on.
    Granted,
    /// Another step has sent the same request under this key.
    Done {
        /// That step's plan.
        plan: String,
        /// The service's answer to it; none if it was not received or is no longer stored.
        answer: Option<(u16, Vec<u8>)>,
    },
    /// Another step has sent a different request under this key.
    Conflict {
        /// That step's plan.
        plan: String,
    },
    /// Another step may have been sent under this key.
    InDoubt {
        /// That step's plan.
        plan: String,
    },
}

/// A stored row, before its bytes are checked against the digest.
struct Raw {
    bytes: Vec<u8>,
    component: String,
    state: PlanState,
    made: i64,
    expires: i64,
    decided_by: Option<String>,
    reason: Option<String>,
    reads: Option<String>,
    arguments: Option<String>,
    replaces: Option<String>,
    replaced_by: Option<String>,
    steps: Vec<KeptStep>,
}

/// The basis of a plan: what a call read, and what it was called with.
#[derive(Debug, Clone, Copy)]
pub struct ProposalBasis<'a> {
    /// The reads that it rests on.
    pub reads: &'a [ObservedRead],
    /// The arguments of the call.
    pub arguments: &'a Value,
    /// SHA-256 of the component that proposed it.
    pub component: &'a str,
}

/// A store of plans.
pub struct Store {
    connection: Mutex<Connection>,
    locks: Option<PathBuf>,
    /// The copy that the connection reads, if it reads one; removed after the connection is closed.
    _copy: Option<Copied>,
}

impl Store {
    /// Opens the plans in a private directory (see [`crate::storage`]), or creates the database.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(DATABASE);
        let locks = folder.join(LOCKS);
        let unusable = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Io { path, source }
        };
        storage::private_file(&path).map_err(unusable(&path))?;
        std::fs::create_dir_all(&locks).map_err(unusable(&locks))?;
        let at = |source| StoreError::Unusable {
            path: path.clone(),
            source,
        };
        let connection = Connection::open(&path).map_err(at)?;
        connection.busy_timeout(BUSY)?;
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .map_err(at)?;
        Self::begin(connection, &path, Some(locks))
    }

    /// Opens the plans of a directory that is not written to, such as a copy. They can be queried;
    /// every change is refused.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn open_for_reading(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(DATABASE);
        if !path.is_file() {
            return Err(StoreError::None(folder.to_owned()));
        }
        let at = |source| StoreError::Unusable {
            path: path.clone(),
            source,
        };
        let ReadOnly { connection, copy } = database::open_for_reading(&path).map_err(at)?;
        let version: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(at)?;
        match version {
            0 => Err(StoreError::None(folder.to_owned())),
            VERSION => Ok(Self {
                connection: Mutex::new(connection),
                locks: None,
                _copy: copy,
            }),
            1..VERSION => Err(StoreError::Older(path)),
            _ => Err(StoreError::Newer(path)),
        }
    }

    /// Creates a store in memory, which ends with this process.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::begin(Connection::open_in_memory()?, Path::new("memory"), None)
    }

    fn begin(
        mut connection: Connection,
        path: &Path,
        locks: Option<PathBuf>,
    ) -> Result<Self, StoreError> {
        // The state `sending` has to be on disk before the step is sent.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // Deleted data is wiped from the file as well.
        connection.pragma_update(None, "secure_delete", true)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 =
            transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version > VERSION {
            return Err(StoreError::Newer(path.to_owned()));
        }
        if version < 1 {
            transaction.execute_batch(LAYOUT)?;
        }
        if version < 3 {
            transaction.execute_batch(CLAIMS)?;
        }
        if version == 2 {
            transaction.execute_batch(CLAIMS_OF_LAYOUT_2)?;
        }
        if version < 4 {
            transaction.execute_batch(EDITS)?;
        }
        transaction.execute_batch(INDEXES)?;
        transaction.commit()?;
        Ok(Self {
            connection: Mutex::new(connection),
            locks,
            _copy: None,
        })
    }

    pub(crate) fn locks(&self) -> Option<PathBuf> {
        self.locks.clone()
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a plan that waits for approval until `now + 15 minutes`, and returns what is stored
    /// under its digest. A plan that waits, has expired or was denied waits anew; any other is left
    /// unchanged.
    ///
    /// # Errors
    /// When it cannot be written, or its proposer has too many waiting plans.
    pub fn propose(
        &self,
        plan: &Plan,
        basis: ProposalBasis<'_>,
        now: i64,
    ) -> Result<StoredPlan, PlanError> {
        let reads = serde_json::to_string(basis.reads).map_err(StoreError::from)?;
        let arguments = basis.arguments.to_string();
        let component = basis.component;
        let bytes = serde_json::to_vec(plan).map_err(StoreError::from)?;
        let digest = Digest::of(&bytes);
        let expires = now + i64::try_from(WAITS.as_millis()).unwrap_or(0);
        let proposer = plan.proposer.key();
        let work = || -> Result<bool, rusqlite::Error> {
            let mut connection = self.connection();
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let made = transaction.execute(
                "INSERT INTO plan (digest, bytes, component, tool, proposer, state, made, expires, changed, reads, arguments)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'waiting', ?6, ?7, ?6, ?8, ?9) ON CONFLICT DO NOTHING",
                params![digest.as_str(), bytes, component, plan.tool, proposer, now, expires, reads, arguments],
            )?;
            let mut waits = made == 1;
            if made == 1 {
                for position in 0..plan.proposal.steps.len() {
                    transaction.execute(
                        "INSERT INTO step (plan, position, state) VALUES (?1, ?2, 'pending')",
                        params![digest.as_str(), i64::try_from(position).unwrap_or(i64::MAX)],
                    )?;
                }
            } else {
                waits = transaction.execute(
                    "UPDATE plan SET state = 'waiting', component = ?2, made = ?3, expires = ?4, changed = ?3, decided_by = NULL, reason = NULL, reads = ?5, arguments = ?6, replaces = NULL, replaced_by = NULL
                     WHERE digest = ?1 AND (state IN ('waiting', 'denied', 'expired')
                        OR (state IN ('approved', 'stopped') AND expires < ?3
                            AND NOT EXISTS (SELECT 1 FROM step WHERE plan = digest AND step.state <> 'pending')))",
                    params![digest.as_str(), component, now, expires, reads, arguments],
                )? == 1;
            }
            let others: u32 = transaction
                .prepare_cached(WAITING)?
                .query_row(params![proposer, now, digest.as_str()], |row| row.get(0))?;
            if waits && others as usize >= WAITING_MAX {
                // The transaction is dropped, so that nothing of it is stored.
                return Ok(false);
            }
            transaction.commit()?;
            Ok(true)
        };
        if !work().map_err(StoreError::from)? {
            return Err(PlanError::TooMany {
                waiting: WAITING_MAX,
            });
        }
        self.get(&digest, now)
    }

    /// Returns the plan of this digest, after checking its bytes against the digest.
    ///
    /// # Errors
    /// When there is none, or it was altered.
    pub fn get(&self, digest: &Digest, now: i64) -> Result<StoredPlan, PlanError> {
        let raw = self
            .read(digest)
            .map_err(StoreError::from)?
            .ok_or_else(|| PlanError::Unknown(digest.short().to_owned()))?;
        if Digest::of(&raw.bytes) != *digest {
            return Err(PlanError::Altered);
        }
        let plan: Plan = serde_json::from_slice(&raw.bytes).map_err(|_| PlanError::Altered)?;
        if plan.proposal.steps.len() != raw.steps.len() || plan.facts.len() != raw.steps.len() {
            return Err(PlanError::Altered);
        }
        // A plan that was not started in time is not started later, approved or not.
        let started = raw
            .steps
            .iter()
            .any(|step| step.state != StepState::Pending);
        let waits = matches!(
            raw.state,
            PlanState::Waiting | PlanState::Approved | PlanState::Stopped
        );
        let expired = waits && !started && raw.expires < now;
        Ok(StoredPlan {
            digest: digest.clone(),
            plan,
            component: raw.component,
            state: if expired {
                PlanState::Expired
            } else {
                raw.state
            },
            made: raw.made,
            expires: raw.expires,
            decided_by: raw.decided_by,
            reason: raw.reason,
            // Without the reads, nothing can be observed again, and nothing is sent that needs it.
            reads: raw
                .reads
                .and_then(|reads| serde_json::from_str(&reads).ok())
                .unwrap_or_default(),
            arguments: raw
                .arguments
                .and_then(|arguments| serde_json::from_str(&arguments).ok()),
            replaces: raw.replaces.and_then(|digest| digest.parse().ok()),
            replaced_by: raw.replaced_by.and_then(|digest| digest.parse().ok()),
            steps: raw.steps,
        })
    }

    fn read(&self, digest: &Digest) -> Result<Option<Raw>, rusqlite::Error> {
        let connection = self.connection();
        let steps: Vec<KeptStep> = connection
            .prepare_cached(
                "SELECT state, status, answer, detail FROM step WHERE plan = ?1 ORDER BY position",
            )?
            .query_map([digest.as_str()], step)?
            .collect::<Result<_, _>>()?;
        connection
            .prepare_cached(
                "SELECT bytes, component, state, made, expires, decided_by, reason, reads, arguments, replaces, replaced_by FROM plan WHERE digest = ?1",
            )?
            .query_row([digest.as_str()], |row| {
                let state: String = row.get(2)?;
                Ok(Raw {
                    bytes: row.get(0)?,
                    component: row.get(1)?,
                    state: PlanState::named(&state),
                    made: row.get(3)?,
                    expires: row.get(4)?,
                    decided_by: row.get(5)?,
                    reason: row.get(6)?,
                    reads: row.get(7)?,
                    arguments: row.get(8)?,
                    replaces: row.get(9)?,
                    replaced_by: row.get(10)?,
                    steps,
                })
            })
            .optional()
    }

    /// Returns the digest that this text names: a whole digest, or the beginning of exactly one.
    ///
    /// # Errors
    /// When none or several are meant.
    pub fn find(&self, text: &str) -> Result<Digest, PlanError> {
        let mut found = if Digest::may_begin_with(text) {
            self.named(text).map_err(StoreError::from)?.into_iter()
        } else {
            Vec::new().into_iter()
        };
        match (found.next(), found.next()) {
            (Some(digest), None) => Ok(digest),
            (None, _) => Err(PlanError::Unknown(text.to_owned())),
            (Some(_), Some(_)) => Err(PlanError::Ambiguous(text.to_owned())),
        }
    }

    /// Returns up to two digests that begin with this text, by the primary key.
    fn named(&self, text: &str) -> Result<Vec<Digest>, rusqlite::Error> {
        // Digests consist of digits and the letters `a` to `f`, so that all with this beginning
        // sort before this end.
        let end = format!("{text}g");
        let connection = self.connection();
        let mut statement = connection.prepare_cached(NAMED)?;
        digests(&mut statement, params![text, end])
    }

    /// Returns the digests of up to `most` plans, newest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn digests(&self, most: usize) -> Result<Vec<Digest>, rusqlite::Error> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let connection = self.connection();
        let mut statement = connection.prepare_cached(NEWEST)?;
        digests(&mut statement, [most])
    }

    /// Counts the plans by state; one that nobody approved in time has expired.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(crate) fn by_state(&self, now: i64) -> Result<Vec<(PlanState, u64)>, rusqlite::Error> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(COUNTS)?;
        let rows = statement.query_map([now], |row| {
            let (state, count): (String, u32) = (row.get(0)?, row.get(1)?);
            Ok((PlanState::named(&state), u64::from(count)))
        })?;
        rows.collect()
    }

    /// Moves a plan to another state. The arguments of its call are kept while it can be edited.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn move_to(
        &self,
        digest: &Digest,
        state: PlanState,
        by: Option<&str>,
        reason: Option<&str>,
        now: i64,
    ) -> Result<(), StoreError> {
        self.connection().execute(
            "UPDATE plan SET state = ?2, decided_by = coalesce(?3, decided_by), reason = ?4, changed = ?5,
                arguments = CASE ?2 WHEN 'approved' THEN NULL ELSE arguments END
             WHERE digest = ?1",
            params![digest.as_str(), state.as_str(), by, reason, now],
        )?;
        Ok(())
    }

    /// Notes that a plan replaces another one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn set_replaces(&self, digest: &Digest, old: &Digest) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for update in [
            "UPDATE plan SET replaces = ?2 WHERE digest = ?1",
            "UPDATE plan SET replaced_by = ?1 WHERE digest = ?2",
        ] {
            transaction.execute(update, [digest.as_str(), old.as_str()])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Moves a step to another state, and its idempotency key with it. A stored answer stays until
    /// the step is sent again.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn move_step(
        &self,
        digest: &Digest,
        position: usize,
        state: StepState,
        answer: Option<(u16, &[u8])>,
        detail: Option<&str>,
    ) -> Result<(), StoreError> {
        let (status, body) = answer.unzip();
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "UPDATE step SET state = ?3, detail = ?6,
                status = CASE ?3 WHEN 'sending' THEN NULL ELSE coalesce(?4, status) END,
                answer = CASE ?3 WHEN 'sending' THEN NULL ELSE coalesce(?5, answer) END
             WHERE plan = ?1 AND position = ?2",
            params![
                digest.as_str(),
                position,
                state.as_str(),
                status,
                body,
                detail
            ],
        )?;
        match state {
            StepState::Done | StepState::Found => {
                transaction.execute(
                    "UPDATE claim SET state = 'done', status = step.status, answer = step.answer
                     FROM step
                     WHERE claim.plan = ?1 AND claim.position = ?2 AND step.plan = ?1 AND step.position = ?2",
                    params![digest.as_str(), position],
                )?;
            }
            // It was not sent, or certainly not done: the key is free again.
            StepState::Pending | StepState::Failed | StepState::Conflict => {
                transaction.execute(
                    "DELETE FROM claim WHERE plan = ?1 AND position = ?2",
                    params![digest.as_str(), position],
                )?;
            }
            StepState::Sending | StepState::Answered | StepState::NotNeeded => {}
        }
        transaction.commit()?;
        Ok(())
    }

    /// Claims an idempotency key for a step and moves the step to `sending`, unless another step
    /// has sent something under that key, or may have.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn claim(
        &self,
        digest: &Digest,
        position: usize,
        key: ClaimKey<'_>,
        now: i64,
    ) -> Result<Claim, StoreError> {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let other = transaction
            .query_row(
                "SELECT plan, request, state, status, answer FROM claim
                 WHERE caller = ?1 AND name = ?2 AND NOT (plan = ?3 AND position = ?4)",
                params![key.caller, key.name, digest.as_str(), position],
                |row| {
                    let (plan, request, state): (String, String, String) =
                        (row.get(0)?, row.get(1)?, row.get(2)?);
                    let (status, body): (Option<u16>, Option<Vec<u8>>) = (row.get(3)?, row.get(4)?);
                    Ok(match state.as_str() {
                        "done" if request == key.request => Claim::Done {
                            plan,
                            answer: status.zip(body),
                        },
                        "done" => Claim::Conflict { plan },
                        _ => Claim::InDoubt { plan },
                    })
                },
            )
            .optional()?;
        if let Some(other) = other {
            return Ok(other);
        }
        transaction.execute(
            "INSERT INTO claim (caller, name, request, plan, position, state, changed)
             VALUES (?1, ?2, ?3, ?4, ?5, 'sending', ?6)
             ON CONFLICT (caller, name) DO UPDATE SET request = ?3, state = 'sending', status = NULL, answer = NULL, changed = ?6",
            params![key.caller, key.name, key.request, digest.as_str(), position, now],
        )?;
        transaction.execute(
            "UPDATE step SET state = 'sending', detail = NULL, status = NULL, answer = NULL WHERE plan = ?1 AND position = ?2",
            params![digest.as_str(), position],
        )?;
        transaction.commit()?;
        Ok(Claim::Granted)
    }

    /// Deletes plans that have been over for long enough, and those that expired without anything
    /// being sent, with the services' answers. The audit log stays. Idempotency keys stay for a
    /// time of their own: a request that was sent under a key is not sent again because its plan
    /// was deleted.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn forget(&self, before: &Before) -> Result<usize, StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut forgotten = Vec::new();
        for (statement, before) in [
            (FORGET_OVER, before.over),
            (FORGET_EXPIRED, before.expired),
            (FORGET_UNBEGUN, before.expired),
        ] {
            let mut statement = transaction.prepare_cached(statement)?;
            forgotten.extend(digests(&mut statement, [before])?);
        }
        for digest in &forgotten {
            transaction
                .prepare_cached(FORGET_ANSWERS)?
                .execute([digest.as_str()])?;
        }
        transaction
            .prepare_cached(FORGET_CLAIMS)?
            .execute([before.claims])?;
        transaction.commit()?;
        drop(connection);
        if let Some(locks) = &self.locks {
            for digest in &forgotten {
                lock::remove(locks, digest.as_str());
            }
        }
        Ok(forgotten.len())
    }
}

fn digests(
    statement: &mut Statement<'_>,
    parameters: impl Params,
) -> Result<Vec<Digest>, rusqlite::Error> {
    let rows = statement.query_map(parameters, |row| row.get::<_, String>(0))?;
    let mut digests = Vec::new();
    for row in rows {
        digests.extend(row?.parse::<Digest>());
    }
    Ok(digests)
}

fn step(row: &Row<'_>) -> Result<KeptStep, rusqlite::Error> {
    let state: String = row.get(0)?;
    let (status, body): (Option<u16>, Option<Vec<u8>>) = (row.get(1)?, row.get(2)?);
    Ok(KeptStep {
        state: StepState::named(&state),
        answer: status.zip(body),
        detail: row.get(3)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::Proposal;
    use crate::plans::plan::Proposer;

    const HOUR: i64 = 60 * 60 * 1_000;

    fn plan(words: &str, email: &str) -> Plan {
        Plan {
            tool: "demo_write".to_owned(),
            proposer: Proposer {
                id: None,
                email: Some(email.to_owned()),
                name: None,
                role: None,
                time_zone: None,
            },
            proposal: Proposal {
                words: words.to_owned(),
                about: Vec::new(),
                steps: Vec::new(),
                warnings: Vec::new(),
            },
            facts: Vec::new(),
            known: super::super::known::Known::default(),
        }
    }

    fn basis() -> ProposalBasis<'static> {
        ProposalBasis {
            reads: &[],
            arguments: &Value::Null,
            component: "c0",
        }
    }

    fn kept(store: &Store, words: &str, now: i64) -> Digest {
        let kept = store.propose(&plan(words, "robin@example.com"), basis(), now);
        kept.unwrap().digest
    }

    #[test]
    fn no_question_about_plans_reads_them_all() {
        let store = Store::in_memory().unwrap();
        let connection = store.connection();
        for query in [
            NEWEST,
            NAMED,
            COUNTS,
            WAITING,
            FORGET_OVER,
            FORGET_EXPIRED,
            FORGET_UNBEGUN,
            FORGET_ANSWERS,
            FORGET_CLAIMS,
        ] {
            let mut statement = connection
                .prepare(&format!("EXPLAIN QUERY PLAN {query}"))
                .unwrap();
            let given = vec![0_i64; statement.parameter_count()];
            let steps = statement.query_map(rusqlite::params_from_iter(given), |row| {
                row.get::<_, String>("detail")
            });
            let steps: Vec<String> = steps.unwrap().map(Result::unwrap).collect();
            let reads: Vec<_> = steps
                .iter()
                .filter(|step| step.starts_with("SCAN") || step.starts_with("SEARCH"))
                .collect();
            assert!(!reads.is_empty(), "{query}: {steps:?}");
            for step in reads {
                // A query that asks for everything may read a whole index, but never the table
                // itself.
                let good = step.contains("USING INDEX")
                    || step.contains("USING COVERING INDEX")
                    || step.contains("USING PRIMARY KEY");
                assert!(good, "{query}: {steps:?}");
            }
        }
    }

    #[test]
    fn plan_is_found_by_digest_or_its_beginning() {
        let store = Store::in_memory().unwrap();
        let all: Vec<_> = (0..200)
            .map(|number| {
                store
                    .propose(
                        &plan(&number.to_string(), &format!("{number}@example.com")),
                        basis(),
                        0,
                    )
                    .unwrap()
                    .digest
            })
            .collect();
        for digest in &all {
            assert_eq!(store.find(digest.as_str()).unwrap(), *digest);
            assert_eq!(store.find(digest.short()).unwrap(), *digest);
        }
        let first = all[0].as_str();
        for unknown in [
            "",
            &first[..5],
            "%",
            "zzzzzz",
            "______",
            &first.to_uppercase(),
            &format!("{first}0"),
        ] {
            assert!(
                matches!(store.find(unknown), Err(PlanError::Unknown(_))),
                "{unknown}"
            );
        }
        // More of the digest tells two that begin alike apart.
        let connection = store.connection();
        let twin = format!(
            "{}{}",
            &first[..63],
            if first.ends_with('0') { '1' } else { '0' }
        );
        connection
            .execute(
                "INSERT INTO plan SELECT ?1, bytes, component, tool, proposer, state, made, expires, changed, decided_by, reason, reads, arguments, replaces, replaced_by FROM plan WHERE digest = ?2",
                [twin.as_str(), first],
            )
            .unwrap();
        drop(connection);
        assert!(matches!(
            store.find(&first[..63]),
            Err(PlanError::Ambiguous(_))
        ));
        assert_eq!(store.find(first).unwrap(), all[0]);
    }

    #[test]
    fn a_list_holds_the_newest() {
        let store = Store::in_memory().unwrap();
        let all: Vec<_> = (0..10)
            .map(|at| kept(&store, &at.to_string(), at))
            .collect();
        let newest: Vec<_> = all.iter().rev().take(3).cloned().collect();
        assert_eq!(store.digests(3).unwrap(), newest);
        assert_eq!(store.digests(usize::MAX).unwrap().len(), 10);
    }

    #[test]
    fn so_many_plans_of_a_caller_may_wait() {
        let store = Store::in_memory().unwrap();
        let first = kept(&store, "0", 0);
        for number in 1..WAITING_MAX {
            kept(&store, &number.to_string(), 0);
        }
        let more = || store.propose(&plan("more", "robin@example.com"), basis(), 1);
        let error = more().unwrap_err();
        assert!(matches!(error, PlanError::TooMany { .. }), "{error}");
        assert_eq!(store.digests(usize::MAX).unwrap().len(), WAITING_MAX);
        // A plan that waits already may be proposed again, and other callers are not affected.
        assert_eq!(kept(&store, "0", 1), first);
        store
            .propose(&plan("more", "sam@example.com"), basis(), 1)
            .unwrap();
        store
            .move_to(&first, PlanState::Denied, None, None, 1)
            .unwrap();
        more().unwrap();
        // A denied plan waits anew only if there is room.
        let again = store.propose(&plan("0", "robin@example.com"), basis(), 2);
        assert!(matches!(again, Err(PlanError::TooMany { .. })));
        assert_eq!(store.get(&first, 2).unwrap().state, PlanState::Denied);
        let later = 2 * HOUR;
        store
            .propose(&plan("0", "robin@example.com"), basis(), later)
            .unwrap();
    }

    #[test]
    fn expired_plans_are_deleted_before_done_ones() {
        let store = Store::in_memory().unwrap();
        let waiting = kept(&store, "waiting", 0);
        let approved = kept(&store, "approved", 0);
        let done = kept(&store, "done", 0);
        for (digest, state) in [(&approved, PlanState::Approved), (&done, PlanState::Done)] {
            store.move_to(digest, state, None, None, 0).unwrap();
        }
        let forget = |over, expired| {
            let before = Before {
                over,
                expired,
                claims: 0,
            };
            store.forget(&before).unwrap()
        };
        assert_eq!(forget(0, 0), 0);
        assert_eq!(forget(0, HOUR), 2);
        for gone in [&waiting, &approved] {
            assert!(matches!(store.get(gone, 0), Err(PlanError::Unknown(_))));
        }
        assert_eq!(store.get(&done, 0).unwrap().state, PlanState::Done);
        assert_eq!(forget(1, 0), 1);
    }

    #[test]
    fn full_disk_is_reported_until_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let pages: i64 = store
            .connection()
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        let limit = |pages: i64| {
            let connection = store.connection();
            connection
                .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
                .unwrap();
        };
        limit(pages);
        let long = "x".repeat(200_000);
        let propose = || store.propose(&plan(&long, "robin@example.com"), basis(), 0);
        let error = propose().unwrap_err().to_string();
        assert!(
            error.contains("plans.sqlite3") && error.contains("Make room"),
            "{error}"
        );
        limit(pages + 1_000);
        propose().unwrap();
    }

    const KEY: ClaimKey<'_> = ClaimKey {
        caller: "robin",
        name: "k",
        request: "digest",
    };

    /// Creates a database of layout 2 in which one message was sent under `k`, one may have been
    /// sent under `l`, and one certainly was not.
    fn layout_2(path: &Path) {
        let database = Connection::open(path).unwrap();
        database.execute_batch(LAYOUT).unwrap();
        database
            .execute_batch(
                "CREATE TABLE once (
                    name TEXT PRIMARY KEY,
                    plan TEXT NOT NULL REFERENCES plan (digest) ON DELETE CASCADE,
                    position INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID;
                INSERT INTO plan (digest, bytes, component, tool, proposer, state, made, expires, changed)
                    VALUES ('old', x'00', 'c', 't', 'robin', 'done', 1, 1, 1);
                INSERT INTO step (plan, position, state) VALUES ('old', 0, 'done'), ('old', 1, 'sending'), ('old', 2, 'failed');
                INSERT INTO once VALUES ('k', 'old', 0), ('l', 'old', 1), ('m', 'old', 2);
                PRAGMA user_version = 2;",
            )
            .unwrap();
    }

    #[test]
    fn keys_of_layout_2_still_hold() {
        let folder = tempfile::tempdir().unwrap();
        layout_2(&folder.path().join(DATABASE));
        let store = Store::open(folder.path()).unwrap();
        let digest = Digest::of(b"new");
        let plan = "old".to_owned();
        for (name, expected) in [
            ("k", Claim::Conflict { plan: plan.clone() }),
            ("l", Claim::InDoubt { plan }),
            ("m", Claim::Granted),
        ] {
            let key = ClaimKey { name, ..KEY };
            assert_eq!(store.claim(&digest, 0, key, 2).unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn keys_hold_for_their_caller_until_released() {
        let store = Store::in_memory().unwrap();
        let (first, second) = (Digest::of(b"first"), Digest::of(b"second"));
        let claim = |digest: &Digest, key: ClaimKey<'_>| store.claim(digest, 0, key, 2).unwrap();
        let plan = first.as_str().to_owned();
        assert_eq!(claim(&first, KEY), Claim::Granted);
        assert_eq!(claim(&first, KEY), Claim::Granted, "its own");
        let other = ClaimKey {
            caller: "kim",
            ..KEY
        };
        assert_eq!(claim(&second, other), Claim::Granted);
        let pending = Claim::InDoubt { plan: plan.clone() };
        assert_eq!(claim(&second, KEY), pending);
        let moved = |state| store.move_step(&first, 0, state, None, None).unwrap();
        moved(StepState::Failed);
        assert_eq!(claim(&second, KEY), Claim::Granted, "released");
    }
}
