//! The provenance of records.

use jiff::Timestamp;

use crate::bindings::claw::skill::types::Provenance;
use crate::context::Context;
use crate::text;

/// Returns the provenance of a record.
pub fn provenance(
    ctx: &Context<'_>,
    object: &str,
    id: &str,
    updated_at: Option<Timestamp>,
) -> Provenance {
    Provenance {
        source: "twenty".to_owned(),
        object: object.to_owned(),
        id: id.to_owned(),
        updated_at: updated_at.map(text::instant),
        fetched_at: ctx.fetched_at(),
    }
}
