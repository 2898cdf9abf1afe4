//! The record on disk: one SQLite database, appended to, never changed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use serde::Serialize;
use thiserror::Error;

use super::chain::{GENESIS, Hash, Head, Row};
use super::event::{
    self, AnswerBody, CallBody, GapBody, PlanBody, RefusalBody, RequestBody, ResultBody,
    RulingBody, SharedBody,
};
use super::head::HeadFile;
use crate::outbound::policy::Phase;
use crate::outbound::record::{
    Began, CallId, Decided, Ended, Finished, LogRecorder, Planned, RecordError, Recorder, Ruled,
    Shared,
};
use crate::skill::clock::Clock;
use crate::storage;

/// The database's file name.
pub(super) const DATABASE: &str = "harness.sqlite3";
/// The file name of the head that is kept apart.
pub(super) const HEAD: &str = "audit.head";
/// The database's layout; `PRAGMA user_version`.
pub(super) const VERSION: i64 = 1;
/// Events that may wait because they could not be written. Of more, none is taken, so what they belong to does not happen.
const HELD_MAX: usize = 1024;
/// How long another process may keep the database busy.
pub(super) const BUSY: Duration = Duration::from_secs(2);

const LAYOUT: &str = "
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    call TEXT NOT NULL,
    body TEXT NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
PRAGMA user_version = 1;
";

/// Why the record cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuditError {
    /// There is none yet.
    #[error("there is no record in {}: it begins with the first call", folder.display())]
    None {
        /// The directory.
        folder: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database cannot be used.
    #[error("the record cannot be used: {0}")]
    Database(#[from] rusqlite::Error),
    /// It was made by a newer version of this program.
    #[error("{} was made by a newer version of crm-harness: use that one", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
    },
    /// Reading the record was fine, handing it on was not.
    #[error("cannot write: {0}")]
    Output(io::Error),
    /// Its lock, or the head that is kept apart, cannot be used.
    #[error("the head of the record cannot be used: {0}")]
    Head(#[from] io::Error),
}

impl AuditError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::None { .. } => "audit-none",
            Self::Io { .. } => "audit-unreadable",
            Self::Database(_) => "audit-database",
            Self::Newer { .. } => "audit-newer",
            Self::Output(_) => "output",
            Self::Head(_) => "audit-head",
        }
    }
}

/// The record, open for writing. Several processes may share one.
pub struct Audit {
    inner: Mutex<Inner>,
    clock: Arc<dyn Clock>,
}

struct Inner {
    connection: Connection,
    head: HeadFile,
    /// Events that wait for the next decision or end of a call.
    held: Vec<Pending>,
}

/// An event on its way to a row.
struct Pending {
    at: i64,
    kind: &'static str,
    call: String,
    body: String,
}

impl Audit {
    /// Opens the record in a private directory (see [`crate::storage`]), or begins it. Where the rows end before the head
    /// that was kept apart, or in another row, a row that says so is written and the log warns.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, AuditError> {
        let path = folder.join(DATABASE);
        let unusable = |path: &Path, source| AuditError::Io {
            path: path.to_owned(),
            source,
        };
        storage::private_file(&path).map_err(|error| unusable(&path, error))?;
        let head_path = folder.join(HEAD);
        let head = HeadFile::open(&head_path).map_err(|error| unusable(&head_path, error))?;
        let connection = Connection::open(&path)?;
        connection.busy_timeout(BUSY)?;
        let audit = Self {
            inner: Mutex::new(Inner {
                connection,
                head,
                held: Vec::new(),
            }),
            clock,
        };
        audit.begin(&path)?;
        Ok(audit)
    }

    fn begin(&self, path: &Path) -> Result<(), AuditError> {
        let mut inner = self.inner();
        let Inner {
            connection, head, ..
        } = &mut *inner;
        let gap = head.locked(|| {
            // Waits for no disk before a read: after a power cut the last rows may be gone, and the head shows it.
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            let version: i64 =
                connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            match version {
                0 => {
                    let transaction =
                        connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                    transaction.execute_batch(LAYOUT)?;
                    transaction.commit()?;
                }
                VERSION => {}
                _ => {
                    return Err(AuditError::Newer {
                        path: path.to_owned(),
                    });
                }
            }
            let found = last(connection)?;
            let kept = head.read()?.unwrap_or(Head::EMPTY);
            if kept.seq > found.seq
                || (kept.seq > 0 && hash_of(connection, kept.seq)? != Some(kept.hash))
            {
                return Ok(Some((kept, found)));
            }
            // A process may have ended between the two: the rows are the truth, the head follows.
            head.write(found, false)?;
            Ok(None)
        })?;
        if let Some((kept, found)) = gap {
            tracing::error!(
                "rows are missing in the record: its head was {}, its last row is {}; run `crm-harness audit verify`",
                kept.seq,
                found.seq
            );
            let body = GapBody {
                kept: kept.to_string(),
                found: found.to_string(),
            };
            self.hold(&mut inner, event::GAP, None, &body)?;
            inner.write(true)?;
        }
        Ok(())
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(
        &self,
        inner: &mut Inner,
        kind: &'static str,
        call: Option<CallId>,
        body: &impl Serialize,
    ) -> Result<(), AuditError> {
        let body = serde_json::to_string(body).map_err(io::Error::from)?;
        let at = i64::try_from(self.clock.now().as_millis()).unwrap_or(i64::MAX);
        inner.held.push(Pending {
            at,
            kind,
            call: call.map(|call| call.to_string()).unwrap_or_default(),
            body,
        });
        Ok(())
    }

    /// Keeps an event; writes it and all before it unless it may wait.
    fn keep(
        &self,
        kind: &'static str,
        call: CallId,
        body: &impl Serialize,
        when: When,
    ) -> Result<(), RecordError> {
        let mut inner = self.inner();
        let full = inner.held.len() >= HELD_MAX;
        let room = if full { inner.write(false) } else { Ok(()) };
        room.and_then(|()| self.hold(&mut inner, kind, Some(call), body))
            .and_then(|()| match when {
                When::Later => Ok(()),
                When::Now => inner.write(false),
                When::Durably => inner.write(true),
            })
            .map_err(|error| RecordError(error.to_string()))
    }
}

/// When an event must be in the database.
#[derive(Debug, Clone, Copy)]
enum When {
    /// Before the next decision, or the end of the call.
    Later,
    /// At once; a power cut may take it.
    Now,
    /// At once, and on disk.
    Durably,
}

impl Inner {
    /// Writes everything that is held, in one transaction. What cannot be written stays held.
    fn write(&mut self, durable: bool) -> Result<(), AuditError> {
        let Self {
            connection,
            head,
            held,
        } = self;
        head.locked(|| {
            if durable {
                connection.pragma_update(None, "synchronous", "FULL")?;
            }
            let written = append(connection, held);
            if durable {
                connection.pragma_update(None, "synchronous", "NORMAL")?;
            }
            let last = written?;
            held.clear();
            head.write(last, durable)?;
            Ok(())
        })
    }
}

fn append(connection: &mut Connection, held: &[Pending]) -> Result<Head, AuditError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut head = last(&transaction)?;
    {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO audit (seq, at, kind, call, body, previous, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for pending in held {
            let mut row = Row {
                seq: head.seq + 1,
                at: pending.at,
                kind: pending.kind.to_owned(),
                call: pending.call.clone(),
                body: pending.body.clone(),
                previous: head.hash,
                hash: GENESIS,
            };
            row.hash = row.sealed();
            let seq = i64::try_from(row.seq).unwrap_or(i64::MAX);
            insert.execute(params![
                seq,
                row.at,
                row.kind,
                row.call,
                row.body,
                row.previous,
                row.hash
            ])?;
            head = row.head();
        }
    }
    transaction.commit()?;
    Ok(head)
}

fn last(connection: &Connection) -> Result<Head, rusqlite::Error> {
    connection
        .prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| {
            Ok(Head {
                seq: seq(row.get(0)?),
                hash: row.get(1)?,
            })
        })
        .optional()
        .map(|head| head.unwrap_or(Head::EMPTY))
}

fn hash_of(connection: &Connection, number: u64) -> Result<Option<Hash>, rusqlite::Error> {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    connection
        .query_row("SELECT hash FROM audit WHERE seq = ?1", [number], |row| {
            row.get(0)
        })
        .optional()
}

pub(super) fn seq(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

impl Recorder for Audit {
    fn began(&self, event: &Began<'_>) -> Result<(), RecordError> {
        LogRecorder.began(event)?;
        self.keep(event::CALL, event.call, &CallBody::from(event), When::Later)
    }

    fn ruled(&self, event: &Ruled<'_>) -> Result<(), RecordError> {
        LogRecorder.ruled(event)?;
        self.keep(
            event::RULING,
            event.call,
            &RulingBody::from(event),
            When::Later,
        )
    }

    fn planned(&self, event: &Planned<'_>) -> Result<(), RecordError> {
        LogRecorder.planned(event)?;
        self.keep(
            event::PLAN,
            event.call,
            &PlanBody::from(event),
            When::Durably,
        )
    }

    fn shared(&self, event: &Shared<'_>) -> Result<(), RecordError> {
        LogRecorder.shared(event)?;
        self.keep(
            event::SHARED,
            event.call,
            &SharedBody::from(event),
            When::Durably,
        )
    }

    fn decided(&self, event: &Decided<'_>) -> Result<(), RecordError> {
        LogRecorder.decided(event)?;
        let when = match event.phase {
            Phase::Read => When::Now,
            Phase::Perform => When::Durably,
        };
        match RefusalBody::of(event) {
            Some(body) => self.keep(event::REFUSAL, event.call, &body, when),
            None => self.keep(event::REQUEST, event.call, &RequestBody::from(event), when),
        }
    }

    fn finished(&self, event: &Finished<'_>) -> Result<(), RecordError> {
        LogRecorder.finished(event)?;
        let when = match event.phase {
            Phase::Read => When::Later,
            Phase::Perform => When::Durably,
        };
        self.keep(event::ANSWER, event.call, &AnswerBody::from(event), when)
    }

    fn ended(&self, event: &Ended<'_>) -> Result<(), RecordError> {
        LogRecorder.ended(event)?;
        self.keep(
            event::RESULT,
            event.call,
            &ResultBody::from(event),
            When::Now,
        )
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        let mut inner = self.inner();
        if !inner.held.is_empty()
            && let Err(error) = inner.write(false)
        {
            tracing::error!("the last events are missing in the record: {error}");
        }
    }
}
