//! Places and names in answers that determine how a value is treated.

use std::collections::HashSet;

use crate::json_path::Pattern;

/// A place of records in a service's answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPlace {
    /// The records' kind, in the skill's words.
    pub kind: String,
    /// Place in the whole answer, where the record's `id` is a member. A value within nested
    /// records belongs to the innermost.
    pub at: Pattern,
}

/// Rules of a manifest for members of answers, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberNames {
    /// Members with numbers in millionths; the numbers that they stand for are indexed too.
    pub micros: HashSet<String>,
    /// Members with words of a fixed list, if they look like one.
    pub words: HashSet<String>,
    /// Members with ids as texts or numbers, if they look like one.
    pub ids: HashSet<String>,
}
