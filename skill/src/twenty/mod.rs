//! A client for Twenty CRM (2.21): the trusted documents, typed answers, and what its errors mean.

pub mod client;
pub mod custom;
pub mod documents;
pub mod errors;
mod place;
pub mod values;

pub use client::{Errors, Reply, decode, fetch, fetch_all, fetch_deal, prepare};
pub use documents::{Document, Query};

/// An id that no record has. Twenty refuses an empty list of ids, null and the all-zero id; this one it takes.
pub const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// Where an answer's record comes from.
pub fn provenance(
    ctx: &crate::context::Context<'_>,
    object: &str,
    id: &str,
    updated_at: Option<jiff::Timestamp>,
) -> crate::bindings::claw::skill::types::Provenance {
    crate::bindings::claw::skill::types::Provenance {
        source: "twenty".to_owned(),
        object: object.to_owned(),
        id: id.to_owned(),
        updated_at: updated_at.map(crate::text::instant),
        fetched_at: ctx.fetched_at(),
    }
}
