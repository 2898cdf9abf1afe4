//! Errors in manifest, operator file and environment.

use std::path::PathBuf;

use thiserror::Error;

use crate::outbound::policy::origin::OriginError;
use crate::outbound::secrets::CredentialError;
use crate::storage::{self, StorageError};

/// Errors of configuration. Each names the place, the problem and the fix.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file that others could have changed.
    #[error(transparent)]
    Exposed(StorageError),
    /// A file that cannot be parsed; the message names line and key.
    #[error("{}: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, key and problem.
        message: String,
    },
    /// A key whose value cannot be used.
    #[error("{place}: {key}: {message}")]
    Value {
        /// File, flag or variable.
        place: String,
        /// The key.
        key: String,
        /// The problem and the fix.
        message: String,
    },
    /// An origin that cannot be used.
    #[error("{place}: {source}. {fix}")]
    Origin {
        /// File, flag or variable.
        place: String,
        /// The problem.
        source: OriginError,
        /// The fix.
        fix: String,
    },
    /// A credential that cannot be read.
    #[error("{place}: {source}")]
    Credential {
        /// File or variable.
        place: String,
        /// The problem.
        source: CredentialError,
    },
}

/// Reads a trusted file, which nobody but this user and root may change.
pub(super) fn read(path: &std::path::Path) -> Result<String, ConfigError> {
    storage::read_trusted_text(path).map_err(|error| match error {
        StorageError::Io { path, source } => ConfigError::Read { path, source },
        exposed => ConfigError::Exposed(exposed),
    })
}

/// Formats a file and, if it is known, a line: `operator.toml:12`.
pub(super) fn place(path: &std::path::Path, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{}:{line}", path.display()),
        None => path.display().to_string(),
    }
}

impl ConfigError {
    pub(crate) fn value(
        place: impl Into<String>,
        key: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::Value {
            place: place.into(),
            key: key.into(),
            message: message.into(),
        }
    }

    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "config-unreadable",
            Self::Exposed(_) => "config-exposed",
            Self::Parse { .. } => "config-syntax",
            Self::Value { .. } => "config-value",
            Self::Origin { .. } => "config-origin",
            Self::Credential { .. } => "config-credential",
        }
    }
}
