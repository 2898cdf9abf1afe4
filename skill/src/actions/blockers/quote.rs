//! Finds words that say that something is blocked.

/// The words to look for, whole and in any case.
const WORDS: &[&str] = &["blocked", "blocker", "blockers", "waiting on", "stuck"];
/// The longest quote, in characters.
pub(super) const QUOTE: usize = 200;

/// Quotes the text around the first such word, at most [`QUOTE`] characters on one line.
pub(super) fn quote(text: &str) -> Option<String> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // ASCII lower case keeps byte positions.
    let lower = line.to_ascii_lowercase();
    let at = WORDS
        .iter()
        .filter_map(|word| find_word(&lower, word))
        .min()?;
    Some(around(&line, at))
}

fn find_word(text: &str, word: &str) -> Option<usize> {
    text.match_indices(word).map(|(at, _)| at).find(|&at| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text
            .get(at + word.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

fn around(line: &str, at: usize) -> String {
    let before: Vec<char> = line.get(..at).unwrap_or_default().chars().collect();
    let lead = before.len().min(QUOTE / 3);
    let skipped = before.len() - lead;
    let start: String = if skipped > 0 {
        "…".to_owned()
    } else {
        String::new()
    };
    let quoted: String = start.chars().chain(line.chars().skip(skipped)).collect();
    crate::text::line(&quoted, QUOTE).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_count_and_parts_do_not() {
        for (text, found) in [
            ("We are BLOCKED by legal", true),
            ("unblocked since Monday", false),
            ("sunblocker order", false),
            ("waiting on the contract", true),
            ("still waiting\non them", true),
            ("stuck.", true),
            ("a stucko wall", false),
            ("all fine", false),
            ("", false),
            ("Blocker: budget", true),
        ] {
            assert_eq!(quote(text).is_some(), found, "{text:?}");
        }
    }

    #[test]
    fn a_quote_holds_the_word_and_is_short() {
        let long = format!("{} stuck {}", "früh ".repeat(100), "spät ".repeat(100));
        let quote = quote(&long).unwrap();
        assert!(
            quote.contains("stuck") && quote.chars().count() <= QUOTE,
            "{quote}"
        );
    }
}
