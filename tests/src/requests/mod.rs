//! Requests as people say them to an assistant, with the calls that are right for them:
//! `tests/cases/requests.json`.
//!
//! A test makes every expected call and looks at what comes of it; `cargo xtask eval` asks a model
//! which calls it would make.

pub mod ask;
pub mod check;
pub mod eval;
pub mod matching;
pub mod run;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::root;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Corpus {
    /// The moment of all requests (RFC 3339, UTC).
    pub now: String,
    /// The person who makes the requests.
    pub caller: Says,
    /// The requests.
    pub requests: Vec<Case>,
}

/// The person who makes the requests.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Says {
    /// Their name.
    pub name: String,
    /// Their address in the CRM.
    pub email: String,
    /// Their time zone.
    pub time_zone: String,
}

/// A request and what is right for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Case {
    /// The request in the person's words.
    pub request: String,
    /// The purpose of the case, if it is not plain.
    #[serde(default)]
    pub why: Option<String>,
    /// The earlier turns of the conversation.
    #[serde(default)]
    pub before: Vec<Before>,
    /// The calls that are right, in order; none where no tool is.
    pub calls: Vec<Call>,
    /// Other tools that are right to begin with. Where no call is expected: tools that may be
    /// called all the same.
    #[serde(default)]
    pub also: Vec<String>,
    /// Calls that are refused if they are made all the same.
    #[serde(default)]
    pub anyway: Vec<Call>,
}

impl Case {
    /// Returns true if the case writes, so that it needs a workspace of its own.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.before.iter().any(|before| before.decided.is_some())
    }
}

/// A request of earlier in the conversation, and the call that answered it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Before {
    /// The request in the person's words.
    pub request: String,
    /// The tool that was called.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
    /// The person's decision about the plan.
    #[serde(default)]
    pub decided: Option<Decision>,
}

/// A person's decision about a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Decision {
    /// They approve it.
    Approved,
    /// They deny it.
    Denied,
}

/// A call that is right.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Call {
    /// The tool.
    pub tool: String,
    /// Its arguments: values, or matchers where the wording may vary.
    #[serde(default)]
    pub arguments: Map<String, Value>,
    /// Arguments that may be given or not, whatever they say.
    #[serde(default)]
    pub free: Vec<String>,
    /// A value for each matcher that stands for no value by itself.
    #[serde(default)]
    pub example: Map<String, Value>,
    /// The outcome: `ok`, the case of a failure, or the state of a plan.
    pub outcome: String,
    /// Expected values of the answer by JSON pointer, in which `*` is every element.
    #[serde(default)]
    pub answer: BTreeMap<String, Value>,
}

/// Reads the corpus.
///
/// # Errors
/// Where it cannot be read, with the place.
pub fn read() -> Result<Corpus, String> {
    let path = root().join("tests/cases/requests.json");
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("requests.json: {error}"))
}
