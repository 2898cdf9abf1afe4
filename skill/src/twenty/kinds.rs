//! The kinds of record, by their names in Twenty and for people.

use crate::bindings::claw::crm::types::Kind;

/// Returns Twenty's name of a kind.
pub fn object(kind: Kind) -> &'static str {
    match kind {
        Kind::Person => "person",
        Kind::Company => "company",
        Kind::Opportunity => "opportunity",
        Kind::Task => "task",
    }
}

/// Returns the kind of a name in Twenty.
pub fn kind(object: &str) -> Option<Kind> {
    [Kind::Person, Kind::Company, Kind::Opportunity, Kind::Task]
        .into_iter()
        .find(|&kind| self::object(kind) == object)
}

/// Returns the name of a kind for people.
pub fn spoken(kind: Kind) -> &'static str {
    match kind {
        Kind::Opportunity => "deal",
        other => object(other),
    }
}
