//! Characters that are not seen, and those that are one character in several spellings.

/// Zeros of the decimal digits of all scripts; nine more follow each.
const ZEROS: &[u32] = &[
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6,
    0xE50, 0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50,
    0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
    0x1_04A0, 0x1_0D30, 0x1_0D40, 0x1_1066, 0x1_10F0, 0x1_1136, 0x1_11D0, 0x1_12F0, 0x1_1450,
    0x1_14D0, 0x1_1650, 0x1_16C0, 0x1_16D0, 0x1_16DA, 0x1_1730, 0x1_18E0, 0x1_1950, 0x1_1BF0,
    0x1_1C50, 0x1_1D50, 0x1_1DA0, 0x1_1DE0, 0x1_6130, 0x1_6A60, 0x1_6AC0, 0x1_6B50, 0x1_6D70,
    0x1_CCF0, 0x1_D7CE, 0x1_D7D8, 0x1_D7E2, 0x1_D7EC, 0x1_D7F6, 0x1_E140, 0x1_E2F0, 0x1_E5F1,
    0x1_E950, 0x1_FBF0,
];

/// First and last of characters that have no form of their own: controls, joiners, marks of
/// direction, fillers, variation selectors, tags, and marks that combine with the character before
/// them.
const HIDDEN: &[(u32, u32)] = &[
    (0x00, 0x08),
    (0x0E, 0x1F),
    (0x7F, 0x84),
    (0x86, 0x9F),
    (0xAD, 0xAD),
    (0x300, 0x36F),
    (0x483, 0x489),
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x20D0, 0x20FF),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x1_BCA0, 0x1_BCA3),
    (0x1_D173, 0x1_D17A),
    (0xE_0000, 0xE_0FFF),
];

/// Returns true for a character that is invisible by itself, so that it can stand within a word
/// without changing how it reads.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    let code = u32::from(c);
    // Most text is ASCII.
    if (0x20..0x7F).contains(&code) {
        return false;
    }
    let behind = HIDDEN.partition_point(|(first, _)| *first <= code);
    (behind.checked_sub(1))
        .and_then(|index| HIDDEN.get(index))
        .is_some_and(|(_, last)| code <= *last)
}

/// A character in the spelling in which it is matched: digits of all scripts, full-width signs,
/// dashes, spaces and dots as ASCII.
#[must_use]
pub fn plain(c: char) -> char {
    if c.is_ascii() {
        return if c == '\t' { ' ' } else { c };
    }
    if let Some(digit) = digit(c) {
        return digit;
    }
    match c {
        '\u{ff01}'..='\u{ff5e}' => u32::from(c)
            .checked_sub(0xFEE0)
            .and_then(char::from_u32)
            .unwrap_or(c),
        '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => '-',
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            ' '
        }
        '\u{2024}' | '\u{3002}' | '\u{fe52}' | '\u{ff61}' | '\u{b7}' | '\u{2022}' | '\u{2027}' => {
            '.'
        }
        '\u{fe6b}' => '@',
        '\u{fe62}' => '+',
        '\u{fe55}' | '\u{a789}' | '\u{2236}' => ':',
        '\u{2044}' | '\u{2215}' => '/',
        _ => c,
    }
}

/// The ASCII digit for a digit of any script, raised, lowered or in a circle as well.
fn digit(c: char) -> Option<char> {
    let code = u32::from(c);
    let value = match c {
        '\u{b9}' => 1,
        '\u{b2}' | '\u{b3}' => code - 0xB0,
        '\u{2070}' | '\u{2074}'..='\u{2079}' => code - 0x2070,
        '\u{2080}'..='\u{2089}' => code - 0x2080,
        '\u{2460}'..='\u{2468}' => code - 0x245F,
        '\u{24ea}' => 0,
        _ => {
            let behind = ZEROS.partition_point(|zero| *zero <= code);
            code - ZEROS.get(behind.checked_sub(1)?)?
        }
    };
    char::from_digit(value, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_signs_of_all_scripts_read_as_ascii() {
        for (given, expected) in [
            ('٣', '3'),
            ('۹', '9'),
            ('७', '7'),
            ('０', '0'),
            ('９', '9'),
            ('𝟘', '0'),
            ('𝟿', '9'),
            ('²', '2'),
            ('⁷', '7'),
            ('₉', '9'),
            ('①', '1'),
            ('＠', '@'),
            ('Ａ', 'A'),
            ('．', '.'),
            ('–', '-'),
            ('\u{a0}', ' '),
            ('é', 'é'),
            ('一', '一'),
            ('½', '½'),
            ('ß', 'ß'),
        ] {
            assert_eq!(plain(given), expected, "{given}");
        }
    }

    #[test]
    fn only_what_has_no_form_of_its_own_is_hidden() {
        for c in "\0\u{ad}\u{200b}\u{200d}\u{202e}\u{2060}\u{fe0f}\u{feff}\u{20e3}\u{301}\u{e0041}"
            .chars()
        {
            assert!(is_hidden(c), "{c:?}");
        }
        for c in "a0 \t\r\n\u{a0}é一😀[]@\u{85}\u{2028}\u{ffff}\u{10ffff}".chars() {
            assert!(!is_hidden(c), "{c:?}");
        }
    }
}
