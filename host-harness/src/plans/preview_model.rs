//! The model of a preview: everything that a person is shown about a plan before deciding.
//!
//! Every leaf of a body is one [`ShownValue`], in the order in which it is sent. Its title, its
//! meaning and the value that it replaces stand beside it. They come from the manifest's words and
//! the services' answers, and never take the place of what is sent.

use serde::Serialize;

use super::facts::Person;
use super::state::PlanState;
use super::telling::{AudienceText, StepSentence, ValueText};
use crate::access::Approval;
use crate::digest::Digest;

/// A plan as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// Its digest, which an approval refers to.
    pub plan: Digest,
    /// A description of what it does, in the host's words.
    pub deed: String,
    /// The tool that proposed it.
    pub tool: String,
    /// The caller on whose behalf it was proposed.
    pub proposer: String,
    /// Its state.
    pub state: PlanState,
    /// The time until which it can be approved (RFC 3339, UTC).
    pub expires: String,
    /// The approval that it needs.
    pub approval: Approval,
    /// The skill's description of the plan.
    pub words: String,
    /// The steps that will be sent, in order.
    pub steps: Vec<StepPreview>,
    /// The plan that it replaces, if a person edited that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Digest>,
    /// Warnings of the skill to the person who decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A step as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepPreview {
    /// Its id.
    pub id: String,
    /// A description of what it does, in the host's words.
    pub deed: String,
    /// A short description with the kind and id of its record.
    pub what: String,
    /// The service.
    pub to: String,
    /// Method and path.
    pub request: String,
    /// The trusted document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// The condition for sending it, if it is not sent in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Every value that it carries, as it is sent.
    pub values: Vec<ShownValue>,
    /// The recipients.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<Person>,
    /// The group that can read it as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The record fields that it discloses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disclosures: Vec<SharedFields>,
    /// The kinds of data that were redacted from its texts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<String>,
    /// Descriptions of what its texts repeat of records although it does not disclose that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repeats: Vec<String>,
    /// The skill's description of the step.
    pub words: String,
    /// The policies that permit it.
    pub policies: Vec<String>,
    /// The service's name by itself.
    #[serde(skip)]
    pub service: String,
    /// True if it is only sent to compensate an earlier one.
    #[serde(skip)]
    pub compensates: bool,
    /// True if a recipient is not known to belong to the team.
    #[serde(skip)]
    pub outside: bool,
    /// The sentence about it.
    #[serde(skip)]
    pub(super) said: StepSentence,
    /// Record fields that its texts repeat, by record.
    #[serde(skip)]
    pub(super) repeated: Vec<SharedFields>,
    /// True if its texts could not be compared with all answers of the last minutes.
    #[serde(skip)]
    pub(super) partly_compared: bool,
    /// The recipients in words.
    #[serde(skip)]
    pub(super) audience: AudienceText,
}

/// Fields of a record that a step discloses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SharedFields {
    /// The record's kind.
    pub kind: String,
    /// The record's id.
    pub id: String,
    /// The record in words.
    pub record: String,
    /// The fields.
    pub fields: Vec<String>,
    /// Those of them that are not disclosed by default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expanded: Vec<String>,
    #[serde(skip)]
    pub(super) told: ValueText,
}

/// A value of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownValue {
    /// Its path among the variables, such as `data.amount.amountMicros`.
    pub name: String,
    /// The value that is sent: a text in quotes, with everything invisible in it escaped, or
    /// anything else as it is written.
    pub value: String,
    /// Its display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its meaning: a time in the person's zone, an amount with its unit, a record by its label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub means: Option<String>,
    /// The value that it replaces, from the service's answer. If no answer contains it, it is
    /// marked as the skill's claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The JSON in it, leaf by leaf, if the manifest types its place as content.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reading: Vec<Reading>,
    /// Its role in a short view.
    #[serde(skip)]
    pub(super) sort: Sort,
    /// Its place, as the manifest's words name it.
    #[serde(skip)]
    pub(super) place: String,
    /// Its text for a person.
    #[serde(skip)]
    pub(super) told: ValueText,
    /// True if it is text or JSON in a message's context.
    #[serde(skip)]
    pub(super) is_content: bool,
}

/// A leaf of JSON in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Its path in that JSON.
    pub name: String,
    /// The value.
    pub value: String,
}

/// The role of a value in a short view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// A value.
    Value,
    /// The text that the recipients of a message read.
    Message,
    /// Part of the context of a message, which is shown as a number of records and texts.
    Context,
    /// Not shown: a constant, an id that the plan generated, or a value that the sentence shows
    /// already.
    Folded,
}

impl ShownValue {
    /// Returns its text for a person, in at most about `most` characters.
    pub(super) fn say(&self, most: usize) -> String {
        self.told.say(most)
    }

    /// Returns the number of characters of its text.
    pub(super) fn size(&self) -> usize {
        match &self.told {
            ValueText::Text(text) => text.chars().count(),
            _ => 0,
        }
    }
}
