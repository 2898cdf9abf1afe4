//! Plans on disk: one SQLite database. What was sent is there before it leaves, and what came back before it is looked at.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};
use thiserror::Error;

use super::proposal::Plan;
use super::{Digest, PlanError, PlanState, StepState};
use crate::storage;

/// The database's file name.
const DATABASE: &str = "plans.sqlite3";
/// The folder of the files that processes lock.
const LOCKS: &str = "plan-locks";
/// The database's layout; `PRAGMA user_version`.
const VERSION: i64 = 2;
/// How long another process may keep the database busy.
const BUSY: Duration = Duration::from_secs(2);
/// How long a plan may wait for approval.
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
/// What came with the second layout: of all steps with a name, one is sent.
const ONCE: &str = "
CREATE TABLE once (
    name TEXT PRIMARY KEY,
    plan TEXT NOT NULL REFERENCES plan (digest) ON DELETE CASCADE,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 2;
";

/// Why plans cannot be stored or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database cannot be used.
    #[error("the plans cannot be used: {0}")]
    Database(#[from] rusqlite::Error),
    /// It was made by a newer version of this program.
    #[error("{} was made by a newer version of crm-harness: use that one", .0.display())]
    Newer(PathBuf),
    /// A plan cannot be written down.
    #[error("the plan cannot be stored: {0}")]
    Json(#[from] serde_json::Error),
}

/// A plan as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its digest.
    pub digest: Digest,
    /// The plan.
    pub plan: Plan,
    /// SHA-256 of the component that proposed it.
    pub component: String,
    /// Where it stands.
    pub state: PlanState,
    /// When it was proposed, in milliseconds since 1970-01-01T00:00:00Z.
    pub made: i64,
    /// Until when it may be approved.
    pub expires: i64,
    /// Who approved or denied it.
    pub decided_by: Option<String>,
    /// What is to be said of it.
    pub reason: Option<String>,
    /// Its steps.
    pub steps: Vec<KeptStep>,
}

/// A step as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptStep {
    /// Where it stands.
    pub state: StepState,
    /// The answer, if there is one.
    pub answer: Option<(u16, Vec<u8>)>,
    /// What is to be said of it.
    pub detail: Option<String>,
}

/// Whether a step may be sent, of all that have its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Claim {
    /// It may, and is `sending` from now on.
    Ours,
    /// One of another plan was done.
    Done {
        /// That plan.
        plan: String,
        /// What the service answered to it.
        answer: Option<(u16, Vec<u8>)>,
    },
    /// One of another plan may have been done.
    Unsure {
        /// That plan.
        plan: String,
    },
}

/// What is stored, before its bytes were held against its digest.
struct Raw {
    bytes: Vec<u8>,
    component: String,
    state: PlanState,
    made: i64,
    expires: i64,
    decided_by: Option<String>,
    reason: Option<String>,
    steps: Vec<KeptStep>,
}

/// The plans.
pub struct Store {
    connection: Mutex<Connection>,
    locks: Option<PathBuf>,
}

impl Store {
    /// Opens the plans in a private directory (see [`crate::storage`]), or begins them.
    ///
    /// # Errors
    /// Why they cannot be used.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(DATABASE);
        let locks = folder.join(LOCKS);
        let unusable = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Io { path, source }
        };
        storage::private_file(&path).map_err(unusable(&path))?;
        std::fs::create_dir_all(&locks).map_err(unusable(&locks))?;
        let connection = Connection::open(&path)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        Self::begin(connection, &path, Some(locks))
    }

    /// Plans that end with this process.
    ///
    /// # Errors
    /// Why they cannot be kept.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::begin(Connection::open_in_memory()?, Path::new("memory"), None)
    }

    fn begin(
        mut connection: Connection,
        path: &Path,
        locks: Option<PathBuf>,
    ) -> Result<Self, StoreError> {
        // What is said to be on its way has to be on disk before it leaves.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What is forgotten is gone from the file as well.
        connection.pragma_update(None, "secure_delete", true)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 =
            transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match version {
            0 => {
                transaction.execute_batch(LAYOUT)?;
                transaction.execute_batch(ONCE)?;
            }
            1 => transaction.execute_batch(ONCE)?,
            VERSION => {}
            _ => return Err(StoreError::Newer(path.to_owned())),
        }
        transaction.commit()?;
        Ok(Self {
            connection: Mutex::new(connection),
            locks,
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

    /// Keeps a plan that waits for approval until `now + 15 minutes`, and answers with what is kept under its digest. One that
    /// waits, had expired or was denied waits anew; of any other nothing changes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn propose(&self, plan: &Plan, component: &str, now: i64) -> Result<Kept, PlanError> {
        let bytes = serde_json::to_vec(plan).map_err(StoreError::from)?;
        let digest = Digest::of(&bytes);
        let expires = now + i64::try_from(WAITS.as_millis()).unwrap_or(0);
        let proposer = plan
            .proposer
            .id
            .as_deref()
            .or(plan.proposer.email.as_deref());
        let work = || -> Result<(), rusqlite::Error> {
            let mut connection = self.connection();
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let made = transaction.execute(
                "INSERT INTO plan (digest, bytes, component, tool, proposer, state, made, expires, changed)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'waiting', ?6, ?7, ?6) ON CONFLICT DO NOTHING",
                params![digest.as_str(), bytes, component, plan.tool, proposer.unwrap_or_default(), now, expires],
            )?;
            if made == 1 {
                for position in 0..plan.proposal.steps.len() {
                    transaction.execute(
                        "INSERT INTO step (plan, position, state) VALUES (?1, ?2, 'pending')",
                        params![digest.as_str(), i64::try_from(position).unwrap_or(i64::MAX)],
                    )?;
                }
            } else {
                transaction.execute(
                    "UPDATE plan SET state = 'waiting', component = ?2, made = ?3, expires = ?4, changed = ?3, decided_by = NULL, reason = NULL
                     WHERE digest = ?1 AND (state IN ('waiting', 'denied', 'expired')
                        OR (state IN ('approved', 'stopped') AND expires < ?3
                            AND NOT EXISTS (SELECT 1 FROM step WHERE plan = digest AND step.state <> 'pending')))",
                    params![digest.as_str(), component, now, expires],
                )?;
            }
            transaction.commit()
        };
        work().map_err(StoreError::from)?;
        self.get(&digest, now)
    }

    /// The plan of this digest, after its bytes were held against it.
    ///
    /// # Errors
    /// When there is none, or it was altered.
    pub fn get(&self, digest: &Digest, now: i64) -> Result<Kept, PlanError> {
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
        // What was not started in time is not started later, approved or not.
        let started = raw
            .steps
            .iter()
            .any(|step| step.state != StepState::Pending);
        let waits = matches!(
            raw.state,
            PlanState::Waiting | PlanState::Approved | PlanState::Stopped
        );
        let expired = waits && !started && raw.expires < now;
        Ok(Kept {
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
                "SELECT bytes, component, state, made, expires, decided_by, reason FROM plan WHERE digest = ?1",
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
                    steps,
                })
            })
            .optional()
    }

    /// The digest that this text names: a whole one, or the beginning of just one.
    ///
    /// # Errors
    /// When none or several are meant.
    pub fn find(&self, text: &str) -> Result<Digest, PlanError> {
        let all = self.digests().map_err(StoreError::from)?;
        let mut named = all.into_iter().filter(|digest| digest.is_named(text));
        match (named.next(), named.next()) {
            (Some(digest), None) => Ok(digest),
            (None, _) => Err(PlanError::Unknown(text.to_owned())),
            (Some(_), Some(_)) => Err(PlanError::Ambiguous(text.to_owned())),
        }
    }

    /// Every plan's digest, the newest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn digests(&self) -> Result<Vec<Digest>, rusqlite::Error> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT digest FROM plan ORDER BY made DESC, digest")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        let mut digests = Vec::new();
        for row in rows {
            digests.extend(row?.parse::<Digest>());
        }
        Ok(digests)
    }

    /// How many plans stand where; one that nobody approved in time has expired.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(crate) fn by_state(&self, now: i64) -> Result<Vec<(PlanState, u64)>, rusqlite::Error> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT CASE WHEN state = 'waiting' AND expires < ?1 THEN 'expired' ELSE state END AS stands, count(*)
             FROM plan GROUP BY stands ORDER BY stands",
        )?;
        let rows = statement.query_map([now], |row| {
            let (state, count): (String, u32) = (row.get(0)?, row.get(1)?);
            Ok((PlanState::named(&state), u64::from(count)))
        })?;
        rows.collect()
    }

    /// Moves a plan to another state.
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
            "UPDATE plan SET state = ?2, decided_by = coalesce(?3, decided_by), reason = ?4, changed = ?5 WHERE digest = ?1",
            params![digest.as_str(), state.as_str(), by, reason, now],
        )?;
        Ok(())
    }

    /// Moves a step to another state. An answer that is there stays until the step is sent again.
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
        self.connection().execute(
            "UPDATE step SET state = ?3, detail = ?6,
                status = CASE ?3 WHEN 'sending' THEN NULL ELSE coalesce(?4, status) END,
                answer = CASE ?3 WHEN 'sending' THEN NULL ELSE coalesce(?5, answer) END
             WHERE plan = ?1 AND position = ?2",
            params![
                digest.as_str(),
                i64::try_from(position).unwrap_or(i64::MAX),
                state.as_str(),
                status,
                body,
                detail
            ],
        )?;
        Ok(())
    }

    /// Moves a step to `sending`, unless another plan's step of the same name was or may have been sent.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn claim(
        &self,
        digest: &Digest,
        position: usize,
        name: &str,
    ) -> Result<Claim, StoreError> {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let theirs = transaction
            .query_row(
                "SELECT once.plan, step.state, step.status, step.answer, step.detail
                 FROM once JOIN step ON step.plan = once.plan AND step.position = once.position
                 WHERE once.name = ?1 AND once.plan <> ?2",
                params![name, digest.as_str()],
                |row| {
                    let state: String = row.get(1)?;
                    let (status, body): (Option<u16>, Option<Vec<u8>>) = (row.get(2)?, row.get(3)?);
                    let plan: String = row.get(0)?;
                    Ok((plan, StepState::named(&state), status.zip(body)))
                },
            )
            .optional()?;
        match theirs {
            Some((plan, StepState::Done | StepState::Found, answer)) => {
                return Ok(Claim::Done { plan, answer });
            }
            Some((plan, StepState::Sending | StepState::Answered, _)) => {
                return Ok(Claim::Unsure { plan });
            }
            // It was not done: the name is free again.
            Some(_) | None => {}
        }
        transaction.execute(
            "INSERT INTO once (name, plan, position) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET plan = ?2, position = ?3",
            params![name, digest.as_str(), position],
        )?;
        transaction.execute(
            "UPDATE step SET state = 'sending', detail = NULL, status = NULL, answer = NULL WHERE plan = ?1 AND position = ?2",
            params![digest.as_str(), position],
        )?;
        transaction.commit()?;
        Ok(Claim::Ours)
    }

    /// Forgets plans that are over, and those that expired, since before `before`. Their record stays.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn forget(&self, before: i64) -> Result<usize, StoreError> {
        let forgotten = self.connection().execute(
            "DELETE FROM plan WHERE (changed < ?1 AND state IN ('done', 'failed', 'conflict', 'denied', 'expired'))
             OR (expires < ?1 AND state = 'waiting')",
            [before],
        )?;
        Ok(forgotten)
    }
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
