//! Secrets: their sources, the destination that each belongs to, and the scan for them in answers.

pub mod credentials;
mod error;
pub mod scan;
pub mod secret;

pub use error::CredentialError;
