//! Names as people write them: compared exactly first, then regardless of what people leave out or
//! write otherwise.

use unicode_normalization::UnicodeNormalization as _;

/// The fewest letters of a word that identify a longer one by its beginning. Words up to this
/// length say nothing for or against a name.
pub const TRUSTED: usize = 3;

/// Normalises a text without loss for readers: one Unicode form, lower case, single spaces.
pub fn exact(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| {
            word.nfc()
                .collect::<String>()
                .to_lowercase()
                .nfc()
                .collect()
        })
        .collect();
    words.join(" ")
}

/// Normalises a text to match other spellings: drops case, accents, width, apostrophes and hyphens,
/// and spells letters that are two elsewhere (ß and ss) alike.
pub fn loose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let plain = text
        .chars()
        .filter(|&character| !is_apostrophe(character))
        .map(|character| if is_dash(character) { ' ' } else { character });
    for character in plain.collect::<String>().nfkd() {
        match character {
            // Accents of Latin, Greek and Cyrillic letters; marks of other scripts are letters of
            // their own.
            '\u{300}'..='\u{36f}' => {}
            other => other.to_lowercase().for_each(|lower| push(&mut out, lower)),
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Appends a letter in the spelling of Twenty's search, for letters that Unicode does not
/// decompose.
fn push(out: &mut String, letter: char) {
    match letter {
        'ß' => out.push_str("ss"),
        'æ' => out.push_str("ae"),
        'œ' => out.push_str("oe"),
        'ø' => out.push('o'),
        'ł' => out.push('l'),
        'đ' | 'ð' => out.push('d'),
        'þ' => out.push_str("th"),
        'ħ' => out.push('h'),
        'ı' => out.push('i'),
        '\u{300}'..='\u{36f}' => {}
        other => out.push(other),
    }
}

/// Checks for an apostrophe in any of its usual forms.
pub fn is_apostrophe(character: char) -> bool {
    matches!(
        character,
        '\'' | '`'
            | '\u{b4}'
            | '\u{2018}'
            | '\u{2019}'
            | '\u{201b}'
            | '\u{2bc}'
            | '\u{2b9}'
            | '\u{2032}'
            | '\u{ff07}'
    )
}

/// Checks for a hyphen or dash.
pub fn is_dash(character: char) -> bool {
    matches!(
        character,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}'
    )
}

/// The similarity of a name to the wanted one; smaller is closer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// It is the name.
    Exact,
    /// It is the name, written otherwise.
    Loose,
    /// It is the name with its words in another order.
    Exchanged,
    /// It has every word, or a longer one that begins with it.
    Words,
    /// None of that.
    Other,
}

/// Compares a name with the wanted one.
pub fn likeness(wanted: &str, name: &str) -> Likeness {
    if exact(wanted) == exact(name) {
        return Likeness::Exact;
    }
    let (wanted, name) = (loose(wanted), loose(name));
    if wanted.is_empty() {
        return Likeness::Other;
    }
    if wanted == name {
        return Likeness::Loose;
    }
    let sorted = |text: &str| {
        let mut words: Vec<String> = text
            .split([' ', ','])
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        words.sort();
        words
    };
    if sorted(&wanted) == sorted(&name) {
        return Likeness::Exchanged;
    }
    if has_all(&name, &wanted) {
        Likeness::Words
    } else {
        Likeness::Other
    }
}

/// The match of a word in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum WordMatch {
    /// Nowhere.
    Not,
    /// At the beginning of a longer word, with too few letters to tell that one from others.
    Beginning,
    /// As a word, or as a beginning that tells one.
    Found,
}

/// Matches a word in a text; both must be `loose`.
fn stands(text: &str, word: &str) -> WordMatch {
    // Scripts without case say more with a letter, and many of them put nothing between words.
    let caseless = !(word.is_ascii() || word.chars().any(char::is_lowercase));
    let telling = caseless || word.chars().count() >= TRUSTED;
    let is_part = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    let begins_within = |at: usize| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        !caseless && is_part(before) && is_part(word.chars().next())
    };
    let goes_on = |at: usize| {
        let after = text.get(at.saturating_add(word.len())..);
        is_part(after.and_then(|after| after.chars().next()))
    };
    text.match_indices(word)
        .filter(|(at, _)| !begins_within(*at))
        .map(|(at, _)| match telling || !goes_on(at) {
            true => WordMatch::Found,
            false => WordMatch::Beginning,
        })
        .max()
        .unwrap_or(WordMatch::Not)
}

/// Checks whether a name has a word, or a longer one that begins with it; both must be `loose`.
pub fn has_word(name: &str, word: &str) -> bool {
    stands(name, word) > WordMatch::Not
}

/// Splits a text into words, without the punctuation around them.
pub fn words_in(text: &str) -> impl Iterator<Item = &str> {
    let around =
        |character: char| ",;:.!?\"()[]\u{201c}\u{201d}\u{201e}\u{ab}\u{bb}".contains(character);
    text.split(' ')
        .map(move |word| word.trim_matches(around))
        .filter(|word| !word.is_empty())
}

/// Checks that names together have every wanted word.
pub fn have_all_words<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> bool {
    let names: Vec<String> = names.map(loose).collect();
    has_all(&names.join(" "), &loose(wanted))
}

/// Checks that a name has every word, and that one of them identifies it (`Bo L` is short for `Bo
/// Lang`, and `B` for too many); both must be `loose`.
fn has_all(name: &str, wanted: &str) -> bool {
    let all: Vec<WordMatch> = words_in(wanted).map(|word| stands(name, word)).collect();
    all.contains(&WordMatch::Found) && !all.contains(&WordMatch::Not)
}

/// Checks whether names together are close enough to be offered: they have half of the wanted
/// words, or words with half of the letters of the longer ones, allowing for a stray letter.
pub fn is_near(wanted: &str, names: &[&str]) -> bool {
    let names = loose(&names.join(" "));
    let wanted = loose(wanted);
    let words: Vec<(usize, bool)> = words_in(&wanted)
        .map(|word| {
            let found = stands(&names, word) == WordMatch::Found || nearest(word, &names).is_some();
            (word.chars().count(), found)
        })
        .collect();
    let found = words.iter().filter(|(_, found)| *found).count();
    // Articles and the like say nothing for or against a name.
    let long = || words.iter().filter(|(letters, _)| *letters > TRUSTED);
    let letters: usize = long().map(|(letters, _)| letters).sum();
    let found_letters: usize = long()
        .filter(|(_, found)| *found)
        .map(|(letters, _)| letters)
        .sum();
    let half = |part: usize, whole: usize| part > 0 && part.saturating_mul(2) >= whole;
    half(found, words.len()) || half(found_letters, letters)
}

/// Sums the letters by which words differ from the nearest ones of a name; none where one of them
/// is another word.
pub fn distance(words: &str, name: &str) -> Option<usize> {
    let mut sum = 0_usize;
    for word in words.split(' ') {
        sum = sum.saturating_add(nearest(word, name)?);
    }
    Some(sum)
}

/// Counts the letters by which a word differs from the nearest one of a name; none where that is
/// another word.
pub fn nearest(word: &str, name: &str) -> Option<usize> {
    let most = match word.chars().count() {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    };
    name.split(|character: char| !character.is_alphanumeric())
        .map(|known| strsim::osa_distance(word, known))
        .min()
        .filter(|near| *near <= most)
}

/// A choice among several records by name.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice {
    /// This one.
    One(usize),
    /// One of these.
    Several(Vec<usize>),
    /// None of them.
    None,
}

/// Chooses the only best fit among records, by their names and their aliases; a match by alias
/// counts as `alias`.
pub fn choose<'n>(
    wanted: &str,
    alias: Likeness,
    records: impl Iterator<Item = (&'n str, &'n [String])>,
) -> Choice {
    let mut best = Likeness::Other;
    let mut fitting = Vec::new();
    for (at, (name, aliases)) in records.enumerate() {
        let known = |alias: &String| exact(alias) == exact(wanted);
        let by_alias = if aliases.iter().any(known) {
            alias
        } else {
            words_of(wanted, name, aliases)
        };
        let fit = likeness(wanted, name).min(by_alias);
        if fit == Likeness::Other {
            continue;
        }
        if fit < best {
            best = fit;
            fitting.clear();
        }
        if fit == best {
            fitting.push(at);
        }
    }
    match fitting.as_slice() {
        [] => Choice::None,
        [one] => Choice::One(*one),
        _ => Choice::Several(fitting),
    }
}

/// Checks whether name and aliases together have every word.
fn words_of(wanted: &str, name: &str, aliases: &[String]) -> Likeness {
    let all = loose(&format!("{name} {}", aliases.join(" ")));
    if has_all(&all, &loose(wanted)) {
        Likeness::Words
    } else {
        Likeness::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_alike_however_they_are_written() {
        for (wanted, name, expected) in [
            ("Jose Alvarez", "José Álvarez", Likeness::Loose),
            ("JOSÉ ÁLVAREZ", "José Álvarez", Likeness::Exact),
            (
                "Jose\u{301} A\u{301}lvarez",
                "José Álvarez",
                Likeness::Exact,
            ),
            ("Álvarez José", "Jose Alvarez", Likeness::Exchanged),
            ("Alvarez, Jose", "José Álvarez", Likeness::Exchanged),
            ("Strauss Soehne", "Strauß Söhne", Likeness::Other),
            ("Strauss Sohne", "Strauß Söhne", Likeness::Loose),
            ("STRAUSS", "Strauß", Likeness::Loose),
            ("O'Brien", "O\u{2019}Brien", Likeness::Loose),
            ("O\u{2bc}Brien", "OBrien", Likeness::Loose),
            ("Ａｃｍｅ", "Acme", Likeness::Loose),
            ("Lodz Sorensen", "Łódź Sørensen", Likeness::Loose),
            ("Anna Maria", "Anna-Maria", Likeness::Loose),
            ("anna", "Anna Berg", Likeness::Words),
            ("Anna Berg", "Anna Bergmann", Likeness::Words),
            ("Anna Berg", "Anne Burg", Likeness::Other),
            ("Anna", "Susanna Berg", Likeness::Other),
            ("no", "Northern depot", Likeness::Other),
            ("a", "Anna Berg", Likeness::Other),
            ("Bo", "Bo Berg", Likeness::Words),
            ("Bo B.", "Bo Berg", Likeness::Words),
            ("B B", "Bo Berg", Likeness::Other),
            (
                "Berg, \u{201c}Bo\u{201d}",
                "Bo \u{201c}the\u{201d} Berg",
                Likeness::Words,
            ),
            ("R&D", "New R&D site", Likeness::Words),
            ("東京", "東京電力", Likeness::Words),
            ("電力", "東京電力", Likeness::Words),
            ("...", "Anna", Likeness::Other),
            ("かき", "がき", Likeness::Other),
            ("", "Anna", Likeness::Other),
        ] {
            assert_eq!(likeness(wanted, name), expected, "{wanted} {name}");
        }
    }

    #[test]
    fn the_best_fit_is_chosen_where_there_is_one() {
        let none: &[String] = &[];
        let choose = |wanted: &str, names: &[&str]| {
            choose(
                wanted,
                Likeness::Exact,
                names.iter().map(|name| (*name, none)),
            )
        };
        assert_eq!(
            choose("jose alvarez", &["José Álvarez", "Jose Alvarez"]),
            Choice::One(1)
        );
        assert_eq!(
            choose("jose alvarez", &["José Álvarez", "Josef Alvarez Ruiz"]),
            Choice::One(0)
        );
        assert_eq!(
            choose("jose", &["José Álvarez", "Josef Ruiz"]),
            Choice::Several(vec![0, 1])
        );
        assert_eq!(choose("nobody", &["José Álvarez"]), Choice::None);
    }

    #[test]
    fn near_names_share_half_of_the_words() {
        for (wanted, name, expected) in [
            ("no deal of this name", "Northern depot relaunch", false),
            ("no deal of this name", "Name tag printing", false),
            ("of", "Office move", false),
            ("the depot deal", "Northern depot relaunch", true),
            ("nothern depot deal", "Northern depot relaunch", true),
            ("big fish", "Big deal", true),
            ("acme renewal", "Acme pilot", true),
            ("acme support renewal", "Acme pilot", false),
            ("acme pilot renewal", "Acme pilot", true),
            ("Bo Li", "Bo Berg", true),
        ] {
            assert_eq!(is_near(wanted, &[name]), expected, "{wanted} {name}");
        }
        assert!(is_near(
            "pilot with bluefin",
            &["Pilot", "Bluefin Logistics"]
        ));
    }

    #[test]
    fn stray_letter_is_near_another_word_is_not() {
        for (words, name, expected) in [
            ("jefery", "jeffery lang", Some(1)),
            ("ingrids angebot", "angebot fur ingrid", Some(1)),
            ("nothern depot", "northern depot relaunch", Some(1)),
            ("depto", "northern depot", Some(1)),
            ("sam", "sim", None),
            ("acme renewal", "acme", None),
        ] {
            assert_eq!(distance(words, name), expected, "{words} {name}");
        }
    }
}
