//! Reads and verifies the audit log.

use std::io;
use std::path::{Path, PathBuf};

use super::chain::{Head, Row};
use super::head::{self, KeptHead};
use super::store::{AuditError, DATABASE, HEAD, VERSION, seq};
use super::verify::{Report, Verifier};
use crate::database::{self, ReadOnly};

/// An audit log opened for reading. It may be a copy that nobody can write.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    database: ReadOnly,
    kept: KeptHead,
}

impl Reader {
    /// Opens the audit log in a directory.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(folder: &Path) -> Result<Self, AuditError> {
        let path = folder.join(DATABASE);
        let head_path = folder.join(HEAD);
        let kept = head::read_at(&head_path).map_err(|source| AuditError::Io {
            path: head_path,
            source,
        })?;
        if !path.is_file() {
            if let KeptHead::Known(head) = kept
                && head.seq > 0
            {
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
        let at = |error| AuditError::at(&path, error);
        let database = database::open_for_reading(&path).map_err(at)?;
        let version: i64 = database
            .connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(at)?;
        match version {
            VERSION => {}
            // Created, and never written to.
            0 => {
                return Err(AuditError::None {
                    folder: folder.to_owned(),
                });
            }
            _ => return Err(AuditError::Newer { path }),
        }
        Ok(Self {
            path,
            database,
            kept,
        })
    }

    /// Returns the last `count` rows, oldest first.
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

    /// Passes every row from number `from` on to `take`, oldest first.
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

    /// Verifies the whole chain, and its end against the head file and against `anchor`, a head
    /// written down elsewhere.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn verify(&self, anchor: Option<Head>) -> Result<Report, AuditError> {
        let mut verifier = Verifier::new(self.kept, anchor);
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
        let at = |error| AuditError::at(&self.path, error);
        let mut statement = self.database.connection.prepare(query).map_err(at)?;
        let mut rows = statement.query([parameter]).map_err(at)?;
        while let Some(row) = rows.next().map_err(at)? {
            let row = read(row).map_err(at)?;
            take(row).map_err(AuditError::Output)?;
        }
        Ok(())
    }
}

fn read(row: &rusqlite::Row<'_>) -> Result<Row, rusqlite::Error> {
    Ok(Row {
        seq: seq(row.get(0)?),
        at: row.get(1)?,
        kind: row.get(2)?,
        call: row.get(3)?,
        body: row.get(4)?,
        previous: row.get(5)?,
        hash: row.get(6)?,
    })
}
