//! The audit log on disk: one SQLite database, which is only appended to.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use serde::Serialize;
use thiserror::Error;

use super::chain::{GENESIS, Hash, Head, Row};
use super::event::{
    self, AnswerBody, CallBody, GapBody, HeadBody, LostBody, PlanBody, RefusalBody, RequestBody,
    ResultBody, RulingBody, SharedBody, VoidBody,
};
use super::head::HeadFile;
use crate::clock::Clock;
use crate::events::{
    AuditSink, Began, CallId, Decided, DisclosureEvent, Ended, Finished, LogSink, Phase, Planned,
    Ruled, SinkError,
};
use crate::{database, storage};

/// The database's file name.
pub(super) const DATABASE: &str = "harness.sqlite3";
/// The name of the head file.
pub(super) const HEAD: &str = "audit.head";
/// The version of the database's layout; `PRAGMA user_version`.
pub(super) const VERSION: i64 = 1;
/// Maximum number of events that may wait because they could not be written. A further event is
/// refused, so that what it is about does not happen.
const HELD_MAX: usize = 1024;
/// Time to wait for another process that keeps the database busy.
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

/// Errors of the audit log.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuditError {
    /// There is no audit log yet.
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
        /// The cause.
        source: io::Error,
    },
    /// The database cannot be used.
    #[error("{}", database::told(&DATABASE, .0))]
    Database(#[from] rusqlite::Error),
    /// The database in this file cannot be used.
    #[error("{}", database::told(&path.display(), source))]
    Unusable {
        /// The database.
        path: PathBuf,
        /// The cause.
        source: rusqlite::Error,
    },
    /// The database was made by a newer version of this program.
    #[error("{} was made by a newer version of crm-harness: use that one", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
    },
    /// The audit log was read, but its rows could not be passed on.
    #[error("cannot write: {0}")]
    Output(io::Error),
    /// The lock or the head file cannot be used.
    #[error("{HEAD}, the head of the record, cannot be used: {}", database::told_io(.0))]
    Head(#[from] io::Error),
}

impl AuditError {
    /// Names the file that an error is about.
    pub(super) fn at(path: &Path, source: rusqlite::Error) -> Self {
        Self::Unusable {
            path: path.to_owned(),
            source,
        }
    }

    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::None { .. } => "audit-none",
            Self::Io { .. } => "audit-unreadable",
            Self::Database(_) | Self::Unusable { .. } => "audit-database",
            Self::Newer { .. } => "audit-newer",
            Self::Output(_) => "output",
            Self::Head(_) => "audit-head",
        }
    }
}

/// An audit log opened for writing. Several processes may share one.
pub struct Audit {
    inner: Mutex<AuditInner>,
    clock: Arc<dyn Clock>,
}

struct AuditInner {
    connection: Connection,
    head: HeadFile,
    /// Events that wait for the next decision or end of a call.
    held: Vec<Pending>,
    /// Events that happened and could be neither written nor held.
    lost: u64,
    /// The last row that this process wrote.
    last: Head,
}

/// The treatment of an event that cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unwritten {
    /// It happened anyway: it is held and written with the next one.
    Held,
    /// It would have permitted something, which then does not happen: it is dropped.
    Dropped,
}

/// A difference between a head file and the rows beside it.
enum Differs {
    /// The head names a row that is missing or was replaced; none if the file holds no head.
    Gap(Option<Head>),
    /// There was no head file.
    NoHead,
}

/// The outcome of a call in the audit log if its own outcome could not be written: the result was
/// withheld.
const UNRECORDED: &str = "record";

/// An event that is to become a row.
struct Pending {
    at: i64,
    kind: &'static str,
    call: String,
    body: String,
}

impl Audit {
    /// Opens the audit log in a private directory (see [`crate::storage`]), or creates it. If the
    /// rows end before the head in the head file, or in another row, a row that says so is written
    /// and a warning is logged.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, AuditError> {
        let path = folder.join(DATABASE);
        let unusable = |path: &Path, source| AuditError::Io {
            path: path.to_owned(),
            source,
        };
        storage::private_file(&path).map_err(|error| unusable(&path, error))?;
        let head_path = folder.join(HEAD);
        let (head, made) =
            HeadFile::open(&head_path).map_err(|error| unusable(&head_path, error))?;
        let connection = Connection::open(&path).map_err(|error| AuditError::at(&path, error))?;
        connection.busy_timeout(BUSY)?;
        let audit = Self {
            inner: Mutex::new(AuditInner {
                connection,
                head,
                held: Vec::new(),
                lost: 0,
                last: Head::EMPTY,
            }),
            clock,
        };
        audit.begin(&path, made)?;
        Ok(audit)
    }

    fn begin(&self, path: &Path, made: bool) -> Result<(), AuditError> {
        let mut inner = self.inner();
        let AuditInner {
            connection,
            head,
            last: written,
            ..
        } = &mut *inner;
        let differs = head.locked(|| {
            // A read does not wait for the disk: after a power cut the last rows may be missing.
            connection
                .pragma_update(None, "journal_mode", "WAL")
                .map_err(|error| AuditError::at(path, error))?;
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
            let found = last(connection).map_err(|error| AuditError::at(path, error))?;
            *written = found;
            let kept = head.read()?;
            let differs = match kept {
                Some(kept)
                    if kept.seq > found.seq
                        || (kept.seq > 0 && hash_of(connection, kept.seq)? != Some(kept.hash)) =>
                {
                    Some(Differs::Gap(Some(kept)))
                }
                None if found.seq > 0 && made => Some(Differs::NoHead),
                None if found.seq > 0 => Some(Differs::Gap(None)),
                // A process may have ended between the two: the rows count, and the head follows.
                Some(_) | None => None,
            };
            if differs.is_none() {
                head.write(found, false)?;
            }
            Ok(differs)
        })?;
        let found = inner.last;
        match differs {
            None => return Ok(()),
            Some(Differs::Gap(kept)) => {
                let kept = kept.map_or_else(|| "unreadable".to_owned(), |kept| kept.to_string());
                tracing::error!(
                    "rows may be missing in the record: its head is {kept}, its last row is {}; run `crm-harness audit verify`",
                    found.seq
                );
                let body = GapBody {
                    kept,
                    found: found.to_string(),
                };
                self.hold(&mut inner, event::GAP, None, &body)?;
            }
            Some(Differs::NoHead) => {
                tracing::error!(
                    "the file {HEAD} was missing beside {} rows: nothing shows whether rows are missing after them. It was made anew",
                    found.seq
                );
                let body = HeadBody {
                    found: found.to_string(),
                };
                self.hold(&mut inner, event::HEAD, None, &body)?;
            }
        }
        inner.write(true)
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, AuditInner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(
        &self,
        inner: &mut AuditInner,
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

    /// Adds an event, and writes it and all before it unless it may wait.
    fn keep(
        &self,
        kind: &'static str,
        call: CallId,
        body: &impl Serialize,
        when: When,
        unwritten: Unwritten,
    ) -> Result<(), SinkError> {
        let mut inner = self.inner();
        let full = inner.held.len() >= HELD_MAX;
        let room = if full { inner.write(false) } else { Ok(()) };
        if let Err(error) = room.and_then(|()| self.hold(&mut inner, kind, Some(call), body)) {
            inner.lost += u64::from(unwritten == Unwritten::Held);
            return Err(SinkError(error.to_string()));
        }
        let written = match when {
            When::Later => Ok(()),
            When::Now => inner.write(false),
            When::Durably => inner.write(true),
        };
        let Err(error) = written else {
            return Ok(());
        };
        if unwritten == Unwritten::Dropped && inner.held.pop().is_none() {
            // The row was written before something failed. Rows are never changed, so another one
            // voids it.
            let row = inner.last.seq;
            tracing::error!("row {row} of the record says what did not happen");
            match self.hold(&mut inner, event::VOID, Some(call), &VoidBody { row }) {
                // At once, since the row can be read by now. What failed may fail again; this row
                // is there then, or waits.
                Ok(()) => {
                    let _ = inner.write(matches!(when, When::Durably));
                }
                Err(_) => inner.lost += 1,
            }
        }
        Err(SinkError(error.to_string()))
    }
}

/// The time by which an event must be in the database.
#[derive(Debug, Clone, Copy)]
enum When {
    /// Before the next decision, or the end of the call.
    Later,
    /// At once, although a power cut may lose it.
    Now,
    /// At once, and on disk.
    Durably,
}

impl AuditInner {
    /// Writes everything that is held, in one transaction. If that fails, everything stays held and
    /// nothing of it is in the database; if only the head cannot be written, everything is in the
    /// database and nothing is held.
    fn write(&mut self, durable: bool) -> Result<(), AuditError> {
        let Self {
            connection,
            head,
            held,
            lost,
            last,
        } = self;
        head.locked(|| {
            if durable {
                connection.pragma_update(None, "synchronous", "FULL")?;
            }
            let written = append(connection, held, *lost);
            // A connection that stays at FULL is slower, and not wrong.
            if durable && let Err(error) = connection.pragma_update(None, "synchronous", "NORMAL") {
                tracing::debug!("the record stays at synchronous=FULL: {error}");
            }
            *last = written?;
            held.clear();
            *lost = 0;
            head.write(*last, durable)?;
            Ok(())
        })
    }

    /// Flushes to disk what is held and what was written without waiting for the disk: the rows,
    /// then the head.
    fn settle(&mut self) -> Result<(), AuditError> {
        self.write(false)?;
        // SQLite waits for the disk only when it has a row to write. It takes no locks on this
        // file, so opening it is safe.
        let log = format!("{}-wal", self.connection.path().unwrap_or_default());
        match File::open(log).and_then(|log| log.sync_data()) {
            Ok(()) => {}
            // Everything is in the database, which was flushed to disk at the checkpoint.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.head.sync()?)
    }
}

fn append(connection: &mut Connection, held: &[Pending], lost: u64) -> Result<Head, AuditError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut head = last(&transaction)?;
    {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO audit (seq, at, kind, call, body, previous, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let missing = match (lost, held.first()) {
            (0, _) | (_, None) => None,
            (events, Some(first)) => Some(Pending {
                at: first.at,
                kind: event::LOST,
                call: String::new(),
                body: serde_json::to_string(&LostBody { events }).map_err(io::Error::from)?,
            }),
        };
        for pending in missing.iter().chain(held) {
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

impl AuditSink for Audit {
    fn settle(&self) -> Result<(), SinkError> {
        self.inner()
            .settle()
            .map_err(|error| SinkError(error.to_string()))
    }

    fn began(&self, event: &Began<'_>) -> Result<(), SinkError> {
        LogSink.began(event)?;
        let body = CallBody::from(event);
        // A call does not begin if its event can be neither written nor held.
        self.keep(
            event::CALL,
            event.call,
            &body,
            When::Later,
            Unwritten::Dropped,
        )
    }

    fn ruled(&self, event: &Ruled<'_>) -> Result<(), SinkError> {
        LogSink.ruled(event)?;
        let body = RulingBody::from(event);
        self.keep(
            event::RULING,
            event.call,
            &body,
            When::Later,
            Unwritten::Held,
        )
    }

    fn planned(&self, event: &Planned<'_>) -> Result<(), SinkError> {
        LogSink.planned(event)?;
        let unwritten = if event.ahead {
            Unwritten::Dropped
        } else {
            Unwritten::Held
        };
        let body = PlanBody::from(event);
        self.keep(event::PLAN, event.call, &body, When::Durably, unwritten)
    }

    fn shared(&self, event: &DisclosureEvent<'_>) -> Result<(), SinkError> {
        LogSink.shared(event)?;
        let body = SharedBody::from(event);
        self.keep(
            event::SHARED,
            event.call,
            &body,
            When::Durably,
            Unwritten::Held,
        )
    }

    fn decided(&self, event: &Decided<'_>) -> Result<(), SinkError> {
        LogSink.decided(event)?;
        let when = match event.phase {
            Phase::Read => When::Now,
            Phase::Perform => When::Durably,
        };
        match RefusalBody::of(event) {
            Some(body) => self.keep(event::REFUSAL, event.call, &body, when, Unwritten::Held),
            None => {
                let body = RequestBody::from(event);
                self.keep(event::REQUEST, event.call, &body, when, Unwritten::Dropped)
            }
        }
    }

    fn finished(&self, event: &Finished<'_>) -> Result<(), SinkError> {
        LogSink.finished(event)?;
        let when = match event.phase {
            Phase::Read => When::Later,
            Phase::Perform => When::Durably,
        };
        let body = AnswerBody::from(event);
        self.keep(event::ANSWER, event.call, &body, when, Unwritten::Held)
    }

    fn ended(&self, event: &Ended<'_>) -> Result<(), SinkError> {
        LogSink.ended(event)?;
        let body = ResultBody::from(event);
        let written = self.keep(
            event::RESULT,
            event.call,
            &body,
            When::Now,
            Unwritten::Dropped,
        );
        if written.is_err() {
            // The result is withheld, which is the outcome of the call.
            let withheld = Ended {
                outcome: UNRECORDED,
                sources: &[],
                ..*event
            };
            let body = ResultBody::from(&withheld);
            // A failure is counted as lost, and the first error is reported.
            let _ = self.keep(
                event::RESULT,
                event.call,
                &body,
                When::Later,
                Unwritten::Held,
            );
        }
        written
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
