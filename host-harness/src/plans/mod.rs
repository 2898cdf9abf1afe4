//! Plans: proposals of a skill, which the host checks, previews, and performs once approved.
//!
//! A component returns a proposal. The host checks every step through the same gate as any other
//! request, asks the access policies about each record, stores the plan under its digest, and shows
//! what it will send. After approval it sends the stored bytes, in order, and asks the component
//! what the answers mean. The state on disk says at every moment what was sent.

mod advice;
mod approve;
mod authorize;
mod checks;
mod disclosure_log;
mod error;
mod facts;
mod known;
mod leaves;
mod lock;
mod outcome;
mod ownership;
mod perform;
pub mod plan;
pub mod preview;
mod preview_model;
mod query;
mod recent;
pub mod render_short;
pub mod render_text;
mod repeat;
mod replace;
mod report;
pub mod retention;
mod sends;
mod service;
mod state;
mod store;
mod telling;
mod validate;

pub use crate::proposal::{Proposal, Step};
pub use approve::REASON_MAX;
pub use error::{PlanError, StoreError};
pub use facts::{Disclosure, Facts, Person, Sends, Touched};
pub use known::{Known, RecordLabel};
pub use outcome::{PlanOutcome, StepOutcome};
pub use preview::Preview;
pub use replace::Editable;
pub use report::{Proposed, report};
pub use state::{PlanState, StepState};
pub use store::{Before, ProposalBasis, Store, StoredPlan};

pub use service::Plans;
pub(crate) use service::PlansParts;
