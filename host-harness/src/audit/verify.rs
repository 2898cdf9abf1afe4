//! Verifies a chain: every hash, every number, and its end against the head file and a head written
//! down elsewhere.

use std::fmt;

use super::chain::{Head, Row};
use super::event::{self, VoidBody};
use super::head::KeptHead;

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The number of rows.
    pub rows: u64,
    /// The end of the chain.
    pub head: Head,
    /// The faults; empty if the chain is intact.
    pub faults: Vec<Fault>,
    /// Notices about what could not be checked, and about other circumstances.
    pub notices: Vec<Notice>,
}

/// A circumstance that is no fault, but that anybody who relies on the audit log should know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// There is no head file: nothing but the rows themselves shows where they end.
    NoHead,
    /// The harness found no head file beside rows when it started, and created one.
    HeadMade {
        /// The row that says so.
        seq: u64,
    },
    /// The event of an earlier row did not happen.
    Void {
        /// The row that says so.
        seq: u64,
        /// The row that does not hold.
        row: u64,
    },
    /// Events are missing that could not be written.
    Lost {
        /// The row that says so.
        seq: u64,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHead => f.write_str(
                "the file audit.head is missing: rows that were cut off at the end would not show. Give a head that was written down elsewhere with --head",
            ),
            Self::HeadMade { seq } => write!(
                f,
                "row {seq} tells that the file audit.head was missing when the harness started: rows that were cut off before it would not show"
            ),
            Self::Void { seq, row } => write!(
                f,
                "row {seq} takes row {row} back: what it says did not happen"
            ),
            Self::Lost { seq } => write!(
                f,
                "row {seq} tells that events before it could not be written"
            ),
        }
    }
}

/// A fault of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A row does not have the hash of its contents.
    Altered {
        /// Its number.
        seq: u64,
    },
    /// A row does not follow the previous one: rows between them were removed or inserted.
    Broken {
        /// Its number.
        seq: u64,
        /// The number of the previous row.
        after: u64,
    },
    /// The chain ends before a head that was kept.
    Cut {
        /// The head that was kept.
        kept: Head,
    },
    /// The row that a head names was replaced.
    Replaced {
        /// The head.
        kept: Head,
    },
    /// The head file holds no head, although there are rows.
    HeadUnreadable,
    /// The harness itself found rows missing, or a head that could not be read, when it started.
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
            Self::HeadUnreadable => f.write_str(
                "the file audit.head holds no head, though there are rows: it was emptied or overwritten, and rows that were cut off at the end would not show",
            ),
            Self::Gap { seq } => write!(
                f,
                "row {seq} tells that rows were missing, or the head could not be read, when the harness started"
            ),
        }
    }
}

/// Checks rows one by one, in order.
#[derive(Debug)]
pub(super) struct Verifier {
    last: Head,
    rows: u64,
    file: KeptHead,
    kept: Vec<(Head, bool)>,
    faults: Vec<Fault>,
    notices: Vec<Notice>,
}

impl Verifier {
    /// Starts a verification against the head file and a head written down elsewhere.
    pub(super) fn new(file: KeptHead, anchor: Option<Head>) -> Self {
        let kept = match file {
            KeptHead::Known(head) => Some(head),
            KeptHead::Unreadable | KeptHead::Missing => None,
        };
        let kept = kept.into_iter().chain(anchor);
        Self {
            last: Head::EMPTY,
            rows: 0,
            file,
            kept: kept.map(|head| (head, false)).collect(),
            faults: Vec::new(),
            notices: Vec::new(),
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
        let seq = row.seq;
        match row.kind.as_str() {
            event::GAP => self.faults.push(Fault::Gap { seq }),
            event::HEAD => self.notices.push(Notice::HeadMade { seq }),
            event::VOID => self.notices.push(Notice::Void {
                seq,
                row: VoidBody::row_of(&row.body),
            }),
            event::LOST => self.notices.push(Notice::Lost { seq }),
            _ => {}
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
        match self.file {
            KeptHead::Unreadable if self.rows > 0 => self.faults.push(Fault::HeadUnreadable),
            KeptHead::Missing if self.rows > 0 => self.notices.push(Notice::NoHead),
            _ => {}
        }
        Report {
            rows: self.rows,
            head: self.last,
            faults: self.faults,
            notices: self.notices,
        }
    }
}
