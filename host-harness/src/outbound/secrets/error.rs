//! Errors of credentials.

use std::path::PathBuf;

use thiserror::Error;

/// A credential that cannot be used. Never holds the credential.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// It is not set.
    #[error("no credential is set: {hint}")]
    Missing {
        /// Hint about what to set.
        hint: String,
    },
    /// Its file or descriptor cannot be read.
    #[error("the credential cannot be read from {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// Its file is open to others.
    #[error("the credential in {} cannot be used: {why}", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// The fault, and the fix.
        why: String,
    },
    /// It is empty, too long, or holds characters that no header may have.
    #[error("the credential from {place} {what}: {hint}")]
    Unusable {
        /// The place that it came from.
        place: String,
        /// The fault.
        what: &'static str,
        /// Hint about what to set.
        hint: String,
    },
    /// The service takes each caller's own, and this caller has none.
    #[error("no credential is set for this caller: {hint}")]
    NotForCaller {
        /// Hint about what to set.
        hint: String,
    },
    /// The source has no known form. The text is not repeated: it might be the secret itself.
    #[error("write `env:NAME`, `file:PATH` or `fd:NUMBER`, never the secret itself")]
    Source,
}
