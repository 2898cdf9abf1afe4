//! The audit log of what was asked, decided and sent: append-only, each row chained to the previous
//! one by its hash.
//!
//! Rows hold names of rules, documents and callers, codes, lengths and ids of records. They never
//! hold a value of a field, a secret, or the path of a refused request. The hash of the last row,
//! the *head*, is also kept in a file beside the database and can be written down elsewhere, so
//! that a cut tail is detected. Nobody without write access to both can change a row undetected.
//! Whoever has it can rebuild the chain, which only a head that was written down elsewhere reveals.

pub mod chain;
pub mod disclosures;
mod event;
mod head;
pub mod reader;
pub mod store;
pub mod verify;

pub use chain::{Head, Row};
pub use disclosures::Disclosed;
pub use reader::Reader;
pub use store::{Audit, AuditError};
pub use verify::{Fault, Notice, Report};
