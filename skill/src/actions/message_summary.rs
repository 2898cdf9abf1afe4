//! A summary of a message's content for the plan that sends it.

use crate::bindings::claw::skill::types::RecordRef;
use crate::tezit::envelope::SharedRef;

/// A summary of a message's content.
pub(super) struct MessageSummary {
    /// The content for whoever decides: `what blocks the deal “Acme”`.
    pub(super) words: String,
    /// The records that the plan is about.
    pub(super) about: Vec<RecordRef>,
    /// Warnings for whoever decides.
    pub(super) warnings: Vec<String>,
}

/// Returns the reference of a shared record in plans.
pub(super) fn shared_reference((kind, id): &SharedRef) -> RecordRef {
    RecordRef {
        kind: kind.object().to_owned(),
        id: id.clone(),
    }
}
