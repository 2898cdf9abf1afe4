//! `upsert`: proposes to make a record, or to change an existing one. Values are checked against
//! this workspace's own fields and options before anything is proposed.

mod assignment;
mod custom;
mod deal;
mod fields;
mod find;
mod lookup;
mod plan;
mod set;
mod types;

pub(super) use deal::DealValues;
pub use lookup::{FindCompany, FindOpportunity, FindPerson, FindTask};
pub use plan::upsert;
pub use types::FieldTypes;
pub(super) use types::stage_options;
