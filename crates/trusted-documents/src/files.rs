//! The folder of the trusted documents.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Document, Schema, SourceError};

/// The file that declares the directives.
const SCHEMA: &str = "directives.graphql";

/// A file that cannot be read as a source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file or folder cannot be opened.
    #[error("cannot read {}: {reason}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// The file is no source.
    #[error("{}:{}: {}", path.display(), reason.line, reason.fault)]
    Source {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and the line.
        reason: Box<SourceError>,
    },
}

impl FileError {
    fn of_source(path: PathBuf, reason: SourceError) -> Self {
        let reason = Box::new(reason);
        Self::Source { path, reason }
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "file",
            Self::Source { reason, .. } => reason.fault.code(),
        }
    }
}

/// The sources of trusted documents in a folder, with the schema of their directives beside them.
#[derive(Debug, Clone)]
pub struct Sources {
    folder: PathBuf,
    schema: Schema,
}

impl Sources {
    /// Reads the schema of directives in a folder.
    ///
    /// # Errors
    /// When there is none, or it cannot be used.
    pub fn open(folder: &Path) -> Result<Self, FileError> {
        let path = folder.join(SCHEMA);
        let schema = Schema::read(&text(&path)?);
        Ok(Self {
            folder: folder.to_owned(),
            schema: schema.map_err(|reason| FileError::of_source(path, reason))?,
        })
    }

    /// Lists the sources below a folder of this one by their paths; a missing one has none.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn files(&self, below: &str) -> Result<Vec<PathBuf>, FileError> {
        let mut files = Vec::new();
        let folder = self.folder.join(below);
        if folder.exists() {
            collect(&folder, &mut files)?;
        }
        files.sort();
        Ok(files)
    }

    /// Reads a source.
    ///
    /// # Errors
    /// When it cannot be read, or is not as the schema of directives wants it.
    pub fn read(&self, file: &Path) -> Result<Document, FileError> {
        let document = self.schema.document(&text(file)?);
        document.map_err(|reason| FileError::of_source(file.to_owned(), reason))
    }
}

fn text(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(|reason| FileError::Io {
        path: path.to_owned(),
        reason,
    })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), FileError> {
    let cannot = |reason| FileError::Io {
        path: folder.to_owned(),
        reason,
    };
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|kind| kind == "graphql") {
            files.push(path);
        }
    }
    Ok(())
}
