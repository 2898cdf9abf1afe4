//! Plans: what a skill proposes, what the host makes of it, and how it performs what was approved.
//!
//! A component returns a proposal; the host checks every step through the same gate that everything passes, asks the access
//! policies about each record, stores the whole under its digest, and shows what it will send. After approval it sends the
//! stored bytes, in order, and asks the component what the answers mean. What is on disk tells at every moment what was sent.

mod approve;
mod authorize;
mod disclosure_log;
mod error;
mod known;
mod leaves;
mod lock;
mod outcome;
mod ownership;
mod perform;
pub mod preview;
pub mod proposal;
mod query;
mod recent;
pub mod render_short;
pub mod render_text;
mod repeat;
pub mod retention;
mod sends;
mod state;
mod store;
mod telling;
mod vet;

pub use error::PlanError;
pub use known::{Known, Named};
pub use outcome::{Outcome, StepOutcome};

pub use preview::Preview;
pub use proposal::{Proposal, Step};
pub use sends::{Given, Person, Sends};
pub use state::{PlanState, StepState};
pub use store::{Before, Kept, Store, StoreError};
pub use vet::{Facts, Touched};

pub(crate) use lock::Locks;
pub(crate) use recent::Recent;
pub(crate) use vet::{Vetting, vet};
