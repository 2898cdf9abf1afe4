//! The record read: its last rows, all of them, and whether it is whole.

use std::io;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::chain::{Head, Row};
use super::head;
use super::store::{AuditError, BUSY, DATABASE, HEAD, VERSION, seq};
use super::verify::{Report, Verifier};

/// The record, open for reading.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    kept: Option<Head>,
}

impl Reader {
    /// Opens the record in a directory.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn open(folder: &Path) -> Result<Self, AuditError> {
        let path = folder.join(DATABASE);
        let head_path = folder.join(HEAD);
        let kept = head::read_at(&head_path).map_err(|source| AuditError::Io {
            path: head_path,
            source,
        })?;
        if !path.is_file() {
            if let Some(head) = kept.filter(|head| head.seq > 0) {
                let source = io::Error::new(
                    io::ErrorKind::NotFound,
                    format!(
                        "it is gone, and the head says that it had {} rows",
                        head.seq
                    ),
                );
                return Err(AuditError::Io { path, source });
            }
            return Err(AuditError::None {
                folder: folder.to_owned(),
            });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(BUSY)?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version > VERSION {
            return Err(AuditError::Newer { path });
        }
        Ok(Self { connection, kept })
    }

    /// The last `count` rows, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn tail(&self, count: u32) -> Result<Vec<Row>, AuditError> {
        let mut rows = Vec::new();
        self.each(
            "SELECT seq, at, kind, call, body, previous, hash FROM audit ORDER BY seq DESC LIMIT ?1",
            i64::from(count),
            &mut |row| {
                rows.push(row);
                Ok(())
            },
        )?;
        rows.reverse();
        Ok(rows)
    }

    /// Gives every row from number `from` on to `take`, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read, or the first error of `take`.
    pub fn rows(
        &self,
        from: u64,
        take: &mut dyn FnMut(Row) -> io::Result<()>,
    ) -> Result<(), AuditError> {
        self.each(
            "SELECT seq, at, kind, call, body, previous, hash FROM audit WHERE seq >= ?1 ORDER BY seq",
            i64::try_from(from).unwrap_or(i64::MAX),
            take,
        )
    }

    /// Checks the whole chain, its end against the head that is kept apart and against `anchor`, a head written down
    /// elsewhere.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn verify(&self, anchor: Option<Head>) -> Result<Report, AuditError> {
        let mut verifier = Verifier::new(self.kept.into_iter().chain(anchor));
        self.rows(0, &mut |row| {
            verifier.row(&row);
            Ok(())
        })?;
        Ok(verifier.end())
    }

    fn each(
        &self,
        query: &str,
        parameter: i64,
        take: &mut dyn FnMut(Row) -> io::Result<()>,
    ) -> Result<(), AuditError> {
        let mut statement = self.connection.prepare(query)?;
        let mut rows = statement.query([parameter])?;
        while let Some(row) = rows.next()? {
            take(Row {
                seq: seq(row.get(0)?),
                at: row.get(1)?,
                kind: row.get(2)?,
                call: row.get(3)?,
                body: row.get(4)?,
                previous: row.get(5)?,
                hash: row.get(6)?,
            })
            .map_err(AuditError::Output)?;
        }
        Ok(())
    }
}
