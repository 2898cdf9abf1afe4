//! Scope of a token.

use schemars::JsonSchema;
use serde::Deserialize;

/// The scope of a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// It calls tools. Plans that it proposes wait for an approval from elsewhere.
    #[default]
    Propose,
    /// It may also ask its person about a plan, and the answer that it reports counts.
    Approve,
}

impl Scope {
    /// Returns the name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Propose => "propose",
            Self::Approve => "approve",
        }
    }
}
