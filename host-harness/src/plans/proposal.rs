//! A proposal as the component gives it, and the plan that is stored.

use serde::{Deserialize, Serialize};

use super::{Facts, Known};

/// A record, in the skill's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ref {
    /// Its kind.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// What a component proposes (`claw:skill/plan`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Proposal {
    /// The skill's words for the whole.
    pub words: String,
    /// What it is about.
    pub about: Vec<Ref>,
    /// The writes, in order.
    pub steps: Vec<Step>,
    /// What the person should know.
    pub warnings: Vec<String>,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Step {
    /// Unique across all plans.
    pub id: String,
    /// The destination's name.
    pub destination: String,
    /// How it is sent.
    pub method: Method,
    /// The path.
    pub path: String,
    /// The body: JSON.
    pub body: String,
    /// The skill's words for it.
    pub words: String,
    /// When it is sent.
    pub timing: Timing,
    /// Names what it does: of all steps with this name, in whatever plans, one is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<String>,
    /// Values from earlier answers.
    pub slots: Vec<Slot>,
    /// What its values replace.
    pub changes: Vec<Change>,
    /// What it was planned upon.
    pub basis: Vec<Basis>,
    /// What it gives away.
    pub disclosures: Vec<Disclosure>,
}

/// How a step is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the methods of HTTP")]
pub enum Method {
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// As HTTP writes it.
    #[must_use]
    pub const fn http(self) -> http::Method {
        match self {
            Self::Post => http::Method::POST,
            Self::Put => http::Method::PUT,
            Self::Patch => http::Method::PATCH,
            Self::Delete => http::Method::DELETE,
        }
    }
}

/// When a step is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "case", content = "value", rename_all = "kebab-case")]
pub enum Timing {
    /// After the steps before it, if all of them were done.
    InOrder,
    /// After these steps, if all of them were done, whatever becomes of others.
    After(Vec<String>),
    /// Only after this step has failed for good.
    Compensates(String),
}

/// A value that the host takes from an earlier step's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// The name by which path and body refer to it.
    pub name: String,
    /// The step whose answer holds it.
    pub step: String,
    /// Where in that answer.
    pub pointer: String,
}

/// What a value of the body replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Where the new value stands in the body.
    pub pointer: String,
    /// The value before, in the skill's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// A record as it was when the step was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Basis {
    /// The record.
    #[serde(rename = "ref")]
    pub record: Ref,
    /// When the service had last changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
}

/// Which fields of a record a step gives away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// The record, by the kind under which the manifest lists what may be given away.
    #[serde(rename = "ref")]
    pub record: Ref,
    /// The fields.
    pub fields: Vec<String>,
}

/// Who proposed a plan, as far as it has to be known when it is performed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposer {
    /// Their name in the operator file.
    pub id: Option<String>,
    /// Their e-mail.
    pub email: Option<String>,
    /// Their name.
    pub name: Option<String>,
    /// Their role, where no operator file says it.
    pub role: Option<String>,
    /// Their time zone.
    pub time_zone: Option<String>,
}

impl Proposer {
    /// Returns the name under which their plans and idempotency keys are kept; empty where nobody is named.
    pub(super) fn key(&self) -> &str {
        let name = self.id.as_deref().or(self.email.as_deref());
        name.unwrap_or_default()
    }
}

/// A plan as it is stored: these bytes are what its digest is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The tool that proposed it.
    pub tool: String,
    /// On whose behalf.
    pub proposer: Proposer,
    /// What was proposed.
    pub proposal: Proposal,
    /// What the host found out about each step: what it does to which record, and what the service said of that.
    pub facts: Vec<Facts>,
    /// What the services' answers told of what it speaks of.
    #[serde(default, skip_serializing_if = "Known::is_empty")]
    pub known: Known,
}

impl Step {
    /// Whether it is sent in its turn, and not only after another has failed.
    #[must_use]
    pub fn is_in_order(&self) -> bool {
        !matches!(self.timing, Timing::Compensates(_))
    }

    /// Whether it is sent only if this step, one before it, was done.
    #[must_use]
    pub fn needs(&self, step: &Self) -> bool {
        match &self.timing {
            Timing::InOrder => step.is_in_order(),
            Timing::After(steps) => steps.contains(&step.id),
            Timing::Compensates(_) => false,
        }
    }

    /// Whether it is what takes another step back.
    #[must_use]
    pub fn compensates(&self, step: &str) -> bool {
        matches!(&self.timing, Timing::Compensates(other) if other == step)
    }
}
