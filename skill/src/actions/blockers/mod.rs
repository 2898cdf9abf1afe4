//! `blockers`: finds what blocks a deal, by fixed rules with evidence. One request by id, two by
//! name, one more where it takes the company's name to identify the deal, and one more to widen the
//! search for activity.

mod facts;
mod find;
mod queries;
mod quote;
mod report;
mod rules;
mod shared;

pub use find::{Find, FindData};
pub use queries::{Blockers, BlockersData, NearbyActivity, NearbyActivityData};
pub use report::blockers;
pub(super) use shared::share;
