//! Access policies as texts, before they are parsed.

use std::path::PathBuf;

/// The texts of schema and policies, and their files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyTexts {
    /// The schema.
    pub schema: String,
    /// Its file.
    pub schema_path: PathBuf,
    /// The policies.
    pub policies: String,
    /// Their file.
    pub policies_path: PathBuf,
}
