//! What is asked of the policies, and what they say.

use serde::Serialize;

use crate::observed::{Attributes, RecordKey};

/// Whether a person has to confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// One has to.
    Required,
    /// Policy has approved.
    Auto,
}

/// What policy says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ruling {
    /// Whether it is permitted.
    pub permitted: bool,
    /// The policies that decided, by id: those that permit, or those that forbid; none where nothing permits.
    pub policies: Vec<String>,
    /// Whether a person has to confirm.
    pub approval: Approval,
    /// Why there was nothing to decide about, in one sentence; none if there was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecided: Option<String>,
}

impl Ruling {
    /// Whether everything that these are about goes without a person; where they are about nothing, nothing goes.
    pub(crate) fn let_go(rulings: &[Self]) -> bool {
        let lets = |ruling: &Self| ruling.permitted && ruling.approval == Approval::Auto;
        !rulings.is_empty() && rulings.iter().all(lets)
    }

    /// What several rulings come to: permitted only if all are.
    pub(crate) fn all(rulings: Vec<Self>) -> Self {
        let mut whole = Self {
            permitted: true,
            policies: Vec::new(),
            approval: Approval::Auto,
            undecided: None,
        };
        for ruling in rulings {
            whole.permitted &= ruling.permitted;
            whole.policies.extend(ruling.policies);
            if ruling.approval == Approval::Required {
                whole.approval = Approval::Required;
            }
            whole.undecided = whole.undecided.or(ruling.undecided);
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

/// What somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub enum Deed<'a> {
    /// Call an action of the skill.
    Act {
        /// The tool's name.
        tool: &'a str,
        /// The group of actions that it belongs to, `reads` or `proposes`: the interface that it lives in says so.
        group: &'a str,
    },
    /// Do something to a record.
    Write {
        /// What.
        verb: &'a str,
        /// To which record.
        record: &'a RecordKey,
        /// What is known of it.
        attributes: &'a Attributes,
        /// Whether the plan makes it.
        new: bool,
        /// Whether it only takes back an earlier step.
        undo: bool,
        /// The names of the fields that are set.
        fields: &'a [String],
    },
    /// Write to people.
    Send {
        /// What, such as `message`.
        act: &'a str,
        /// The service that it goes to.
        service: &'a str,
        /// Who gets it.
        audience: Audience<'a>,
    },
    /// Give fields of a record away.
    Give {
        /// `disclose`, or `expand` for fields beyond the default ones.
        verb: &'a str,
        /// Of which record.
        record: &'a RecordKey,
        /// What is known of it.
        attributes: &'a Attributes,
        /// Whether the plan makes it.
        new: bool,
        /// Which fields.
        fields: &'a [String],
        /// Who gets them.
        audience: Audience<'a>,
    },
    /// Approve a plan.
    Approve {
        /// Its digest.
        plan: &'a str,
        /// The e-mail of who proposed it.
        proposer: &'a str,
    },
}

/// Who gets something.
#[derive(Debug, Clone, Copy)]
pub struct Audience<'a> {
    /// The people who are named, by their ids at the service or their addresses.
    pub recipients: &'a [String],
    /// Whether everybody of the group can read it beside them.
    pub group: bool,
    /// Whether somebody of them is not surely of the group.
    pub outside: bool,
    /// Whether the operator lists all of them.
    pub listed: bool,
}
