//! Facts that a proposal is checked against, and helpers that all checks of steps share.

use http::{HeaderMap, HeaderValue, header};
use uuid::Uuid;

use super::PlanError;
use super::recent::Lately;
use crate::denial::Denial;
use crate::observed::{Attributes, ObservedRecords, Owner, RecordKey};
use crate::outbound::dlp::disclosure::DisclosureSchema;
use crate::outbound::dlp::guard::{Exempt, Guard};
use crate::outbound::policy::{Policy, Settings};
use crate::proposal::{Slot, Step};

/// The context in which a proposal is checked.
pub(crate) struct ProposalContext<'a> {
    pub(crate) policy: &'a Policy,
    /// The record fields that may be disclosed.
    pub(crate) kinds: &'a DisclosureSchema,
    /// The settings that bound values have to equal.
    pub(crate) settings: &'a Settings,
    /// Answers of services during the call, which may not be sent to another service.
    pub(crate) guard: &'a Guard,
    /// Records and people observed in those answers.
    pub(crate) seen: &'a ObservedRecords,
    /// Answers of services to the caller's calls of the last minutes.
    pub(crate) recent: &'a Lately,
    /// Words of the caller that are not values of a service, such as settings.
    pub(crate) exempt: &'a Exempt,
    /// The caller's e-mail address, in lower case.
    pub(crate) caller: &'a str,
    pub(crate) request_bytes: usize,
}

impl ProposalContext<'_> {
    /// Returns the attributes of a record: those of a new one if the plan creates it, otherwise
    /// those observed in answers.
    pub(super) fn attributes_of(&self, key: &RecordKey, new: bool) -> Attributes {
        if new {
            Attributes {
                owner: Owner::Member(self.caller.to_owned()),
                stage: None,
            }
        } else {
            self.seen.get(key).unwrap_or_default()
        }
    }
}

/// Returns a record id in its canonical form, a hyphenated UUID in lower case. The nil and the max
/// UUID name no record.
pub(super) fn record_id(text: &str) -> Option<String> {
    let id = Uuid::try_parse(text).ok()?;
    let canonical = id.to_string();
    let good = !id.is_nil() && !id.is_max() && canonical.eq_ignore_ascii_case(text);
    good.then_some(canonical)
}

/// Returns the placeholder by which the path of a step refers to a slot.
pub(super) fn placeholder(slot: &Slot) -> String {
    format!("{{{{{}}}}}", slot.name)
}

/// Returns a step with the slot of its path filled, as it is sent. `value` returns the id from an
/// earlier answer.
pub(super) fn fill(step: &Step, value: &dyn Fn(&Slot) -> Option<Uuid>) -> Result<Step, PlanError> {
    let mut filled = step.clone();
    for slot in &step.slots {
        let id = value(slot).ok_or_else(|| {
            PlanError::Form(format!(
                "the answer of step `{}` has no id for `{}`",
                slot.step, slot.name
            ))
        })?;
        filled.path = filled.path.replace(&placeholder(slot), &id.to_string());
    }
    Ok(filled)
}

pub(super) fn gate(index: usize, denial: Denial) -> PlanError {
    PlanError::Gate {
        step: index + 1,
        denial: Box::new(denial),
    }
}

/// Returns the URL of a step, if its service is set up.
pub(super) fn url(policy: &Policy, step: &Step) -> Option<String> {
    let origin = policy.destination(&step.destination)?.origin.as_ref()?;
    Some(format!("{}{}", origin.as_str(), step.path))
}

/// Returns the headers of every step.
pub(super) fn headers() -> HeaderMap {
    let json = HeaderValue::from_static("application/json");
    HeaderMap::from_iter([(header::CONTENT_TYPE, json.clone()), (header::ACCEPT, json)])
}

pub(super) fn wrong(index: usize, what: impl std::fmt::Display) -> PlanError {
    PlanError::Form(format!("step {}: {what}", index + 1))
}
