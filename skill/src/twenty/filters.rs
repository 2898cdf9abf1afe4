//! Values for the filters of documents.

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

#[cfg(test)]
mod tests {
    #[test]
    fn wildcards_of_a_pattern_match_themselves() {
        assert_eq!(super::pattern(r"50%_off\now"), r"50\%\_off\\now");
    }
}
