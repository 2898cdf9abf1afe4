//! A client for Twenty CRM (2.21): trusted documents, typed answers, and translated errors.

pub mod client;
pub mod custom;
pub mod documents;
pub mod errors;
pub mod hidden;
pub mod members;
pub mod mend;
pub mod mutations;
mod place;
pub mod records;
pub mod reread;
pub mod rows;
pub mod values;

pub use client::{
    Errors, Prepared, Reply, decode, fetch, fetch_all, fetch_all_beside, fetch_deal, fetch_mapped,
    prepare,
};
pub use documents::{Document, Query};

/// A text that no field has, where a document wants one and there is nothing to look for: an empty
/// one would match empty fields.
pub const NOTHING: &str = "(nothing) 00000000-0000-4000-8000-000000000000";

/// An id that no record has. Twenty refuses an empty list of ids, null and the all-zero id; this
/// one it takes.
pub const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// Escapes a text as an `ilike` pattern that matches only the text itself, in any case.
pub fn pattern(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// Returns the provenance of a record.
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

#[cfg(test)]
mod tests {
    #[test]
    fn wildcards_of_a_pattern_match_themselves() {
        assert_eq!(super::pattern(r"50%_off\now"), r"50\%\_off\\now");
    }
}
