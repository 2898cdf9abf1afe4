//! Fields that the CRM key may not read, as far as a call has found out.

use std::collections::BTreeSet;

use crate::text;

/// A field of an object, as Twenty names both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HiddenField {
    /// Such as `opportunity`.
    pub object: String,
    /// Such as `amount`.
    pub name: String,
}

/// Returns an object's name for people.
pub fn spoken(object: &str) -> &str {
    match object {
        "person" => "people",
        "company" => "companies",
        "opportunity" => "deals",
        "task" => "tasks",
        "note" => "notes",
        "workspaceMember" => "members",
        other => other,
    }
}

/// Tells people in one sentence which fields a call could not read; none if there were none.
pub fn describe(hidden: &BTreeSet<HiddenField>) -> Option<String> {
    if hidden.is_empty() {
        return None;
    }
    let named: Vec<String> = hidden
        .iter()
        .map(|field| {
            format!(
                "{} of {}",
                text::clean(&field.name),
                spoken(&text::clean(&field.object))
            )
        })
        .collect();
    Some(format!(
        "The CRM key may not read {}: what is there is unknown, not empty.",
        named.join(", ")
    ))
}
