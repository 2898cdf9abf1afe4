//! Access requests and decisions.

use serde::Serialize;

use crate::observed::{Attributes, RecordKey};

/// The approval that a permitted request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// A person has to approve it.
    Required,
    /// Policy approves it.
    Auto,
}

/// A decision of the policies on an access request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// True if the request is permitted.
    pub permitted: bool,
    /// Ids of the policies that decided: those that permit it, or those that forbid it; empty if no
    /// policy permits it.
    pub policies: Vec<String>,
    /// The approval that it needs.
    pub approval: Approval,
    /// The reason in one sentence, if no decision could be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecided: Option<String>,
}

impl Decision {
    /// Checks whether every decision permits its request without a person; false if there are none.
    pub(crate) fn is_auto_approved(decisions: &[Self]) -> bool {
        let lets = |decision: &Self| decision.permitted && decision.approval == Approval::Auto;
        !decisions.is_empty() && decisions.iter().all(lets)
    }

    /// Combines several decisions: permitted only if all are.
    pub(crate) fn all(decisions: Vec<Self>) -> Self {
        let mut whole = Self {
            permitted: true,
            policies: Vec::new(),
            approval: Approval::Auto,
            undecided: None,
        };
        for decision in decisions {
            whole.permitted &= decision.permitted;
            whole.policies.extend(decision.policies);
            if decision.approval == Approval::Required {
                whole.approval = Approval::Required;
            }
            whole.undecided = whole.undecided.or(decision.undecided);
        }
        whole.policies.sort();
        whole.policies.dedup();
        whole
    }

    pub(crate) fn undecided(why: impl Into<String>) -> Self {
        Self {
            permitted: false,
            policies: Vec::new(),
            approval: Approval::Required,
            undecided: Some(why.into()),
        }
    }
}

/// An access request.
#[derive(Debug, Clone, Copy)]
pub enum AccessRequest<'a> {
    /// Call an action of the skill.
    Act {
        /// The tool's name.
        tool: &'a str,
        /// The group of actions that it belongs to, `reads` or `proposes`, which its interface
        /// determines.
        group: &'a str,
    },
    /// Write a record.
    Write {
        /// The verb.
        verb: &'a str,
        /// The record.
        record: &'a RecordKey,
        /// The known attributes of the record.
        attributes: &'a Attributes,
        /// True if the plan creates the record.
        new: bool,
        /// True if the step only compensates an earlier one.
        undo: bool,
        /// The names of the fields that are set.
        fields: &'a [String],
    },
    /// Send something to people.
    Send {
        /// The action, such as `message`.
        act: &'a str,
        /// The service that it goes to.
        service: &'a str,
        /// The recipients.
        audience: Audience<'a>,
    },
    /// Disclose fields of a record.
    Give {
        /// `disclose`, or `expand` for fields beyond the default ones.
        verb: &'a str,
        /// The record.
        record: &'a RecordKey,
        /// The known attributes of the record.
        attributes: &'a Attributes,
        /// True if the plan creates the record.
        new: bool,
        /// The names of the fields.
        fields: &'a [String],
        /// The recipients.
        audience: Audience<'a>,
    },
    /// Approve a plan.
    Approve {
        /// Its digest.
        plan: &'a str,
        /// The e-mail address of its proposer.
        proposer: &'a str,
    },
}

/// The recipients of a message or a disclosure.
#[derive(Debug, Clone, Copy)]
pub struct Audience<'a> {
    /// The people who are named, by id at the service or by address.
    pub recipients: &'a [String],
    /// True if everybody of the group can read it as well.
    pub group: bool,
    /// True if a recipient is not known to belong to the group.
    pub outside: bool,
    /// True if the operator lists all recipients.
    pub listed: bool,
}
