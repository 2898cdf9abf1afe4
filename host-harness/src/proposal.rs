//! Proposals, as a component returns them.

use serde::{Deserialize, Serialize};

/// A record, as the skill names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ref {
    /// Its kind.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// A proposal of a component (`claw:skill/plan`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Proposal {
    /// The skill's description of the plan.
    pub words: String,
    /// The records that it is about.
    pub about: Vec<Ref>,
    /// The writes, in order.
    pub steps: Vec<Step>,
    /// Warnings to the person who decides.
    pub warnings: Vec<String>,
}

/// A write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Step {
    /// Its id, unique across all plans.
    pub id: String,
    /// The destination's name.
    pub destination: String,
    /// The HTTP method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// The body: JSON.
    pub body: String,
    /// The skill's description of the step.
    pub words: String,
    /// The condition for sending it.
    pub timing: Timing,
    /// Its idempotency key: of all steps of a caller with this key, in any plan, one is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<String>,
    /// Values from earlier answers.
    pub slots: Vec<Slot>,
    /// The values that it replaces.
    pub changes: Vec<Change>,
    /// The versions of the records that it was planned on.
    pub basis: Vec<Basis>,
    /// The record fields that it discloses.
    pub disclosures: Vec<ProposedDisclosure>,
}

/// The HTTP method of a step.
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
    /// Converts to the method type of the `http` crate.
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

/// The condition for sending a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "case", content = "value", rename_all = "kebab-case")]
pub enum Timing {
    /// After the steps before it, if all of them were done.
    InOrder,
    /// After these steps, if all of them were done, regardless of others.
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
    /// The JSON pointer to the value in that answer.
    pub pointer: String,
}

/// A value of the body that replaces another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The JSON pointer to the new value in the body.
    pub pointer: String,
    /// The previous value, in the skill's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// The version of a record that a step was planned on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Basis {
    /// The record.
    #[serde(rename = "ref")]
    pub record: Ref,
    /// The time of its last change, as the service gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
}

/// Fields of a record that a step discloses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposedDisclosure {
    /// The record, by the kind under which the manifest's disclosure schema lists it.
    #[serde(rename = "ref")]
    pub record: Ref,
    /// The fields.
    pub fields: Vec<String>,
}

impl Step {
    /// Returns true unless it is a compensation step.
    #[must_use]
    pub fn is_in_order(&self) -> bool {
        !matches!(self.timing, Timing::Compensates(_))
    }

    /// Returns true if it is only sent after `step`, an earlier one, was done.
    #[must_use]
    pub fn needs(&self, step: &Self) -> bool {
        match &self.timing {
            Timing::InOrder => step.is_in_order(),
            Timing::After(steps) => steps.contains(&step.id),
            Timing::Compensates(_) => false,
        }
    }

    /// Returns true if it compensates `step`.
    #[must_use]
    pub fn compensates(&self, step: &str) -> bool {
        matches!(&self.timing, Timing::Compensates(other) if other == step)
    }
}
