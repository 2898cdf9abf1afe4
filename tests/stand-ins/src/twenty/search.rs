//! Full-text search over the workspace: words without accents, matched by prefix, all words before any word, and a plain
//! substring match for kinds without a hit.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::table::RowId;

/// What one matched word adds to `tsRank`, as PostgreSQL weighs it.
const RANK_PER_WORD: f64 = 0.060_792_71;
/// What one matched word adds to `tsRankCD`.
const COVER_PER_WORD: f64 = 0.1;

/// The words of one table.
#[derive(Default)]
pub(super) struct Words {
    postings: BTreeMap<Box<str>, Vec<RowId>>,
    /// Each record's words, for the substring match.
    texts: HashMap<RowId, Box<str>>,
}

/// A hit within one table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hit {
    pub row: RowId,
    /// `tsRankCD`: zero unless every word matched.
    pub cover: f64,
    /// `tsRank`.
    pub rank: f64,
}

impl Words {
    /// Takes a record's texts in.
    pub(super) fn add<'a>(&mut self, row: RowId, texts: impl Iterator<Item = &'a str>) {
        let mut all = String::new();
        for text in texts {
            let text = fold(text);
            for word in words(&text) {
                // One word a line: what is matched as a substring lies within a word, as in the real index.
                all.push_str(word);
                all.push('\n');
                if let Some(rows) = self.postings.get_mut(word) {
                    rows.push(row);
                } else {
                    self.postings.insert(Box::from(word), vec![row]);
                }
            }
        }
        if !all.is_empty() {
            self.texts.insert(row, all.into_boxed_str());
        }
    }

    /// Takes them out again; `texts` are those that were added.
    pub(super) fn remove<'a>(&mut self, row: RowId, texts: impl Iterator<Item = &'a str>) {
        self.texts.remove(&row);
        for text in texts {
            for word in words(&fold(text)) {
                if let Some(rows) = self.postings.get_mut(word) {
                    rows.retain(|other| *other != row);
                }
            }
        }
    }

    /// The records that match, in no order. `every` lists all of them, for a query without words.
    pub(super) fn find(&self, query: &Query, every: impl Iterator<Item = RowId>) -> Vec<Hit> {
        if query.text.is_empty() {
            return every
                .map(|row| Hit {
                    row,
                    cover: 0.0,
                    rank: 0.0,
                })
                .collect();
        }
        let hits = self.by_words(&query.words);
        if hits.is_empty() {
            self.by_substring(&query.text)
        } else {
            hits
        }
    }

    fn by_words(&self, words: &[String]) -> Vec<Hit> {
        // For each record: how many positions matched, and which of the words did.
        let mut matched: HashMap<RowId, (u32, u64)> = HashMap::new();
        for (nth, word) in words.iter().take(64).enumerate() {
            let from = (Bound::Included(word.as_str()), Bound::Unbounded);
            for (_, rows) in self
                .postings
                .range::<str, _>(from)
                .take_while(|(k, _)| k.starts_with(word.as_str()))
            {
                for row in rows {
                    let (count, which) = matched.entry(*row).or_default();
                    *count += 1;
                    *which |= 1 << nth;
                }
            }
        }
        let wanted = words.len().min(64) as u32;
        matched
            .into_iter()
            .map(|(row, (count, which))| {
                let count = f64::from(count);
                if which.count_ones() == wanted {
                    Hit {
                        row,
                        cover: COVER_PER_WORD * count / f64::from(wanted),
                        rank: RANK_PER_WORD * count,
                    }
                } else {
                    Hit {
                        row,
                        cover: 0.0,
                        rank: RANK_PER_WORD * count / f64::from(wanted),
                    }
                }
            })
            .collect()
    }

    fn by_substring(&self, text: &str) -> Vec<Hit> {
        let found = self.texts.iter().filter(|(_, all)| all.contains(text));
        found
            .map(|(row, _)| Hit {
                row: *row,
                cover: 0.0,
                rank: 0.0,
            })
            .collect()
    }
}

/// A search as it was asked for.
#[derive(Debug)]
pub(super) struct Query {
    text: String,
    words: Vec<String>,
}

impl Query {
    /// Reads the words out of what a person typed; the operators of PostgreSQL's query language are no words.
    pub(super) fn new(typed: &str) -> Self {
        let text = fold(typed.trim());
        let words = text
            .split(|c: char| c.is_whitespace() || ":&|!()'\"\\<>*".contains(c))
            .flat_map(|piece| {
                if piece.contains(['@', '.']) {
                    vec![piece]
                } else {
                    plain_words(piece).collect()
                }
            })
            .filter(|word| word.chars().any(char::is_alphanumeric))
            .map(str::to_owned)
            .collect();
        Self { text, words }
    }
}

/// Lower case without accents.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The words of a folded text: letters and digits; addresses and domains as a whole, and the domain of an address.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().flat_map(|piece| {
        let bare = piece.trim_matches(|c: char| !c.is_alphanumeric());
        let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
        let host = bare.split_once('@').map(|(_, host)| host);
        let whole =
            (host.is_some() || (bare.contains('.') && !bare.contains(['/', '-']))).then_some(bare);
        let plain = whole.is_none().then(|| plain_words(piece));
        whole
            .into_iter()
            .chain(host)
            .chain(plain.into_iter().flatten())
    })
}

fn plain_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
}
