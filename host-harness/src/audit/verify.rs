//! Checks a chain: every hash, every number, its end against the head that was kept apart and against one written down.

use std::fmt;

use super::chain::{Head, Row};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many rows there are.
    pub rows: u64,
    /// Where the chain ends.
    pub head: Head,
    /// What is wrong; empty if nothing is.
    pub faults: Vec<Fault>,
}

/// Something that is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A row does not have the hash that its contents give.
    Altered {
        /// Its number.
        seq: u64,
    },
    /// A row does not follow the one before: rows between are missing or were put in.
    Broken {
        /// Its number.
        seq: u64,
        /// The number of the row before.
        after: u64,
    },
    /// The chain ends before the head that was kept apart.
    Cut {
        /// The head that was kept.
        kept: Head,
    },
    /// The row that a head names is another one now.
    Replaced {
        /// The head.
        kept: Head,
    },
    /// The harness itself found rows missing when it started.
    Gap {
        /// The row that says so.
        seq: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered { seq } => write!(f, "row {seq} was changed after it was written"),
            Self::Broken { seq, after } => write!(
                f,
                "row {seq} does not follow row {after}: rows were taken out, put in or replaced"
            ),
            Self::Cut { kept } => write!(
                f,
                "rows are missing at the end: the head says that there are {}",
                kept.seq
            ),
            Self::Replaced { kept } => write!(
                f,
                "row {} is not the one that the head names: the record was rewritten",
                kept.seq
            ),
            Self::Gap { seq } => write!(
                f,
                "row {seq} tells that rows were missing when the harness started"
            ),
        }
    }
}

/// Checks rows one by one, in order.
#[derive(Debug)]
pub(super) struct Verifier {
    last: Head,
    rows: u64,
    kept: Vec<(Head, bool)>,
    faults: Vec<Fault>,
}

impl Verifier {
    /// A check against these heads.
    pub(super) fn new(kept: impl IntoIterator<Item = Head>) -> Self {
        Self {
            last: Head::EMPTY,
            rows: 0,
            kept: kept.into_iter().map(|head| (head, false)).collect(),
            faults: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, row: &Row) {
        if row.previous != self.last.hash || row.seq != self.last.seq + 1 {
            self.faults.push(Fault::Broken {
                seq: row.seq,
                after: self.last.seq,
            });
        }
        if row.sealed() != row.hash {
            self.faults.push(Fault::Altered { seq: row.seq });
        }
        if row.kind == super::event::GAP {
            self.faults.push(Fault::Gap { seq: row.seq });
        }
        for (kept, seen) in &mut self.kept {
            if kept.seq == row.seq {
                *seen = true;
                if kept.hash != row.hash {
                    self.faults.push(Fault::Replaced { kept: *kept });
                }
            }
        }
        self.last = row.head();
        self.rows += 1;
    }

    pub(super) fn end(mut self) -> Report {
        for (kept, seen) in self.kept {
            if !seen && kept.seq > 0 {
                self.faults.push(Fault::Cut { kept });
            }
        }
        Report {
            rows: self.rows,
            head: self.last,
            faults: self.faults,
        }
    }
}
