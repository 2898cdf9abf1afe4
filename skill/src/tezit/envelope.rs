//! Context envelopes: records in the form that messages carry, with omitted fields and provenance.

mod builder;
mod derived;
mod disclosure_log;
mod kinds;
mod records;
mod words;

pub use builder::{Envelope, FieldSelection, json_layer, prose_layer};
pub use derived::{advice, deal_advice, deal_fact, limits, task_fact};
pub use disclosure_log::DisclosureLog;
pub use kinds::{ShareableKind, SharedRef, askable, fields, refs};
pub use records::{DealView, NewTask, activity, contact, deal, is_open, new_task, task};
pub use words::{closing, days, value_band};
