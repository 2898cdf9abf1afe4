//! Full-text search over the workspace: words without accents, matched by prefix, all words before
//! any word, and a plain substring match for kinds without a hit.

use std::collections::BTreeMap;
use std::ops::Bound;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::table::RowId;

/// The weight of one matched word in `tsRank`, as PostgreSQL weighs it.
const RANK_PER_WORD: f64 = 0.060_792_71;
/// The weight of one matched word in `tsRankCD`.
const COVER_PER_WORD: f64 = 0.1;

/// The words of one table.
#[derive(Default)]
pub(super) struct Words {
    postings: BTreeMap<Box<str>, Vec<RowId>>,
    /// The words of all records one after the other, one a line, for the substring match.
    text: String,
    /// The start of each record's words in the text, in the order of the text; `None` for records
    /// that were removed.
    starts: Vec<(usize, Option<RowId>)>,
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
        self.starts.push((self.text.len(), Some(row)));
        for text in texts {
            let text = fold(text);
            for word in words(&text) {
                self.text.push_str(word);
                self.text.push('\n');
                if let Some(rows) = self.postings.get_mut(word) {
                    rows.push(row);
                } else {
                    self.postings.insert(Box::from(word), vec![row]);
                }
            }
        }
    }

    /// Takes them out again; `texts` are those that were added.
    pub(super) fn remove<'a>(&mut self, row: RowId, texts: impl Iterator<Item = &'a str>) {
        for (_, owner) in self
            .starts
            .iter_mut()
            .filter(|(_, owner)| *owner == Some(row))
        {
            *owner = None;
        }
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
        // Each matched position: the record, and which of the words it was.
        let mut matched: Vec<(RowId, usize)> = Vec::new();
        for (nth, word) in words.iter().enumerate() {
            let from = (Bound::Included(word.as_str()), Bound::Unbounded);
            let begin = self
                .postings
                .range::<str, _>(from)
                .take_while(|(known, _)| known.starts_with(word.as_str()));
            begin.for_each(|(_, rows)| matched.extend(rows.iter().map(|row| (*row, nth))));
        }
        matched.sort_unstable();
        let wanted = words.len() as f64;
        let hit = |positions: &[(RowId, usize)]| {
            let (row, _) = *positions.first()?;
            let which = positions.chunk_by(|a, b| a.1 == b.1).count();
            let count = positions.len() as f64;
            Some(if which == words.len() {
                Hit {
                    row,
                    cover: COVER_PER_WORD * count / wanted,
                    rank: RANK_PER_WORD * count,
                }
            } else {
                Hit {
                    row,
                    cover: 0.0,
                    rank: RANK_PER_WORD * count / wanted,
                }
            })
        };
        matched
            .chunk_by(|a, b| a.0 == b.0)
            .filter_map(hit)
            .collect()
    }

    fn by_substring(&self, text: &str) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        for at in memchr::memmem::find_iter(self.text.as_bytes(), text) {
            let record = self.starts.partition_point(|(start, _)| *start <= at);
            let owner = record
                .checked_sub(1)
                .and_then(|nth| self.starts.get(nth))
                .and_then(|(_, owner)| *owner);
            if let Some(row) = owner.filter(|row| hits.last().is_none_or(|hit| hit.row != *row)) {
                hits.push(Hit {
                    row,
                    cover: 0.0,
                    rank: 0.0,
                });
            }
        }
        hits
    }
}

/// A search as it was asked for.
#[derive(Debug)]
pub(super) struct Query {
    text: String,
    words: Vec<String>,
}

impl Query {
    /// Reads the words out of what a person typed; the operators of PostgreSQL's query language are
    /// no words.
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

/// The words of a folded text: letters and digits; addresses and domains as a whole, and the domain
/// of an address.
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
