//! Scope of a token.

use serde::Deserialize;

/// What a client's word counts for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// It calls tools. Plans that it proposes wait for somebody's approval elsewhere.
    #[default]
    Propose,
    /// It may also ask its person about a plan, and what it brings back as their answer counts.
    Approve,
}

impl Scope {
    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Propose => "propose",
            Self::Approve => "approve",
        }
    }
}
